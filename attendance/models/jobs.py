"""Work that takes longer than a request. The row holds its state; a message to Celery only starts a worker."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class Job(Identified):
    """A piece of work, written in the caller's transaction. A worker that died is noticed by its old heartbeat."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("kind"), max_length=40)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    payload = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    progress = models.PositiveIntegerField(_("done so far"), default=0)
    total = models.PositiveIntegerField(_("in all"), default=0)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    created_by = models.ForeignKey("User", on_delete=models.SET_NULL, related_name="+", null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state__in=["waiting", "running"]), name="job_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
