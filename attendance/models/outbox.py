"""Messages to other systems and to people: events, webhooks and notices."""

from django.db import models
from django.db.models import Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class TransactionId(Func):
    """The id of the writing transaction, a 64-bit number that never wraps."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class OutboxEvent(models.Model):
    """A change of a row: its kind, key and version. The data to send are read when they are sent.

    Readers stop at `pg_snapshot_xmin(pg_current_snapshot())`, so that they do not skip a transaction that commits late.
    """

    kind = models.CharField(max_length=40)
    key = models.UUIDField()
    version = models.BigIntegerField()
    transaction = models.BigIntegerField(db_default=TransactionId(), editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["transaction", "id"], name="outbox_order"),
            models.Index(fields=["created_at"], name="outbox_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.version}"


class WebhookEndpoint(Identified):
    """The address of another system that receives events. Requests are signed with its secret."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    url = models.URLField(_("address"), max_length=500)
    sealed_secret = models.BinaryField()
    kinds = models.JSONField(default=list)
    active = models.BooleanField(_("in use"), default=True)
    created_by = models.ForeignKey("User", on_delete=models.SET_NULL, related_name="+", null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(Identified):
    """One event for one endpoint, sent again until it was received."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=40)
    key = models.UUIDField()
    version = models.BigIntegerField()
    attempt = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "kind", "key", "version"], name="webhook_delivery_once"
            )
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(delivered_at=None), name="webhook_delivery_due")
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.kind} {self.key}"


class Notice(Identified):
    """A message about a row to a guardian or a user, sent once."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    kind = models.CharField(max_length=40)
    key = models.UUIDField()
    guardian = models.ForeignKey("Guardian", on_delete=models.CASCADE, related_name="notices", null=True)
    user = models.ForeignKey("User", on_delete=models.CASCADE, related_name="notices", null=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key", "guardian"], name="notice_once_per_guardian"),
            models.UniqueConstraint(fields=["kind", "key", "user"], name="notice_once_per_user"),
            models.CheckConstraint(
                condition=Q(guardian=None, user__isnull=False) | Q(guardian__isnull=False, user=None),
                name="notice_has_one_recipient",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
