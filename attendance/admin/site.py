"""The admin site. `attendance.core.policy` decides who may enter, not Django's staff flag."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _

from attendance.admin.dashboard import dashboard
from attendance.core import policy
from attendance.core.policy import Action
from attendance.models import User

View = Callable[..., Any]

# Groups of tables in the order of the office's work, instead of Django's alphabetical list.
GROUPS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("people", _("Students and classes"), ("Student", "SchoolClass", "Consent", "ConfusablePair")),
    ("registers", _("Registers"), ("Session", "Mark", "Attempt", "Evidence", "AttendanceCode")),
    ("school", _("The school"), ("SchoolSettings", "User", "ApiToken", "Device", "Job", "AuditEvent")),
)

# A page without a table, listed beside the tables.
PERFORMANCE = {"name": _("Performance"), "object_name": "Performance", "add_url": None, "view_only": True}


class RollcallSite(AdminSite):
    """The office of the school: administrators and registrars, without hand-assigned permissions."""

    site_header = _("Rollcall office")
    site_title = _("Rollcall office")
    index_title = _("Office")
    enable_nav_sidebar = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.pages: list[tuple[str, View, str]] = []

    def has_permission(self, request: HttpRequest) -> bool:
        return policy.may(request.user, Action.MANAGE_SCHOOL)

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return self._redirect_or_deny(request) or inner(request, *args, **kwargs)

        return update_wrapper(guarded, view)

    def _redirect_or_deny(self, request: HttpRequest) -> HttpResponse | None:
        """Return the redirect to login or to the choice of a password; None where the person may enter.

        Raises `PermissionDenied` for others.
        """
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        if request.user.must_change_password:
            return HttpResponseRedirect("/password/")
        if not self.has_permission(request):
            raise PermissionDenied
        return None

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        target = request.GET.get("next", "") or request.path.removesuffix("login/")
        return redirect_to_login(target, settings.LOGIN_URL)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("logout", preserve_request=True)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return HttpResponseRedirect("/password/")  # type: ignore[return-value]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"dashboard": dashboard(), **(extra_context or {})})

    def get_urls(self) -> list[URLResolver | URLPattern]:
        own = [path(route, self.admin_view(view), name=name) for route, view, name in self.pages]
        return [*own, *super().get_urls()]

    def add_page(self, route: str, view: View, *, name: str) -> None:
        """Serve a page at `route` below the admin, for those who may enter it."""
        self.pages.append((route, view, name))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {entry["object_name"]: entry for app in apps for entry in app["models"]}
        groups = []
        for label, name, names in GROUPS:
            entries = [models[name] for name in names if name in models]
            if label == "school":
                entries.append(PERFORMANCE | {"admin_url": reverse("admin:performance")})
            if entries:
                groups.append(
                    {
                        "name": name,
                        "app_label": label,
                        "app_url": f"#{label}",
                        "has_module_perms": True,
                        "models": entries,
                    }
                )
        return groups


site = RollcallSite(name="admin")
