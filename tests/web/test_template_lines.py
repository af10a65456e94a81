"""The check that `make lint` runs on templates."""

from __future__ import annotations

import pytest

from tests.template_lines import crowded_lines


@pytest.mark.parametrize(
    "line",
    [
        '<p>Read <a href="/">this</a>, <strong>please</strong>.</p>',
        '<input id="x" {% if a < b %}hidden{% endif %}>',
        "{# <div><p> #}<div>",
        "</td></tr>",
    ],
)
def test_line_with_one_element_and_its_words_is_accepted(line: str) -> None:
    assert list(crowded_lines(line)) == []


def test_line_with_two_elements_is_named_with_its_number() -> None:
    assert list(crowded_lines("<ul>\n  <li><p>One</p></li>\n</ul>")) == [(2, ["li", "p"])]
