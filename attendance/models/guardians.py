"""Guardians, and the keys with which a person's data are encrypted."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class Guardian(Identified):
    """A guardian of one or more students. Contact fields are encrypted; the keyed digest of the email finds the row."""

    students: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "Student", related_name="guardians", verbose_name=_("students")
    )
    name = models.CharField(_("name"), max_length=160)
    sealed_contact = models.BinaryField(null=True)
    email_digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    external_id = models.CharField(
        _("school's own number"), max_length=80, unique=True, null=True, blank=True
    )

    class Meta:
        verbose_name = _("guardian")
        verbose_name_plural = _("guardians")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class DataKey(models.Model):
    """The key of one student, guardian or session, encrypted with FACE_DATA_KEYS. Deleting the row erases the data."""

    student = models.OneToOneField("Student", on_delete=models.CASCADE, related_name="data_key", null=True)
    guardian = models.OneToOneField(Guardian, on_delete=models.CASCADE, related_name="data_key", null=True)
    session = models.OneToOneField("Session", on_delete=models.CASCADE, related_name="data_key", null=True)
    wrapped = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(student__isnull=False, guardian=None, session=None)
                | Q(student=None, guardian__isnull=False, session=None)
                | Q(student=None, guardian=None, session__isnull=False),
                name="data_key_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
