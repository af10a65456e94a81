"""The office: Django's admin with our rights, our pages and the one door to each table."""

from attendance.admin import (
    classes,
    consent_pages,
    marks,
    people,
    performance,
    photographs,
    sessions,
    students,
    system,
)
from attendance.admin.site import site

__all__ = [
    "classes",
    "consent_pages",
    "marks",
    "people",
    "performance",
    "photographs",
    "sessions",
    "site",
    "students",
    "system",
]
