"""Bar charts as SVG: lengths and positions as text that does not depend on the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

# Units of the drawing. A phone shows one unit as about one pixel, so that text keeps its size.
WIDTH: Final = 360
# Height of a row, and where its bar begins.
ROW: Final = 36
BAR: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Bar:
    """One bar: label, value as text, and lengths and positions in units.

    `inner` is a second, shorter bar within the first, 0 where there is none.
    """

    label: Any
    value: str
    outer: str
    inner: str
    text_y: int
    bar_y: int


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Bars on one scale, the longest as wide as the drawing."""

    bars: tuple[Bar, ...]
    height: int
    width: int = WIDTH

    def __bool__(self) -> bool:
        """Return whether any bar is longer than 0."""
        return any(float(bar.outer) for bar in self.bars)


def chart(rows: Sequence[tuple[Any, str, float, float]]) -> Chart:
    """Return the chart of rows (label, value as text, amount, inner amount). Amounts are not negative."""
    largest = max((amount for _, _, amount, _ in rows), default=0.0) or 1.0
    bars = tuple(
        Bar(label, value, _units(outer / largest), _units(inner / largest), at * ROW + 14, at * ROW + BAR)
        for at, (label, value, outer, inner) in enumerate(rows)
    )
    return Chart(bars, len(rows) * ROW)


def _units(share: float) -> str:
    """Return a length with a decimal point, at least 1 where the share is not 0."""
    return f"{max(share * WIDTH, 1.0 if share else 0.0):.1f}"
