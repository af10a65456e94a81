"""Whether a face is good enough to be enrolled. One bad enrolment costs a whole year of doubtful mornings."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from recognition.engine.embedding.visibility import Visible
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
BESIDE_THE_EYES, ABOVE_THE_EYES, BELOW_THE_MOUTH, BELOW_THE_EYES = 0.3, 0.5, 0.4, 1.35
"""Of the distance between the eyes, to the picture's edges. A face reaches about 0.6 beyond an eye, 1.1 above the eyes
and 0.8 below the mouth, which is about 1 below the eyes, so at least half of that must be in the picture: detectors
complete a half face from its other half, encoders cannot."""

# Of `Quality.score`: of 400 upright pictures of LFW 3 lie below, of faces on their side or upside down 9 in 10.
MIN_SCORE = 0.4
# How much must be seen of the eyes, of each eye and of nose and mouth: how far the encoding moves when the part is
# covered, less a part of the share that shows no detail; and the largest such share. Of the pictures of LFW that pass
# the other gates 97 in 100 pass, of the good ones of faces/people all; bars, dark glasses and masks of one colour are
# refused in 96 of 100 pictures at least, a mask with folds in 79, a hand in 87.
MIN_EYES, EYES_FLATNESS, MAX_FLAT_EYES = 0.23, 0.4, 0.19
MIN_EYE, MAX_FLAT_EYE = 0.11, 0.35
MIN_MOUTH, MOUTH_FLATNESS, MAX_FLAT_MOUTH = 0.18, 0.3, 0.28


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Why a face does not serve: a code for machines, a sentence that says what to do."""

    code: str
    message: str


def room_limits() -> dict[str, float]:
    """What a room is held against before the lesson, by the page itself: light and sharpness as of an enrolled face."""
    return {"dark": MIN_LIGHT, "bright": MAX_LIGHT, "sharp": MIN_SHARPNESS, "eyes": EYES_IN_A_ROOM}


def doubtful(face: Face) -> bool:
    """Return whether detector and encoder are unsure of a face, or it is turned: it may lie on its side."""
    return face.quality.score < MIN_SCORE or _turned(face.quality)


def _turned(quality: Quality) -> bool:
    return abs(quality.yaw) > MAX_YAW or abs(quality.pitch) > MAX_PITCH or abs(quality.roll) > MAX_ROLL


def hidden(parts: Visible) -> Fault | None:
    """Return the first part of a face that is covered, or None."""
    eyes, mouth = parts.eyes, parts.mouth
    covered = eyes.weight - EYES_FLATNESS * eyes.flat < MIN_EYES or eyes.flat > MAX_FLAT_EYES
    one_eye = any(
        eye.weight < MIN_EYE or eye.flat > MAX_FLAT_EYE for eye in (parts.left_eye, parts.right_eye)
    )
    if covered or one_eye:
        return Fault(
            "hidden", _("The eyes are covered. Use a photo without dark glasses or hair over the eyes.")
        )
    if mouth.weight - MOUTH_FLATNESS * mouth.flat < MIN_MOUTH or mouth.flat > MAX_FLAT_MOUTH:
        return Fault("hidden", _("Nose or mouth is covered. Use a photo without mask or scarf."))
    return None


def fault_of(face: Face, shape: tuple[int, ...]) -> Fault | None:
    """Return the first thing that is wrong with a face for enrolment, or None. `shape`: the picture's height, width."""
    quality = face.quality
    faults = (
        (quality.eye_distance < MIN_EYE_DISTANCE, "too_small", _too_small(quality)),
        (
            quality.light < MIN_LIGHT,
            "too_dark",
            _("The face is too dark. Use a photo with more light from the front."),
        ),
        (
            quality.light > MAX_LIGHT,
            "too_bright",
            _("The face is too bright. Use a photo without strong light on the face."),
        ),
        (_turned(quality), "turned_away", _("The face is turned away. Use a photo from the front.")),
        (
            _cut_off(face, shape),
            "hidden",
            _("The face is cut off at the edge. Use a photo that shows all of it."),
        ),
        (
            quality.occlusion > MAX_OCCLUSION,
            "hidden",
            _("Part of the face is hidden. Use a photo that shows all of it."),
        ),
        (
            quality.sharpness < MIN_SHARPNESS,
            "blurred",
            _("Photo is blurred. Please use another."),
        ),
        (doubtful(face), "unsure", _("The face is not clear enough. Use another photo from the front.")),
    )
    return next((Fault(code, message) for wrong, code, message in faults if wrong), None)


def _cut_off(face: Face, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    eyes, mouth = face.landmarks[:2], face.landmarks[3:]
    room = (
        (min(float(eyes[:, 0].min()), width - float(eyes[:, 0].max())), BESIDE_THE_EYES),
        (float(eyes[:, 1].min()), ABOVE_THE_EYES),
        (height - float(mouth[:, 1].max()), BELOW_THE_MOUTH),
        # Where the mouth is cut off, detectors put it higher than it is.
        (height - float(eyes[:, 1].max()), BELOW_THE_EYES),
    )
    return any(pixels < needed * face.quality.eye_distance for pixels, needed in room)


def _too_small(quality: Quality) -> str:
    message = _(
        "The face is too small: %(found)d px between the eyes, %(needed)d needed. Use a closer photo."
    )
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
