"""Faces that the camera could not name, and what a person decided.

Deleted when the register is signed, at the latest twelve hours after the session's end.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class Review(Identified):
    """An uncertain track that waits for a person: its crop, its template and the best one or two candidates.

    Distances are L2 between unit templates. `sealed_template` is encrypted.
    """

    class Verdict(models.TextChoices):
        WAITING = "waiting", _("waiting")
        STUDENT = "student", _("this student")
        NEITHER = "neither", _("neither")
        IGNORED = "ignored", _("ignored")

    session = models.ForeignKey("Session", on_delete=models.CASCADE, related_name="reviews")
    crop = models.OneToOneField("Blob", on_delete=models.SET_NULL, related_name="review", null=True)
    sealed_template = models.BinaryField(null=True)
    first = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+")
    first_distance = models.FloatField()
    second = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+", null=True)
    second_distance = models.FloatField(null=True)
    samples = models.PositiveSmallIntegerField()
    camera = models.CharField(max_length=80, blank=True, default="")
    track = models.PositiveIntegerField()
    seen_at = models.DateTimeField()
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.WAITING)
    decided_for = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+", null=True)
    decided_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(fields=["session", "camera", "track"], name="review_once_per_track")
        ]
        indexes = [models.Index(fields=["session", "verdict", "seen_at"], name="review_waiting")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.verdict}"


class RejectedMatch(Identified):
    """A face of which a person said that it is not this student; in this session it is not matched to them again."""

    session = models.ForeignKey("Session", on_delete=models.CASCADE, related_name="rejected_matches")
    student = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="+")
    sealed_template = models.BinaryField()
    rejected_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+", null=True)
    rejected_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["session", "rejected_at"], name="rejected_match_session")]

    def __str__(self) -> str:
        return f"{self.session_id} not {self.student_id}"
