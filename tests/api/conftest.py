"""Clients of the API: people with a session and its CSRF check, systems with a token."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from rest_framework.test import APIClient

if TYPE_CHECKING:
    from attendance.models import User

Client = Callable[[Any], APIClient]
Fits = Callable[[str, Any], None]


@pytest.fixture
def client_of() -> Client:
    """Return a function that logs a client in as a person, or as nobody (None), without CSRF checks."""

    def made(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.force_login(user)
        return client

    return made


@pytest.fixture
def token_client() -> Callable[[User], APIClient]:
    def made(user: User) -> APIClient:
        from attendance.access import tokens

        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {tokens.create(user=user, name='t', actor=None)[1]}")
        return client

    return made


@pytest.fixture(scope="session")
def schema() -> Any:
    """Return the API's schema."""
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiJsonRenderer

    return json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True)))


@pytest.fixture(scope="session")
def fits(schema: Any) -> Fits:
    """Return a check that an answer fits a component of the schema, without further members."""
    components = copy.deepcopy(schema["components"])
    for component in components["schemas"].values():
        if "properties" in component:
            component["additionalProperties"] = False

    def checked(name: str, answer: Any) -> None:
        wanted = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema.Draft202012Validator(wanted).validate(answer)

    return checked


def upload(data: bytes, name: str = "picture") -> io.BytesIO:
    """Return a file for the test client."""
    file = io.BytesIO(data)
    file.name = name
    return file
