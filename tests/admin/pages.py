"""All pages of the admin, and a parser for what the content security policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from django.urls import reverse

from attendance import register
from attendance.access import tokens
from attendance.admin.site import site
from attendance.models import (
    Attempt,
    AuditEvent,
    ConfusablePair,
    Device,
    Job,
    Mark,
    Photograph,
    Source,
)
from attendance.register import MatchEvidence
from recognition.engine.types import SPACE
from tests import world as small
from tests.world import World

ADMINISTRATORS_ONLY = {"user", "apitoken", "auditevent"}


def fill(world: World) -> None:
    """Add at least one row to each table that the admin shows."""
    small.photograph(world.ann, small.vector(1))
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.CAMERA,
            actor=None,
            now=world.now,
            evidence=MatchEvidence(0.3, 0.1, 0.9, 3, 1, SPACE),
        )
    )
    Attempt.objects.create(
        session=world.session,
        student=world.bea,
        source=Source.CAMERA,
        reason=Attempt.Reason.NO_CONSENT,
        first_at=world.now,
        last_at=world.now,
    )
    first, second = sorted((world.ann.pk, world.bea.pk))
    ConfusablePair.objects.create(first_id=first, second_id=second, distance=0.3)
    Device.objects.create(
        session=world.session, kind="camera", digest="d", created_by=world.teacher, expires_at=world.now
    )
    Job.objects.create(kind="import", state=Job.State.FAILED, error="It fell over.")
    tokens.create(user=world.administrator, name="timetable", actor=world.administrator)


def pages() -> Iterator[tuple[str, str]]:
    """Return (model, address) of each list, form and row of the admin. Call `fill` first."""
    yield "index", reverse("admin:index")
    yield "performance", reverse("admin:performance")
    for model, model_admin in site._registry.items():
        name = model._meta.model_name or ""
        yield name, reverse(f"admin:attendance_{name}_changelist")
        if model_admin.addable:  # type: ignore[attr-defined]
            yield name, reverse(f"admin:attendance_{name}_add")
        row = model._default_manager.first()
        assert row is not None, f"there is no {name} to look at"
        yield name, reverse(f"admin:attendance_{name}_change", args=(row.pk,))
    yield from own_pages()


def own_pages() -> Iterator[tuple[str, str]]:
    """Return the addresses of Rollcall's own pages."""
    photograph = Photograph.objects.get()
    student = photograph.student
    mark = Mark.objects.get()
    for part in ("consent", "withdraw", "erase"):
        yield "student", reverse(f"admin:attendance_student_{part}", args=(student.pk,))
    yield "student", reverse("admin:attendance_student_import")
    yield "student", reverse("admin:attendance_student_picture_import")
    row = mark.session.school_class
    yield "schoolclass", reverse("admin:attendance_schoolclass_members", args=(row.pk,))
    yield "schoolclass", reverse("admin:attendance_membership_end", args=(student.memberships.get().pk,))
    yield "session", reverse("admin:attendance_session_correct", args=(mark.session_id, student.pk))
    user = AuditEvent.objects.exclude(actor=None).first()
    assert user is not None
    yield "user", reverse("admin:attendance_user_new_password", args=(user.actor_id,))


class Inline(HTMLParser):
    """Collects what the policy forbids: style and event attributes, inline styles and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag if tag in {"script", "style"} else ""
        self.found += [
            f"<{tag} {name}>"
            for name, value in attrs
            if name == "style" or name.startswith("on") or (value or "").startswith("javascript:")
        ]
        if tag == "style":
            self.found.append("<style>")

    def handle_data(self, data: str) -> None:
        if self._within == "script" and data.strip():
            self.found.append("<script> with a body")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""


def inline_parts(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found
