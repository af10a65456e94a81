"""The figures of /metrics as a page: how long recognition takes, and its results."""

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

Labels = Mapping[str, Any]

FRAME_STAGES: Final[Labels] = {
    "queue": gettext_lazy("Queue"),
    "decode": gettext_lazy("Decoding"),
    "detect": gettext_lazy("Finding faces"),
    "align": gettext_lazy("Aligning faces"),
    "encode": gettext_lazy("Encoding faces"),
    "match": gettext_lazy("Searching the class"),
    "total": gettext_lazy("From arrival to result"),
}
STAGES: Final[Labels] = {
    **FRAME_STAGES,
    "gallery_build": gettext_lazy("Building a gallery"),
    "cache": gettext_lazy("Writing to Redis"),
}
FRAMES: Final[Labels] = {
    "frames": gettext_lazy("Received"),
    "no_motion": gettext_lazy("No movement, nobody in view"),
    "reduced": gettext_lazy("Reduced-size detection"),
    "dropped": gettext_lazy("Dropped for newer frame"),
    "late": gettext_lazy("Too late, not analysed"),
    "bad_frames": gettext_lazy("Not an image"),
    "failed": gettext_lazy("Failed"),
    "unavailable": gettext_lazy("Searches while the database was unavailable"),
}
MARKS: Final[Labels] = {
    "marks": gettext_lazy("Marks written"),
    "marks_already": gettext_lazy("Already marked"),
    "marks_refused": gettext_lazy("Refused"),
    "reviews": gettext_lazy("Sent to review"),
}
CACHES: Final[Labels] = {
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
GAUGES: Final[Labels] = {
    "cameras": gettext_lazy("cameras connected"),
    "waiting": gettext_lazy("frames waiting"),
    "galleries": gettext_lazy("galleries in memory"),
    "gallery_age_seconds": gettext_lazy("minutes since the oldest gallery was built"),
}
CACHE_SIZES: Final[Labels] = {
    "recognitions": gettext_lazy("Searches in the cache"),
    "encodings": gettext_lazy("Encoded photos"),
    "encoding_bytes": gettext_lazy("Encoded photos, size"),
    "gallery_bytes": gettext_lazy("Galleries, size"),
    "encoding_bytes_sent": gettext_lazy("Encoded photos sent to Redis, size"),
}
MINUTE: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class StageLine:
    """A stage in the table, in milliseconds."""

    name: str
    label: Any
    count: str
    stage: Stage
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Counters of one subject, as a chart and as rows (label, count)."""

    key: str
    title: str
    chart: Chart
    rows: Sequence[tuple[Any, str]]


@require_safe
def performance(request: HttpRequest) -> HttpResponse:
    """Show the sum of all processes, then each of them. The admin site checks who may see it."""
    gathered = metrics.gather()
    total = gathered.total
    lines = lines_of(total)
    return page(
        request,
        "admin/rollcall/performance.html",
        title=_("Performance"),
        alone=gathered.partial,
        gauges=gauges_of(total),
        lines=lines,
        stages=stages_chart(lines),
        panels=panels_of(total),
        held=cache_sizes(total),
        processes=[
            (name, lines_of(figures), gauges_of(figures))
            for name, figures in sorted(gathered.processes.items())
        ],
    )


def lines_of(figures: Figures) -> list[StageLine]:
    """Return the stages that were measured, in the order of the pipeline, then any others."""
    order = [*STAGES, *sorted(figures.stages.keys() - STAGES.keys())]
    measured = [(name, figures.stages[name]) for name in order if name in figures.stages]
    return [
        StageLine(
            name,
            STAGES.get(name, name),
            _whole(stage.count),
            stage,
            *(stage.percentile(share) for share in (0.5, 0.95, 0.99)),
        )
        for name, stage in measured
        if stage.count
    ]


def stages_chart(lines: Sequence[StageLine]) -> Chart:
    """Return the stages of a frame: the outer bars are the 95th percentiles, the inner ones the medians."""
    return chart(
        [
            (line.label, f"{milliseconds(line.p50)} · {milliseconds(line.p95)} ms", line.p95, line.p50)
            for line in lines
            if line.name in FRAME_STAGES
        ]
    )


def panels_of(figures: Figures) -> list[Panel]:
    """Return all counters by subject; those without a label come last, under their own names."""
    groups: list[tuple[str, str, Labels]] = [
        ("frames", _("Frames"), FRAMES),
        ("marks", _("Marks"), MARKS),
        ("caches", _("Caches"), CACHES),
    ]
    named = {*CACHE_SIZES, *(name for _key, _title, labels in groups for name in labels)}
    others = {
        name: name.replace("_", " ")
        for name, count in figures.counters.items()
        if count and name not in named
    }
    if others:
        groups.append(("others", _("Others"), others))
    return [_panel(key, title, labels, figures) for key, title, labels in groups]


def _panel(key: str, title: str, labels: Labels, figures: Figures) -> Panel:
    counted = [(label, figures.counters[name]) for name, label in labels.items() if name in figures.counters]
    rows = [(label, _whole(count)) for label, count in counted]
    drawn = chart([(label, _whole(count), float(count), 0.0) for label, count in counted])
    return Panel(key, title, drawn, rows)


def gauges_of(figures: Figures) -> list[tuple[Any, str]]:
    """Return the current gauges, as (label, number)."""
    rows = []
    for name, label in GAUGES.items():
        amount = figures.gauges.get(name, 0.0)
        value = amount / MINUTE if name.endswith("_seconds") else amount
        rows.append((label, _whole(round(value))))
    return rows


def cache_sizes(figures: Figures) -> list[tuple[Any, str]]:
    """Return what the caches hold, as (label, number or size)."""
    amounts = {**figures.counters, **figures.gauges}
    return [
        (label, filesizeformat(amounts[name]) if "bytes" in name else _whole(round(amounts[name])))
        for name, label in CACHE_SIZES.items()
        if name in amounts
    ]


def _whole(amount: int) -> str:
    return str(number_format(amount, use_l10n=True, force_grouping=True))


def milliseconds(amount: float) -> str:
    """Return the amount with at least two significant digits, formatted for the language."""
    places = 0 if amount >= 10 else 1 if amount >= 1 else 2
    # `number_format` does not round.
    return str(number_format(round(amount, places), decimal_pos=places))


site.add_page("performance/", performance, name="performance")
