"""Classes, who teaches them, and the settings of the school."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, last_day_not_before_first

if TYPE_CHECKING:
    from attendance.models.users import User


class SchoolClassQuerySet(models.QuerySet["SchoolClass"]):
    def taught_by(self, user: User, on: dt.date) -> Self:
        """Return the classes that `user` teaches on a day, as teacher, assistant or substitute."""
        return self.filter(teachings__in=Teaching.objects.filter(user=user).on(on)).distinct()

    def raise_gallery_version(self) -> int:
        """Raise the versions, in the transaction that changes a template, membership or consent of these classes."""
        return self.update(gallery_version=F("gallery_version") + 1)


class SchoolClass(Identified):
    """The students who are expected together. Their templates are one gallery, which `gallery_version` counts."""

    name = models.CharField(_("name"), max_length=80)
    school_year = models.ForeignKey(
        "SchoolYear",
        on_delete=models.PROTECT,
        related_name="classes",
        null=True,
        blank=True,
        verbose_name=_("school year"),
    )
    year_group = models.CharField(_("year group"), max_length=20, blank=True, default="")
    external_id = models.CharField(
        _("school's own number"), max_length=80, unique=True, null=True, blank=True
    )
    room = models.ForeignKey(
        "Room",
        on_delete=models.SET_NULL,
        related_name="classes",
        null=True,
        blank=True,
        verbose_name=_("room"),
    )
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    gallery_version = models.BigIntegerField(default=0, editable=False)

    objects = SchoolClassQuerySet.as_manager()

    class Meta:
        verbose_name = _("class")
        verbose_name_plural = _("classes")
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["school_year", "name"], name="class_year_name")]

    def __str__(self) -> str:
        return self.name


class TeachingQuerySet(models.QuerySet["Teaching"]):
    def on(self, day: dt.date) -> Self:
        return self.filter(starts_on__lte=day).filter(Q(ends_on=None) | Q(ends_on__gte=day))


class Teaching(Identified):
    """A person teaches a class between two dates. This gives the right to see its faces and to mark."""

    class Kind(models.TextChoices):
        TEACHER = "teacher", _("teacher")
        SUBSTITUTE = "substitute", _("substitute")
        ASSISTANT = "assistant", _("assistant")

    user = models.ForeignKey(
        "User", on_delete=models.CASCADE, related_name="teachings", verbose_name=_("user")
    )
    school_class = models.ForeignKey(
        SchoolClass, on_delete=models.CASCADE, related_name="teachings", verbose_name=_("class")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.TEACHER)
    starts_on = models.DateField(_("from"), default=timezone.localdate)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    external_id = models.CharField(max_length=80, unique=True, null=True, editable=False)

    objects = TeachingQuerySet.as_manager()

    class Meta:
        verbose_name = _("teaching")
        verbose_name_plural = _("teaching")
        constraints = [
            last_day_not_before_first("teaching_ends_after_it_starts", may_be_open=True),
            models.UniqueConstraint(
                fields=["user", "school_class", "starts_on"], name="teaching_unique_per_start"
            ),
        ]
        indexes = [models.Index(fields=["user", "starts_on", "ends_on"], name="teaching_user_dates")]

    def __str__(self) -> str:
        return f"{self.user} – {self.school_class}"


def _code(label: Any) -> Any:
    """Return a field that holds the attendance code chosen for a case."""
    return models.ForeignKey(
        "AttendanceCode",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=label,
    )


class SchoolSettings(models.Model):
    """The settings of the school, one row that the office changes in the admin."""

    name = models.CharField(_("name of the school"), max_length=120, default="", blank=True)
    late_after_minutes = models.PositiveSmallIntegerField(
        _("late after (minutes)"), default=10, validators=[MaxValueValidator(240)]
    )
    closes_after_minutes = models.PositiveSmallIntegerField(
        _("register closes after (minutes)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(240)],
        help_text=_(
            "Students who arrive later are late after the register closed. Empty: it does not close."
        ),
    )
    afternoon_from = models.TimeField(_("afternoon starts at"), default=dt.time(12))
    arrived_morning = _code(_("arrived in the morning"))
    arrived_afternoon = _code(_("arrived in the afternoon"))
    arrived_late = _code(_("late"))
    arrived_after_closing = _code(_("late after the register closed"))
    not_seen = _code(_("not seen"))
    evidence_days = models.PositiveSmallIntegerField(
        _("days that evidence pictures are kept"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    visitors_shown = models.BooleanField(
        _("ask about students of other classes"),
        default=False,
        help_text=_("Search the whole school for unrecognised faces. Asks the teacher; never marks."),
    )
    consent_version = models.CharField(_("version of the consent form"), max_length=20, default="1")
    school_gallery_version = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("school settings")
        verbose_name_plural = _("school settings")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="school_settings_are_one_row")]

    def __str__(self) -> str:
        return self.name or str(_("School settings"))

    @classmethod
    def load(cls) -> SchoolSettings:
        return cls.objects.get_or_create(id=1)[0]
