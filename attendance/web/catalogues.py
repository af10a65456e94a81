"""Message catalogues without the gettext programs: collected from the sources, kept in `locale/`, compiled with Babel.

There are two domains, as in Django: `django` for Python and templates, `djangojs` for scripts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

# File, line, and the text (or singular and plural).
FoundMessage = tuple[str, int, str | tuple[str, str]]

PACKAGES = ("attendance", "config", "recognition")
PYTHON_KEYWORDS = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")) | {
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
SCRIPT_KEYWORDS = {"_": None, "plural": (1, 2)}
CALL_IN_TEMPLATE = re.compile(r"(?<!\w)(n?gettext)\((?=u?['\"])")
DOMAINS = ("django", "djangojs")


def sources(root: Path, domain: str) -> Iterator[FoundMessage]:
    """Yield the messages of a domain."""
    if domain == "djangojs":
        for path in sorted((root / "static").rglob("*.js")):
            yield from _messages_of_calls(root, path, "javascript", SCRIPT_KEYWORDS)
        return
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _messages_of_calls(root, path, "python", PYTHON_KEYWORDS)
    for path in sorted((root / "templates").rglob("*.html")):
        yield from _messages_of_template(root, path)


def _messages_of_calls(
    root: Path, path: Path, kind: str, keywords: dict[str, tuple[int, int] | None]
) -> Iterator[FoundMessage]:
    with path.open("rb") as file:
        for line, text, _comments, _context in extract(kind, file, keywords=keywords):
            message = text if isinstance(text, str) else (text[0], text[1])
            yield str(path.relative_to(root)), line, message


def _messages_of_template(root: Path, path: Path) -> Iterator[FoundMessage]:
    text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in CALL_IN_TEMPLATE.finditer(text):
        line = text.count("\n", 0, call.start()) + 1
        strings = list(_literals(text, call.end(), 2 if call[1] == "ngettext" else 1))
        yield str(path.relative_to(root)), line, strings[0] if len(strings) == 1 else (strings[0], strings[1])


def _literals(text: str, start: int, count: int) -> Iterator[str]:
    """Yield the first `count` string literals of a call whose arguments begin at `start`."""
    literal = re.compile(r"\s*,?\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))", re.DOTALL)
    for _number in range(count):
        match = literal.match(text, start)
        if match is None:
            return
        yield str(ast.literal_eval(match[1].replace("\n", "\\n")))
        start = match.end()


def collect(root: Path, domain: str) -> Catalog:
    """Return a catalogue of all messages, without translations."""
    catalog = Catalog(domain=domain, fuzzy=False)
    for file, line, text in sources(root, domain):
        catalog.add(text, locations=[(file, line)], flags=_flags(text))
    return catalog


def _flags(text: str | tuple[str, str]) -> Iterable[str]:
    first = text if isinstance(text, str) else text[0]
    return ["python-format"] if re.search(r"%\(\w+\)[sd]", first) else []


def path_of(root: Path, language: str, domain: str) -> Path:
    return root / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def languages(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "locale").iterdir() if path.is_dir())


def read(root: Path, language: str, domain: str) -> Catalog:
    """Return the catalogue of a language, empty where there is no file yet."""
    path = path_of(root, language, domain)
    if not path.exists():
        return Catalog(locale=language, domain=domain, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def update(root: Path, language: str, domain: str) -> Catalog:
    """Write the catalogue with the messages of the sources. Others are removed; no translation is guessed."""
    catalog = read(root, language, domain)
    catalog.update(collect(root, domain), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = path_of(root, language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, omit_header=False, include_lineno=False)
    return catalog


def lacking(root: Path, language: str, domain: str) -> list[str]:
    """Return the messages without a translation, or with a fuzzy one."""
    catalog = read(root, language, domain)
    missing = []
    for message in collect(root, domain):
        if not message.id:
            continue
        text = message.id if isinstance(message.id, str) else message.id[0]
        translated = catalog.get(text)
        strings = (
            []
            if translated is None
            else [translated.string]
            if isinstance(translated.string, str)
            else translated.string
        )
        if translated is None or translated.fuzzy or not strings or not all(strings):
            missing.append(text)
    return missing


def compile_all(root: Path) -> list[Path]:
    """Write the `.mo` files that Django reads, and return their paths. They are not in the repository."""
    written = []
    for language in languages(root):
        for domain in DOMAINS:
            source = path_of(root, language, domain)
            if source.exists():
                target = source.with_suffix(".mo")
                unfinished = target.with_suffix(".mo.new")
                with unfinished.open("wb") as file:
                    write_mo(file, read(root, language, domain))
                unfinished.replace(target)
                written.append(target)
    return written
