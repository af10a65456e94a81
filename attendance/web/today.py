"""The first page after login: sessions that are open or due, later ones, and those that need attention."""

import datetime as dt
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import SchoolClass, Session, User
from attendance.register import opening
from attendance.web.access import login_needed, person_of, posted_id, require

# A planned session may be started this long before it begins.
SOON = dt.timedelta(minutes=15)
# How far back unsigned registers are listed.
LOOK_BACK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """The sessions of a teacher's day. `missed` are over and were never started or never signed."""

    now: list[Session]
    later: list[Session]
    missed: list[Session]
    done: list[Session]


def day_of(sessions: QuerySet[Session], now: dt.datetime) -> Day:
    """Sort the sessions of the last days by what they are at `now`."""
    today = timezone.localdate(now)
    day = Day([], [], [], [])
    for session in sessions:
        over = session.ends_at <= now
        if session.state == Session.State.SIGNED:
            if session.date == today:
                day.done.append(session)
        elif over:
            day.missed.append(session)
        elif session.is_open or session.starts_at <= now + SOON:
            day.now.append(session)
        elif session.date == today:
            day.later.append(session)
    day.missed.reverse()
    return day


def sessions_around(person: User, classes: QuerySet[SchoolClass], now: dt.datetime) -> QuerySet[Session]:
    """Return the sessions of the last seven days and today, each with its number of marks."""
    today = timezone.localdate(now)
    sessions = Session.objects.filter(date__gte=today - LOOK_BACK, date__lte=today)
    if not policy.sees_all_classes(person):
        sessions = sessions.filter(school_class__in=classes)
    marked = Count("marks", filter=~Q(marks__code=None))
    return sessions.select_related("school_class").annotate(marked=marked).order_by("starts_at")


@require_GET
@login_needed
def today(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    require(person, Action.VIEW_SESSION)
    taught = SchoolClass.objects.taught_by(person, timezone.localdate(now)).filter(archived_at=None)
    may_start = policy.may(person, Action.RUN_SESSION)
    sees_all = policy.sees_all_classes(person)
    startable = SchoolClass.objects.filter(archived_at=None) if sees_all and may_start else taught
    context = {
        "day": day_of(sessions_around(person, taught, now), now),
        "classes": startable.order_by("name") if may_start else startable.none(),
        "may_start": may_start,
        "every_class": sees_all,
        "now": now,
    }
    return render(request, "pages/today.html", context)


@require_POST
@login_needed
def start(request: HttpRequest) -> HttpResponse:
    """Open the due session of a class, or a new one, and show it."""
    person = person_of(request)
    try:
        session = opening.start_now(class_id=posted_id(request, "class"), actor=person, now=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("today")
    return redirect("live", session.pk)
