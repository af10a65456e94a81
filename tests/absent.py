"""A pytest plugin: what was skipped for want of test material is listed once, at the end of the run."""

from __future__ import annotations

from collections import defaultdict

import pytest
from _pytest.terminal import TerminalReporter

from tests.material import ABSENT

CATEGORY = "skipped without test material"


def missing(report: pytest.CollectReport | pytest.TestReport) -> str | None:
    """Return the name of the material for which the test was skipped, or None."""
    if not (report.skipped and isinstance(report.longrepr, tuple)):
        return None
    reason = report.longrepr[2].removeprefix("Skipped: ")
    return reason.removeprefix(ABSENT) if reason.startswith(ABSENT) else None


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str] | None:
    """Count those tests apart from others that are skipped, whose reasons pytest prints line by line."""
    return (CATEGORY, "s", "SKIPPED") if missing(report) else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name each material that is absent, and the tests that were skipped for it, by file."""
    tests: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for report in terminalreporter.stats.get(CATEGORY, []):
        file, _, name = report.nodeid.partition("::")
        tests[missing(report) or ""][file].append(name)
    if not tests:
        return
    terminalreporter.section("test material is absent")
    terminalreporter.write_line(
        "ROLLCALL_SHARED names the folder of the whole material. Skipped without it, by what is missing:"
    )
    for material, files in sorted(tests.items()):
        terminalreporter.write_line(f"{material} ({sum(map(len, files.values()))} tests)")
        for file, names in sorted(files.items()):
            terminalreporter.write_line(f"    {file}: {', '.join(names)}")
