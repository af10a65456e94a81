"""Every table of Rollcall. One installation is one school."""

from attendance.models.audit import AuditEvent
from attendance.models.devices import Device, DeviceKind, PairingCode
from attendance.models.faces import Blob, ConfusablePair, Encoded, KeyCanary, Photograph, Space, Template
from attendance.models.jobs import Job
from attendance.models.marks import Attempt, Evidence, Mark, MarkEvent, Source
from attendance.models.names import cleaned, folded, identity, number_key
from attendance.models.reviews import Block, Review
from attendance.models.school import SchoolClass, SchoolSettings, Teaching
from attendance.models.sessions import AttendanceCode, Session
from attendance.models.students import Consent, Membership, Student
from attendance.models.users import ApiToken, LoginFailure, Role, User

__all__ = [
    "ApiToken",
    "Attempt",
    "AttendanceCode",
    "AuditEvent",
    "Blob",
    "Block",
    "ConfusablePair",
    "Consent",
    "Device",
    "DeviceKind",
    "Encoded",
    "Evidence",
    "Job",
    "KeyCanary",
    "LoginFailure",
    "Mark",
    "MarkEvent",
    "Membership",
    "PairingCode",
    "Photograph",
    "Review",
    "Role",
    "SchoolClass",
    "SchoolSettings",
    "Session",
    "Source",
    "Space",
    "Student",
    "Teaching",
    "Template",
    "User",
    "cleaned",
    "folded",
    "identity",
    "number_key",
]
