"""Typed reading of the environment.

Every setting is declared once, with a default and a sentence about what it does; the declarations also make
`docs/settings.md`. A wrong value does not raise where it is read: faults are collected, so that a person
sees all of them at once (`Environment.close`). Each `NAME` may instead be given as `NAME_FILE`, a file that
holds the value, as container secrets are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

GUARDED_PREFIXES = ("FACE_", "DB_", "REDIS_")
"""Names with these beginnings are ours: one that nobody declared is a typing mistake."""

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One declared name: what the table of settings shows of it."""

    name: str
    default: str
    allowed: str
    purpose: str


class NotUsableError(ValueError):
    """A value that cannot be used; the text says what to write instead."""


@dataclass(slots=True, eq=False)
class Environment:
    """Reads typed values out of `values` (the environment). Not thread-safe: used once, at import."""

    values: Mapping[str, str]
    declared: dict[str, Setting] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def text(
        self, name: str, default: str, purpose: str, *, parse: Callable[[str], str] = str, quiet: bool = False
    ) -> str:
        """A string; `parse` may refuse it with `NotUsableError`. A fault never repeats a `quiet` one."""
        return self._read(name, default, parse, shown=default, allowed="text", purpose=purpose, quiet=quiet)

    def integer(self, name: str, default: int, purpose: str, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        allowed = f"{low} to {high}"

        def parse(raw: str) -> int:
            try:
                value = int(raw)
            except ValueError:
                msg = f"write a whole number from {allowed}, for example {default}"
                raise NotUsableError(msg) from None
            return within(value, low, high, default)

        return self._read(name, default, parse, shown=str(default), allowed=allowed, purpose=purpose)

    def number(
        self, name: str, default: float | None, purpose: str, *, low: float, high: float
    ) -> float | None:
        """A decimal number from `low` to `high`, both included; None is written `auto` and leaves the choice to us."""
        automatic = default is None
        allowed = f"auto, or {low} to {high}" if automatic else f"{low} to {high}"
        example = high if default is None else default

        def parse(raw: str) -> float | None:
            if automatic and raw.lower() == "auto":
                return None
            try:
                value = float(raw)
            except ValueError:
                msg = f"write {'auto or ' if automatic else ''}a number from {low} to {high}, for example {example}"
                raise NotUsableError(msg) from None
            return within(value, low, high, example)

        shown = "auto" if default is None else str(default)
        return self._read(name, default, parse, shown=shown, allowed=allowed, purpose=purpose)

    def flag(self, name: str, default: bool, purpose: str) -> bool:
        """Yes or no: 1, true, yes, on or 0, false, no, off."""

        def parse(raw: str) -> bool:
            if raw.lower() not in TRUE + FALSE:
                raise NotUsableError("write 1 or 0")
            return raw.lower() in TRUE

        return self._read(name, default, parse, shown=str(int(default)), allowed="1 or 0", purpose=purpose)

    def choice(self, name: str, default: str, purpose: str, *, options: Sequence[str]) -> str:
        """One of a few words; upper and lower case are the same."""

        def parse(raw: str) -> str:
            if raw.lower() not in options:
                near = difflib.get_close_matches(raw.lower(), options, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                msg = f"write one of {', '.join(options)}{hint}"
                raise NotUsableError(msg)
            return raw.lower()

        return self._read(name, default, parse, shown=default, allowed=", ".join(options), purpose=purpose)

    def words(
        self,
        name: str,
        default: Sequence[str],
        purpose: str,
        *,
        parse: Callable[[str], str] = str,
        allowed: str = "a list, separated by spaces or commas",
    ) -> tuple[str, ...]:
        """A list, separated by spaces or commas; `parse` checks and tidies each member."""

        def parse_all(raw: str) -> tuple[str, ...]:
            return tuple(parse(word) for word in raw.replace(",", " ").split())

        shown = " ".join(default)
        return self._read(name, tuple(default), parse_all, shown=shown, allowed=allowed, purpose=purpose)

    def secret(self, name: str, purpose: str, *, parse: Callable[[str], T], default: T) -> T:
        """A value that is never repeated in a fault or in the table."""
        return self._read(name, default, parse, shown="", allowed="secret", purpose=purpose, quiet=True)

    def fault(self, name: str, sentence: str) -> None:
        """Reports what only a look at several settings shows."""
        self.faults.append(f"{name}: {sentence}")

    def given(self, name: str) -> bool:
        """Whether the name, or its `_FILE`, is set to something."""
        return bool(self.values.get(name) or self.values.get(f"{name}_FILE"))

    def warnings(self) -> list[str]:
        """A sentence for each name that looks like one of ours and is none."""
        known = {name for setting in self.declared for name in (setting, f"{setting}_FILE")}
        found = []
        for name in sorted(self.values):
            if name.startswith(GUARDED_PREFIXES) and name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                found.append(f"{name} is not a setting of Rollcall and does nothing{hint}")
        return found

    def close(self) -> None:
        """Raises ImproperlyConfigured with every fault found, one a line; silent where there is none."""
        if self.faults:
            lines = "\n".join(f"  {fault}" for fault in self.faults)
            msg = f"Rollcall cannot start with these settings:\n{lines}"
            raise ImproperlyConfigured(msg)

    def _read(
        self,
        name: str,
        default: T,
        parse: Callable[[str], T],
        *,
        shown: str,
        allowed: str,
        purpose: str,
        quiet: bool = False,
    ) -> T:
        self.declared[name] = Setting(name=name, default=shown, allowed=allowed, purpose=purpose)
        raw = self._raw(name)
        if not raw:
            return default
        try:
            return parse(raw)
        except NotUsableError as why:
            self.fault(name, f"{'the value' if quiet else repr(raw)} cannot be used: {why}")
            return default

    def _raw(self, name: str) -> str:
        """The value itself or the content of the file; empty means not given, as docker-compose writes it."""
        value, path = self.values.get(name, "").strip(), self.values.get(f"{name}_FILE", "").strip()
        if value and path:
            self.fault(name, f"is given twice; keep {name} or {name}_FILE, not both")
        if value or not path:
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as why:
            self.fault(
                f"{name}_FILE", f"{path!r} cannot be read ({why}); write the path of a readable text file"
            )
            return ""


def within(value: T, low: T, high: T, example: T) -> T:
    """The value, or NotUsableError where it lies outside (or is not a number at all)."""
    if not low <= value <= high:  # type: ignore[operator]
        msg = f"write a number from {low} to {high}, for example {example}"
        raise NotUsableError(msg)
    return value
