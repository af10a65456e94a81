"""A sitting of a class, and the letters that a register may hold."""

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified
from attendance.models.school import SchoolClass
from attendance.models.users import User


class AttendanceCode(models.Model):
    """A letter of the register and what it means; `status` is what the letter counts as."""

    class Status(models.TextChoices):
        PRESENT = "present", _("present")
        LATE = "late", _("late")
        ABSENT = "absent", _("absent")
        EXCUSED = "excused", _("excused")

    letter = models.CharField(_("letter"), max_length=2, primary_key=True)
    meaning = models.CharField(_("meaning"), max_length=80)
    status = models.CharField(_("counts as"), max_length=10, choices=Status)
    for_teachers = models.BooleanField(_("teachers may use it"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("attendance code")
        verbose_name_plural = _("attendance codes")
        ordering = ["position", "letter"]

    def __str__(self) -> str:
        return f"{self.letter} – {self.meaning}"


class SessionQuerySet(models.QuerySet["Session"]):
    def of_teacher(self, user: User, on: dt.date) -> Self:
        return self.filter(school_class__in=SchoolClass.objects.taught_by(user, on))


class Session(Identified):
    """A sitting of a class. `version` rises by one with every change of its register, under the row's lock."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    school_class = models.ForeignKey(
        SchoolClass, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("class")
    )
    title = models.CharField(_("title"), max_length=120, blank=True, default="")
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    date = models.DateField(_("day"), editable=False, help_text=_("In the school's own time zone."))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PLANNED, editable=False)
    opened_at = models.DateTimeField(null=True, editable=False)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="session_ends_after_it_starts",
                violation_error_message=_("It must end after it starts."),
            ),
            models.UniqueConstraint(
                fields=["school_class", "starts_at"],
                name="session_once_per_start",
                violation_error_message=_("This class has a session at that time already."),
            ),
        ]
        indexes = [
            models.Index(fields=["date", "school_class"], name="session_date_class"),
            models.Index(fields=["school_class", "-starts_at"], name="session_class_start"),
        ]

    def __str__(self) -> str:
        return f"{self.school_class}, {self.date}"

    @property
    def is_open(self) -> bool:
        return self.state == Session.State.OPEN
