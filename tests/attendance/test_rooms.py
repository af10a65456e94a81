"""Consents, memberships, sessions, photographs and erasure: what each leaves behind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from attendance import register
from attendance.calendar import sessions
from attendance.core.errors import Refused
from attendance.faces import gallery_versions, photographs
from attendance.faces.gallery_versions import read_versions
from attendance.live.gallery_source import DatabaseSource
from attendance.models import (
    AuditEvent,
    Blob,
    Consent,
    Evidence,
    Mark,
    MarkEvent,
    Photograph,
    RejectedMatch,
    Review,
    SchoolClass,
    SchoolSettings,
    Session,
    Student,
    Template,
    User,
)
from attendance.models import Source as MarkSource
from attendance.people import consents, memberships
from attendance.privacy import erasure, retention
from attendance.register import evidence
from attendance.register.evidence import MatchEvidence
from recognition.engine.types import SPACE
from recognition.galleries import SCHOOL, key_of
from tests.world import World, consent, open_session, photograph, vector

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


def versions(world: World) -> dict[str, int]:
    SchoolSettings.objects.update(visitors_shown=True)
    return read_versions([str(world.school_class.pk), str(world.other_class.pk), SCHOOL])


def refused(call: Any, **given: Any) -> str:
    with pytest.raises(Refused) as refusal:
        call(**given)
    return refusal.value.code


def test_a_gallery_holds_consented_members_of_today(world: World) -> None:
    for number, student in enumerate((world.ann, world.dan, world.eve)):
        photograph(student, vector(number))
    photograph(world.ann, vector(9))
    vectors, owners = DatabaseSource().templates(str(world.school_class.pk))
    assert owners == [str(world.ann.pk)] * 2
    assert {tuple(row) for row in vectors} == {tuple(vector(0)), tuple(vector(9))}
    assert sorted(set(DatabaseSource().templates(SCHOOL)[1])) == sorted(
        [str(world.ann.pk), str(world.eve.pk)]
    )


def test_a_student_who_left_or_whose_membership_ended_is_in_no_gallery(world: World) -> None:
    photograph(world.ann, vector(1))
    photograph(world.bea, vector(2))
    Student.objects.filter(pk=world.bea.pk).update(left_on=TODAY() - DAY)
    membership = world.ann.memberships.get()
    memberships.end(membership_id=membership.pk, ends_on=TODAY() - DAY, actor=world.registrar)
    assert DatabaseSource().templates(str(world.school_class.pk))[1] == []


def test_a_template_moved_to_another_student_is_left_out(world: World) -> None:
    moved = photograph(world.ann, vector(1))
    Photograph.objects.filter(pk=moved.pk).update(student=world.bea)
    moved.templates.update(student=world.bea)
    photograph(world.cem, vector(2))
    assert DatabaseSource().templates(str(world.school_class.pk))[1] == [str(world.cem.pk)]


def test_versions_come_in_one_query_and_carry_the_day(world: World, django_assert_num_queries: Any) -> None:
    versions(world)
    with django_assert_num_queries(1):
        found = read_versions([str(world.school_class.pk), str(world.other_class.pk), SCHOOL])
    assert set(found) == {str(world.school_class.pk), str(world.other_class.pk), SCHOOL}
    today = TODAY().toordinal()
    assert {version & (2**gallery_versions.DATE_BITS - 1) for version in found.values()} == {today}
    assert read_versions(["01890000-0000-7000-8000-000000000000"]) == {}


@pytest.mark.parametrize("act", ["consent", "withdraw", "photograph", "remove", "join", "leave", "erase"])
def test_every_change_of_a_gallery_raises_its_version(world: World, act: str) -> None:
    kept = photograph(world.ann, vector(1))
    before = versions(world)
    student, actor, now = world.ann.pk, world.registrar, world.now
    acts: dict[str, Any] = {
        "consent": lambda: consents.give(
            student_id=student, given_by="A guardian", given_on=TODAY(), actor=actor, now=now
        ),
        "withdraw": lambda: consents.withdraw(student_id=student, actor=actor, now=now),
        "photograph": lambda: photograph(world.ann, vector(2)),
        "remove": lambda: photographs.remove(photograph_id=kept.pk, actor=actor, now=now),
        "join": lambda: memberships.add(
            student_id=world.eve.pk, class_id=world.school_class.pk, starts_on=TODAY(), actor=actor
        ),
        "leave": lambda: memberships.end(
            membership_id=world.ann.memberships.get().pk, ends_on=TODAY(), actor=actor
        ),
        "erase": lambda: erasure.erase(student_id=student, actor=actor, reason="asked for", now=now),
    }
    acts[act]()
    after = versions(world)
    assert after[str(world.school_class.pk)] > before[str(world.school_class.pk)]
    assert after[SCHOOL] > before[SCHOOL]


def face_everywhere(world: World) -> None:
    """Everything that may show or describe Ann's face."""
    photograph(world.ann, vector(1))
    seen = MatchEvidence(0.3, 0.1, 0.9, 4, 1, SPACE, "back", b"a crop")
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=MarkSource.CAMERA,
            actor=None,
            now=world.now,
            evidence=seen,
        )
    )
    crop = Blob.objects.create(kind=Blob.Kind.REVIEW, sealed=b"x")
    Review.objects.create(
        session=world.session,
        crop=crop,
        first=world.bea,
        first_distance=0.3,
        second=world.ann,
        samples=2,
        track=1,
        seen_at=world.now,
    )
    RejectedMatch.objects.create(
        session=world.session, student=world.ann, sealed_template=b"x", rejected_at=world.now
    )


