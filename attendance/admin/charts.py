"""Bars for a page: what an SVG of the server's own needs to be drawn, as text that no language changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 360
"""Units of the drawing; a phone shows one unit as about one pixel, so its text keeps its size."""
ROW: Final = 36
BAR: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Bar:
    """One line of a chart: what it is, the amount as people read it, and lengths and places in units.

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
        """Whether there is anything to see."""
        return any(float(bar.outer) for bar in self.bars)


def chart(rows: Sequence[tuple[Any, str, float, float]]) -> Chart:
    """Of rows (label, value as text, amount, inner amount). Amounts are not negative."""
    largest = max((amount for _, _, amount, _ in rows), default=0.0) or 1.0
    bars = tuple(
        Bar(label, value, _units(outer / largest), _units(inner / largest), at * ROW + 14, at * ROW + BAR)
        for at, (label, value, outer, inner) in enumerate(rows)
    )
    return Chart(bars, len(rows) * ROW)


def _units(share: float) -> str:
    """With a point whatever the language, and wide enough to be seen if there is anything at all."""
    return f"{max(share * WIDTH, 1.0 if share else 0.0):.1f}"
