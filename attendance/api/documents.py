"""drf-spectacular's decorators, with types."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

Thing = TypeVar("Thing")


def documented(**described: Any) -> Callable[[Thing], Thing]:
    """What an operation takes and answers, as `extend_schema` says it; its docstring is the description."""
    return cast(Callable[[Thing], Thing], extend_schema(**described))


def field_of(described: Any) -> Callable[[Thing], Thing]:
    """What a serializer's method field answers: a JSON schema, or a serializer."""
    return cast(Callable[[Thing], Thing], extend_schema_field(described))


def shape(name: str, /, **fields: Any) -> type[serializers.Serializer[Any]]:
    """A serializer that only describes an answer. Its fields may be called `source` or `label`, which attributes
    of a serializer's class may not."""
    return type(name, (serializers.Serializer,), fields)