def test_a_withdrawal_removes_the_face_and_leaves_the_register(world: World) -> None:
    face_everywhere(world)
    forgotten = consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert (forgotten.photographs, forgotten.evidence_pictures, forgotten.reviews) == (1, 1, 1)
    for gone in (Photograph, Template, Blob, RejectedMatch, Review):
        assert gone.objects.count() == 0
    assert Evidence.objects.get().crop is None
    assert Mark.objects.get().letter == "/"
    ended = Consent.objects.get(student=world.ann)
    assert (ended.withdrawn_at, ended.withdrawn_by) == (world.now, world.registrar)
    assert AuditEvent.objects.filter(action="consent_withdrawn", row=str(world.ann.pk)).count() == 1


def test_a_withdrawal_leaves_other_faces_alone(world: World) -> None:
    photograph(world.bea, vector(2))
    photograph(world.ann, vector(1))
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert Photograph.objects.get().student == world.bea
    assert Blob.objects.count() == 1


def test_a_consent_that_ran_out_takes_the_face_along(world: World) -> None:
    photograph(world.dan, vector(1))
    photograph(world.ann, vector(2))
    consent(world.dan, expires_on=TODAY() - DAY)
    assert consents.forget_expired(now=world.now) == 1
    assert Photograph.objects.get().student == world.ann
    assert consents.forget_expired(now=world.now) == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"given_by": " "}, "given_by_needed"),
        ({"given_on": dt.date(2999, 1, 1)}, "date_in_future"),
        ({"expires_on": dt.date(2001, 1, 1)}, "ends_before_it_starts"),
    ],
)
def test_a_consent_must_make_sense(world: World, given: dict[str, Any], code: str) -> None:
    wanted: dict[str, Any] = {
        "student_id": world.dan.pk,
        "given_by": "A guardian",
        "given_on": TODAY(),
        "actor": world.registrar,
        "now": world.now,
    } | given
    assert refused(consents.give, **wanted) == code


def test_a_consent_carries_the_version_of_the_schools_form(world: World) -> None:
    made = consents.give(
        student_id=world.dan.pk, given_by="A guardian", given_on=TODAY(), actor=world.registrar, now=world.now
    )
    assert (made.version, made.recorded_by) == ("1", world.registrar)
    assert Student.objects.recognisable(world.now).filter(pk=world.dan.pk).exists()


