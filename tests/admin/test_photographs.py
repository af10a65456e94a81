"""Photographs in the admin: verdicts, crops, and imports by file name."""

from __future__ import annotations

import io
import unicodedata
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from attendance.core.errors import Refused
from attendance.faces.bulk_photos import find_student, image_files
from attendance.models import AuditEvent, ConfusablePair, Photograph, Student
from tests import material
from tests import world as small
from tests.world import World

pytestmark = pytest.mark.django_db


def upload_page(student: Student) -> str:
    return f"/admin/attendance/student/{student.pk}/photographs/"


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/jpeg")


def test_upload_of_several_photographs_shows_a_verdict_on_each(world: World, office: Client) -> None:
    first, second = material.people()["obama"][:2]
    files = [
        upload(first.name, first.read_bytes()),
        upload("notes.jpg", b"no picture"),
        upload("again.jpg", first.read_bytes()),
    ]
    text = office.post(upload_page(world.ann), {"photographs": files}).content.decode()
    assert text.count("rc-accepted") == 1
    assert text.count("rc-refused") == 2
    assert "already enrolled" in text
    assert text.count("data:image/jpeg;base64,") == 1
    assert world.ann.photographs.count() == 1
    office.post(upload_page(world.ann), {"photographs": [upload(second.name, second.read_bytes())]})
    assert world.ann.photographs.count() == 2


def test_upload_without_consent_keeps_nothing(world: World, office: Client) -> None:
    text = office.post(upload_page(world.dan), {"photographs": [upload("a.jpg", b"x")]}).content.decode()
    assert "no valid consent" in text
    assert not world.dan.photographs.exists()


def test_photograph_like_another_student_is_compared_and_kept_with_a_reason(
    world: World, office: Client
) -> None:
    first, second = material.people()["obama"][:2]
    office.post(upload_page(world.ann), {"photographs": [upload("1.jpg", first.read_bytes())]})
    theirs = world.ann.photographs.get()
    file = {"photographs": [upload("2.jpg", second.read_bytes())]}
    text = office.post(upload_page(world.bea), file, headers={"X-Rollcall-Fragment": "1"}).content.decode()
    assert "<html" not in text
    assert f"/admin/attendance/photograph/{theirs.pk}/image/" in text
    assert "override_reason" in text
    assert not world.bea.photographs.exists()
    again = {"photographs": upload("2.jpg", second.read_bytes()), "override_reason": "Twins."}
    office.post(upload_page(world.bea), again)
    assert world.bea.photographs.count() == 1
    assert ConfusablePair.objects.get().reason == "Twins."


def test_photograph_unlike_own_is_compared_and_kept_with_a_reason(world: World, office: Client) -> None:
    first, other = material.people()["obama"][0], material.people()["biden"][0]
    office.post(upload_page(world.ann), {"photographs": [upload("1.jpg", first.read_bytes())]})
    own = world.ann.photographs.get()
    text = office.post(upload_page(world.ann), {"photographs": [upload("2.jpg", other.read_bytes())]})
    assert f"/admin/attendance/photograph/{own.pk}/image/" in text.content.decode()
    assert text.content.decode().count("data:image/jpeg;base64,") == 1
    assert "override_reason" in text.content.decode()
    assert world.ann.photographs.get() == own
    again = {"photographs": upload("2.jpg", other.read_bytes()), "override_reason": "After an accident."}
    office.post(upload_page(world.ann), again)
    assert world.ann.photographs.count() == 2
    noted = AuditEvent.objects.get(action="photograph_kept_in_doubt")
    assert noted.details["reason"] == "After an accident."


def test_crop_is_not_cached_and_its_view_is_audited(world: World, office: Client) -> None:
    photograph = small.photograph(world.ann, small.vector(1), picture=b"the crop")
    answer = office.get(f"/admin/attendance/photograph/{photograph.pk}/image/")
    assert (answer.content, answer["Content-Type"]) == (b"the crop", "image/jpeg")
    assert {"private", "no-store"} <= {part.strip() for part in answer["Cache-Control"].split(",")}
    assert AuditEvent.objects.filter(action="photograph_viewed", actor=world.registrar).exists()


@pytest.mark.parametrize("role", ["teacher", "viewer", None])
def test_crop_is_closed_to_teachers_and_viewers(world: World, role: str | None) -> None:
    photograph = small.photograph(world.ann, small.vector(1))
    client = Client()
    if role:
        client.force_login(getattr(world, role))
    answer = client.get(f"/admin/attendance/photograph/{photograph.pk}/image/")
    assert answer.status_code == (403 if role else 302)


def test_photograph_is_removed_by_post_only(world: World, office: Client) -> None:
    photograph = small.photograph(world.ann, small.vector(1))
    address = f"/admin/attendance/photograph/{photograph.pk}/remove/"
    assert office.get(address).status_code == 405
    assert Photograph.objects.count() == 1
    assert office.post(address).status_code == 302
    assert Photograph.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("1042.jpg", "ann"),
        ("Ann Ash.JPG", "ann"),
        ("ash_ann-2.png", "ann"),
        ("photos/Bea Birch/IMG 0001.jpg", "bea"),
        ("Birch, Bea (3).heic", "bea"),
    ],
)
def test_photograph_file_is_matched_by_its_name(world: World, path: str, name: str) -> None:
    Student.objects.filter(pk=world.ann.pk).update(external_id="1042")
    assert find_student(path, Student.objects.all()) == getattr(world, name)


