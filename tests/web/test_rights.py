"""The answer of each address to each role."""

from __future__ import annotations

import pytest
from django.urls import get_resolver, reverse

from attendance.web.urls import urlpatterns
from tests.web.conftest import ROLES, Visitor
from tests.world import World

# One column for each of ROLES: anonymous, teacher, other teacher, viewer, registrar, administrator.
TABLE: dict[str, tuple[int, ...]] = {
    "today": (302, 200, 200, 200, 200, 200),
    "login": (200, 302, 302, 302, 302, 302),
    "password": (302, 200, 200, 200, 200, 200),
    "live": (302, 200, 403, 302, 200, 200),
    "register": (302, 200, 403, 200, 200, 200),
    "group": (302, 200, 403, 403, 200, 200),
    "projector": (403, 200, 403, 200, 200, 200),
    "kiosk": (403, 403, 403, 403, 403, 403),
    "camera": (403, 403, 403, 403, 403, 403),
    "board": (401, 200, 403, 200, 200, 200),
    "pair": (200, 200, 200, 200, 200, 200),
    "classes": (302, 200, 200, 200, 200, 200),
    "class": (302, 200, 403, 200, 200, 200),
    "student": (302, 200, 403, 200, 200, 200),
    "privacy": (200, 200, 200, 200, 200, 200),
    "offline": (200, 200, 200, 200, 200, 200),
    "texts": (200, 200, 200, 200, 200, 200),
    "service-worker": (200, 200, 200, 200, 200, 200),
    "manifest": (200, 200, 200, 200, 200, 200),
}
POSTS: dict[str, tuple[int, ...]] = {
    "start": (302, 302, 302, 302, 302, 302),
    "begin": (302, 302, 403, 403, 302, 302),
    "hand-over": (302, 302, 403, 403, 302, 302),
    "leave": (200, 200, 200, 200, 200, 200),
    "not-me": (403, 403, 403, 403, 403, 403),
    "logout": (302, 302, 302, 302, 302, 302),
}


def address(name: str, world: World) -> str:
    keys = {
        "session_id": world.session.pk,
        "class_id": world.school_class.pk,
        "student_id": world.ann.pk,
    }
    wanted = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
    return reverse(name, kwargs={key: keys[key] for key in wanted})


def test_pages_are_all_in_the_table_of_rights() -> None:
    assert {pattern.name for pattern in urlpatterns} == {*TABLE, *POSTS}


@pytest.mark.parametrize("name", TABLE)
def test_page_is_answered_by_role(name: str, world: World, visitor: Visitor) -> None:
    answers = tuple(visitor(role).get(address(name, world)).status_code for role in ROLES)
    assert answers == TABLE[name]


@pytest.mark.parametrize("name", POSTS)
def test_action_is_answered_by_role(name: str, world: World, visitor: Visitor) -> None:
    body = {"class": str(world.school_class.pk), "kind": "kiosk", "pin": "4711"}
    answers = tuple(visitor(role).post(address(name, world), body).status_code for role in ROLES)
    assert answers == POSTS[name]


@pytest.mark.parametrize("name", POSTS)
def test_action_by_get_is_refused(name: str, world: World, visitor: Visitor) -> None:
    assert visitor("teacher").get(address(name, world)).status_code == 405


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[0] == 302])
def test_anonymous_visitor_is_sent_to_login_and_back(name: str, world: World, visitor: Visitor) -> None:
    url = address(name, world)
    assert visitor("anonymous").get(url)["Location"] == f"/login/?next={url}"


def test_class_is_hidden_from_substitute_after_the_end_date(world: World, visitor: Visitor) -> None:
    teaching = world.teacher.teachings.get()
    teaching.ends_on = world.session.date - (world.session.date - teaching.starts_on) / 2
    teaching.save()
    assert visitor("teacher").get(address("live", world)).status_code == 403
    assert world.school_class.name not in visitor("teacher").get(reverse("today")).content.decode()


def test_class_of_others_is_not_listed(world: World, visitor: Visitor) -> None:
    page = visitor("other_teacher").get(reverse("classes")).content.decode()
    assert world.other_class.name in page
    assert world.school_class.name not in page


def test_post_without_csrf_token_is_refused_with_a_page(world: World) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(world.teacher)
    answer = client.post(reverse("start"), {"class": str(world.school_class.pk)})
    assert answer.status_code == 403
    assert "has expired" in answer.content.decode()
