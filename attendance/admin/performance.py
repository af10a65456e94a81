"""How long recognition takes and what came of it: the figures of /metrics, as a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from attendance.admin.charts import Chart, chart
from attendance.admin.pages import page
from attendance.admin.site import site
from recognition.telemetry import metrics
from recognition.telemetry.monitor import Figures, Stage

Words = Mapping[str, Any]

OF_A_FRAME: Final[Words] = {
    "queue": gettext_lazy("Queue"),
    "decode": gettext_lazy("Decoding"),
    "detect": gettext_lazy("Finding faces"),
    "align": gettext_lazy("Aligning faces"),
    "encode": gettext_lazy("Encoding faces"),
    "match": gettext_lazy("Searching the class"),
    "total": gettext_lazy("From arrival to result"),
}
STAGES: Final[Words] = {
    **OF_A_FRAME,
    "gallery_build": gettext_lazy("Building a gallery"),
    "cache": gettext_lazy("Writing to Redis"),
}
FRAMES: Final[Words] = {
    "frames": gettext_lazy("Received"),
    "no_motion": gettext_lazy("No movement, nobody in view"),
    "reduced": gettext_lazy("Reduced-size detection"),
    "dropped": gettext_lazy("Dropped for newer frame"),
    "late": gettext_lazy("Too late, not analysed"),
    "bad_frames": gettext_lazy("Not an image"),
    "failed": gettext_lazy("Failed"),
    "unavailable": gettext_lazy("Searches while the database was unavailable"),
}
MARKS: Final[Words] = {
    "marks": gettext_lazy("Marks written"),
    "marks_already": gettext_lazy("Already marked"),
    "marks_refused": gettext_lazy("Refused"),
    "reviews": gettext_lazy("Sent to review"),
}
CACHES: Final[Words] = {
    "recognition_hits": gettext_lazy("Searches answered from the cache"),
    "recognition_misses": gettext_lazy("Searches made"),
    "encoding_hits": gettext_lazy("Photos from the cache"),
    "encoding_misses": gettext_lazy("Photos encoded"),
    "encoding_refused": gettext_lazy("Encodings rejected and made again"),
    "gallery_loaded": gettext_lazy("Galleries from Redis"),
    "gallery_built": gettext_lazy("Galleries built"),
    "gallery_refused": gettext_lazy("Galleries rejected and built again"),
    "cache_faults": gettext_lazy("Redis did not respond"),
}
GAUGES: Final[Words] = {
    "cameras": gettext_lazy("cameras connected"),
    "waiting": gettext_lazy("frames waiting"),
    "galleries": gettext_lazy("galleries in memory"),
    "gallery_age_seconds": gettext_lazy("minutes since the oldest gallery was built"),
}
HELD: Final[Words] = {
    "recognitions": gettext_lazy("Searches in the cache"),
    "encodings": gettext_lazy("Encoded photos"),
    "encoding_bytes": gettext_lazy("Encoded photos, size"),
    "gallery_bytes": gettext_lazy("Galleries, size"),
    "encoding_bytes_sent": gettext_lazy("Encoded photos sent to Redis, size"),
}
MINUTE: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A stage in the table; milliseconds."""

    name: str
    label: Any
    count: str
    stage: Stage
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Counters that belong together: a chart, and the same as (label, count)."""

    key: str
    title: str
    chart: Chart
    rows: Sequence[tuple[Any, str]]


@require_safe
def performance(request: HttpRequest) -> HttpResponse:
    """All processes summed, then each. Who may enter is asked at the admin's door."""
    found = metrics.gather()
    total = found.total
    lines = lines_of(total)
    return page(
        request,
        "admin/rollcall/performance.html",
        title=_("Performance"),
        alone=found.partial,
        gauges=gauges_of(total),
        lines=lines,
        stages=stages_chart(lines),
        panels=panels_of(total),
        held=held_of(total),
        processes=[(name, lines_of(each), gauges_of(each)) for name, each in sorted(found.processes.items())],
    )


def lines_of(figures: Figures) -> list[Line]:
    """The stages that were measured, in the order of the pipeline, then any others."""
    order = [*STAGES, *sorted(figures.stages.keys() - STAGES.keys())]
    measured = [(name, figures.stages[name]) for name in order if name in figures.stages]
    return [
        Line(
            name,
            STAGES.get(name, name),
            _whole(stage.count),
            stage,
            *(stage.percentile(share) for share in (0.5, 0.95, 0.99)),
        )
        for name, stage in measured
        if stage.count
    ]


def stages_chart(lines: Sequence[Line]) -> Chart:
    """What a frame passes: 95 of 100 take no longer than the outer bar, half no longer than the inner one."""
    return chart(
        [
            (line.label, f"{milliseconds(line.p50)} · {milliseconds(line.p95)} ms", line.p95, line.p50)
            for line in lines
            if line.name in OF_A_FRAME
        ]
    )


def panels_of(figures: Figures) -> list[Panel]:
    """Every counter, those that nobody gave a name under their own."""
    groups: list[tuple[str, str, Words]] = [
        ("frames", _("Frames"), FRAMES),
        ("marks", _("Marks"), MARKS),
        ("caches", _("Caches"), CACHES),
    ]
    named = {*HELD, *(name for _key, _title, words in groups for name in words)}
    others = {
        name: name.replace("_", " ")
        for name, count in figures.counters.items()
        if count and name not in named
    }
    if others:
        groups.append(("others", _("Others"), others))
    return [_panel(key, title, words, figures) for key, title, words in groups]


def _panel(key: str, title: str, words: Words, figures: Figures) -> Panel:
    counted = [(label, figures.counters[name]) for name, label in words.items() if name in figures.counters]
    rows = [(label, _whole(count)) for label, count in counted]
    drawn = chart([(label, _whole(count), float(count), 0.0) for label, count in counted])
    return Panel(key, title, drawn, rows)


def gauges_of(figures: Figures) -> list[tuple[Any, str]]:
    """What is so at this moment, as (label, number)."""
    found = []
    for name, label in GAUGES.items():
        amount = figures.gauges.get(name, 0.0)
        shown = amount / MINUTE if name.endswith("_seconds") else amount
        found.append((label, _whole(round(shown))))
    return found


def held_of(figures: Figures) -> list[tuple[Any, str]]:
    """What the caches hold, as (label, number or size)."""
    amounts = {**figures.counters, **figures.gauges}
    return [
        (label, filesizeformat(amounts[name]) if "bytes" in name else _whole(round(amounts[name])))
        for name, label in HELD.items()
        if name in amounts
    ]


def _whole(amount: int) -> str:
    return str(number_format(amount, use_l10n=True, force_grouping=True))


def milliseconds(amount: float) -> str:
    """Two digits that say something, in the language's own way of writing numbers."""
    places = 0 if amount >= 10 else 1 if amount >= 1 else 2
    # Rounded here: `number_format` cuts off.
    return str(number_format(round(amount, places), decimal_pos=places))


site.add_page("performance/", performance, name="performance")
