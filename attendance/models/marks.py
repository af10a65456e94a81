"""The register: present marks, their history, refused attempts, and evidence.

Only `attendance.register` writes these tables. Database triggers (migration 0002) forbid changing or deleting a
`MarkEvent`.
"""

from uuid import UUID

from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified
from attendance.models.categories import Category

# Stands for the system itself where a mark has neither person, token nor device.
NOBODY = UUID(int=0)


class Source(models.TextChoices):
    """Where a mark came from. A mark by a person always takes precedence over one by the camera."""

    CAMERA = "camera", _("camera")
    GROUP = "group", _("group photo")
    TEACHER = "teacher", _("teacher")
    REVIEW = "review", _("review")
    KIOSK = "kiosk", _("kiosk")
    SIGNING = "signing", _("signing the register")
    API = "api", _("another system")
    ADMIN = "admin", _("office")

    @property
    def is_human(self) -> bool:
        return self not in {Source.CAMERA, Source.GROUP, Source.KIOSK}


class Mark(Identified):
    """The current mark of one student in one session. `code` is null where it was undone."""

    session = models.ForeignKey("Session", on_delete=models.PROTECT, related_name="marks")
    student = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="marks")
    code = models.ForeignKey("AttendanceCode", on_delete=models.PROTECT, related_name="+", null=True)
    source = models.CharField(max_length=10, choices=Source)
    marked_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+", null=True)
    first_seen_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    minutes_late = models.PositiveSmallIntegerField(null=True)
    left_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("mark")
        verbose_name_plural = _("marks")
        constraints = [
            models.UniqueConstraint(fields=["session", "student"], name="mark_once_per_session_and_student")
        ]
        indexes = [models.Index(fields=["student", "-changed_at"], name="mark_student_changed")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.student_id} {self.letter or '–'}"

    @property
    def letter(self) -> str | None:
        return None if self.code is None else self.code.letter


class MarkEvent(Identified):
    """One change of a mark: old and new code with letter and category as they were, who, why and when. Append-only."""

    mark = models.ForeignKey(Mark, on_delete=models.PROTECT, related_name="events")
    session = models.ForeignKey("Session", on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField()
    from_code = models.ForeignKey("AttendanceCode", on_delete=models.PROTECT, related_name="+", null=True)
    from_letter = models.CharField(max_length=2, blank=True, default="")
    from_category = models.CharField(max_length=20, choices=Category, blank=True, default="")
    to_code = models.ForeignKey("AttendanceCode", on_delete=models.PROTECT, related_name="+", null=True)
    to_letter = models.CharField(max_length=2, blank=True, default="")
    to_category = models.CharField(max_length=20, choices=Category, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    minutes_late = models.PositiveSmallIntegerField(null=True)
    left_at = models.DateTimeField(null=True)
    actor = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+", null=True)
    token = models.ForeignKey("ApiToken", on_delete=models.PROTECT, related_name="+", null=True)
    device = models.ForeignKey("Device", on_delete=models.PROTECT, related_name="+", null=True)
    source = models.CharField(max_length=10, choices=Source)
    reason = models.CharField(max_length=300, blank=True, default="")
    seen_at = models.DateTimeField()
    stored_at = models.DateTimeField()
    late_upload = models.BooleanField(default=False)
    nonce = models.CharField(max_length=64, null=True)

    class Meta:
        verbose_name = _("change of a mark")
        verbose_name_plural = _("changes of marks")
        ordering = ["stored_at", "id"]
        constraints = [
            models.UniqueConstraint(
                "source",
                "nonce",
                Coalesce("token", "device", "actor", Value(NOBODY)),
                name="mark_event_nonce_once",
            ),
            models.UniqueConstraint(fields=["mark", "revision"], name="mark_event_once_per_revision"),
        ]
        indexes = [
            models.Index(fields=["session", "stored_at"], name="mark_event_session"),
            models.Index(fields=["student", "stored_at"], name="mark_event_student"),
        ]

    def __str__(self) -> str:
        return f"{self.from_letter or '–'} → {self.to_letter or '–'}"


class Attempt(models.Model):
    """A count of refused, contradicting or repeated marks of a student, by source and reason."""

    class Reason(models.TextChoices):
        ALREADY_MARKED = "already_marked", _("already marked")
        CONTRADICTS = "contradicts", _("contradicts a mark made by a person")
        NOT_A_MEMBER = "not_a_member", _("not in this class")
        NO_CONSENT = "no_consent", _("no consent to face recognition")
        SESSION_CLOSED = "session_closed", _("the session is not open")
        REJECTED = "rejected", _("rejected: not this student")
        DOUBTFUL_CLOCK = "doubtful_clock", _("the device's clock is wrong")

    session = models.ForeignKey("Session", on_delete=models.PROTECT, related_name="attempts")
    student = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=10, choices=Source)
    reason = models.CharField(max_length=16, choices=Reason)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(
                fields=["session", "student", "source", "reason"], name="attempt_counted_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} × {self.count}"


class Evidence(Identified):
    """The evidence behind a mark by the camera. It is deleted after `expires_at`; the mark and its history stay.

    `distance` and `margin` are L2 distances between unit templates.
    """

    event = models.OneToOneField(MarkEvent, on_delete=models.PROTECT, related_name="evidence")
    crop = models.OneToOneField("Blob", on_delete=models.SET_NULL, related_name="evidence", null=True)
    distance = models.FloatField()
    margin = models.FloatField(null=True)
    confidence = models.FloatField(null=True)
    samples = models.PositiveSmallIntegerField()
    photographs = models.PositiveSmallIntegerField(default=0)
    camera = models.CharField(max_length=80, blank=True, default="")
    space = models.CharField(max_length=120)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")

    def __str__(self) -> str:
        return f"{self.distance:.2f} over {self.samples}"
