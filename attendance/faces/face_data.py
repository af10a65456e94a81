"""Deletion of everything that is kept of a student's face: photographs, templates, evidence crops and reviews."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from attendance.faces import confusable_pairs, gallery_versions, photograph_cache, photographs
from attendance.models import Blob, Evidence, Photograph, RejectedMatch, Review


@dataclass(frozen=True, slots=True, eq=False)
class DeletedFaceData:
    """How much of a student's face data was deleted."""

    photographs: int
    evidence_crops: int
    reviews: int


def delete_face_data(student_id: UUID) -> DeletedFaceData:
    """Delete a student's face data in the caller's transaction, after `gallery_versions.lock_school`.

    Distances of evidence stay, without the crop. After COMMIT no gallery and no cache holds the student's templates.
    """
    photograph_count = photographs.delete_rows(Photograph.objects.filter(student=student_id))
    photograph_cache.delete_of_student(student_id)
    crop_count = Blob.objects.filter(evidence__event__student=student_id).delete()[0]
    Evidence.objects.filter(event__student=student_id).update(crop=None)
    review_count = _delete_reviews(student_id)
    RejectedMatch.objects.filter(student=student_id).delete()
    confusable_pairs.update_pairs(student_id)
    gallery_versions.raise_versions([student_id])
    return DeletedFaceData(photograph_count, crop_count, review_count)


def _delete_reviews(student_id: UUID) -> int:
    """Delete reviews of faces that may be this student's: as a candidate, or because a person said so."""
    reviews = Review.objects.filter(Q(first=student_id) | Q(second=student_id) | Q(decided_for=student_id))
    crops = list(reviews.exclude(crop=None).values_list("crop", flat=True))
    count = reviews.delete()[0]
    Blob.objects.filter(pk__in=crops).delete()
    return count