@pytest.mark.parametrize(("path", "code"), [("IMG_0001.jpg", "no_owner"), ("Ann Ash.jpg", "ambiguous")])
def test_photograph_file_without_one_match_is_refused(world: World, path: str, code: str) -> None:
    small.student("Ann Ash")
    with pytest.raises(Refused) as refusal:
        find_student(path, Student.objects.all())
    assert refusal.value.code == code


def owner_or_code(path: str, world: World) -> Student | str:
    try:
        return find_student(path, Student.objects.exclude(pk=world.eve.pk))
    except Refused as refusal:
        return refusal.code


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Bob Birch/1.jpg", "bob"),
        ("class/Bob Birch/10.jpg", "bob"),
        ("Bob Birch (2)/1.jpg", "bob"),
        ("1/10.jpg", "ann"),
        ("1-2.jpg", "ann"),
        ("10 (3).jpg", "ten"),
        ("Bob Birch 1.jpg", "bob"),
        ("bob birch10.jpg", "bob"),
        ("Ann Ash/10/1.jpg", "contradiction"),
        ("1042.jpg", "no_owner"),
        ("101.jpg", "no_owner"),
        ("B12.jpg", "alike"),
        ("Eve Elm/1.jpg", "no_owner"),
        ("Jose Perez/777.jpg", "alike"),
        ("photographs/777.jpg", "cem"),
        ("001.jpg", "alike"),
        ("Bob Birch (B1042)/1.jpg", "no_owner"),
        ("Ann Ash (777).jpg", "ambiguous"),
        ("Cem Cedar (777).jpg", "cem"),
        ("B-12.jpg", "ambiguous"),
        ("Jose Perez.jpg", "alike"),
        ("JOSÉ PÉREZ.jpg", "jose"),
    ],
)
def test_photograph_file_is_never_matched_by_a_guess(world: World, path: str, name: str) -> None:
    made = {
        key: Student.objects.create(given_name=given, family_name=family, external_id=number)
        for key, given, family, number in (
            ("ten", "Tea", "Ten", "10"),
            ("bob", "Bob", "Birch", "B"),
            ("other", "Other", "Person", "B-12"),
            ("jose", "José", "Pérez", "5"),
        )
    }
    for student, number in ((world.ann, "1"), (world.cem, "777")):
        Student.objects.filter(pk=student.pk).update(external_id=number)
    students: dict[str, Student] = {**made, "ann": world.ann, "cem": world.cem}
    assert owner_or_code(path, world) == students.get(name, name)


def test_zip_of_macos_keeps_accents_of_names() -> None:
    name = unicodedata.normalize("NFD", "José Pérez/a.jpg")
    data = bytearray(packed((name, b"1")).read())
    for signature, flags in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.index(signature) + flags] &= ~8
    file = SimpleUploadedFile("mac.zip", bytes(data))
    assert [picture.name for picture in image_files([file])] == ["José Pérez/a.jpg"]


def test_zip_of_old_windows_is_read_as_cp437() -> None:
    data = packed(("Jos?.jpg", b"1")).read().replace(b"Jos?", b"Jos\x82")
    assert [picture.name for picture in image_files([SimpleUploadedFile("old.zip", data)])] == ["José.jpg"]


def packed(*members: tuple[str, bytes]) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return SimpleUploadedFile("class.zip", buffer.getvalue())


def test_zip_gives_its_images_only() -> None:
    file = packed(
        ("Ann Ash/1.jpg", b"1"), ("__MACOSX/._1.jpg", b"x"), (".hidden.jpg", b"x"), ("list.txt", b"x")
    )
    assert [(picture.name, picture.data) for picture in image_files([file])] == [("Ann Ash/1.jpg", b"1")]


def test_zip_entry_that_is_too_large_is_not_unpacked() -> None:
    file = packed(("bomb.jpg", bytes(21 * 1024 * 1024)), ("Ann Ash.jpg", b"1"))
    assert [len(picture.data) for picture in image_files([file])] == [0, 1]


def test_damaged_zip_is_refused_with_a_sentence(world: World, office: Client) -> None:
    form = {"school_class": world.school_class.pk, "photographs": [SimpleUploadedFile("class.zip", b"PK no")]}
    text = office.post("/admin/attendance/student/import/photographs/", form).content.decode()
    assert "damaged, encrypted or not a ZIP" in text


def test_zip_enrols_a_class_and_a_preview_keeps_nothing(world: World, office: Client) -> None:
    picture = material.people()["obama"][0].read_bytes()
    members = (("Ann Ash/1.jpg", picture), ("Eve Elm.jpg", picture))
    form = {"school_class": world.school_class.pk, "photographs": [packed(*members)], "dry_run": "on"}
    text = office.post("/admin/attendance/student/import/photographs/", form).content.decode()
    assert "Matches this student" in text
    assert "Nobody in this class" in text
    assert Photograph.objects.count() == 0
    form = {"school_class": world.school_class.pk, "photographs": [packed(*members)]}
    office.post("/admin/attendance/student/import/photographs/", form)
    assert Photograph.objects.get().student == world.ann
