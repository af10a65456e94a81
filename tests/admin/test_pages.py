"""Rights of all pages, and their content security policy."""

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


def test_pages_all_open_for_an_administrator(world: World, head: Client) -> None:
    fill(world)
    for name, address in pages():
        answer = head.get(address, follow=name in LISTS_OF_ONE)
        assert answer.status_code == 200, address


def test_pages_open_for_a_registrar_except_administrators_own(world: World, office: Client) -> None:
    fill(world)
    for name, address in pages():
        answer = office.get(address, follow=name in LISTS_OF_ONE)
        assert answer.status_code == (403 if name in ADMINISTRATORS_ONLY else 200), address


@pytest.mark.parametrize("role", ["teacher", "viewer"])
def test_pages_are_closed_to_teachers_and_viewers(world: World, role: str) -> None:
    fill(world)
    client = client_of(getattr(world, role))
    for _name, address in pages():
        assert client.get(address).status_code == 403, address
        assert client.post(address).status_code == 403, address


def test_teacher_with_staff_flag_is_denied(world: World) -> None:
    User.objects.filter(pk=world.teacher.pk).update(is_staff=True)
    assert client_of(world.teacher).get(reverse("admin:index")).status_code == 403


def test_anonymous_visitor_is_sent_to_the_login_page(world: World, client: Client) -> None:
    fill(world)
    for _name, address in pages():
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/login/"), address


def test_user_with_one_time_password_is_sent_to_the_password_page(world: World) -> None:
    User.objects.filter(pk=world.registrar.pk).update(must_change_password=True)
    answer = client_of(world.registrar).get(reverse("admin:index"))
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/password/")


def test_pages_have_nothing_inline_and_the_content_security_policy(world: World, head: Client) -> None:
    fill(world)
    for _name, address in pages():
        answer = head.get(address, follow=True)
        assert inline_parts(answer.content.decode()) == [], address
        policy = answer["Content-Security-Policy"]
        assert all(part in policy for part in STRICT), address
        assert "unsafe" not in policy


def test_pages_are_not_cached(world: World, office: Client) -> None:
    fill(world)
    for _name, address in pages():
        assert "no-store" in office.get(address, follow=True).get("Cache-Control", "no-store"), address
    assert "no-store" in office.get(reverse("admin:index"))["Cache-Control"]


def test_djangos_login_and_password_addresses_redirect(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/login/?next=/admin/"
    assert resolve("/login/").view_name == "login"


@pytest.mark.parametrize("model", ["student", "mark", "markevent", "photograph", "auditevent", "schoolclass"])
def test_delete_pages_do_not_exist(world: World, head: Client, model: str) -> None:
    fill(world)
    row = world.ann if model == "student" else None
    address = f"/admin/attendance/{model}/{row.pk if row else 'x'}/delete/"
    assert head.post(address, {"post": "yes"}).status_code in {302, 403, 404}
    assert type(world.ann).objects.filter(pk=world.ann.pk).exists()


def test_audit_log_is_searched_by_the_labels_of_actions(world: World, head: Client) -> None:
    audit.record(world.administrator, "photograph_viewed", world.ann)
    audit.record(world.administrator, "student_changed", world.bea)
    page = head.get("/admin/attendance/auditevent/", {"q": "viewed photo"}).content.decode()
    assert "Viewed photo" in page
    assert str(world.ann.pk) in page
    assert str(world.bea.pk) not in page
