"""Login, logout, and the choice of a password."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from attendance.core import audit
from attendance.web.access import login_needed, person_of
from attendance.web.forms import LoginForm, NewPasswordForm

login = LoginView.as_view(
    template_name="account/login.html", authentication_form=LoginForm, redirect_authenticated_user=True
)
logout = LogoutView.as_view()


@never_cache
@sensitive_post_parameters()
@login_needed
def password(request: HttpRequest) -> HttpResponse:
    """Let the person choose a new password; after a one-time password they must."""
    person = person_of(request)
    form = NewPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user = form.save()
            audit.record(user, "password_changed", user)
        update_session_auth_hash(request, user)
        messages.success(request, _("Your new password is set."))
        return redirect("today")
    return render(request, "account/password.html", {"form": form, "forced": person.must_change_password})
