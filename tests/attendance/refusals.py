"""The code of a refusal, for tests of functions that refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attendance.core.errors import Refused


def refusal_of(function: Callable[..., object], **arguments: Any) -> str:
    """Return the code of the `Refused` that the function raises."""
    with pytest.raises(Refused) as caught:
        function(**arguments)
    return caught.value.code
