"""How long a start takes: `python -m benchmarks.starting`; a table on screen, JSON in var/bench/starting.json.

The first start of an empty folder, and three more of the same one, each until the door is open: the seconds that the
launcher says, and the processor time of all that stands before the door. Wanted: a later start under eight seconds.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.launcher.launching import launch
from tests.material import ROOT

WANTED = 8.0
LATER = 3


def started(var: Path) -> dict[str, float]:
    """One start and its end."""
    running = launch(var)
    seconds = running.wait_until_ready()
    work = running.cpu_seconds()
    return {"seconds": seconds, "processor": work, "end": running.end()}


def main() -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [started(Path(folder) / "var") for _ in range(1 + LATER)]
    print(
        f"{'start':8} {'seconds':>8} {'processor':>10} {'end':>6}   wanted: later ones under {WANTED:.0f} s"
    )
    for number, row in enumerate(rows, start=1):
        print(f"{number:<8} {row['seconds']:8.1f} {row['processor']:10.1f} {row['end']:6.1f}")
    out = ROOT / "var" / "bench" / "starting.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