def test_erasure_leaves_nothing_of_the_person_but_the_register(world: World) -> None:
    face_everywhere(world)
    Student.objects.filter(pk=world.ann.pk).update(contact_email="home@example.org")
    erased = erasure.erase(
        student_id=world.ann.pk, actor=world.registrar, reason="left the school", now=world.now
    )
    assert (erased.photographs, erased.evidence, erased.reviews) == (1, 1, 1)
    for gone in (Photograph, Template, Blob, RejectedMatch, Review, Evidence):
        assert gone.objects.count() == 0
    student = Student.objects.get(pk=world.ann.pk)
    assert (student.contact_email, student.erased_at) == ("", world.now)
    assert Consent.objects.get(student=student).given_by == ""
    assert MarkEvent.objects.filter(student=student).count() == 1
    details = AuditEvent.objects.get(action="student_erased").details
    assert details == {"reason": "left the school", "photographs": 1, "evidence": 1, "reviews": 1}
    again = erasure.erase(student_id=world.ann.pk, actor=world.registrar, reason="again", now=world.now)
    assert (again.photographs, again.evidence, again.reviews) == (0, 0, 0)


def test_erasure_needs_a_reason_and_the_office(world: World) -> None:
    asked: dict[str, Any] = {"student_id": world.ann.pk, "now": world.now}
    assert refused(erasure.erase, actor=world.registrar, reason=" ", **asked) == "reason_needed"
    assert refused(erasure.erase, actor=world.teacher, reason="because", **asked) == "not_allowed"


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [(0, None, "already"), (-60, -30, "already"), (-90, -31, ""), (0, -1, "ends_before_it_starts")],
)
def test_memberships_of_one_class_do_not_overlap(
    world: World, starts: int, ends: int | None, code: str
) -> None:
    asked: dict[str, Any] = {
        "student_id": world.ann.pk,
        "class_id": world.school_class.pk,
        "starts_on": TODAY() + starts * DAY,
        "ends_on": None if ends is None else TODAY() + ends * DAY,
        "actor": world.registrar,
    }
    if code:
        assert refused(memberships.add, **asked) == code
    else:
        assert memberships.add(**asked).pk


def test_a_student_may_come_back_after_a_membership_ended(world: World) -> None:
    memberships.end(
        membership_id=world.ann.memberships.get().pk, ends_on=TODAY() - DAY, actor=world.registrar
    )
    memberships.add(
        student_id=world.ann.pk, class_id=world.school_class.pk, starts_on=TODAY(), actor=world.registrar
    )
    assert Student.objects.in_class(world.school_class, TODAY()).filter(pk=world.ann.pk).exists()


