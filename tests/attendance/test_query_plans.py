"""Indexes of the daily queries, tested on a school with 2,000 students and 200,000 marks."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import (
    Attempt,
    AuditEvent,
    Evidence,
    Job,
    Mark,
    MarkEvent,
    Membership,
    SchoolClass,
    Session,
    Student,
    Teaching,
)
from tests.world import World

pytestmark = pytest.mark.django_db

# Each student has a mark in each of the 100 sessions of their class.
STUDENTS, CLASSES, SESSIONS = 2000, 66, 100

# Checking half a million foreign keys would take a minute and does not affect plans. All of this is rolled back.
DROP_FOREIGN_KEYS = """
SET CONSTRAINTS ALL IMMEDIATE;
DO $$ DECLARE foreign_key record; BEGIN
    FOR foreign_key IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint WHERE contype = 'f'
        AND conrelid::regclass
        IN ('attendance_mark'::regclass, 'attendance_markevent'::regclass, 'attendance_attempt'::regclass)
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', foreign_key.owner, foreign_key.conname); END LOOP;
END $$;
"""
FILL = """
INSERT INTO attendance_schoolclass (id, name, year_group, gallery_version)
    SELECT md5('class' || c)::uuid, 'Class ' || c, '', 0 FROM generate_series(1, {classes}) c;
INSERT INTO attendance_student
    (id, given_name, family_name, contact_email, created_at, sort_key, search_key)
    SELECT md5('student' || s)::uuid, 'Given', 'Family' || s, '', now(), 'family' || s || ' given',
           'given family' || s FROM generate_series(1, {students}) s;
INSERT INTO attendance_membership (id, student_id, school_class_id, starts_on)
    SELECT md5('membership' || s)::uuid, md5('student' || s)::uuid, md5('class' || (s % {classes} + 1))::uuid,
           current_date - 200 FROM generate_series(1, {students}) s;
INSERT INTO attendance_session (id, school_class_id, title, starts_at, ends_at, date, changed_by_hand, state,
     cancel_reason, version)
    SELECT md5('session' || c || '/' || n)::uuid, md5('class' || c)::uuid, '',
           now() - n * interval '1 day', now() - n * interval '1 day' + interval '1 hour', current_date - n, false,
           'signed', '', 0 FROM generate_series(1, {classes}) c, generate_series(1, {sessions}) n;
INSERT INTO attendance_mark (id, session_id, student_id, code_id, source, changed_at, note, revision)
    SELECT md5('mark' || s || '/' || n)::uuid, md5('session' || (s % {classes} + 1) || '/' || n)::uuid,
           md5('student' || s)::uuid,
           (SELECT id FROM attendance_attendancecode WHERE letter = '/'), 'camera', now() - n * interval '1 day', '', 1
    FROM generate_series(1, {students}) s, generate_series(1, {sessions}) n;
INSERT INTO attendance_markevent
    (id, mark_id, session_id, student_id, revision, from_letter, from_category, to_code_id, to_letter,
     to_category, note, source, reason, seen_at, stored_at, late_upload)
    SELECT md5('event' || id)::uuid, id, session_id, student_id, 1, '', '', code_id, '/', 'present', '', source, '',
           changed_at, changed_at, false FROM attendance_mark WHERE changed_at > now() - interval '30 days';
INSERT INTO attendance_attempt (session_id, student_id, source, reason, count, first_at, last_at)
    SELECT session_id, student_id, 'camera', 'already_marked', 3, changed_at, changed_at
    FROM attendance_mark WHERE random() < 0.1;
INSERT INTO attendance_auditevent (id, at, action, "table", row, details)
    SELECT md5('audit' || n)::uuid, now() - n * interval '1 minute', 'photograph_viewed', 'photograph',
           md5('row' || n % 2000), '{{}}' FROM generate_series(1, 50000) n;
INSERT INTO attendance_job (id, kind, state, payload, result, progress, total, attempt, error, created_at)
    SELECT md5('job' || n)::uuid, 'import', 'done', '{{}}', '{{}}', 0, 0, 1, '', now()
    FROM generate_series(1, 20000) n;
ANALYZE;
"""


@pytest.fixture
def school(world: World) -> World:
    with connection.cursor() as cursor:
        cursor.execute(DROP_FOREIGN_KEYS)
        cursor.execute(FILL.format(students=STUDENTS, classes=CLASSES, sessions=SESSIONS))
    assert Mark.objects.count() == STUDENTS * SESSIONS == 200_000
    return world


def scanned_in_full(rows: QuerySet[Any]) -> set[str]:
    """Return the tables that PostgreSQL reads in full for this query."""
    plan = json.loads(rows.explain(format="json"))
    tables: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan":
            tables.add(node["Relation Name"])
        for child in node.get("Plans", ()):
            walk(child)

    walk(plan[0]["Plan"])
    return tables


def test_daily_queries_read_no_large_table_in_full(school: World) -> None:
    today = timezone.localdate()
    session = Session.objects.filter(date=today - dt.timedelta(days=3)).first()
    assert session is not None
    student = Student.objects.get(sort_key="family7 given")
    event = MarkEvent.objects.filter(student=student).first()
    assert event is not None
    large = {
        Mark._meta.db_table,
        MarkEvent._meta.db_table,
        Attempt._meta.db_table,
        Session._meta.db_table,
        AuditEvent._meta.db_table,
        Job._meta.db_table,
    }
    queries: dict[str, QuerySet[Any]] = {
        "the register": Mark.objects.filter(session=session).select_related("code", "marked_by"),
        "one mark": Mark.objects.filter(session=session, student=student),
        "the unmarked": Student.objects.in_class(session.school_class, session.date).exclude(
            pk__in=Mark.objects.filter(session=session).exclude(code=None).values("student")
        ),
        "a student's marks": Mark.objects.filter(student=student).order_by("-changed_at")[:50],
        "a mark's history": MarkEvent.objects.filter(mark=event.mark_id),
        "a session's history": MarkEvent.objects.filter(session=session).order_by("stored_at", "id"),
        "a nonce": MarkEvent.objects.filter(source="teacher", nonce="n1"),
        "attempts": Attempt.objects.filter(session=session),
        "today": Session.objects.filter(date=today),
        "a class's sessions": Session.objects.filter(school_class=session.school_class).order_by(
            "-starts_at"
        )[:20],
        "a teacher's day": Session.objects.filter(
            school_class__in=SchoolClass.objects.taught_by(school.teacher, today), date=today
        ),
        "marks of a week": Mark.objects.filter(
            session__date__gte=today - dt.timedelta(days=7), session__school_class=session.school_class
        ),
        "expired evidence": Evidence.objects.filter(expires_at__lte=timezone.now()),
        "views of a photograph": AuditEvent.objects.filter(table="photograph", row="x").order_by("-at")[:20],
        "unfinished jobs": Job.objects.filter(state__in=["waiting", "running"]).order_by("created_at"),
    }
    scanned = {name: scanned_in_full(rows) & large for name, rows in queries.items()}
    assert {name: tables for name, tables in scanned.items() if tables} == {}

    school_class = SchoolClass.objects.get(name="Class 5")
    assert scanned_in_full(Membership.objects.filter(school_class=school_class).on(today)) == set()
    assert scanned_in_full(Student.objects.order_by("sort_key", "id")[:30]) == set()
    assert Membership.objects.filter(school_class=school_class).on(today).count() == STUDENTS // CLASSES + 1
    assert Teaching.objects.filter(user=school.teacher).on(today).count() == 1
