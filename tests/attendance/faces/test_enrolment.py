"""Photographs to templates, with the real engine and real pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from PIL import Image, ImageDraw, ImageFilter

from attendance.core.errors import Refused
from attendance.faces import enrolment, photographs
from attendance.faces.enrolment import Verdict
from attendance.live.gallery_source import DatabaseSource
from attendance.models import (
    AuditEvent,
    Blob,
    ConfusablePair,
    Membership,
    Photograph,
    SchoolClass,
    SchoolSettings,
    Space,
    Student,
    Template,
)
from recognition.engine.images.image import decode
from recognition.engine.types import Face
from recognition.shared_engine import ENGINE, engine
from tests import material
from tests.world import World, photograph

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def engine_stops() -> Iterator[None]:
    yield
    ENGINE.close()


@pytest.fixture(scope="module")
def people() -> Mapping[str, tuple[Path, ...]]:
    return material.people()


def enrol(world: World, student: Student, data: bytes, **changes: Any) -> Verdict:
    arguments: dict[str, Any] = {"actor": world.registrar, "now": world.now} | changes
    return enrolment.enrol(student_id=student.pk, data=data, **arguments)


def picture(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, kind)
    return out.getvalue()


def obama(people: Mapping[str, tuple[Path, ...]], number: int = 0) -> bytes:
    return people["obama"][number].read_bytes()


def portrait(people: Mapping[str, tuple[Path, ...]]) -> Image.Image:
    return Image.open(people["obama"][0]).convert("RGB")


def nothing_is_stored() -> bool:
    return not any(table.objects.exists() for table in (Photograph, Template, Blob))


def test_accepted_photograph_is_stored_encrypted_and_raises_versions(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    verdict = enrol(world, world.ann, obama(people))
    assert (verdict.accepted, verdict.code, verdict.faces) == (True, "accepted", 1)
    kept = Photograph.objects.get()
    assert kept == verdict.photograph
    assert (kept.student, kept.created_by) == (world.ann, world.registrar)
    assert kept.content_hmac == enrolment.digest_of(obama(people))
    sealed = bytes(Blob.objects.values_list("sealed", flat=True).get())
    assert sealed.startswith(b"RC1")
    assert b"JFIF" not in sealed
    assert photographs.read(kept, world.registrar) == verdict.crop
    assert max(decode(verdict.crop or b"").shape) <= 1024
    vectors, owners = DatabaseSource().templates(str(world.school_class.pk))
    assert owners == [str(world.ann.pk)]
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)
    assert Space.objects.get(active=True).name == engine().space
    assert SchoolClass.objects.get(pk=world.school_class.pk).gallery_version == 1
    assert SchoolSettings.load().school_gallery_version == 1
    assert AuditEvent.objects.filter(action="photograph_added", row=str(kept.pk)).exists()


def test_photograph_without_consent_is_not_decoded(
    world: World, people: Mapping[str, tuple[Path, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("the photograph was decoded")

    monkeypatch.setattr(enrolment, "decode", never)
    assert enrol(world, world.dan, obama(people)).code == "no_consent"
    assert nothing_is_stored()


def test_enrolment_without_right_is_refused(world: World) -> None:
    for actor in (world.teacher, world.viewer):
        with pytest.raises(Refused) as refusal:
            enrol(world, world.ann, b"", actor=actor)
        assert refusal.value.code == "not_allowed"


def test_same_photograph_is_accepted_once(world: World, people: Mapping[str, tuple[Path, ...]]) -> None:
    enrol(world, world.ann, obama(people))
    again = enrol(world, world.ann, obama(people))
    elsewhere = enrol(world, world.bea, obama(people), override_reason="twins")
    assert again.code == elsewhere.code == "duplicate_photograph"
    assert [similar.student for similar in elsewhere.similar] == [world.ann]
    assert Photograph.objects.count() == 1


def test_face_like_another_students_needs_a_reason_and_makes_a_pair(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    for number in (0, 1, 2):
        assert enrol(world, world.ann, obama(people, number)).accepted
    held = enrol(world, world.bea, obama(people, 3))
    assert (held.accepted, held.code) == (False, "looks_like_another")
    assert held.similar[0].student == world.ann
    assert world.ann.name in held.message
    assert held.crop is not None
    passed = enrol(world, world.bea, obama(people, 3), override_reason="identical twins")
    assert passed.accepted
    pair = ConfusablePair.objects.get()
    assert {pair.first, pair.second} == {world.ann, world.bea}
    assert (pair.overridden_by, pair.reason) == (world.registrar, "identical twins")


def test_face_of_another_student_is_held_back_beside_own_photographs(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    enrol(world, world.ann, obama(people))
    for number in (0, 1):
        enrol(world, world.bea, people["biden"][number].read_bytes())
    assert enrol(world, world.bea, obama(people, 1)).code == "looks_like_another"


def spoil(world: World, people: Mapping[str, tuple[Path, ...]]) -> Photograph:
    """Enrol two photographs of one person for Ann and, with a reason, one of another; return the wrong one."""
    for number in (0, 1):
        assert enrol(world, world.ann, obama(people, number)).accepted
    wrong = people["biden"][0].read_bytes()
    verdict = enrol(world, world.ann, wrong, override_reason="The clerk insisted.")
    assert verdict.photograph is not None
    return verdict.photograph


def test_face_unlike_the_own_is_held_back_with_the_nearest_photograph(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    own = [enrol(world, world.ann, obama(people, number)).photograph for number in (0, 1)]
    held = enrol(world, world.ann, people["biden"][0].read_bytes())
    assert (held.accepted, held.code, held.overridable) == (False, "unlike_own", True)
    assert held.own in own
    assert held.crop is not None
    assert held.similar == ()
    assert world.ann.photographs.count() == 2
    assert enrol(world, world.ann, obama(people, 2)).accepted


def test_face_unlike_the_own_is_accepted_with_a_reason_that_is_audited(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    kept = spoil(world, people)
    noted = AuditEvent.objects.get(action="photograph_kept_in_doubt")
    assert (noted.actor, noted.row) == (world.registrar, str(kept.pk))
    assert noted.details == {
        "student": str(world.ann.pk),
        "codes": "unlike_own",
        "reason": "The clerk insisted.",
    }
    assert not ConfusablePair.objects.exists()


@pytest.mark.parametrize("name", ["obama", "biden"])
def test_wrong_photograph_of_a_student_hides_neither_face_from_checks(
    world: World, people: Mapping[str, tuple[Path, ...]], name: str
) -> None:
    wrong = spoil(world, people)
    held = enrol(world, world.bea, people[name][1 if name == "biden" else 2].read_bytes())
    assert (held.code, held.own) == ("looks_like_another", None)
    (similar,) = held.similar
    assert similar.student == world.ann
    assert (similar.photograph == wrong) == (name == "biden")


def test_one_reason_covers_both_doubts(world: World, people: Mapping[str, tuple[Path, ...]]) -> None:
    enrol(world, world.ann, obama(people))
    mine = enrol(world, world.bea, people["biden"][0].read_bytes()).photograph
    held = enrol(world, world.bea, obama(people, 1))
    assert (held.code, held.own) == ("looks_like_another", mine)
    assert [similar.student for similar in held.similar] == [world.ann]
    assert world.ann.name in held.message
    assert enrol(world, world.bea, obama(people, 1), override_reason=" ").code == "looks_like_another"
    assert enrol(world, world.bea, obama(people, 1), override_reason="Shorn.").accepted
    assert ConfusablePair.objects.get().reason == "Shorn."
    details = AuditEvent.objects.get(action="photograph_kept_in_doubt").details
    assert (details["codes"], details["reason"]) == ("looks_like_another, unlike_own", "Shorn.")


@pytest.mark.parametrize("names", [("obama", "biden"), ("obama", "biden", "rose_leslie")])
def test_different_people_are_accepted_without_a_reason(
    world: World, people: Mapping[str, tuple[Path, ...]], names: tuple[str, ...]
) -> None:
    for name, student in zip(names, (world.ann, world.bea, world.cem), strict=False):
        for path in people[name][:2]:
            verdict = enrol(world, student, path.read_bytes())
            assert verdict.accepted, (path, verdict.message)
    assert ConfusablePair.objects.count() == 0


def test_photograph_with_several_faces_is_refused_with_their_number(world: World) -> None:
    verdict = enrol(world, world.ann, material.need("faces", "groups", "obama_and_biden.jpg").read_bytes())
    assert verdict.code == "several_faces"
    assert verdict.faces >= 2
    assert verdict.crop is not None
    assert nothing_is_stored()


@pytest.mark.parametrize("number", [4, 5])
def test_incomplete_face_is_refused(
    world: World, people: Mapping[str, tuple[Path, ...]], number: int
) -> None:
    assert people["obama"][number].name.startswith("partial")
    assert enrol(world, world.ann, obama(people, number)).code == "hidden"


def face_of(image: Image.Image) -> Face:
    return max(engine().analyse(np.asarray(image)), key=lambda face: face.score)


def barred(image: Image.Image, part: tuple[float, float, float, float], fill: str) -> Image.Image:
    """Return the image with a bar over a part of the face, given in fractions of its box."""
    left, top, right, bottom = face_of(image).box
    wide, high = right - left, bottom - top
    x0, y0, x1, y1 = part
    covered = image.copy()
    bar = (left + x0 * wide, top + y0 * high, left + x1 * wide, top + y1 * high)
    ImageDraw.Draw(covered).rectangle(bar, fill=fill)
    return covered


@pytest.mark.parametrize("fill", ["#0a0a0a", "#c8dceb", "#285090", "#b08d78"])
@pytest.mark.parametrize(
    ("part", "word"),
    [((0.05, 0.25, 0.95, 0.47), "eyes are covered"), ((0, 0.52, 1, 1.05), "mouth is covered")],
    ids=["eyes", "mouth"],
)
def test_face_with_a_covered_part_is_refused(
    world: World,
    people: Mapping[str, tuple[Path, ...]],
    part: tuple[float, float, float, float],
    word: str,
    fill: str,
) -> None:
    for name in ("obama", "rose_leslie"):
        image = Image.open(people[name][0]).convert("RGB")
        verdict = enrol(world, world.ann, picture(barred(image, part, fill)))
        assert verdict.code in {"hidden", "no_face"}, name
        assert verdict.code == "no_face" or word in verdict.message, name
    assert nothing_is_stored()


@pytest.mark.parametrize("edge", ["left", "top", "right", "bottom"])
def test_face_that_is_cut_off_is_refused(
    world: World, people: Mapping[str, tuple[Path, ...]], edge: str
) -> None:
    image = portrait(people)
    (x0, y0), (x1, y1) = face_of(image).landmarks[:2]
    size = float(np.hypot(x1 - x0, y1 - y0))
    mouth = float(face_of(image).landmarks[3:, 1].max())
    boxes: dict[str, tuple[float, float, float, float]] = {
        "left": (x0 - 0.1 * size, 0, image.width, image.height),
        "top": (0, min(y0, y1) - 0.3 * size, image.width, image.height),
        "right": (0, 0, x1 + 0.1 * size, image.height),
        "bottom": (0, 0, image.width, mouth + 0.2 * size),
    }
    cut = image.crop(boxes[edge])
    assert enrol(world, world.ann, picture(cut)).code == "hidden"
    assert nothing_is_stored()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_photograph_on_its_side_is_rotated_before_it_is_checked(
    world: World, people: Mapping[str, tuple[Path, ...]], quarters: int
) -> None:
    upright = portrait(people)
    turned = Image.fromarray(np.rot90(np.asarray(upright), quarters))
    verdict = enrol(world, world.ann, picture(turned))
    assert verdict.accepted, verdict.message
    shown = Image.open(io.BytesIO(verdict.crop or b"")).convert("RGB")
    assert abs(face_of(shown).quality.roll) < 30
    held = enrol(world, world.bea, picture(turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    again = enrol(world, world.bea, picture(turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    assert held.code == again.code == "looks_like_another"
    assert held.crop == again.crop


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda image: image.resize((image.width // 6, image.height // 6)), "too_small"),
        (lambda image: image.filter(ImageFilter.GaussianBlur(12)), "blurred"),
        (lambda image: image.point(lambda value: value // 12), "too_dark"),
        (lambda image: image.crop((0, 0, 200, 60)), "no_face"),
    ],
)
def test_bad_photograph_is_refused_with_what_to_do(
    world: World, people: Mapping[str, tuple[Path, ...]], spoil: Any, code: str
) -> None:
    verdict = enrol(world, world.ann, picture(spoil(portrait(people))))
    assert verdict.code == code
    assert verdict.message.endswith(".")
    assert nothing_is_stored()


@pytest.mark.parametrize("data", [b"", b"GIF", b"<svg/>", b"\xff\xd8\xff" + b"x" * 100])
def test_file_that_is_no_image_gets_a_verdict(world: World, data: bytes) -> None:
    verdict = enrol(world, world.ann, data)
    assert not verdict.accepted
    assert verdict.code in {"empty", "truncated", "unreadable", "unsupported_format"}
    assert verdict.message


def test_photograph_is_turned_upright_as_its_file_says(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    turned = portrait(people).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    turned.save(out, "JPEG", exif=exif)
    verdict = enrol(world, world.ann, out.getvalue())
    assert verdict.accepted, verdict.message


def test_confusable_pair_exists_while_the_photographs_are_similar(world: World) -> None:
    base = np.zeros(128, np.float32)
    base[0] = 1
    near = base.copy()
    near[1] = 0.3
    kept = [photograph(world.ann, base), photograph(world.bea, near / np.linalg.norm(near))]
    photograph(world.eve, base)
    from attendance.faces import confusable_pairs

    assert confusable_pairs.update_pairs(world.ann.pk) == 1
    pair = ConfusablePair.objects.get()
    assert {pair.first, pair.second} == {world.ann, world.bea}
    assert pair.distance == pytest.approx(0.295, abs=0.005)
    photographs.remove(photograph_id=kept[1].pk, actor=world.registrar)
    assert ConfusablePair.objects.count() == 0
    Membership.objects.create(
        student=world.eve, school_class=world.school_class, starts_on=world.session.date
    )
    assert confusable_pairs.update_pairs(world.eve.pk) == 1


@pytest.mark.django_db(transaction=True)
def test_same_photograph_enrolled_concurrently_is_accepted_once(
    world: World, people: Mapping[str, tuple[Path, ...]]
) -> None:
    def one(student: Student) -> str:
        try:
            return enrol(world, student, obama(people)).code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        codes = sorted(pool.map(one, (world.ann, world.bea, world.ann)))
    assert codes == ["accepted", "duplicate_photograph", "duplicate_photograph"]
    assert Photograph.objects.count() == Template.objects.count() == Blob.objects.count() == 1
