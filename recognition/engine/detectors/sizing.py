"""The size at which a detector searches an image."""

from recognition.engine.detectors.base import LARGEST_SIDE, SMALLEST_SIDE
from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks.runtime import Runtime

# Without a scale: (limit, side) means that images whose longer side is up to `limit` are searched at `side` pixels. The
# first is for processors with f32 only, the second for those with bf16 and for GPUs, which compute more pixels in the
# same time.
_F32 = ((800, 480), (1600, 640), (1 << 30, LARGEST_SIDE))
_FASTER = ((700, 480), (1100, 640), (1 << 30, LARGEST_SIDE))
# Reduced detection uses the next smaller of these, or SMALLEST_SIDE, in about half the time, and finds as many faces
# from a tenth of the image's side up. `base.canvas_size` has canvases that fit them.
_REDUCED = (640, 480)


def check_scale(scale: float | None) -> None:
    """Raise RuntimeUnavailable unless `scale` is None or a fraction above 0 and up to 4."""
    if scale is not None and not 0 < scale <= 4:
        msg = (
            f"FACE_DETECTION_SCALE is a fraction of the frame's longer side above 0 and up to 4, not {scale}"
        )
        raise RuntimeUnavailable(msg, extra={"scale": scale})


def detection_side(longer: int, scale: float | None, runtime: Runtime, *, reduced: bool = False) -> int:
    """Return the longer side, from 320 to 960 pixels, at which to search an image or tile whose own is `longer`.

    `scale` is FACE_DETECTION_SCALE, the result as a fraction of `longer`. None chooses by size and device; only then
    `reduced` uses the next smaller size.
    """
    if scale is not None:
        return round(min(max(longer * scale, SMALLEST_SIDE), LARGEST_SIDE))
    slow = runtime.device == "cpu" and runtime.precision == "f32"
    side = min(longer, next(side for limit, side in (_F32 if slow else _FASTER) if longer <= limit))
    if reduced:
        side = next((smaller for smaller in _REDUCED if smaller < side), SMALLEST_SIDE)
    return max(side, SMALLEST_SIDE)
