"""Real faces of the test material: enrolled for students, and as frames of a camera."""

from __future__ import annotations

import numpy as np
from django.utils import timezone

from attendance.faces import enrolment
from attendance.models import Student
from recognition.engine.images.image import encode_jpeg
from tests import material
from tests.browser.camera import frames_of
from tests.world import World


def enrolled(school: World, student: Student) -> Student:
    """Enrol the photograph of the person in the film for a student."""
    verdict = enrolment.enrol(
        student_id=student.pk,
        data=material.film().photograph.read_bytes(),
        actor=school.registrar,
        now=timezone.now(),
    )
    assert verdict.accepted
    return student


def clip_frames(first: int, last: int, step: int = 1) -> list[bytes]:
    """Return frames of the film as JPEG."""
    images = frames_of(material.film().path)
    assert len(images) >= last
    return [encode_jpeg(np.asarray(image[..., ::-1]), 85) for image in images[first:last:step]]


def blank() -> bytes:
    """Return a frame with nobody in it."""
    return encode_jpeg(np.full((360, 640, 3), 90, np.uint8), 85)
