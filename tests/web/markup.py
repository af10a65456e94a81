"""A parser of rendered pages for what the policy forbids and accessibility needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

EXECUTABLE = {"", "module", "text/javascript", "application/javascript"}
VOID = {"input", "img", "meta", "link", "br", "hr", "use", "path", "canvas"}


@dataclass(slots=True)
class Page(HTMLParser):
    """Collects forbidden markup, and ids with the references to them."""

    forbidden: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    unlabelled: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    language: str = ""
    _in_script: bool = False

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.forbidden += [f"<{tag} {name}>" for name in given if name.startswith("on") or name == "style"]
        if tag == "style":
            self.forbidden.append("<style>")
        if tag == "script" and given.get("type", "") in EXECUTABLE and "src" not in given:
            self.forbidden.append("inline <script>")
        for name in ("src", "href"):
            if given.get(name, "").startswith(("http:", "https:", "//", "javascript:")):
                self.forbidden.append(f"<{tag} {name}={given[name]}>")
        self._names(tag, given)

    def _names(self, tag: str, given: dict[str, str]) -> None:
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("aria-labelledby", "aria-describedby"):
            self.references.update(given.get(name, "").split())
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "label" and "for" in given:
            self.labels.add(given["for"])
        if tag == "img" and "alt" not in given:
            self.unlabelled.append("img")
        if tag in {"input", "select", "textarea"} and given.get("type") not in {"hidden", "radio"}:
            self.fields[given.get("id", "")] = given.get("aria-label", "")

    @property
    def nameless_fields(self) -> set[str]:
        return {key for key, label in self.fields.items() if not label and key not in self.labels}


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page
