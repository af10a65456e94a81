"""Whether a face is good enough to be enrolled. One bad enrolment costs a whole year of doubtful mornings."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from recognition.engine.types import Face, Quality

MIN_EYE_DISTANCE = 30.0
"""Pixels between the eyes. The network's chip has 56 (FACTS.md: eyes at 46.8 and 102.8 of 150): below about half
of that most of what it sees is made up by enlarging. Face terminals ask for 40 (FIELD.md)."""
MIN_SHARPNESS = 20.0
"""Variance of the Laplacian of the grey chip. Gates in use elsewhere are 45 to 100 (FACTS.md), but half of LFW's press
photographs lie below 50 and are recognised; at 20 what is refused is visibly blurred."""
MIN_LIGHT, MAX_LIGHT = 0.10, 0.94
"""Mean grey of the chip; FACTS.md: 0.06 to 0.94 in use elsewhere, the darker end tightened for enrolment."""
EYES_IN_A_ROOM = 20.0
"""Pixels between the eyes in a live frame. Single pictures of 26 people of LFW are found as often at 20 as at 40 pixels
(three photographs each), two in three of those at 12, one in ten at 10. Enrolment asks for more: a year rests on it."""
MAX_YAW, MAX_PITCH, MAX_ROLL = 45.0, 45.0, 60.0
"""Degrees. FACTS.md: 45 in use elsewhere, and profiles lie at 0.40 to 0.50 from their owner, which is no evidence;
roll is undone by the alignment, so it only guards against a head lying on its side."""
MAX_OCCLUSION = 0.5
"""Half of the face hidden: what is left does not tell one person from the next."""
BESIDE_THE_EYES = 0.3
"""Of the distance between the eyes, from each eye to the picture's edge. A face reaches about 0.6 beyond an eye, so at
least half of that must be in the picture: detectors complete a half face from its other half, encoders cannot."""


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Why a face does not serve: a code for machines, a sentence that says what to do."""

    code: str
    message: str


def room_limits() -> dict[str, float]:
    """What a room is held against before the lesson, by the page itself: light and sharpness as of an enrolled face."""
    return {"dark": MIN_LIGHT, "bright": MAX_LIGHT, "sharp": MIN_SHARPNESS, "eyes": EYES_IN_A_ROOM}


def fault_of(face: Face, width: int) -> Fault | None:
    """The first thing that is wrong with a face for enrolment, or None. `width` of the picture, in pixels."""
    quality = face.quality
    turned = abs(quality.yaw) > MAX_YAW or abs(quality.pitch) > MAX_PITCH or abs(quality.roll) > MAX_ROLL
    faults = (
        (quality.eye_distance < MIN_EYE_DISTANCE, "too_small", _too_small(quality)),
        (quality.light < MIN_LIGHT, "too_dark", _("The face is too dark. Put light in front of it.")),
        (
            quality.light > MAX_LIGHT,
            "too_bright",
            _("The face is too bright. Turn it from the strong light."),
        ),
        (turned, "turned_away", _("The face is turned away. Look into the camera.")),
        (_cut_off(face, width), "hidden", _("The face is cut off by the picture's edge. Show all of it.")),
        (quality.occlusion > MAX_OCCLUSION, "hidden", _("Part of the face is hidden. Show all of it.")),
        (
            quality.sharpness < MIN_SHARPNESS,
            "blurred",
            _("The picture is blurred. Hold still, take another."),
        ),
    )
    return next((Fault(code, message) for wrong, code, message in faults if wrong), None)


def _cut_off(face: Face, width: int) -> bool:
    left, right = sorted((float(face.landmarks[0, 0]), float(face.landmarks[1, 0])))
    return min(left, width - right) < BESIDE_THE_EYES * face.quality.eye_distance


def _too_small(quality: Quality) -> str:
    message = _("The face is too small: %(found)d pixels between the eyes, %(needed)d are needed. Go nearer.")
    return message % {"found": round(quality.eye_distance), "needed": round(MIN_EYE_DISTANCE)}


def as_numbers(quality: Quality) -> dict[str, float]:
    """What is kept beside a photograph, rounded: it describes the picture, not the person."""
    return {
        "eye_distance": round(quality.eye_distance, 1),
        "sharpness": round(quality.sharpness, 1),
        "light": round(quality.light, 3),
        "yaw": round(quality.yaw, 1),
        "pitch": round(quality.pitch, 1),
        "roll": round(quality.roll, 1),
        "occlusion": round(quality.occlusion, 3),
        "score": round(quality.score, 3),
    }
