"""Signatures: what a person signed, and who opened a register again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class SignatureManager(models.Manager["Signature"]):
    def get_queryset(self) -> models.QuerySet["Signature"]:
        # A list of signatures must not load the registers.
        return super().get_queryset().defer("snapshot")


class Signature(Identified):
    """A register as it was when a person signed it or opened it again. Append-only (migration 0002).

    `hmac` is the keyed digest of session, version, act, person, time, reason and snapshot, in hex.
    """

    class Act(models.TextChoices):
        SIGNED = "signed", _("signed")
        REOPENED = "reopened", _("reopened")

    session = models.ForeignKey("Session", on_delete=models.PROTECT, related_name="signatures")
    act = models.CharField(_("act"), max_length=8, choices=Act)
    version = models.BigIntegerField()
    signed_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    snapshot = models.JSONField()
    hmac = models.CharField(max_length=64)

    objects = SignatureManager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "version"], name="signature_once_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.act} {self.version}"
