"""The school's calendar and timetable: years, terms, closures, periods, rooms and weekly slots."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, ends_after_start, last_day_not_before_first


class SchoolYear(Identified):
    """A school year. Classes belong to one, and names of classes are looked up within it."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))

    class Meta:
        verbose_name = _("school year")
        verbose_name_plural = _("school years")
        ordering = ["-starts_on"]
        constraints = [ends_after_start("school_year_ends_after_it_starts", "starts_on", "ends_on")]

    def __str__(self) -> str:
        return self.name


class Term(Identified):
    """A part of a school year. There are no sessions on the days of a `Closure`."""

    school_year = models.ForeignKey(SchoolYear, on_delete=models.CASCADE, related_name="terms")
    name = models.CharField(_("name"), max_length=40)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        ordering = ["starts_on"]
        constraints = [last_day_not_before_first("term_ends_after_it_starts")]

    def __str__(self) -> str:
        return f"{self.name} {self.school_year}"


class Closure(Identified):
    """Days on which the whole school has no sessions."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("holiday")
        TRAINING = "training", _("training day")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.HOLIDAY)
    name = models.CharField(_("name"), max_length=80)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["starts_on"]
        constraints = [last_day_not_before_first("closure_ends_after_it_starts")]

    def __str__(self) -> str:
        return f"{self.name}, {self.starts_on}"


class Period(Identified):
    """A lesson time of the day, in the school's time zone."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    starts_at = models.TimeField(_("starts"))
    ends_at = models.TimeField(_("ends"))
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("period")
        verbose_name_plural = _("periods")
        ordering = ["position", "starts_at"]
        constraints = [ends_after_start("period_ends_after_it_starts")]

    def __str__(self) -> str:
        return self.name


class Room(Identified):
    name = models.CharField(_("name"), max_length=80, unique=True)
    external_id = models.CharField(
        _("school's own number"), max_length=80, unique=True, null=True, blank=True
    )

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TimetableSlot(Identified):
    """A weekly lesson of one or more classes, or of a group of students, between two dates.

    `weekday` counts from 0, Monday.
    """

    class Week(models.TextChoices):
        EVERY = "every", _("every week")
        A = "a", _("week A")
        B = "b", _("week B")

    classes: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "SchoolClass", related_name="timetable_slots", verbose_name=_("classes")
    )
    students: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "Student", related_name="timetable_slots", blank=True, verbose_name=_("students")
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), validators=[MaxValueValidator(6)])
    week = models.CharField(_("week"), max_length=5, choices=Week, default=Week.EVERY)
    period = models.ForeignKey(
        Period, on_delete=models.PROTECT, related_name="slots", verbose_name=_("period")
    )
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="slots", null=True, blank=True)
    staff = models.ForeignKey("User", on_delete=models.PROTECT, related_name="slots", null=True, blank=True)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("timetable slot")
        verbose_name_plural = _("timetable slots")
        ordering = ["weekday", "period"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="slot_weekday_is_one_of_seven"),
            last_day_not_before_first("slot_ends_after_it_starts", may_be_open=True),
        ]

    def __str__(self) -> str:
        return f"{self.period}, {self.weekday}"
