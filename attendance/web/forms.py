"""Forms of the pages: login, new password, handing a device over."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.utils.translation import gettext_lazy as _

from attendance.access import lockout
from attendance.access.devices import PIN_DIGITS
from attendance.core.errors import Refused
from attendance.models import DeviceKind, User


class LoginForm(AuthenticationForm):
    """Django's login form behind the lockout: for a locked name the password is not compared."""

    error_messages = {
        "invalid_login": _("Name and password do not match. Check both; passwords are case-sensitive."),
        "inactive": _("This account is disabled. Ask the school's office."),
    }

    def clean(self) -> dict[str, Any]:
        now = dt.datetime.now(dt.UTC)
        name = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if not name or not password:
            return self.cleaned_data
        address = self.request.META.get("REMOTE_ADDR") if self.request else None
        try:
            lockout.check(name, address, now=now)
        except Refused as refusal:
            raise forms.ValidationError(refusal.message, code=refusal.code) from refusal
        self.user_cache = authenticate(self.request, username=name, password=password)
        if self.user_cache is None:
            lockout.record_failure(name, address, now=now)
            raise self.get_invalid_login_error()
        self.confirm_login_allowed(self.user_cache)
        lockout.record_success(name, address)
        return self.cleaned_data


if TYPE_CHECKING:
    _SetPassword = SetPasswordForm[User]
else:
    _SetPassword = SetPasswordForm


class NewPasswordForm(_SetPassword):
    """The old password, then a new one twice: an unlocked classroom computer must not be enough to change it."""

    old_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["old_password", "new_password1", "new_password2"]

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if not self.user.check_password(old):
            raise forms.ValidationError(_("This is not your current password."), code="wrong_password")
        return old

    def clean_new_password1(self) -> str:
        new: str = self.cleaned_data["new_password1"]
        if self.user.check_password(new):
            raise forms.ValidationError(_("Choose a password other than the current one."), code="same")
        return new

    def save(self, commit: bool = True) -> User:
        self.user.must_change_password = False
        return super().save(commit)


class HandOverForm(forms.Form):
    """The kind and PIN of a device that a teacher hands over."""

    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in DeviceKind])
    pin = forms.CharField(min_length=PIN_DIGITS[0], max_length=PIN_DIGITS[1])
