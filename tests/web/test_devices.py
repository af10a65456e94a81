"""Projectors, kiosks and cameras: their rights, and when these end."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from attendance import register
from attendance.access import devices
from attendance.core.errors import Refused
from attendance.models import Device, PairingCode, Source
from attendance.register import signing
from tests.web.conftest import Visitor
from tests.world import World


def paired(world: World, kind: str) -> Client:
    now = timezone.now()
    _row, code = devices.create_code(session_id=world.session.pk, kind=kind, actor=world.teacher, now=now)
    _device, secret = devices.exchange(code=code, label="Tablet", now=now)
    client = Client()
    client.cookies[devices.COOKIE] = secret
    return client


def page(name: str, world: World) -> str:
    return reverse(name, args=[world.session.pk])


@pytest.mark.parametrize("kind", ["projector", "kiosk", "camera"])
def test_device_opens_only_its_own_page(kind: str, world: World) -> None:
    client = paired(world, kind)
    assert client.get(page(kind, world)).status_code == 200
    others = {"projector", "kiosk", "camera"} - {kind}
    assert {client.get(page(other, world)).status_code for other in others} == {403}
    assert client.get(page("live", world)).status_code == 302
    assert client.get(reverse("today")).status_code == 302


def test_pairing_code_works_once(world: World) -> None:
    now = timezone.now()
    _row, code = devices.create_code(session_id=world.session.pk, kind="kiosk", actor=world.teacher, now=now)
    devices.exchange(code=code, label="", now=now)
    with pytest.raises(Refused, match="used or is older"):
        devices.exchange(code=code, label="", now=now)


def test_pairing_code_expires_after_five_minutes(world: World) -> None:
    now = timezone.now()
    _row, code = devices.create_code(session_id=world.session.pk, kind="kiosk", actor=world.teacher, now=now)
    with pytest.raises(Refused):
        devices.exchange(code=code, label="", now=now + dt.timedelta(minutes=5))


def test_pairing_code_and_secret_are_not_stored(world: World) -> None:
    now = timezone.now()
    row, code = devices.create_code(session_id=world.session.pk, kind="camera", actor=world.teacher, now=now)
    device, secret = devices.exchange(code=code, label="", now=now)
    kept = {
        *PairingCode.objects.values_list("digest", flat=True),
        *Device.objects.values_list("digest", flat=True),
    }
    assert kept == {row.digest, device.digest}
    assert not {code, secret} & kept


def test_device_belongs_to_its_session_only(world: World) -> None:
    now = timezone.now()
    _row, code = devices.create_code(session_id=world.session.pk, kind="camera", actor=world.teacher, now=now)
    device, secret = devices.exchange(code=code, label="", now=now)
    assert devices.authenticate(secret, world.session.pk) is not None
    assert devices.authenticate(secret, world.school_class.pk) is None
    assert devices.authenticate("", world.session.pk) is None
    devices.revoke(device=device, actor=world.teacher, now=now)
    assert devices.authenticate(secret, world.session.pk) is None


def test_signing_ends_all_devices_of_the_session(world: World) -> None:
    client = paired(world, "projector")
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=timezone.now())
    assert client.get(page("projector", world)).status_code == 403


def test_pairing_is_allowed_to_those_who_run_the_session(world: World) -> None:
    with pytest.raises(Refused) as refusal:
        devices.create_code(
            session_id=world.session.pk, kind="kiosk", actor=world.other_teacher, now=timezone.now()
        )
    assert refusal.value.code == "not_allowed"


def test_handing_over_ends_the_login(world: World, visitor: Visitor) -> None:
    client = visitor("teacher")
    answer = client.post(page("hand-over", world), {"kind": "kiosk", "pin": "4711"})
    assert answer["Location"] == page("kiosk", world)
    cookie = answer.cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert client.get(page("live", world)).status_code == 302
    assert client.get(page("kiosk", world)).status_code == 200


def test_kiosk_is_left_only_with_its_pin(world: World, visitor: Visitor) -> None:
    client = visitor("teacher")
    client.post(page("hand-over", world), {"kind": "kiosk", "pin": "4711"})
    wrong = client.post(page("leave", world), {"pin": "1234"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_pin")
    assert client.post(page("leave", world), {"pin": "4711"}).json() == {"next": "/login/"}
    assert client.get(page("kiosk", world)).status_code == 403
    assert client.get(reverse("today")).status_code == 302


def test_pin_is_locked_after_guesses(world: World, visitor: Visitor) -> None:
    client = visitor("teacher")
    client.post(page("hand-over", world), {"kind": "kiosk", "pin": "4711"})
    for guess in range(5):
        client.post(page("leave", world), {"pin": f"000{guess}"})
    assert client.post(page("leave", world), {"pin": "4711"}).json()["code"] == "locked"


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "१२३४"])
def test_pin_has_four_to_eight_digits(pin: str, world: World, visitor: Visitor) -> None:
    answer = visitor("teacher").post(page("hand-over", world), {"kind": "kiosk", "pin": pin})
    assert answer.status_code == 403
    assert not Device.objects.exists()


def test_board_names_only_students_on_the_premises(world: World) -> None:
    now = timezone.now()
    for student, letter in ((world.ann, "/"), (world.bea, "N")):
        register.mark(
            register.MarkRequest(
                session_id=world.session.pk,
                student_id=student.pk,
                code=letter,
                source=Source.TEACHER,
                actor=world.teacher,
                now=now,
            )
        )
    client = paired(world, "projector")
    board = client.get(page("board", world))
    assert [student["name"] for student in board.json()["here"]] == ["Ann Ash"]
    assert (board.json()["expected"], board.json()["to_come"]) == (4, 2)
    for words in (board.content.decode(), client.get(page("projector", world)).content.decode()):
        assert "Bea" not in words
        assert "portrait/" not in words


def test_kiosk_rejects_only_its_own_recent_mark(world: World) -> None:
    client = paired(world, "kiosk")
    now = timezone.now()
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.TEACHER,
            actor=world.teacher,
            now=now,
        )
    )
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.bea.pk,
            code=register.ARRIVED,
            source=Source.KIOSK,
            actor=None,
            now=now,
        )
    )
    refused = client.post(page("not-me", world), {"student": str(world.ann.pk)})
    assert (refused.status_code, refused.json()["code"]) == (400, "too_late")
    assert client.post(page("not-me", world), {"student": str(world.bea.pk)}).status_code == 200
    marks = dict(world.session.marks.values_list("student", "code__letter"))
    assert marks == {world.ann.pk: "/", world.bea.pk: None}
