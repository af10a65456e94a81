"""Typed reading of environment variables.

Each setting is declared once, with a default and a sentence about what it does; `docs/settings.md` is made from the
declarations. A wrong value raises nothing where it is read: errors are collected, so that a person sees all of them
at once (`Environment.raise_errors`). Each `NAME` may be given as `NAME_FILE` instead, a file that holds the value, as
container secrets are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

# A variable that begins with one of these and is not declared is probably a typing mistake.
OWN_PREFIXES = ("FACE_", "DB_", "REDIS_")

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One declared setting, as the table of settings shows it."""

    name: str
    default: str
    allowed: str
    purpose: str


class InvalidValueError(ValueError):
    """A value that cannot be used; the text says what to write instead."""


@dataclass(slots=True, eq=False)
class Environment:
    """Read typed values from `values`, the environment. Not thread-safe: used once, at import."""

    values: Mapping[str, str]
    declared: dict[str, Setting] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def text(
        self,
        name: str,
        default: str,
        purpose: str,
        *,
        parse: Callable[[str], str] = str,
        confidential: bool = False,
    ) -> str:
        """Read a string. `parse` may raise InvalidValueError; error messages never repeat a `confidential` value."""
        return self._read(
            name, default, parse, shown=default, allowed="text", purpose=purpose, confidential=confidential
        )

    def integer(self, name: str, default: int, purpose: str, *, low: int, high: int) -> int:
        """Read a whole number from `low` to `high`, both included."""
        allowed = f"{low} to {high}"

        def parse(raw: str) -> int:
            try:
                value = int(raw)
            except ValueError:
                msg = f"write a whole number from {allowed}, for example {default}"
                raise InvalidValueError(msg) from None
            return check_range(value, low, high, default)

        return self._read(name, default, parse, shown=str(default), allowed=allowed, purpose=purpose)

    def number(
        self, name: str, default: float | None, purpose: str, *, low: float, high: float
    ) -> float | None:
        """Read a decimal number from `low` to `high`, both included. With default None, `auto` is allowed: None."""
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
                raise InvalidValueError(msg) from None
            return check_range(value, low, high, example)

        shown = "auto" if default is None else str(default)
        return self._read(name, default, parse, shown=shown, allowed=allowed, purpose=purpose)

    def flag(self, name: str, default: bool, purpose: str) -> bool:
        """Read yes or no: 1, true, yes, on or 0, false, no, off."""

        def parse(raw: str) -> bool:
            if raw.lower() not in TRUE + FALSE:
                raise InvalidValueError("write 1 or 0")
            return raw.lower() in TRUE

        return self._read(name, default, parse, shown=str(int(default)), allowed="1 or 0", purpose=purpose)

    def choice(self, name: str, default: str, purpose: str, *, options: Sequence[str]) -> str:
        """Read one of a few words, in upper or lower case."""

        def parse(raw: str) -> str:
            if raw.lower() not in options:
                msg = f"write one of {', '.join(options)}{similar_name(raw.lower(), options)}"
                raise InvalidValueError(msg)
            return raw.lower()

        return self._read(name, default, parse, shown=default, allowed=", ".join(options), purpose=purpose)

    def text_list(
        self,
        name: str,
        default: Sequence[str],
        purpose: str,
        *,
        parse: Callable[[str], str] = str,
        allowed: str = "a list, separated by spaces or commas",
    ) -> tuple[str, ...]:
        """Read a list, separated by spaces or commas; `parse` checks and normalises each item."""

        def parse_all(raw: str) -> tuple[str, ...]:
            return tuple(parse(item) for item in raw.replace(",", " ").split())

        shown = " ".join(default)
        return self._read(name, tuple(default), parse_all, shown=shown, allowed=allowed, purpose=purpose)

    def secret(self, name: str, purpose: str, *, parse: Callable[[str], T], default: T) -> T:
        """Read a value that neither an error message nor the table of settings repeats."""
        return self._read(
            name, default, parse, shown="", allowed="secret", purpose=purpose, confidential=True
        )

    def add_error(self, name: str, sentence: str) -> None:
        """Add an error about a setting, for rules that involve several settings."""
        self.errors.append(f"{name}: {sentence}")

    def is_given(self, name: str) -> bool:
        """Return whether the variable, or its `_FILE`, is set and not empty."""
        return bool(self.values.get(name) or self.values.get(f"{name}_FILE"))

    def warnings(self) -> list[str]:
        """Return a sentence for each variable that looks like a setting and is none."""
        known = {name for setting in self.declared for name in (setting, f"{setting}_FILE")}
        return [
            f"{name} is not a setting of Rollcall and does nothing{similar_name(name, sorted(known))}"
            for name in sorted(self.values)
            if name.startswith(OWN_PREFIXES) and name not in known
        ]

    def raise_errors(self) -> None:
        """Raise ImproperlyConfigured with all errors, one a line, if there are any."""
        if self.errors:
            lines = "\n".join(f"  {error}" for error in self.errors)
            msg = f"some settings cannot be used:\n{lines}"
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
        confidential: bool = False,
    ) -> T:
        self.declared[name] = Setting(name=name, default=shown, allowed=allowed, purpose=purpose)
        raw = self._raw(name)
        if not raw:
            return default
        try:
            return parse(raw)
        except InvalidValueError as error:
            self.add_error(name, f"{'the value' if confidential else repr(raw)} cannot be used: {error}")
            return default

    def _raw(self, name: str) -> str:
        """Return the value or the content of its file; empty if not given, as docker-compose writes it."""
        value, path = self.values.get(name, "").strip(), self.values.get(f"{name}_FILE", "").strip()
        if value and path:
            self.add_error(name, f"is given twice; keep {name} or {name}_FILE, not both")
        if value or not path:
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.add_error(
                f"{name}_FILE", f"{path!r} cannot be read ({error}); write the path of a readable text file"
            )
            return ""


def check_range(value: T, low: T, high: T, example: T) -> T:
    """Return the value; raise InvalidValueError if it is outside the range or not a number (NaN)."""
    if not low <= value <= high:  # type: ignore[operator]
        msg = f"write a number from {low} to {high}, for example {example}"
        raise InvalidValueError(msg)
    return value


def similar_name(name: str, known: Sequence[str]) -> str:
    """Return "; did you mean ...?" with the most similar known name, or an empty string if none is similar."""
    similar = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {similar[0]}?" if similar else ""
