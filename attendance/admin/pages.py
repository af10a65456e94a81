"""The admin's own pages beside Django's lists and forms: one form with a sentence, and a secret shown once."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from attendance.admin.site import site
from attendance.core.errors import Refused

# Those that the API takes, too.
YEARS = range(2000, 2200)


class Day(forms.DateInput):
    """The browser's own date field: works on a phone and with a keyboard, and needs no script."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class Moment(forms.DateTimeInput):
    """The browser's own field for a day and a time, in the school's zone."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class MomentField(forms.DateTimeField):
    """A day and a time in the school's zone, which must exist there once."""

    def to_python(self, value: Any) -> dt.datetime | None:
        try:
            moment: dt.datetime | None = super().to_python(value)
        except forms.ValidationError as fault:
            if fault.code != "ambiguous_timezone":
                raise
            sentence = _(
                "The clocks change at this time: it does not exist, or exists twice. Choose another time."
            )
            raise forms.ValidationError(sentence, code=fault.code) from fault
        if moment is not None and moment.year not in YEARS:
            raise forms.ValidationError(_("Check the year."), code="bad_year")
        return moment


def page(request: HttpRequest, template: str, *, title: str, **context: Any) -> TemplateResponse:
    """A page within the admin's frame."""
    shown = {**site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, shown)


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
    """A form with what it will do said before it; `cancel` is where the way back leads."""
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


def done(form: forms.Form, act: Callable[[], Any]) -> bool:
    """Whether the form was valid and the act not refused; a refusal becomes the form's own error."""
    if not form.is_valid():
        return False
    try:
        act()
    except Refused as refused:
        form.add_error(None, refused.message)
        return False
    return True


def secret_page(request: HttpRequest, *, title: str, sentence: str, secret: str, back: str) -> HttpResponse:
    """Shows a secret in the answer itself: a message would lie in a cookie, an address in a log."""
    return page(
        request, "admin/rollcall/secret.html", title=title, sentence=sentence, secret=secret, back=back
    )
