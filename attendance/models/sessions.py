"""Sessions: single lessons or registrations of a class."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, ends_after_start


class Session(Identified):
    """One lesson or registration of a class. `date` is the school's own date at its start.

    `version` rises by one with every change of its register, under the row's lock. `slot` is the timetable slot from
    which the session was planned; a slot gives at most one session per date.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        OPEN = "open", _("open")
        SIGNED = "signed", _("signed")
        CANCELLED = "cancelled", _("cancelled")

    school_class = models.ForeignKey(
        "SchoolClass", on_delete=models.PROTECT, related_name="sessions", verbose_name=_("class")
    )
    title = models.CharField(_("title"), max_length=120, blank=True, default="")
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    date = models.DateField(_("day"), editable=False, help_text=_("In the school's own time zone."))
    slot = models.ForeignKey(
        "TimetableSlot", on_delete=models.SET_NULL, related_name="sessions", null=True, editable=False
    )
    room = models.ForeignKey(
        "Room", on_delete=models.SET_NULL, related_name="sessions", null=True, editable=False
    )
    changed_by_hand = models.BooleanField(default=False, editable=False)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PLANNED, editable=False)
    cancel_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    opened_at = models.DateTimeField(null=True, editable=False)
    opened_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    signed_at = models.DateTimeField(null=True, editable=False)
    signed_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    version = models.BigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-starts_at", "-id"]
        constraints = [
            ends_after_start("session_ends_after_it_starts"),
            models.UniqueConstraint(
                fields=["school_class", "starts_at"],
                name="session_once_per_start",
                violation_error_message=_("This class already has a session at that time."),
            ),
            models.UniqueConstraint(fields=["slot", "date"], name="session_once_per_slot_and_date"),
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

    @property
    def is_signed(self) -> bool:
        return self.state == Session.State.SIGNED

    @property
    def was_signed(self) -> bool:
        """Return whether the register was signed at least once: every later change needs a reason."""
        return self.signed_at is not None
