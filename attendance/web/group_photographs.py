"""The page for group photographs. Its uploads go to the API."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from attendance.core.policy import Action
from attendance.register import state
from attendance.web.access import login_needed, person_of, session_for


@ensure_csrf_cookie
@require_GET
@login_needed
def group_photograph(request: HttpRequest, session_id: UUID) -> HttpResponse:
    session = session_for(request, session_id, Action.RUN_SESSION)
    register_now = state.register_state(session, user=person_of(request))
    return render(request, "sessions/group.html", {"session": session, "state": register_now})