def test_a_session_has_the_schools_own_date(world: World, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    starts = dt.datetime(2026, 6, 1, 20, 0, tzinfo=dt.UTC)
    made = sessions.create(
        class_id=world.school_class.pk,
        starts_at=starts,
        ends_at=starts + dt.timedelta(hours=1),
        actor=world.registrar,
    )
    assert made.date == dt.date(2026, 6, 2)


def test_a_session_that_cannot_be_is_refused(world: World) -> None:
    hour = dt.timedelta(hours=1)
    for starts, ends, actor, code in (
        (world.now, world.now, world.teacher, "ends_before_it_starts"),
        (world.now, world.now + 25 * hour, world.teacher, "too_long"),
        (world.session.starts_at, world.session.ends_at, world.teacher, "already"),
        (world.now, world.now + hour, world.other_teacher, "not_allowed"),
    ):
        asked: dict[str, Any] = {"class_id": world.school_class.pk, "starts_at": starts, "ends_at": ends}
        assert refused(sessions.create, actor=actor, **asked) == code


def start(world: World, now: dt.datetime, actor: User | None = None) -> Session:
    return register.start_now(class_id=world.school_class.pk, actor=actor or world.teacher, now=now)


def test_starting_now_finds_the_session_that_is_open(world: World) -> None:
    assert start(world, world.now) == world.session


def test_starting_now_opens_the_planned_session_that_is_due(world: World) -> None:
    world.session.delete()
    planned = open_session(world.school_class, world.now, minutes_ago=-10)
    Session.objects.update(state=Session.State.PLANNED)
    opened = start(world, world.now)
    assert (opened, opened.is_open) == (planned, True)


def test_starting_now_after_the_lesson_makes_a_new_one(world: World) -> None:
    later = world.session.ends_at + dt.timedelta(minutes=1)
    made = start(world, later)
    assert made != world.session
    assert (made.is_open, made.starts_at) == (True, later)


def test_only_who_teaches_the_class_starts_it(world: World) -> None:
    asked: dict[str, Any] = {"class_id": world.school_class.pk, "now": world.now}
    assert refused(register.start_now, actor=world.other_teacher, **asked) == "not_allowed"
    SchoolClass.objects.filter(pk=world.school_class.pk).update(archived_at=world.now)
    assert refused(register.start_now, actor=world.teacher, **asked) == "no_such_class"


def test_faces_of_a_session_that_nobody_closed_are_forgotten(world: World) -> None:
    face_everywhere(world)
    assert retention.delete_old_undecided_faces(now=world.session.ends_at) == 0
    assert retention.delete_old_undecided_faces(now=world.session.ends_at + dt.timedelta(hours=13)) == 1
    assert (Review.objects.count(), RejectedMatch.objects.count()) == (0, 0)
    assert Session.objects.get(pk=world.session.pk).is_open


def test_a_photograph_is_shown_to_its_teachers_and_the_look_is_noted(world: World) -> None:
    kept = photograph(world.ann, vector(1), picture=b"the picture")
    for _ in range(3):
        assert photographs.read(kept, world.teacher) == b"the picture"
    noted = AuditEvent.objects.get(action="photograph_viewed")
    assert (noted.actor, noted.row) == (world.teacher, str(kept.pk))
    for actor in (world.other_teacher, world.viewer):
        assert refused(photographs.read, photograph=kept, actor=actor) == "not_allowed"


def test_removing_a_photograph_removes_its_template_and_picture(world: World) -> None:
    first, second = photograph(world.ann, vector(1)), photograph(world.ann, vector(2))
    asked: dict[str, Any] = {"photograph_id": first.pk, "now": world.now}
    assert refused(photographs.remove, actor=world.teacher, **asked) == "not_allowed"
    photographs.remove(actor=world.registrar, **asked)
    assert Photograph.objects.get() == second
    assert Template.objects.count() == Blob.objects.count() == 1
    assert refused(photographs.remove, actor=world.registrar, **asked) == "no_such_photograph"


def test_the_newest_photograph_is_the_portrait(world: World) -> None:
    assert photographs.portrait(world.ann.pk) is None
    photograph(world.ann, vector(1))
    newest = photograph(world.ann, vector(2))
    assert photographs.portrait(world.ann.pk) == newest


def test_the_picture_behind_a_mark_is_shown_to_its_teachers(world: World) -> None:
    face_everywhere(world)
    kept = Evidence.objects.get()
    assert evidence.read(kept, world.teacher) == b"a crop"
    assert AuditEvent.objects.filter(action="evidence_viewed", actor=world.teacher).count() == 1
    assert refused(evidence.read, evidence=kept, actor=world.other_teacher) == "not_allowed"
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    kept.refresh_from_db()
    assert refused(evidence.read, evidence=kept, actor=world.teacher) == "no_such_evidence"


def test_the_cache_holds_no_gallery_of_who_withdrew(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    photograph(world.ann, vector(1))
    keys = [key_of(name, SPACE) for name in (str(world.school_class.pk), str(world.other_class.pk), SCHOOL)]
    for key in keys:
        cache.set(key, b"sealed")
    with django_capture_on_commit_callbacks(execute=True):
        consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert [cache.get(key) for key in keys] == [None, b"sealed", None]


def test_a_planned_session_may_be_moved_and_an_opened_one_only_renamed(world: World) -> None:
    hour = dt.timedelta(hours=1)
    asked: dict[str, Any] = {"session_id": world.session.pk, "actor": world.teacher}
    assert sessions.change(title="Maths", **asked).title == "Maths"
    moved = world.session.starts_at - hour
    assert refused(sessions.change, starts_at=moved, **asked) == "already"
    Session.objects.update(state=Session.State.PLANNED)
    days = world.now + 10 * DAY
    changed = sessions.change(starts_at=days, ends_at=days + hour, **asked)
    assert changed.date == timezone.localdate(days)
