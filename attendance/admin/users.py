"""Users and API tokens: one-time passwords, tokens that are shown once, rights by role."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.access import lockout, tokens
from attendance.access.one_time_password import set_one_time_password
from attendance.admin.base import PolicyAdmin, RefusableForm, person
from attendance.admin.pages import form_page, secret_page
from attendance.admin.site import site
from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import OFFICE, Action
from attendance.models import ApiToken, Role, User


@admin.register(User, site=site)
class UserAdmin(PolicyAdmin[User]):
    right = Action.MANAGE_USERS
    change_form_template = "admin/attendance/user/change_form.html"
    list_display = ("username", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    fields = ("username", "first_name", "last_name", "email", "role", "language", "is_active")
    actions = ("lift_lockout",)

    @admin.action(description=gettext_lazy("Unlock account"), permissions=["view"])
    def lift_lockout(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        lifted = lockout.lift(users=queryset, actor=person(request))
        text = ngettext(
            "%(n)d account was unlocked.",
            "%(n)d accounts were unlocked.",
            lifted,
        )
        message = text % {"n": lifted} if lifted else _("None of these accounts was locked.")
        self.message_user(request, message, messages.SUCCESS if lifted else messages.INFO)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(new_password)
        route = "<uuid:user_id>/new-password/"
        return [path(route, view, name="attendance_user_new_password"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change and obj.pk == person(request).pk and {"role", "is_active"} & set(form.changed_data):
            raise Refused(
                "own_account", _("Only another administrator can change your role or disable your account.")
            )
        if obj.role != Role.ADMINISTRATOR:
            # Django gives a superuser all rights, whatever the role is.
            obj.is_superuser = False
        obj.is_staff = obj.role in OFFICE
        if not change:
            request.one_time_password = set_one_time_password(obj)  # type: ignore[attr-defined]
        obj.save()

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        return _password_page(request, obj, request.one_time_password)  # type: ignore[attr-defined]


def _password_page(request: HttpRequest, user: User, password: str) -> HttpResponse:
    return secret_page(
        request,
        title=_("Password for %(user)s") % {"user": user.username},
        sentence=_("One-time password. The user must change it at first login. It is not shown again."),
        secret=password,
        back=reverse("admin:attendance_user_change", args=(user.pk,)),
    )


def new_password(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Set a one-time password and show it. The user's logins end with the old password."""
    if not policy.may(request.user, Action.MANAGE_USERS):
        raise PermissionDenied
    user = get_object_or_404(User, pk=user_id)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        password = set_one_time_password(user)
        user.save(update_fields=["password", "must_change_password"])
        audit.record(person(request), "password_reset", user)
        return _password_page(request, user, password)
    return form_page(
        request,
        title=_("New password for %(user)s") % {"user": user.username},
        form=form,
        submit=_("Make a one-time password"),
        cancel=reverse("admin:attendance_user_change", args=(user.pk,)),
        intro=[_("The old password stops working at once, and the user is logged out everywhere.")],
    )


class TokenForm(RefusableForm[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ("user", "name")


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(PolicyAdmin[ApiToken]):
    right = Action.MANAGE_USERS
    form = TokenForm
    changeable = False
    audits_itself = True
    list_display = ("name", "user", "prefix", "created_at", "last_used_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "prefix")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        written = ("prefix", "created_at", "last_used_at", "revoked_at")
        return ("user", "name") if obj is None else ("user", "name", *written)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token, plain = tokens.create(user=obj.user, name=obj.name, actor=person(request))
        request.plain_token = plain  # type: ignore[attr-defined]
        obj.pk, obj.prefix, obj._state.adding = token.pk, token.prefix, False

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        return secret_page(
            request,
            title=_("Token “%(name)s”") % {"name": obj.name},
            sentence=_("Copy it now: it cannot be shown again."),
            secret=request.plain_token,  # type: ignore[attr-defined]
            back=reverse("admin:attendance_apitoken_changelist"),
        )

    @admin.action(description=gettext_lazy("Revoke tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        valid = list(queryset.filter(revoked_at=None))
        for token in valid:
            tokens.revoke(token=token, actor=person(request))
        text = ngettext("%(n)d token revoked.", "%(n)d tokens revoked.", len(valid))
        self.message_user(request, text % {"n": len(valid)}, messages.SUCCESS)
