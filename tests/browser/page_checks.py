"""Check a page in any state: axe's rules, overflow, and elements that are cut off or covered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
OPTIONS = {
    "runOnly": {"type": "tag", "values": list(RULES)},
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2; axe leaves it out unless asked
    "resultTypes": ["violations"],
    "preload": False,
}
# The one rule whose result differs between light and dark.
CONTRAST = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
    "preload": False,
}

# Elements that make the page, or an open dialog, scroll sideways.
OVERFLOWS = """() => {
  const wide = [document.scrollingElement, ...document.querySelectorAll("dialog[open]")];
  const over = wide.filter((box) => box.scrollWidth > box.clientWidth + 1);
  if (!over.length) return [];
  const edge = document.documentElement.clientWidth;
  const guilty = [...document.body.querySelectorAll("*")].filter((each) => {
    const { left, right, width } = each.getBoundingClientRect();
    return width && (right > edge + 1 || left < -1) && getComputedStyle(each).position !== "absolute";
  });
  return (guilty.length ? guilty : over).slice(-3).map((each) => each.outerHTML.slice(0, 120));
}"""

# Fields and buttons that a box around them hides in part, where scrolling cannot show the rest.
CUT_OFF = """() => {
  const clips = (each) => ["hidden", "clip"].includes(getComputedStyle(each).overflowX);
  const cut = (each) => {
    const { left, right, width } = each.getBoundingClientRect();
    for (let box = each.parentElement; width > 1 && box; box = box.parentElement) {
      const edges = box.getBoundingClientRect();
      if (clips(box) && edges.width > 1 && (right > edges.right + 1 || left < edges.left - 1)) return true;
    }
    return false;
  };
  const parts = [...document.querySelectorAll("input, select, textarea, button")];
  return parts.filter((each) => each.checkVisibility() && cut(each)).map((each) => each.outerHTML.slice(0, 120));
}"""

# Siblings among a page's main parts that cover each other.
OVERLAPS = """() => {
  const parts = "body, .site-head > div, main, main > *, .head, .columns, .live-columns, .live-columns > *, .row, "
    + ".session, .register header, .register-list li, .stage-tools, .kiosk, .kiosk header, .projector, "
    + ".projector header, .notice, dialog[open] > *, .actions, .toasts";
  const visible = (each) => each.getClientRects().length && !each.classList.contains("out-of-sight")
    && !["absolute", "fixed"].includes(getComputedStyle(each).position) && !each.matches("dialog");
  const found = [];
  for (const part of document.querySelectorAll(parts)) {
    const inner = [...part.children].filter(visible).map((each) => [each, each.getBoundingClientRect()]);
    inner.forEach(([one, a], place) => {
      for (const [other, b] of inner.slice(place + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1) found.push(`${one.outerHTML.slice(0, 80)} on ${other.outerHTML.slice(0, 80)}`);
      }
    });
  }
  return found;
}"""


# Parts that pages have in common, and repeated items of lists.
SHARED_PARTS = (
    ".site-head",
    ".site-foot",
    "#header",
    "#nav-sidebar",
    "#register li:nth-child(n+5)",
    "#missing li:nth-child(n+3)",
)

RUN_AXE = """([options, frame]) => {
  const dialog = document.querySelector("dialog[open]");
  const left = frame.filter((part) => document.querySelector(part)).map((part) => [part]);
  const context = dialog ? { include: [["dialog[open]"]] } : left.length ? { exclude: left } : document;
  return axe.run(context, options).then(({ violations }) => violations);
}"""


def axe(page: Page, options: Mapping[str, Any] = OPTIONS, *, shared: bool = True) -> list[str]:
    """Return one line for each element that violates a rule; of an open dialog alone, as the rest is unreachable.

    With `shared=False`, parts that pages have in common are left out: they are the same in the state before.
    """
    if not page.evaluate("() => Boolean(globalThis.axe)"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(RUN_AXE, [dict(options), [] if shared else list(SHARED_PARTS)])
    return [
        f"{violation['id']}: {json.dumps(node['target'])} {node['html'][:120]} ({node['failureSummary'][:200]})"
        for violation in violations
        for node in violation["nodes"]
    ]


def overflows(page: Page, width: int, height: int) -> list[str]:
    """Return the elements that overflow a window of that size, or are cut off in it."""
    page.set_viewport_size({"width": width, "height": height})
    overflowing: list[str] = page.evaluate(OVERFLOWS)
    cut: list[str] = page.evaluate(CUT_OFF)
    return overflowing + [f"cut off: {part}" for part in cut]


def overlaps(page: Page) -> list[str]:
    overflowing: list[str] = page.evaluate(OVERLAPS)
    return overflowing


def set_direction(page: Page, direction: str) -> None:
    """Set the text direction of the page, `ltr` or `rtl`."""
    page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
