"""Data of every kind that show or describe a face."""

from __future__ import annotations

from attendance import register
from attendance.models import Blob, RejectedMatch, Review, Source
from attendance.register import MatchEvidence
from recognition.engine.types import SPACE
from tests.world import World, photograph, vector


def add_face_data(world: World) -> None:
    """Add a photograph, a mark with evidence, a review and a rejected match of Ann."""
    photograph(world.ann, vector(1))
    seen = MatchEvidence(0.3, 0.1, 0.9, 4, 1, SPACE, "back", b"a crop")
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.CAMERA,
            actor=None,
            now=world.now,
            evidence=seen,
        )
    )
    crop = Blob.objects.create(kind=Blob.Kind.REVIEW, sealed=b"x")
    Review.objects.create(
        session=world.session,
        crop=crop,
        first=world.bea,
        first_distance=0.3,
        second=world.ann,
        samples=2,
        track=1,
        seen_at=world.now,
    )
    RejectedMatch.objects.create(
        session=world.session, student=world.ann, sealed_template=b"x", rejected_at=world.now
    )
