"""drf-spectacular's decorators with types, and serializers derived from TypedDicts."""

import datetime as dt
from collections.abc import Callable
from enum import Enum
from functools import cache
from types import NoneType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from django.db.models import Choices
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

from attendance.core.json_types import Format, Length
from recognition.engine.types import State

Decorated = TypeVar("Decorated")
Field = serializers.Field[Any, Any, Any, Any]

# The name of this enumeration in the schema is a setting of drf-spectacular (ENUM_NAME_OVERRIDES).
FACE_STATES = [state.value for state in State]

FIELDS: dict[Any, type[Field]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    bool: serializers.BooleanField,
    dt.datetime: serializers.DateTimeField,
    Format.UUID: serializers.UUIDField,
    Format.DATE: serializers.DateField,
    Format.DATE_TIME: serializers.DateTimeField,
}


def documented(**described: Any) -> Callable[[Decorated], Decorated]:
    """Describe an operation: the arguments are those of `extend_schema`, the docstring is the description."""
    return cast(Callable[[Decorated], Decorated], extend_schema(**described))


def field_of(described: Any) -> Callable[[Decorated], Decorated]:
    """Describe what a serializer's method field answers: a JSON schema, or a serializer."""
    return cast(Callable[[Decorated], Decorated], extend_schema_field(described))


@cache
def serializer_of(described: type) -> type[serializers.Serializer[Any]]:
    """Return the serializer that describes a TypedDict in the schema. It is never used to serialize."""
    # `type` and not a class statement: members may be called `source` or `label`, which attributes may not.
    members = get_type_hints(described, include_extras=True)
    return type(
        described.__name__,
        (serializers.Serializer,),
        {member: _field(hint) for member, hint in members.items()},
    )


def _field(hint: Any, kind: Any = None, **options: Any) -> Field:
    """Return the field of a member; `kind` is what `Annotated` says instead of the type."""
    if get_origin(hint) is Annotated:
        hint, *details = get_args(hint)
        return _field(hint, **{**_options(details), **options})
    if NoneType in get_args(hint):
        (hint,) = (option for option in get_args(hint) if option is not NoneType)
        options["allow_null"] = True
        return _field(hint, kind, **options)
    return _field_of_kind(kind or hint, options)


def _options(details: list[Any]) -> dict[str, Any]:
    """Return what the metadata of `Annotated` says, as arguments of `_field`."""
    options: dict[str, Any] = {}
    for detail in details:
        match detail:
            case Length():
                options |= {"min_length": detail.items, "max_length": detail.items}
            case Format() | type():
                options["kind"] = detail
            case str():
                options["help_text"] = detail
    return options


def _field_of_kind(kind: Any, options: dict[str, Any]) -> Field:
    if kind in FIELDS:
        return FIELDS[kind](**options)
    if is_typeddict(kind):
        return serializer_of(kind)(**options)
    choices = _choices(kind)
    return _collection(kind, options) if choices is None else serializers.ChoiceField(choices, **options)


def _choices(kind: Any) -> list[Any] | None:
    """Return the choices of a `Literal` or an enumeration, None for other types."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return None
    return kind.choices if issubclass(kind, Choices) else [member.value for member in kind]


def _collection(kind: Any, options: dict[str, Any]) -> Field:
    """Return the field of a list or a dictionary. Raises `TypeError` for a type that has no field."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list and is_typeddict(arguments[0]):
        return serializer_of(arguments[0])(many=True, **options)
    if origin is list:
        return serializers.ListField(child=_field(arguments[0]), **options)
    if origin is dict:
        return serializers.DictField(child=_field(arguments[1]), **options)
    message = f"{kind} has no field: use str, int, float, bool, Literal, list, dict or a TypedDict"
    raise TypeError(message)
