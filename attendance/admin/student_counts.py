"""Counts that lists of students show, made by the database in the same query."""

import datetime as dt

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from attendance.models import Consent, Photograph, Student

# Fewer photographs than this are too few: a second and third still reduce recognition errors.
FEW = 3
# Consents that end within this time are shown.
SOON = dt.timedelta(days=30)


def with_counts(students: QuerySet[Student], now: dt.datetime) -> QuerySet[Student]:
    """Annotate each student with `photograph_count` and `has_consent`."""
    photographs = Photograph.objects.filter(student=OuterRef("pk")).order_by().values("student")
    number = Subquery(photographs.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    consent = Consent.objects.valid(now).filter(student=OuterRef("pk"))
    return students.annotate(photograph_count=Coalesce(number, 0), has_consent=Exists(consent))
