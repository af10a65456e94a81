"""The office: Django's admin, with the rights of the policy and writes through the domain packages."""

from attendance.admin import (
    classes,
    consents,
    marks,
    performance,
    photographs,
    sessions,
    students,
    system,
    users,
)
from attendance.admin.site import site

__all__ = [
    "classes",
    "consents",
    "marks",
    "performance",
    "photographs",
    "sessions",
    "site",
    "students",
    "system",
    "users",
]
