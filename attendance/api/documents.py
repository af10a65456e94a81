"""drf-spectacular's decorators, with types."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from drf_spectacular.utils import extend_schema, extend_schema_field

Thing = TypeVar("Thing")


def documented(**described: Any) -> Callable[[Thing], Thing]:
    """What an operation takes and answers, as `extend_schema` says it; its docstring is the description."""
    return cast(Callable[[Thing], Thing], extend_schema(**described))


def field_of(shape: dict[str, Any]) -> Callable[[Thing], Thing]:
    """The JSON schema of a serializer's method field."""
    return cast(Callable[[Thing], Thing], extend_schema_field(shape))
