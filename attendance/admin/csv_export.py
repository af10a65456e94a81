"""Lists as CSV, in cells that no spreadsheet takes for formulas."""

import csv
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.admin.base import person
from attendance.core import audit
from attendance.models import SchoolSettings
from attendance.people.cells import safe


def csv_answer(name: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> HttpResponse:
    # Excel reads UTF-8 only after a byte order mark.
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    writer = csv.writer(answer)
    writer.writerow(header)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return answer


@admin.action(description=_("Export as CSV"))
def export_students(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
    rows = [
        (
            student.given_name,
            student.family_name,
            student.external_id or "",
            student.contact_email,
            ";".join(row.school_class.name for row in student.current_memberships),
            student.left_on.isoformat() if student.left_on else "",
        )
        for student in queryset
    ]
    audit.record(person(request), "students_exported", SchoolSettings.load(), count=len(rows))
    header = ("given_name", "family_name", "number", "email", "class", "left_on")
    return csv_answer(f"students-{timezone.localdate()}.csv", header, rows)
