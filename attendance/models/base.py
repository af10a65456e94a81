"""What several tables share: a key that clients see, and constraints on starts and ends."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a UUIDv7: hard to guess, so that it may be shown, and ordered by time, so that indexes stay dense."""
    key: uuid.UUID = uuid7()
    return key


class Identified(models.Model):
    """A table whose rows clients see under a UUIDv7 key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


def ends_after_start(name: str, start: str = "starts_at", end: str = "ends_at") -> models.CheckConstraint:
    """Return a constraint of that name: the end is after the start."""
    return models.CheckConstraint(
        condition=Q(**{f"{end}__gt": F(start)}),
        name=name,
        violation_error_message=_("It must end after it starts."),
    )


def last_day_not_before_first(name: str, *, may_be_open: bool = False) -> models.CheckConstraint:
    """Return a constraint of that name: `ends_on` is `starts_on` or later, or with `may_be_open` null."""
    in_order = Q(ends_on__gte=F("starts_on"))
    return models.CheckConstraint(
        condition=Q(ends_on=None) | in_order if may_be_open else in_order,
        name=name,
        violation_error_message=_("It cannot end before it starts."),
    )
