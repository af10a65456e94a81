"""Devices without a login: second cameras, projectors and kiosks, each bound to one session by a cookie.

A teacher shows a one-time code (good for five minutes, only its digest is kept), or hands over the very device that
they hold. The secret in the cookie is 256 random bits; its digest finds the row, which is asked at every use, so that a
revoked device or a closed session ends the access at once.
"""

import datetime as dt
import hashlib
import secrets
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.access import lockout
from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Device, DeviceKind, PairingCode, Session, User

COOKIE = "rollcall_device"
CODE_LIFE = dt.timedelta(minutes=5)
OVERTIME = dt.timedelta(hours=4)
"""How long after the planned end a device may stay: lessons run over, but no cookie may outlive the day."""
PIN_DIGITS = (4, 8)


def authenticate(secret: str, session_id: UUID | str) -> Device | None:
    """The device behind a cookie, if it belongs to this session and may still act. One query."""
    device = of_secret(secret)
    return device if device is not None and str(device.session_id) == str(session_id) else None


def of_secret(secret: str) -> Device | None:
    """The device behind a cookie, whatever its session."""
    if not secret:
        return None
    return (
        Device.objects.select_related("session__school_class")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=timezone.now())
        .exclude(session__state=Session.State.SIGNED)
        .first()
    )


def create_code(*, session_id: UUID, kind: str, actor: User, now: dt.datetime) -> tuple[PairingCode, str]:
    """A one-time code for another device. Its plain text exists only in the answer."""
    plain = secrets.token_urlsafe(24)
    with transaction.atomic():
        session = _session_to_share(session_id, actor)
        code = PairingCode.objects.create(
            session=session,
            kind=_kind(kind),
            digest=_digest(plain),
            created_by=actor,
            expires_at=now + CODE_LIFE,
        )
        audit.record(actor, "pairing_code_made", session, kind=code.kind)
    return code, plain


def exchange(*, code: str, label: str, now: dt.datetime) -> tuple[Device, str]:
    """Turn a code into a device and its secret, once."""
    with transaction.atomic():
        found = (
            PairingCode.objects.select_for_update(of=("self",))
            .select_related("session__school_class", "created_by")
            .filter(digest=_digest(code), used_at=None, expires_at__gt=now)
            .exclude(session__state=Session.State.SIGNED)
            .first()
        )
        if found is None:
            raise Refused(
                "pairing_code_invalid",
                _("This code has been used or is older than five minutes. Ask the teacher for a new one."),
            )
        found.used_at = now
        found.save(update_fields=["used_at"])
        return _new_device(found.session, found.kind, found.created_by, label, now)


def hand_over(*, session_id: UUID, kind: str, pin: str, actor: User, now: dt.datetime) -> tuple[Device, str]:
    """Make the device in the teacher's hands a kiosk or projector; the PIN is what leaves it again."""
    low, high = PIN_DIGITS
    if not (pin.isascii() and pin.isdigit() and low <= len(pin) <= high):
        raise Refused("bad_pin", _("Choose a PIN of four to eight digits."))
    with transaction.atomic():
        session = _session_to_share(session_id, actor)
        return _new_device(session, _kind(kind), actor, "", now, pin_hash=make_password(pin))


def leave(*, device: Device, pin: str, address: str | None, now: dt.datetime) -> None:
    """End the device's rights. Whoever paired it by code never chose a PIN, so needs none.

    Wrong PINs are counted as failed logins are: four digits are soon guessed by somebody with a break's time.
    """
    name = f"device {device.pk}"
    if device.pin_hash:
        lockout.check(name, address, now=now)
        if not check_password(pin, device.pin_hash):
            lockout.record_failure(name, address, now=now)
            raise Refused("wrong_pin", _("Wrong PIN. Try again."))
        lockout.record_success(name, address)
    revoke(device=device, actor=None, now=now)


def revoke(*, device: Device, actor: User | None, now: dt.datetime) -> None:
    """Take the rights from a device; harmless where they have gone already."""
    with transaction.atomic():
        if Device.objects.filter(pk=device.pk, revoked_at=None).update(revoked_at=now):
            audit.record(actor, "device_revoked", device, kind=device.kind)


def _new_device(
    session: Session, kind: str, actor: User, label: str, now: dt.datetime, *, pin_hash: str = ""
) -> tuple[Device, str]:
    secret = secrets.token_urlsafe(32)
    device = Device.objects.create(
        session=session,
        kind=kind,
        label=label.strip()[:80],
        digest=_digest(secret),
        pin_hash=pin_hash,
        created_by=actor,
        expires_at=max(session.ends_at, now) + OVERTIME,
    )
    audit.record(actor, "device_paired", device, kind=kind, session=str(session.pk))
    return device, secret


def _session_to_share(session_id: UUID, actor: User) -> Session:
    session = Session.objects.select_related("school_class").filter(pk=session_id).first()
    if session is None:
        raise Refused("no_such_session", _("There is no such session."))
    if not policy.may(actor, Action.RUN_SESSION, session):
        raise Refused("not_allowed", _("You may not share this session."))
    if session.state == Session.State.SIGNED:
        raise Refused("session_closed", _("The register is signed. Open it again first."))
    return session


def _kind(kind: str) -> str:
    if kind not in DeviceKind.values:
        raise Refused("bad_kind", _("Choose camera, projector or kiosk."))
    return kind


def _digest(secret: str) -> str:
    return hashlib.sha256(b"rollcall device " + secret.encode()).hexdigest()
