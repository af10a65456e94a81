"""Attendance codes: the letters of a register and what they count as."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified
from attendance.models.categories import STATUS_OF, Category, OnPremises, Status


class AttendanceCodeQuerySet(models.QuerySet["AttendanceCode"]):
    def active(self) -> Self:
        """Return the codes that new marks may use."""
        return self.filter(active=True)


class AttendanceCode(Identified):
    """An attendance code. Letter, category and on-premises are fixed once a mark uses it."""

    letter = models.CharField(_("letter"), max_length=2)
    name = models.CharField(_("name"), max_length=80)
    category = models.CharField(_("counts as"), max_length=20, choices=Category)
    on_premises = models.CharField(
        _("on the premises"), max_length=7, choices=OnPremises, default=OnPremises.UNKNOWN
    )
    colour = models.CharField(_("colour"), max_length=20, blank=True, default="")
    for_teachers = models.BooleanField(_("teachers may use it"), default=True)
    shown_to_guardians = models.BooleanField(_("shown to guardians"), default=True)
    active = models.BooleanField(_("in use"), default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = AttendanceCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("attendance code")
        verbose_name_plural = _("attendance codes")
        ordering = ["position", "letter"]
        constraints = [
            models.UniqueConstraint(
                fields=["letter"],
                condition=Q(active=True),
                name="code_letter_once_in_use",
                violation_error_message=_("Another code in use has this letter."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.letter} – {self.name}"

    @property
    def status(self) -> Status:
        return STATUS_OF[self.category]

    @property
    def is_on_premises(self) -> bool:
        return self.on_premises == OnPremises.YES
