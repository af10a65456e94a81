"""Bodies: strict serializers, and dates within living memory."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from rest_framework import serializers

FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2199, 12, 31)
FIRST_MOMENT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LAST_MOMENT = dt.datetime(2199, 12, 31, tzinfo=dt.UTC)
FORM_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the name of a form field


class Strict(serializers.Serializer[Any]):
    """A body in which an unknown name is a fault: a misspelt or forbidden field is said, never dropped in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields and name != FORM_TOKEN]
            if unknown:
                message = _("Unknown or read-only field.")
                raise serializers.ValidationError(
                    {name[:80]: message for name in sorted(unknown)[:10]}, code="unknown_field"
                )
        return super().to_internal_value(data)


class DayField(serializers.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
            **kwargs,
        )


class MomentField(serializers.DateTimeField):
    """A moment; without an offset it is in the school's time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validators=[MinValueValidator(FIRST_MOMENT), MaxValueValidator(LAST_MOMENT)],
            **kwargs,
        )
