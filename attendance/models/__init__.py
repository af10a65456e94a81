"""All tables of Rollcall. One installation is one school."""

from attendance.models.absences import PlannedAbsence
from attendance.models.audit import AuditEvent
from attendance.models.calendar import Closure, Period, Room, SchoolYear, Term, TimetableSlot
from attendance.models.categories import Category, OnPremises, Status
from attendance.models.codes import AttendanceCode
from attendance.models.devices import Device, DeviceKind, PairingCode
from attendance.models.faces import (
    Blob,
    CachedEncoding,
    ConfusablePair,
    KeyCheck,
    Photograph,
    Space,
    Template,
)
from attendance.models.guardians import DataKey, Guardian
from attendance.models.jobs import Job
from attendance.models.marks import Attempt, Evidence, Mark, MarkEvent, Source
from attendance.models.names import cleaned, folded, identity, number_key
from attendance.models.outbox import Notice, OutboxEvent, WebhookDelivery, WebhookEndpoint
from attendance.models.reviews import RejectedMatch, Review
from attendance.models.school import SchoolClass, SchoolSettings, Teaching
from attendance.models.sessions import Session
from attendance.models.signatures import Signature
from attendance.models.students import Consent, Membership, Student
from attendance.models.users import ApiToken, LoginFailure, Role, User

__all__ = [
    "ApiToken",
    "Attempt",
    "AttendanceCode",
    "AuditEvent",
    "Blob",
    "CachedEncoding",
    "Category",
    "Closure",
    "ConfusablePair",
    "Consent",
    "DataKey",
    "Device",
    "DeviceKind",
    "Evidence",
    "Guardian",
    "Job",
    "KeyCheck",
    "LoginFailure",
    "Mark",
    "MarkEvent",
    "Membership",
    "Notice",
    "OnPremises",
    "OutboxEvent",
    "PairingCode",
    "Period",
    "Photograph",
    "PlannedAbsence",
    "RejectedMatch",
    "Review",
    "Role",
    "Room",
    "SchoolClass",
    "SchoolSettings",
    "SchoolYear",
    "Session",
    "Signature",
    "Source",
    "Space",
    "Status",
    "Student",
    "Teaching",
    "Template",
    "Term",
    "TimetableSlot",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "cleaned",
    "folded",
    "identity",
    "number_key",
]
