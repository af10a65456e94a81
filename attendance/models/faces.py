"""What is kept of faces: encrypted images, and templates in a space."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class BlobManager(models.Manager["Blob"]):
    def get_queryset(self) -> models.QuerySet["Blob"]:
        # A list of rows must not load megabytes of images.
        return super().get_queryset().defer("sealed")


class Blob(Identified):
    """One encrypted face image. It is in the database, so that backups and erasure need no other store."""

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
    """An accepted enrolment photograph: the crop that is kept, its quality, and who added it.

    `content_hmac` is the keyed digest of the uploaded file, in hex.
    """

    student = models.ForeignKey(
        "Student", on_delete=models.PROTECT, related_name="photographs", verbose_name=_("student")
    )
    crop = models.OneToOneField(Blob, on_delete=models.PROTECT, related_name="photograph")
    content_hmac = models.CharField(max_length=64, editable=False)
    quality = models.JSONField(default=dict, editable=False)
    created_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
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
    """A space of templates: templates of different spaces cannot be compared.

    The active one is searched. A new one is built beside it and made active in one transaction.
    """

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
    """The encrypted 128 numbers of one photograph in one space. An imported template has no photograph."""

    student = models.ForeignKey("Student", on_delete=models.PROTECT, related_name="templates")
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
    """A photograph whose encoding the caches may hold for a day: its name in the cache, and its student.

    The encoding itself is not stored here. An entry of a cache is used only while this row exists
    (`attendance.faces.photograph_cache`).
    """

    name = models.CharField(max_length=64)
    student = models.ForeignKey("Student", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "student"], name="cached_encoding_once_per_student")
        ]

    def __str__(self) -> str:
        return self.name


class ConfusablePair(models.Model):
    """Two students whose templates are so close that the camera asks a person which of them it is."""

    first = models.ForeignKey("Student", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("Student", on_delete=models.CASCADE, related_name="+")
    distance = models.FloatField()
    overridden_by = models.ForeignKey("User", on_delete=models.PROTECT, related_name="+", null=True)
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
    """A known value encrypted with each key. It is decrypted at start, so that a wrong key is noticed before use."""

    key_id = models.CharField(max_length=16, unique=True)
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return self.key_id
