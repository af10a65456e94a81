"""Rules of all pages: content security policy, caches, labels, languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.web.conftest import Visitor
from tests.web.markup import read
from tests.web.test_rights import TABLE, address
from tests.world import World

PAGES = [name for name in TABLE if name not in {"texts", "service-worker", "manifest", "board", "login"}]
SCRIPTS = sorted((settings.BASE_DIR / "static/js").rglob("*.js"))


@pytest.mark.parametrize("name", PAGES)
def test_page_has_nothing_inline_and_no_other_host(name: str, world: World, visitor: Visitor) -> None:
    answer = visitor("teacher").get(address(name, world))
    assert read(answer.content.decode()).forbidden == []


@pytest.mark.parametrize("name", PAGES)
def test_content_security_policy_allows_nothing_inline_and_no_other_host(
    name: str, world: World, visitor: Visitor
) -> None:
    policy = visitor("teacher").get(address(name, world))["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy.replace("http://testserver", "")


@pytest.mark.parametrize("name", PAGES)
def test_fields_have_labels_and_references_have_targets(name: str, world: World, visitor: Visitor) -> None:
    page = read(visitor("teacher").get(address(name, world)).content.decode())
    assert len(page.ids) == len(set(page.ids))
    assert page.references - set(page.ids) == set()
    assert page.nameless_fields == set()
    assert page.unlabelled == []
    assert page.language in {"en-gb", "en"}


@pytest.mark.parametrize("name", [name for name in PAGES if name not in {"privacy", "offline", "pair"}])
def test_page_behind_login_is_not_cached(name: str, world: World, visitor: Visitor) -> None:
    kept = visitor("teacher").get(address(name, world))["Cache-Control"]
    assert "no-store" in kept
    assert "private" in kept


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_neither_evaluate_text_nor_write_markup_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style\"",
        text,
    )
    assert found == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_import_only_files_that_exist(path: Path) -> None:
    imports = re.findall(r"from \"([^\"]+)\"", path.read_text(encoding="utf-8"))
    assert all((path.parent / target).resolve().is_file() for target in imports)


def test_icons_in_use_are_in_the_sprite() -> None:
    root = settings.BASE_DIR
    sprite = set(
        re.findall(r'<symbol id="([a-z]+)"', (root / "static/icons.svg").read_text(encoding="utf-8"))
    )
    pages = " ".join(path.read_text(encoding="utf-8") for path in (root / "templates").rglob("*.html"))
    scripts = " ".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    named = set(re.findall(r'icon\.html" with name="([a-z]+)"', pages))
    named |= set(re.findall(r'(?:icon\(|name: |act\()"([a-z]+)"', scripts))
    assert named - sprite == set()


def test_error_statuses_have_their_own_pages(world: World, visitor: Visitor) -> None:
    missing = visitor("teacher").get("/no/such/page/")
    assert missing.status_code == 404
    assert "Page not found" in missing.content.decode()
    foreign = visitor("other_teacher").get(address("live", world)).content.decode()
    assert "substitute" in foreign
    assert world.school_class.name not in foreign
