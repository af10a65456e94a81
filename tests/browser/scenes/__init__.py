"""Every state that a page can be in, one after the other: what is photographed and what is examined.

A visit opens its pages and yields a name each time one is in a state worth a look. Whoever asks for the visits looks
at the seat's page then, and leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.scenes.devices import handed_over, other_devices
from tests.browser.scenes.live import (
    questions,
    the_camera,
    the_register,
    the_registers_fullness,
    without_network,
)
from tests.browser.scenes.pages import at_the_door, teachers_pages, the_group, the_office, the_offices_lists
from tests.browser.scenes.stage import Set, States

VISITS: tuple[Callable[[Set], States], ...] = (
    at_the_door,
    teachers_pages,
    the_camera,
    questions,
    the_register,
    the_registers_fullness,
    without_network,
    the_group,
    other_devices,
    the_office,
    the_offices_lists,
    handed_over,
)
"""`handed_over` is the last: it ends the teacher's login."""
