"""Messages have translations with the same placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.utils import translation
from django.utils.translation import trans_real

from attendance.web import catalogues
from tests.web.conftest import Visitor
from tests.world import World

ROOT = settings.BASE_DIR
EVERY = [(code, domain) for code in catalogues.languages(ROOT) for domain in catalogues.DOMAINS]
PLACES = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture
def compiled() -> Iterator[None]:
    """Compile the catalogues as at the start, and clear caches."""
    catalogues.compile_all(ROOT)
    trans_real._translations = {}  # type: ignore[attr-defined]  # Django's own cache of catalogues
    yield
    translation.activate(settings.LANGUAGE_CODE)


def test_language_other_than_english_has_a_catalogue() -> None:
    assert {code for code, _name in settings.LANGUAGES[1:]} == set(catalogues.languages(ROOT))


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_messages_all_have_translations(code: str, domain: str) -> None:
    assert catalogues.lacking(ROOT, code, domain) == []


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_translation_keeps_the_placeholders(code: str, domain: str) -> None:
    for message in catalogues.read(ROOT, code, domain):
        if message.id:
            originals = [message.id] if isinstance(message.id, str) else list(message.id)
            strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
            assert set(PLACES.findall(strings[-1])) == set(PLACES.findall(originals[-1])), originals


def test_messages_are_collected_from_python_templates_and_scripts(tmp_path: Path) -> None:
    for name, text in {
        "attendance/a.py": 'from x import gettext as _, ngettext\n_("One " "text.")\nngettext("a", "b", 2)\n',
        "templates/a.html": '{% load i18n %}{% translate "Plain" %}\n'
        "{% blocktranslate count n=3 %}{{ n }} it's{% plural %}{{ n }} are{% endblocktranslate %}",
        "static/js/a.js": 'class A { #b = _("Say “it”"); c() { return plural("x", "y", 1); } }',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [text for domain in catalogues.DOMAINS for _f, _l, text in catalogues.sources(tmp_path, domain)]
    assert found == ["One text.", ("a", "b"), "Plain", ("%(n)s it's", "%(n)s are"), "Say “it”", ("x", "y")]


@pytest.mark.usefixtures("compiled")
def test_pages_and_scripts_are_german_for_a_german_browser(world: World, visitor: Visitor) -> None:
    client = visitor("teacher")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de-AT,de;q=0.9,en;q=0.5"
    page = client.get("/").content.decode()
    assert '<html lang="de"' in page
    assert "Stunde beginnen" in page
    assert "nicht erkannt" in client.get("/texts/").content.decode()


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("code", ["de", "en-gb"])
def test_unknown_language_falls_back_to_the_schools(
    code: str, world: World, visitor: Visitor, settings: LazySettings
) -> None:
    settings.LANGUAGE_CODE = code
    client = visitor("teacher")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fi"
    assert f'<html lang="{code}"' in client.get("/").content.decode()
