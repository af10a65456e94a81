"""The performance page: figures, charts and rights."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation

from attendance.admin.charts import WIDTH, chart
from attendance.admin.performance import cache_sizes, milliseconds, panels_of
from recognition.telemetry import metrics
from recognition.telemetry.monitor import COUNTERS, Figures, Monitor
from tests.world import World

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/performance/"
ALL = "Milliseconds of all stages"


class Page(HTMLParser):
    """Collects tables by caption, charts by label, and table heads without a scope."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.drawings: list[str] = []
        self.unscoped = 0
        self.text = ""
        self._rows: list[list[str]] = []
        self._caption = ""
        self._open: list[str] = []
        answer = client.get(ADDRESS)
        assert answer.status_code == 200
        self.feed(answer.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"th", "td"} and self._rows:
            self._rows[-1].append("")
            self.unscoped += tag == "th" and "scope" not in dict(attrs)
        if tag not in {"link", "meta", "input", "img", "rect", "br"}:
            self._open.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        within = self._open[-1] if self._open else ""
        if within == "caption":
            self._caption += data
        elif within == "title" and "svg" in self._open:
            self.drawings.append(data)
        elif within in {"th", "td"} and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables[self._caption.strip()] = self._rows
        if tag in self._open:
            while self._open.pop() != tag:
                pass


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Reset this process's figures."""
    monitor = Monitor()
    monkeypatch.setattr(metrics, "MONITOR", monitor)
    return monitor


@pytest.fixture
def busy(alone: Monitor, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Publish two processes: this one analysed ten frames, the other thirty slower ones."""
    for monitor, frames, slowness in ((alone, 10, 1.0), (Monitor(), 30, 3.0)):
        for number in range(frames):
            for stage, cost in (("queue", 2.0), ("detect", 20.0), ("total", 40.0 + number)):
                monitor.observe(stage, cost * slowness)
        monitor.count("frames", frames)
        monitor.count("marks", frames // 10)
        monitor.gauge("cameras", lambda many=frames: float(many))  # type: ignore[misc]  # the default binds it
        monitor.gauge("gallery_age_seconds", lambda age=frames * 60: float(age))  # type: ignore[misc]  # bound too
        if monitor is not alone:
            with monkeypatch.context() as patched:
                patched.setattr(metrics, "process_name", lambda: "node-2-7")
                assert metrics.publish(monitor)
    return alone


def rows_of(page: Page, caption: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in page.tables[caption]}


def test_performance_shows_the_sum_and_each_process(office: Client, busy: Monitor) -> None:
    page = Page(office)
    total = rows_of(page, ALL)
    assert total["Finding faces"][:5] == ["40", "2,000", "20.00", "50.00", "60.00"]
    other = rows_of(page, "Milliseconds of the stages of node-2-7")
    assert other["Finding faces"][:5] == ["30", "1,800", "60.00", "60.00", "60.00"]
    assert rows_of(page, "Marks")["Marks written"] == ["4"]
    assert "2 processes run now, summed here" in page.text
    assert "40 cameras connected" in " ".join(page.text.split())
    assert "30 minutes since the oldest gallery was built" in " ".join(page.text.split())


def test_performance_charts_and_tables_have_labels(office: Client, busy: Monitor) -> None:
    page = Page(office)
    assert len(page.drawings) == 3
    detect = metrics.gather().total.stages["detect"]
    told = " · ".join(milliseconds(detect.percentile(share)) for share in (0.5, 0.95))
    assert any(f"Finding faces {told} ms" in words for words in page.drawings)
    assert any(words.startswith("Frames: Received 40;") for words in page.drawings)
    assert page.unscoped == 0
    assert set(page.tables) >= {ALL, "Frames", "Marks"}


def test_performance_without_figures_says_so(office: Client, alone: Monitor) -> None:
    metrics.publish(alone)
    page = Page(office)
    assert "No measurements yet" in page.text
    assert page.drawings == []


def test_performance_without_redis_says_that_it_shows_one_process(
    office: Client, busy: Monitor, settings: LazySettings, tmp_path: Path
) -> None:
    nobody = settings.CACHES["default"] | {"LOCATION": f"unix://{tmp_path}/nobody-listens.sock"}
    settings.CACHES = {"default": nobody}
    page = Page(office)
    assert "these figures are from one process only" in page.text
    assert rows_of(page, ALL)["Finding faces"][0] == "10"
    assert rows_of(page, "Caches")["Redis did not respond"] == ["1"]


def test_performance_is_linked_from_the_first_page(office: Client) -> None:
    assert reverse("admin:performance") == ADDRESS
    assert f'href="{ADDRESS}"' in office.get(reverse("admin:index")).content.decode()
    assert office.post(ADDRESS).status_code == 405


def test_performance_is_closed_to_teachers(world: World) -> None:
    client = Client()
    client.force_login(world.teacher)
    assert client.get(ADDRESS).status_code == 403


def test_performance_escapes_names_from_redis(office: Client, busy: Monitor) -> None:
    cache.set(f"{metrics.KEY_PREFIX}:<b>evil</b>", busy.figures().as_json())
    html = office.get(ADDRESS).content.decode()
    assert "&lt;b&gt;evil&lt;/b&gt;" in html
    assert "<b>evil" not in html


def test_chart_keeps_decimal_points_in_german(office: Client, busy: Monitor) -> None:
    html = office.get(ADDRESS, headers={"accept-language": "de"}).content.decode()
    bars = [part.split("/>")[0] for part in html.split('<rect class="rc-outer"')[1:]]
    assert len(bars) > 3
    assert not any("," in bar for bar in bars)
    assert "50,00" in html


def test_chart_longest_bar_has_full_width_and_shortest_is_visible() -> None:
    drawn = chart([("much", "1000", 1000.0, 500.0), ("little", "1", 1.0, 0.0), ("none", "0", 0.0, 0.0)])
    assert [(bar.outer, bar.inner) for bar in drawn.bars] == [
        (f"{WIDTH}.0", f"{WIDTH / 2}"),
        ("1.0", "0.0"),
        ("0.0", "0.0"),
    ]
    assert not chart([("none", "0", 0.0, 0.0)])
    assert not chart([])


def test_milliseconds_are_rounded() -> None:
    with translation.override("en"):
        assert [milliseconds(amount) for amount in (152.96, 11.98, 2.96, 0.148)] == [
            "153",
            "12",
            "3.0",
            "0.15",
        ]


def test_performance_shows_all_counters() -> None:
    counted = Figures({}, dict.fromkeys((*COUNTERS, "a_new_one"), 1), {})
    with translation.override("en"):
        panels = panels_of(counted)
    assert sum(len(panel.rows) for panel in panels) + len(cache_sizes(counted)) == len(COUNTERS) + 1
    assert ("a new one", "1") in panels[-1].rows
