"""How large a detector sees a picture."""

from recognition.engine.detectors import LARGEST_SIDE, SMALLEST_SIDE
from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks.runtime import Runtime

# Without a scale: the detector's longer side for pictures up to a longer side, on a processor that
# computes in f32 alone, and where bf16 or a GPU makes pixels cheap (docs/engine.md has recall and times).
_F32 = ((800, 480), (1600, 640), (1 << 30, LARGEST_SIDE))
_FASTER = ((700, 480), (1100, 640), (1 << 30, LARGEST_SIDE))
# A hurried look takes the next smaller of these, or the smallest of all, for about half of the time, and finds as many
# faces from a tenth of the picture's side up (docs/engine.md). Canvases are made for them (`base.canvas_size`).
_COARSE = (640, 480)


def check_scale(scale: float | None) -> None:
    """Raise RuntimeUnavailable unless `scale` is None or a fraction above 0 and up to 4."""
    if scale is not None and not 0 < scale <= 4:
        msg = (
            f"FACE_DETECTION_SCALE is a fraction of the frame's longer side above 0 and up to 4, not {scale}"
        )
        raise RuntimeUnavailable(msg, extra={"scale": scale})


def detection_side(longer: int, scale: float | None, runtime: Runtime, *, reduced: bool = False) -> int:
    """The detector's longer side for a picture (or tile) whose own is `longer`, between 320 and 960.

    `scale` is FACE_DETECTION_SCALE, the one as a fraction of the other; None picks by size and device, and
    then alone `coarse` takes the next smaller size.
    """
    if scale is not None:
        return round(min(max(longer * scale, SMALLEST_SIDE), LARGEST_SIDE))
    slow = runtime.device == "cpu" and runtime.precision == "f32"
    side = min(longer, next(side for limit, side in (_F32 if slow else _FASTER) if longer <= limit))
    if reduced:
        side = next((smaller for smaller in _COARSE if smaller < side), SMALLEST_SIDE)
    return max(side, SMALLEST_SIDE)
