"""Users with a role, API tokens of other systems, and failed logins."""

import unicodedata

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, new_id


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("administrator")
    REGISTRAR = "registrar", _("registrar")
    TEACHER = "teacher", _("teacher")
    VIEWER = "viewer", _("viewer")


def _normalized(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


class User(AbstractUser):
    """A member of staff. `attendance.core.policy` decides what a role may do."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.TEACHER)
    must_change_password = models.BooleanField(_("must choose a new password"), default=False)
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    external_id = models.CharField(
        _("school's own number"), max_length=80, unique=True, null=True, blank=True
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Upper("username"),
                name="user_username_unique_in_any_case",
                violation_error_message=_("A user with this name exists already."),
            )
        ]

    def set_password(self, raw_password: str | None) -> None:
        """Set the password in Unicode's form NFKC, because keyboards encode the same letters differently."""
        super().set_password(None if raw_password is None else _normalized(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether it is the password, in any form of Unicode."""
        if raw_password is None or super().check_password(raw_password):
            return raw_password is not None
        normalized = _normalized(raw_password)
        return normalized != raw_password and super().check_password(normalized)

    @property
    def shown_name(self) -> str:
        return self.get_full_name() or self.username


class ApiToken(Identified):
    """The login of another system. Only a digest of it is kept, and it can be revoked."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("first characters"), max_length=8, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_name_unique_per_user")]
        ordering = ["user", "name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class LoginFailure(models.Model):
    """Failed logins of one name from one address, in PostgreSQL so that a lockout survives a restart of Redis."""

    username = models.CharField(max_length=150)
    address = models.GenericIPAddressField()
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["username", "address"], name="login_failure_unique_per_name_and_address"
            )
        ]

    def __str__(self) -> str:
        return f"{self.username}: {self.count}"
