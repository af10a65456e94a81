"""What lists of students show beside the names, counted by the database in the same query."""

import datetime as dt

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from attendance.models import Consent, Photograph, Student

FEW = 3
"""Fewer photographs than this are too few: FACTS.md shows the error falling up to three and more."""
SOON = dt.timedelta(days=30)


def with_counts(students: QuerySet[Student], now: dt.datetime) -> QuerySet[Student]:
    """Adds `photograph_count` and `has_consent` to each student."""
    theirs = Photograph.objects.filter(student=OuterRef("pk")).order_by().values("student")
    number = Subquery(theirs.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    consent = Consent.objects.valid(now).filter(student=OuterRef("pk"))
    return students.annotate(photograph_count=Coalesce(number, 0), has_consent=Exists(consent))
