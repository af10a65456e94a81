"""Serializers that are derived from TypedDicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypedDict

import pytest
from django.db.models import TextChoices
from rest_framework import serializers

from attendance.api.documents import serializer_of
from attendance.core.json_types import Id, IdAndName, ImageBox


class Choice(TextChoices):
    ONE = "one", "One"


class Plain(StrEnum):
    TWO = "two"


class Described(TypedDict):
    id: Id
    source: Annotated[str, Choice]
    state: Annotated[str | None, Plain, "a state"]
    kind: Literal["a", "b"] | None
    student: IdAndName | None
    students: list[IdAndName]
    box: ImageBox
    ms: dict[str, float]
    by: Annotated[Id | None, "nobody"]


class Impossible(TypedDict):
    member: set[str]


def fields() -> dict[str, Any]:
    return dict(serializer_of(Described)().fields)


def test_serializer_of_a_typed_dict_has_the_fields_of_its_types() -> None:
    kinds = {name: type(field) for name, field in fields().items()}
    assert kinds == {
        "id": serializers.UUIDField,
        "source": serializers.ChoiceField,
        "state": serializers.ChoiceField,
        "kind": serializers.ChoiceField,
        "student": serializer_of(IdAndName),
        "students": serializers.ListSerializer,
        "box": serializers.ListField,
        "ms": serializers.DictField,
        "by": serializers.UUIDField,
    }


def test_serializer_of_a_typed_dict_keeps_null_help_choices_and_length() -> None:
    described = fields()
    assert {name for name, field in described.items() if field.allow_null} == {
        "state",
        "kind",
        "student",
        "by",
    }
    assert described["state"].help_text == "a state"
    assert described["by"].help_text == "nobody"
    assert dict(described["source"].choices) == {"one": "One"}
    assert list(described["state"].choices) == ["two"]
    assert list(described["kind"].choices) == ["a", "b"]
    assert (described["box"].min_length, described["box"].max_length) == (4, 4)


def test_serializer_of_a_type_without_json_says_which_types_there_are() -> None:
    with pytest.raises(TypeError, match=r"set\[str\] has no field: use str"):
        serializer_of(Impossible)


def test_serializer_of_the_same_typed_dict_is_the_same_class() -> None:
    assert serializer_of(Described) is serializer_of(Described)
