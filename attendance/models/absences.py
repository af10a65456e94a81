"""Absences that are known in advance."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, ends_after_start


class PlannedAbsence(Identified):
    """An absence of a student between two times, with the attendance code that the register then shows."""

    student = models.ForeignKey(
        "Student", on_delete=models.PROTECT, related_name="planned_absences", verbose_name=_("student")
    )
    code = models.ForeignKey(
        "AttendanceCode", on_delete=models.PROTECT, related_name="+", verbose_name=_("code")
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    reported_by = models.CharField(_("reported by"), max_length=160, blank=True, default="")
    recorded_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("planned absence")
        verbose_name_plural = _("planned absences")
        ordering = ["-starts_at"]
        constraints = [ends_after_start("planned_absence_ends_after_it_starts")]
        indexes = [models.Index(fields=["student", "starts_at", "ends_at"], name="planned_absence_times")]

    def __str__(self) -> str:
        return f"{self.student}, {self.starts_at:%Y-%m-%d}"
