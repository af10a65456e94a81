"""Message catalogues without the gettext programs: found in the sources, kept in `locale/`, compiled with Babel.

Two domains, as Django has them: `django` for Python and templates, `djangojs` for what scripts say.
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

Found = tuple[str, int, str | tuple[str, str]]

ROOMS = ("attendance", "config", "recognition")
PYTHON_KEYWORDS = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")) | {
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
SCRIPT_KEYWORDS = {"_": None, "plural": (1, 2)}
CALL_IN_TEMPLATE = re.compile(r"(?<!\w)(n?gettext)\((?=u?['\"])")
DOMAINS = ("django", "djangojs")


def sources(root: Path, domain: str) -> Iterator[Found]:
    """Each message of a domain: file, line, and the text (or singular and plural)."""
    if domain == "djangojs":
        for path in sorted((root / "static").rglob("*.js")):
            yield from _called(root, path, "javascript", SCRIPT_KEYWORDS)
        return
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _called(root, path, "python", PYTHON_KEYWORDS)
    for path in sorted((root / "templates").rglob("*.html")):
        yield from _in_template(root, path)


def _called(
    root: Path, path: Path, kind: str, keywords: dict[str, tuple[int, int] | None]
) -> Iterator[Found]:
    with path.open("rb") as file:
        for line, text, _comments, _context in extract(kind, file, keywords=keywords):
            one = text if isinstance(text, str) else (text[0], text[1])
            yield str(path.relative_to(root)), line, one


def _in_template(root: Path, path: Path) -> Iterator[Found]:
    text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in CALL_IN_TEMPLATE.finditer(text):
        line = text.count("\n", 0, call.start()) + 1
        strings = list(_literals(text, call.end(), 2 if call[1] == "ngettext" else 1))
        yield str(path.relative_to(root)), line, strings[0] if len(strings) == 1 else (strings[0], strings[1])


def _literals(text: str, start: int, count: int) -> Iterator[str]:
    """The first `count` string literals of a call whose arguments begin at `start`."""
    literal = re.compile(r"\s*,?\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))", re.DOTALL)
    for _number in range(count):
        found = literal.match(text, start)
        if found is None:
            return
        yield str(ast.literal_eval(found[1].replace("\n", "\\n")))
        start = found.end()


def collect(root: Path, domain: str) -> Catalog:
    """An empty catalogue of everything that is said."""
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
    """The translations as they stand, empty where there are none yet."""
    path = path_of(root, language, domain)
    if not path.exists():
        return Catalog(locale=language, domain=domain, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain)


def update(root: Path, language: str, domain: str) -> Catalog:
    """Bring a catalogue in step with the sources; what is no longer said goes, nothing is guessed."""
    catalog = read(root, language, domain)
    catalog.update(collect(root, domain), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = path_of(root, language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, omit_header=False, include_lineno=False)
    return catalog


def lacking(root: Path, language: str, domain: str) -> list[str]:
    """What is said but has no translation, or only a doubtful one."""
    catalog = read(root, language, domain)
    missing = []
    for message in collect(root, domain):
        if not message.id:
            continue
        text = message.id if isinstance(message.id, str) else message.id[0]
        there = catalog.get(text)
        strings = [] if there is None else [there.string] if isinstance(there.string, str) else there.string
        if there is None or there.fuzzy or not strings or not all(strings):
            missing.append(text)
    return missing


def compile_all(root: Path) -> list[Path]:
    """Write the `.mo` files that Django reads; they are not in the repository."""
    written = []
    for language in languages(root):
        for domain in DOMAINS:
            source = path_of(root, language, domain)
            if source.exists():
                target = source.with_suffix(".mo")
                aside = target.with_suffix(".mo.new")
                with aside.open("wb") as file:
                    write_mo(file, read(root, language, domain))
                aside.replace(target)
                written.append(target)
    return written
