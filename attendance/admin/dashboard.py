"""The admin's first page: students who cannot be recognised, consents that end, today's sessions, failed jobs."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from attendance.admin.student_counts import FEW, SOON, with_counts
from attendance.models import Consent, Job, Mark, Session, Student

# Most rows of the panels of consents and of failed jobs.
PANEL_ROWS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Dashboard:
    """Counts of active students, and the rows behind the other panels."""

    students: int
    without_photographs: int
    few_photographs: int
    without_consent: int
    expiring: list[Consent]
    sessions: list[Session]
    failed: list[Job]


def dashboard() -> Dashboard:
    """Return the figures, in four queries."""
    now = timezone.now()
    counts = with_counts(Student.objects.active(), now).aggregate(
        students=Count("pk"),
        none=Count("pk", filter=Q(photograph_count=0)),
        few=Count("pk", filter=Q(photograph_count__gt=0, photograph_count__lt=FEW)),
        without_consent=Count("pk", filter=Q(has_consent=False)),
    )
    return Dashboard(
        students=counts["students"],
        without_photographs=counts["none"],
        few_photographs=counts["few"],
        without_consent=counts["without_consent"],
        expiring=_expiring(now),
        sessions=_today(now),
        failed=list(Job.objects.filter(state=Job.State.FAILED)[:PANEL_ROWS]),
    )


def _expiring(now: dt.datetime) -> list[Consent]:
    """Return the consents that end soon, unless the student has one that lasts longer."""
    limit = timezone.localdate(now) + SOON
    later = Consent.objects.valid(now).filter(Q(expires_on=None) | Q(expires_on__gt=limit))
    ending = Consent.objects.valid(now).filter(expires_on__lte=limit, student__in=Student.objects.active())
    unrenewed = ending.exclude(Exists(later.filter(student=OuterRef("student"))))
    return list(unrenewed.select_related("student").order_by("expires_on", "id")[:PANEL_ROWS])


def _today(now: dt.datetime) -> list[Session]:
    today = Session.objects.filter(date=timezone.localdate(now)).select_related("school_class")
    marked = Count("marks", filter=Q(marks__in=Mark.objects.exclude(code=None)))
    return list(today.annotate(marked=marked).order_by("starts_at", "id"))
