"""Real faces of the shared material: enrolled for students, and as frames of a camera."""

from __future__ import annotations

import cv2
import numpy as np
from django.utils import timezone

from attendance.faces import enrolment
from attendance.models import Student
from recognition.engine.images.image import encode_jpeg
from tests import material
from tests.world import World


def enrolled(school: World, folder: str, student: Student) -> Student:
    """The photographs of one person, enrolled for a student."""
    accepted = 0
    for path in material.people()[folder]:
        if path.name.startswith("partial"):
            continue
        verdict = enrolment.enrol(
            student_id=student.pk, data=path.read_bytes(), actor=school.registrar, now=timezone.now()
        )
        accepted += verdict.accepted
    assert accepted
    return student


def clip_frames(first: int, last: int, step: int = 1) -> list[bytes]:
    """Frames of the clip as JPEG."""
    film = cv2.VideoCapture(str(material.clip()))
    film.set(cv2.CAP_PROP_POS_FRAMES, first)
    frames = []
    for number in range(first, last):
        read, picture = film.read()
        assert read
        if (number - first) % step == 0:
            frames.append(encode_jpeg(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), 85))
    film.release()
    return frames


def blank() -> bytes:
    """A frame with nobody in it."""
    return encode_jpeg(np.full((360, 640, 3), 90, np.uint8), 85)
