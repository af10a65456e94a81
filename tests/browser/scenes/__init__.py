"""List every state that a page can be in, for screenshots and accessibility checks.

A visit opens its pages and yields a name each time a page is in a state to check. The caller checks the
seat's page then, and leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.scenes.devices import device_handover, other_devices
from tests.browser.scenes.live import (
    camera_states,
    offline_marks,
    register_contents,
    register_states,
    review_questions,
)
from tests.browser.scenes.pages import (
    group_photograph,
    office_lists,
    office_pages,
    public_pages,
    teacher_pages,
)
from tests.browser.scenes.stage import PageSetup, States

# `device_handover` is last, because it ends the teacher's login.
VISITS: tuple[Callable[[PageSetup], States], ...] = (
    public_pages,
    teacher_pages,
    camera_states,
    review_questions,
    register_states,
    register_contents,
    offline_marks,
    group_photograph,
    other_devices,
    office_pages,
    office_lists,
    device_handover,
)
