"""The admin's own kinds of pages: a form with an introduction, and a secret that is shown once."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from attendance.admin.site import site
from attendance.core.errors import Refused

# As in the API.
YEARS = range(2000, 2200)


class DayInput(forms.DateInput):
    """The browser's date field: it works on phones and with a keyboard, and needs no script."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """The browser's field for a date and time, in the school's time zone."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A date and time in the school's time zone, which must exist there exactly once."""

    def to_python(self, value: Any) -> dt.datetime | None:
        try:
            moment: dt.datetime | None = super().to_python(value)
        except forms.ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            sentence = _(
                "The clocks change at this time: it does not exist, or exists twice. Choose another time."
            )
            raise forms.ValidationError(sentence, code=error.code) from error
        if moment is not None and moment.year not in YEARS:
            raise forms.ValidationError(_("Check the year."), code="bad_year")
        return moment


def page(request: HttpRequest, template: str, *, title: str, **context: Any) -> TemplateResponse:
    """Return a page in the admin's layout."""
    context = {**site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, context)


def form_page(
    request: HttpRequest,
    *,
    title: str,
    form: forms.Form,
    submit: str,
    cancel: str,
    intro: Sequence[str] = (),
    danger: bool = False,
    **context: Any,
) -> TemplateResponse:
    """Return a page with a form; `intro` says what it will do, `cancel` is the address of the page before."""
    return page(
        request,
        context.pop("template", "admin/rollcall/form.html"),
        title=title,
        form=form,
        submit=submit,
        cancel=cancel,
        intro=intro,
        danger=danger,
        **context,
    )


def succeeded(form: forms.Form, act: Callable[[], Any]) -> bool:
    """Return whether the form was valid and `act` was not refused; a refusal becomes an error of the form."""
    if not form.is_valid():
        return False
    try:
        act()
    except Refused as refused:
        form.add_error(None, refused.message)
        return False
    return True


def secret_page(request: HttpRequest, *, title: str, sentence: str, secret: str, back: str) -> HttpResponse:
    """Return a page with a secret. It is in the answer only: messages are stored in cookies, addresses in logs."""
    return page(
        request, "admin/rollcall/secret.html", title=title, sentence=sentence, secret=secret, back=back
    )
