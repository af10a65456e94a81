"""What is kept of faces: encrypted pictures, and templates in a space."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified
from attendance.models.students import Student
from attendance.models.users import User


class BlobManager(models.Manager["Blob"]):
    def get_queryset(self) -> models.QuerySet["Blob"]:
        # A list of rows must never drag megabytes of pictures along.
        return super().get_queryset().defer("sealed")


class Blob(Identified):
    """One face picture, encrypted; its owner's deletion takes it along, so erasure and backup need nothing else."""

    class Kind(models.TextChoices):
        ENROLMENT = "enrolment"
        EVIDENCE = "evidence"
        REVIEW = "review"

    kind = models.CharField(max_length=10, choices=Kind)
    content_type = models.CharField(max_length=40, default="image/jpeg")
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BlobManager()

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Photograph(Identified):
    """An enrolment photograph that was accepted: the crop that was taken, its quality, and who brought it."""

    student = models.ForeignKey(
        Student, on_delete=models.PROTECT, related_name="photographs", verbose_name=_("student")
    )
    crop = models.OneToOneField(Blob, on_delete=models.PROTECT, related_name="photograph")
    content_hmac = models.CharField(max_length=64, editable=False)
    quality = models.JSONField(default=dict, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["student", "content_hmac"], name="photograph_once_per_student")
        ]

    def __str__(self) -> str:
        return f"{self.student}, {self.created_at:%Y-%m-%d}"


class Space(models.Model):
    """A space of templates; the active one is searched, a new one is built aside and swapped in one transaction."""

    name = models.CharField(max_length=120, unique=True)
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=models.Q(active=True), name="space_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Template(Identified):
    """The encrypted 128 numbers of one photograph in one space; an imported template has no photograph."""

    student = models.ForeignKey(Student, on_delete=models.PROTECT, related_name="templates")
    photograph = models.ForeignKey(Photograph, on_delete=models.CASCADE, related_name="templates", null=True)
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="templates")
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["photograph", "space"], name="template_once_per_photograph_and_space"
            )
        ]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.space}"


class CachedEncoding(models.Model):
    """A picture whose encoding the caches may hold for a day: under which name, and for whom it was brought.

    The encoding itself is not here. Without its row an entry of the caches serves nowhere
    (`attendance.faces.photograph_cache`).
    """

    name = models.CharField(max_length=64)
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "student"], name="cached_encoding_once_per_student")
        ]

    def __str__(self) -> str:
        return self.name


class ConfusablePair(models.Model):
    """Two students whose templates lie so close that the camera alone may not tell them apart."""

    first = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+")
    distance = models.FloatField()
    overridden_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("confusable pair")
        verbose_name_plural = _("confusable pairs")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="confusable_pair_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="confusable_pair_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} / {self.second}"


class KeyCheck(models.Model):
    """A known sentence under each key: decrypted at start, so that a wrong key is found before it does harm."""

    key_id = models.CharField(max_length=16, unique=True)
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return self.key_id
