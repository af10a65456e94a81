"""The group photograph's page; pictures and verdicts go through the API."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from attendance import roll
from attendance.policy import Action
from attendance.web.access import login_wanted, person_of, session_for


@ensure_csrf_cookie
@require_GET
@login_wanted
def group(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = session_for(request, session_id, Action.RUN_SESSION)
    state = roll.register_state(session, user=person_of(request))
    return render(request, "sessions/group.html", {"session": session, "state": state})
