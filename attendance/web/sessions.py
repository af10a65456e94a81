"""The pages of a session: live, register, and those of its devices (projector, kiosk, camera)."""

from typing import Any
from uuid import UUID

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from attendance.access import devices
from attendance.access.device_cookie import delete_device_cookie, set_device_cookie
from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces.photo_checks import live_limits
from attendance.live import not_this_student
from attendance.models import DeviceKind, SchoolSettings, Session
from attendance.register import device_view, opening, signing, state
from attendance.register.device_view import Board
from attendance.web.access import device_for, login_needed, page_error, person_of, posted_id, session_for
from attendance.web.forms import HandOverForm

PAGE_OF = {DeviceKind.CAMERA: "camera", DeviceKind.PROJECTOR: "projector", DeviceKind.KIOSK: "kiosk"}


def _context(request: HttpRequest, session: Session) -> dict[str, Any]:
    return {
        "session": session,
        "state": state.register_state(session, user=person_of(request)),
        "may": {
            "run": policy.may(request.user, Action.RUN_SESSION, session),
            "mark": policy.may(request.user, Action.MARK, session),
            "faces": policy.may(request.user, Action.VIEW_FACES, session),
            "office": policy.may(request.user, Action.MANAGE_SCHOOL),
        },
        "school": SchoolSettings.load(),
    }


@never_cache
@ensure_csrf_cookie
@require_GET
@login_needed
def live(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show camera and register; people who may not run the session are sent to the register."""
    session = session_for(request, session_id, Action.VIEW_SESSION)
    context = _context(request, session)
    if not context["may"]["run"]:
        return redirect("register", session.pk)
    return render(request, "sessions/live.html", {**context, "limits": live_limits()})


@never_cache
@ensure_csrf_cookie
@require_GET
@login_needed
def register_page(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show the register without a camera; the page follows its changes."""
    session = session_for(request, session_id, Action.VIEW_SESSION)
    return render(request, "sessions/register.html", _context(request, session))


@require_POST
@login_needed
def begin(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Start a planned session, or open a signed register again: that needs a reason."""
    person, now = person_of(request), timezone.now()
    try:
        if reason := request.POST.get("reason", ""):
            signing.reopen(session_id=session_id, actor=person, now=now, reason=reason)
        opening.open_session(session_id=session_id, actor=person, now=now)
    except Refused as refusal:
        raise page_error(refusal) from refusal
    return redirect("live", session_id)


@require_POST
@login_needed
def hand_over(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End the login on this device and make it a kiosk, projector or camera of this session."""
    form = HandOverForm(request.POST)
    kind = form.cleaned_data["kind"] if form.is_valid() else ""
    try:
        device, secret = devices.hand_over(
            session_id=session_id,
            kind=kind,
            pin=request.POST.get("pin", ""),
            actor=person_of(request),
            now=timezone.now(),
        )
    except Refused as refusal:
        raise page_error(refusal) from refusal
    logout(request)
    response = redirect(PAGE_OF[DeviceKind(device.kind)], session_id)
    return set_device_cookie(response, device, secret)


@never_cache
@ensure_csrf_cookie
@require_GET
def device_page(request: HttpRequest, session_id: UUID, kind: str) -> HttpResponse:
    """Show a projector, kiosk or camera page to a device of this kind; the projector also to a person."""
    device = device_for(request, session_id)
    if device is None and kind == DeviceKind.PROJECTOR and request.user.is_authenticated:
        session_for(request, session_id, Action.VIEW_SESSION)
    elif device is None or device.kind != kind:
        return render(request, "sessions/not_paired.html", {"kind": kind}, status=403)
    session = get_object_or_404(Session.objects.select_related("school_class"), pk=session_id)
    context = {"session": session, "device": device, "board": _board(session), "kind": kind}
    return render(request, f"sessions/{kind}.html", context)


@never_cache
@require_GET
def board(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Answer what a projector shows, as JSON."""
    if device_for(request, session_id) is None and not request.user.is_authenticated:
        return JsonResponse({"code": "not_logged_in", "message": "", "extra": {}}, status=401)
    session = get_object_or_404(Session.objects.select_related("school_class"), pk=session_id)
    if device_for(request, session_id) is None:
        session_for(request, session_id, Action.VIEW_SESSION)
    return JsonResponse(_board(session))


def _board(session: Session) -> Board:
    return device_view.board(state.register_state(session, user=None))


@require_POST
def leave(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Unpair the device, with its PIN if it has one, and delete its cookie."""
    device = device_for(request, session_id)
    if device is not None:
        try:
            devices.leave(
                device=device,
                pin=request.POST.get("pin", ""),
                address=request.META.get("REMOTE_ADDR"),
                now=timezone.now(),
            )
        except Refused as refusal:
            return JsonResponse(refusal.as_dict(), status=403)
    return delete_device_cookie(JsonResponse({"next": "/login/"}))


@require_POST
def not_me(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Reject the mark of the student whom the kiosk has just greeted wrongly."""
    device = device_for(request, session_id)
    if device is None or device.kind != DeviceKind.KIOSK:
        return JsonResponse({"code": "not_allowed", "message": "", "extra": {}}, status=403)
    try:
        not_this_student.at_kiosk(device=device, student_id=posted_id(request, "student"), now=timezone.now())
    except Refused as refusal:
        return JsonResponse(refusal.as_dict(), status=400)
    return JsonResponse({"outcome": "taken_back"})
