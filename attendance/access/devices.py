"""Devices without a login: additional cameras, projectors and kiosks, each bound to one session by a cookie.

A teacher shows a one-time code (valid for five minutes, only its digest is kept), or turns the device that they use
into a kiosk or projector. The secret in the cookie has 256 random bits; its digest finds the row. The row is read at
every use, so revoking the device or signing the register ends the access at once.
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
# How long a device may be used after the planned end: lessons may take longer, but no cookie may last for days.
VALID_AFTER_END = dt.timedelta(hours=4)
# Least and most digits of a PIN.
PIN_DIGITS = (4, 8)


def authenticate(secret: str, session_id: UUID | str) -> Device | None:
    """Return the device with this cookie if it is valid and belongs to the session. One query."""
    device = find_by_secret(secret)
    return device if device is not None and str(device.session_id) == str(session_id) else None


def find_by_secret(secret: str) -> Device | None:
    """Return the device with this cookie if it is valid, of any session."""
    if not secret:
        return None
    return (
        Device.objects.select_related("session__school_class")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=timezone.now())
        .exclude(session__state=Session.State.SIGNED)
        .first()
    )


def create_code(*, session_id: UUID, kind: str, actor: User, now: dt.datetime) -> tuple[PairingCode, str]:
    """Create a one-time code for another device; return it with its plain text, which is stored nowhere."""
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
    """Use a one-time code; return the new device and the secret for its cookie. Raises `Refused`."""
    with transaction.atomic():
        pairing = (
            PairingCode.objects.select_for_update(of=("self",))
            .select_related("session__school_class", "created_by")
            .filter(digest=_digest(code), used_at=None, expires_at__gt=now)
            .exclude(session__state=Session.State.SIGNED)
            .first()
        )
        if pairing is None:
            raise Refused(
                "pairing_code_invalid",
                _("This code has been used or is older than five minutes. Ask the teacher for a new one."),
            )
        pairing.used_at = now
        pairing.save(update_fields=["used_at"])
        return _new_device(pairing.session, pairing.kind, pairing.created_by, label, now)


def hand_over(*, session_id: UUID, kind: str, pin: str, actor: User, now: dt.datetime) -> tuple[Device, str]:
    """Turn the device that the teacher uses into a kiosk or projector, which is left with the PIN. Raises `Refused`."""
    least, most = PIN_DIGITS
    if not (pin.isascii() and pin.isdigit() and least <= len(pin) <= most):
        raise Refused("bad_pin", _("Choose a PIN of four to eight digits."))
    with transaction.atomic():
        session = _session_to_share(session_id, actor)
        return _new_device(session, _kind(kind), actor, "", now, pin_hash=make_password(pin))


def leave(*, device: Device, pin: str, address: str | None, now: dt.datetime) -> None:
    """End the rights of a device. One that was paired by a code has no PIN and needs none. Raises `Refused`.

    Wrong PINs are counted like failed logins, because four digits are quickly guessed.
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
    """End the rights of a device. A device that is revoked already stays as it is."""
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
        expires_at=max(session.ends_at, now) + VALID_AFTER_END,
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
