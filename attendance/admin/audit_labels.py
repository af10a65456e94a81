"""What the audit log calls its actions on pages; the codes are stored."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attendance.models import AuditEvent

LABELS: Final[dict[str, Promise]] = {
    "added": _("Added"),
    "changed": _("Changed"),
    "class_changed": _("Changed class"),
    "class_created": _("Added class"),
    "code_added": _("Added attendance code"),
    "code_changed": _("Changed attendance code"),
    "code_replaced": _("Replaced attendance code"),
    "consent_expired": _("Consent expired"),
    "consent_given": _("Recorded consent"),
    "consent_withdrawn": _("Withdrew consent"),
    "device_paired": _("Paired device"),
    "device_revoked": _("Revoked device"),
    "evidence_viewed": _("Viewed evidence"),
    "face_refused": _("Rejected match"),
    "group_photograph": _("Used group photo"),
    "identified": _("Identified faces"),
    "lockout_lifted": _("Unlocked account"),
    "membership_added": _("Added student to class"),
    "membership_ended": _("Removed student from class"),
    "pairing_code_made": _("Created pairing code"),
    "password_changed": _("Changed password"),
    "password_reset": _("Created one-time password"),
    "photograph_added": _("Added photo"),
    "photograph_kept_in_doubt": _("Kept photo with a reason"),
    "photograph_removed": _("Removed photo"),
    "photograph_viewed": _("Viewed photo"),
    "review_viewed": _("Viewed face in review"),
    "session_changed": _("Changed session"),
    "session_created": _("Added session"),
    "session_open": _("Opened session"),
    "session_signed": _("Signed register"),
    "session_cancelled": _("Cancelled session"),
    "space_changed": _("Changed recognition model"),
    "student_changed": _("Changed student"),
    "student_created": _("Added student"),
    "student_erased": _("Erased student data"),
    "students_exported": _("Exported students"),
    "students_imported": _("Imported students"),
    "teaching_added": _("Added teacher to class"),
    "teaching_changed": _("Changed teacher of class"),
    "templates_rebuilt": _("Rebuilt face templates"),
    "token_created": _("Created API token"),
    "token_revoked": _("Revoked API token"),
}


def label_of(event: AuditEvent) -> str:
    """Return the action of an event as pages show it; its code where it has no label."""
    return str(LABELS.get(event.action, event.action))


def code_of(text: str) -> str:
    """Return the code of the action with this label, without regard to capitals; the text itself where none has it."""
    wanted = text.strip().casefold()
    return next((code for code, label in LABELS.items() if str(label).casefold() == wanted), text)
