"""Checks whether a face is good enough for enrolment, since a bad photograph causes errors for a whole year."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from recognition.engine.embedding.visibility import Visible
from recognition.engine.types import Face, Quality

# Pixels between the eyes. In the chip that the network gets there are 56 (at 46.8 and 102.8 of 150), so below about
# half of that most of the chip is interpolated. Face terminals commonly ask for 40.
MIN_EYE_DISTANCE = 30.0
# Variance of the Laplacian of the grey chip. Other systems use limits of 45 to 100, but half of LFW's press photographs
# are below 50 and are recognised; what is below 20 is visibly blurred.
MIN_SHARPNESS = 20.0
# Mean grey of the chip, 0 to 1. Other systems use 0.06 to 0.94; the darker limit is stricter for enrolment.
MIN_LIGHT, MAX_LIGHT = 0.10, 0.94
# Pixels between the eyes in a live frame. Single images of 26 people of LFW (three photographs each) are recognised as
# often at 20 as at 40 pixels, two in three of those at 12, one in ten at 10.
MIN_LIVE_EYE_DISTANCE = 20.0
# Degrees. Profiles are at distances of 0.40 to 0.50 from frontal photographs of the same person, which is no evidence.
# Alignment undoes roll, so its limit only excludes a head lying on its side.
MAX_YAW, MAX_PITCH, MAX_ROLL = 45.0, 45.0, 60.0
# Share of the face. With half of it covered, the rest does not distinguish people.
MAX_OCCLUSION = 0.5
# The least distance to the edges of the image, in distances between the eyes: beside and above the eyes, below mouth
# and eyes. A face reaches about 0.6 beyond an eye, 1.1 above the eyes and 0.8 below the mouth, which is about 1 below
# the eyes; at least half of that must be in the image. Detectors complete a half face, encoders cannot.
BESIDE_THE_EYES, ABOVE_THE_EYES, BELOW_THE_MOUTH, BELOW_THE_EYES = 0.3, 0.5, 0.4, 1.35

# The least `Quality.score`. Of 400 upright photographs of LFW 3 are below, of faces on their side or upside down 9 in
# 10.
MIN_SCORE = 0.4
# How much of both eyes, of each eye, and of nose and mouth must be visible: `weight`, how far the encoding moves when
# the part is covered, minus a fraction of `flat`, the share of the part without detail; and the largest `flat`. Of the
# photographs of LFW that pass the other checks 97 in 100 pass. Bars, dark glasses and masks of one colour are refused
# in at least 96 of 100 photographs, a mask with folds in 79, a hand in 87.
MIN_EYES, EYES_FLATNESS, MAX_FLAT_EYES = 0.23, 0.4, 0.19
MIN_EYE, MAX_FLAT_EYE = 0.11, 0.35
MIN_MOUTH, MOUTH_FLATNESS, MAX_FLAT_MOUTH = 0.18, 0.3, 0.28


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Why a face is refused: a code for programs, and a message that says what to do."""

    code: str
    message: str


def live_limits() -> dict[str, float]:
    """Return the limits with which the live page checks light, sharpness and distance before a session."""
    return {"dark": MIN_LIGHT, "bright": MAX_LIGHT, "sharp": MIN_SHARPNESS, "eyes": MIN_LIVE_EYE_DISTANCE}


def doubtful(face: Face) -> bool:
    """Return whether a face is uncertain or turned away, as it is where the image lies on its side."""
    return face.quality.score < MIN_SCORE or _turned(face.quality)


def _turned(quality: Quality) -> bool:
    return abs(quality.yaw) > MAX_YAW or abs(quality.pitch) > MAX_PITCH or abs(quality.roll) > MAX_ROLL


def find_covered_part(parts: Visible) -> Fault | None:
    """Return the fault of the first part of a face that is covered, or None."""
    eyes, mouth = parts.eyes, parts.mouth
    eyes_covered = eyes.weight - EYES_FLATNESS * eyes.flat < MIN_EYES or eyes.flat > MAX_FLAT_EYES
    one_eye_covered = any(
        eye.weight < MIN_EYE or eye.flat > MAX_FLAT_EYE for eye in (parts.left_eye, parts.right_eye)
    )
    if eyes_covered or one_eye_covered:
        return Fault(
            "hidden", _("The eyes are covered. Use a photo without dark glasses or hair over the eyes.")
        )
    if mouth.weight - MOUTH_FLATNESS * mouth.flat < MIN_MOUTH or mouth.flat > MAX_FLAT_MOUTH:
        return Fault("hidden", _("Nose or mouth is covered. Use a photo without mask or scarf."))
    return None


def find_fault(face: Face, shape: tuple[int, ...]) -> Fault | None:
    """Return the first fault of a face, or None. `shape` is height and width of the image, in pixels."""
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
    return next((Fault(code, message) for failed, code, message in faults if failed), None)


def _cut_off(face: Face, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    eyes, mouth = face.landmarks[:2], face.landmarks[3:]
    margins = (
        (min(float(eyes[:, 0].min()), width - float(eyes[:, 0].max())), BESIDE_THE_EYES),
        (float(eyes[:, 1].min()), ABOVE_THE_EYES),
        (height - float(mouth[:, 1].max()), BELOW_THE_MOUTH),
        # Where the mouth is cut off, detectors place it higher than it is.
        (height - float(eyes[:, 1].max()), BELOW_THE_EYES),
    )
    return any(pixels < needed * face.quality.eye_distance for pixels, needed in margins)


def _too_small(quality: Quality) -> str:
    message = _(
        "The face is too small: %(found)d px between the eyes, %(needed)d needed. Use a closer photo."
    )
    return message % {"found": round(quality.eye_distance), "needed": round(MIN_EYE_DISTANCE)}


def as_numbers(quality: Quality) -> dict[str, float]:
    """Return the rounded numbers that are stored with a photograph. They describe the image, not the person."""
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
