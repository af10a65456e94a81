"""Check that templates hold one tag a line: `python -m tests.template_lines`, part of `make lint`.

Tags that stand inside a sentence may share its line. Formatters for Django templates were tried first: they either
only indent, or move spaces that the page shows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
# Tags that mark words of a sentence; `use` is the only child of an icon.
IN_A_SENTENCE = frozenset({"a", "b", "bdi", "em", "kbd", "small", "span", "strong", "time", "use"})
HIDDEN = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->")
START_TAG = re.compile(r"<([a-zA-Z][\w-]*)")


def crowded_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line with more than one tag, counted from 1, and the tags that begin there."""
    for number, line in enumerate(text.splitlines(), 1):
        tags = [tag.lower() for tag in START_TAG.findall(HIDDEN.sub("", line))]
        if any(tag not in IN_A_SENTENCE for tag in tags[1:]):
            yield number, tags


def main() -> int:
    """Print each line that holds several tags; return 1 where there is one."""
    lines = [
        f"{path.relative_to(TEMPLATES.parent)}:{number}: one tag a line, please: {', '.join(tags)}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for number, tags in crowded_lines(path.read_text(encoding="utf-8"))
    ]
    sys.stdout.writelines(line + "\n" for line in lines)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
