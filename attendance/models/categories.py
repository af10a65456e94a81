"""What attendance codes count as, and what clients call it."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Category(models.TextChoices):
    """What a code counts as in statistics."""

    PRESENT = "present", _("present")
    LATE = "late", _("late")
    AUTHORISED = "authorised_absence", _("authorised absence")
    UNAUTHORISED = "unauthorised_absence", _("unauthorised absence")
    NOT_EXPECTED = "not_expected", _("not expected")


class Status(models.TextChoices):
    """The names of categories on sockets and in the API: a contract with clients."""

    PRESENT = "present", _("present")
    LATE = "late", _("late")
    ABSENT = "absent", _("absent")
    EXCUSED = "excused", _("excused")
    NOT_EXPECTED = "not_expected", _("not expected")


# The status that clients are given for a category.
STATUS_OF: Final[dict[str, Status]] = {
    Category.PRESENT: Status.PRESENT,
    Category.LATE: Status.LATE,
    Category.AUTHORISED: Status.EXCUSED,
    Category.UNAUTHORISED: Status.ABSENT,
    Category.NOT_EXPECTED: Status.NOT_EXPECTED,
}


class OnPremises(models.TextChoices):
    """Whether a student with a code is in the building."""

    YES = "yes", _("yes")
    NO = "no", _("no")
    UNKNOWN = "unknown", _("unknown")
