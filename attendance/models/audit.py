"""The audit record: who viewed, changed, exported or erased what. Append-only, without names, images or vectors."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class AuditEvent(Identified):
    """One action, written by `attendance.core.audit.record` in the transaction of the action itself."""

    at = models.DateTimeField(_("time"))
    actor = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, verbose_name=_("who")
    )
    action = models.CharField(_("action"), max_length=60)
    table = models.CharField(_("record type"), max_length=40)
    row = models.CharField(_("record ID"), max_length=40)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["table", "row", "-at"], name="audit_row"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.table} {self.row}"
