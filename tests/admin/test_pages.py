"""Each page opens for those who may, is refused to all others, and keeps the content security policy."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve, reverse

from attendance.core import audit
from attendance.models import User
from tests.admin.pages import ADMINISTRATORS_ONLY, fill, inline_parts, pages
from tests.world import World

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


STRICT = ("default-src 'none'", "script-src 'self'", "style-src 'self'")
LISTS_OF_ONE = {"schoolsettings"}


def test_every_page_opens_for_an_administrator(world: World, head: Client) -> None:
    fill(world)
    for name, address in pages():
        answer = head.get(address, follow=name in LISTS_OF_ONE)
        assert answer.status_code == 200, address


def test_every_page_but_those_of_administrators_opens_for_a_registrar(world: World, office: Client) -> None:
    fill(world)
    for name, address in pages():
        answer = office.get(address, follow=name in LISTS_OF_ONE)
        assert answer.status_code == (403 if name in ADMINISTRATORS_ONLY else 200), address


@pytest.mark.parametrize("role", ["teacher", "viewer"])
def test_no_page_opens_for_a_teacher_or_a_viewer(world: World, role: str) -> None:
    fill(world)
    client = client_of(getattr(world, role))
    for _name, address in pages():
        assert client.get(address).status_code == 403, address
        assert client.post(address).status_code == 403, address


def test_a_teacher_with_the_staff_flag_stays_outside(world: World) -> None:
    User.objects.filter(pk=world.teacher.pk).update(is_staff=True)
    assert client_of(world.teacher).get(reverse("admin:index")).status_code == 403


def test_an_anonymous_visitor_is_sent_to_the_login_page_of_the_product(world: World, client: Client) -> None:
    fill(world)
    for _name, address in pages():
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/login/"), address


def test_who_must_choose_a_password_is_sent_there_first(world: World) -> None:
    User.objects.filter(pk=world.registrar.pk).update(must_change_password=True)
    answer = client_of(world.registrar).get(reverse("admin:index"))
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/password/")


def test_no_page_holds_inline_script_or_style_and_each_carries_the_policy(world: World, head: Client) -> None:
    fill(world)
    for _name, address in pages():
        answer = head.get(address, follow=True)
        assert inline_parts(answer.content.decode()) == [], address
        policy = answer["Content-Security-Policy"]
        assert all(part in policy for part in STRICT), address
        assert "unsafe" not in policy


def test_pages_are_kept_by_no_cache(world: World, office: Client) -> None:
    fill(world)
    for _name, address in pages():
        assert "no-store" in office.get(address, follow=True).get("Cache-Control", "no-store"), address
    assert "no-store" in office.get(reverse("admin:index"))["Cache-Control"]


def test_the_old_addresses_of_login_and_password_lead_to_those_of_the_product(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/login/?next=/admin/"
    assert resolve("/login/").view_name == "login"


@pytest.mark.parametrize("model", ["student", "mark", "markevent", "photograph", "auditevent", "schoolclass"])
def test_nothing_is_deleted_here(world: World, head: Client, model: str) -> None:
    fill(world)
    row = world.ann if model == "student" else None
    address = f"/admin/attendance/{model}/{row.pk if row else 'x'}/delete/"
    assert head.post(address, {"post": "yes"}).status_code in {302, 403, 404}
    assert type(world.ann).objects.filter(pk=world.ann.pk).exists()


def test_the_audit_log_is_read_and_searched_by_what_pages_call_an_action(world: World, head: Client) -> None:
    audit.record(world.administrator, "photograph_viewed", world.ann)
    audit.record(world.administrator, "student_changed", world.bea)
    page = head.get("/admin/attendance/auditevent/", {"q": "viewed photo"}).content.decode()
    assert "Viewed photo" in page
    assert str(world.ann.pk) in page
    assert str(world.bea.pk) not in page
