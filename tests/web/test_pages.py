"""The content of pages, and starting sessions."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attendance.models import SchoolClass, Session, Signature, Student
from attendance.register import signing
from attendance.web.today import day_of
from tests.web.conftest import Visitor
from tests.world import World, by_hand, student


def state_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="state" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    state: dict[str, Any] = json.loads(found[1])
    return state


def planned(school_class: SchoolClass, hours: float, state: str = "planned") -> Session:
    start = timezone.now() + dt.timedelta(hours=hours)
    return Session.objects.create(
        school_class=school_class,
        starts_at=start,
        ends_at=start + dt.timedelta(minutes=45),
        date=timezone.localdate(start),
        state=state,
    )


def test_day_sorts_sessions_by_what_they_need(world: World) -> None:
    noon = timezone.localtime().replace(hour=12, minute=0)
    rows = [
        Session(starts_at=noon + dt.timedelta(hours=at), date=noon.date(), state=state)
        for at, state in (
            (-3, "signed"),
            (-2, "planned"),
            (-1.5, "open"),
            (-0.2, "open"),
            (0.2, "planned"),
            (3, "planned"),
        )
    ]
    for row in rows:
        row.ends_at = row.starts_at + dt.timedelta(minutes=50)
    day = day_of(rows, noon)  # type: ignore[arg-type]  # any rows in order will do
    signed, never, unsigned, running, soon, later = rows
    assert (day.done, day.missed, day.now, day.later) == (
        [signed],
        [unsigned, never],
        [running, soon],
        [later],
    )


def test_start_opens_one_unplanned_session(world: World, visitor: Visitor) -> None:
    client, body = visitor("other_teacher"), {"class": str(world.other_class.pk)}
    first = client.post(reverse("start"), body)["Location"]
    assert client.post(reverse("start"), body)["Location"] == first
    assert Session.objects.get(school_class=world.other_class).is_open


def test_planned_session_is_opened_by_its_button(world: World, visitor: Visitor) -> None:
    session = planned(world.school_class, 0.1)
    answer = visitor("teacher").post(reverse("begin", args=[session.pk]))
    assert answer["Location"] == reverse("live", args=[session.pk])
    session.refresh_from_db()
    assert session.is_open


def test_start_of_other_teachers_class_is_denied(world: World, visitor: Visitor) -> None:
    visitor("other_teacher").post(reverse("start"), {"class": str(world.school_class.pk)})
    assert Session.objects.filter(school_class=world.school_class).count() == 1


@pytest.mark.parametrize("body", [{}, {"class": "no key"}])
def test_start_without_class_is_answered_404(body: dict[str, str], world: World, visitor: Visitor) -> None:
    assert visitor("teacher").post(reverse("start"), body).status_code == 404


def test_live_page_contains_the_register(world: World, visitor: Visitor) -> None:
    state = state_of(visitor("teacher").get(reverse("live", args=[world.session.pk])).content.decode())
    assert [each["name"] for each in state["students"]] == [
        "Ann Ash",
        "Bea Birch",
        "Cem Cedar",
        "Dan Dogwood",
    ]
    assert state["counts"]["unmarked"] == 4


def test_register_for_viewer_has_neither_actions_nor_faces(world: World, visitor: Visitor) -> None:
    html = visitor("viewer").get(reverse("register", args=[world.session.pk])).content.decode()
    assert 'data-mark="" data-run="" data-faces=""' in html
    assert all(each["portrait"] is None for each in state_of(html)["students"])


def test_name_with_markup_is_escaped(world: World, visitor: Visitor) -> None:
    Student.objects.filter(pk=world.ann.pk).update(given_name="</script><img src=x onerror=alert(1)>")
    for name, key in (
        ("live", world.session.pk),
        ("class", world.school_class.pk),
        ("student", world.ann.pk),
    ):
        html = visitor("teacher").get(reverse(name, args=[key])).content.decode()
        assert "<img src=x" not in html


@pytest.mark.parametrize("name", ["live", "class"])
def test_pages_need_as_many_queries_for_a_large_class(
    name: str, world: World, visitor: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        world.ann.memberships.model.objects.create(
            student=student(f"Pupil {number}"), school_class=world.school_class, starts_on=world.session.date
        )
    key = world.session.pk if name == "live" else world.school_class.pk
    client = visitor("teacher")
    with django_assert_max_num_queries(18):
        assert "Pupil 29" in client.get(reverse(name, args=[key])).content.decode()


def test_faces_are_shown_only_to_those_who_may_see_them(world: World, visitor: Visitor) -> None:
    from attendance.core import blob_store
    from attendance.models import Blob, Photograph

    crop = blob_store.store(Blob.Kind.ENROLMENT, b"jpeg", owner=world.ann.pk)
    Photograph.objects.create(student=world.ann, crop=crop, content_hmac="1")
    url = reverse("class", args=[world.school_class.pk])
    assert "/portrait/" in visitor("teacher").get(url).content.decode()
    assert "/portrait/" not in visitor("viewer").get(url).content.decode()


def test_students_with_equal_names_are_shown_with_numbers(world: World, visitor: Visitor) -> None:
    Student.objects.filter(pk=world.bea.pk).update(given_name="Ann", family_name="Ash", external_id="1042")
    html = visitor("teacher").get(reverse("class", args=[world.school_class.pk])).content.decode()
    assert '<bdi translate="no">Ann Ash (1042)</bdi>' in html
    assert '<bdi translate="no">Cem Cedar</bdi>' in html
    page = visitor("teacher").get(reverse("student", args=[world.bea.pk])).content.decode()
    assert "Ann Ash</bdi> (1042)" in page


def test_class_page_counts_like_the_register(world: World, visitor: Visitor) -> None:
    by_hand(world, world.ann, "/")
    by_hand(world, world.bea, "L")
    html = visitor("teacher").get(reverse("class", args=[world.school_class.pk])).content.decode()
    assert "1 present,\n" in html
    assert "1 late" in html


def test_classes_are_listed_by_name(world: World, visitor: Visitor) -> None:
    SchoolClass.objects.create(name="10 East")
    html = visitor("viewer").get(reverse("classes")).content.decode()
    assert re.findall(r"<strong>(.*?)</strong>", html) == ["10 East", "7 North", "7 South"]


def test_signed_register_is_reopened_only_with_a_reason(world: World, visitor: Visitor) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=timezone.now())
    client, url = visitor("teacher"), reverse("begin", args=[world.session.pk])
    assert client.post(url).status_code == 403
    assert client.post(url, {"reason": "signed too early"})["Location"] == reverse(
        "live", args=[world.session.pk]
    )
    assert (
        Signature.objects.filter(act="reopened").values_list("reason", flat=True).get() == "signed too early"
    )
