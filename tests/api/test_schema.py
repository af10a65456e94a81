"""The schema of the API, and its documentation page."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import ValidationError

from attendance.api import urls


def test_schema_is_valid_openapi_3_1(client: Client, schema: Any) -> None:
    answer = client.get("/api/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    assert answer.json() == schema
    assert schema["openapi"] == "3.1.0"
    validate_schema(schema)
    with pytest.raises(ValidationError):
        validate_schema({**schema, "paths": []})


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("*/*", "application/json"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("application/yaml", "application/yaml"),
    ],
)
def test_schema_has_the_media_type_of_the_accept_header(client: Client, accept: str, kind: str) -> None:
    answer = client.get("/api/schema/", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "openapi" in answer.content.decode()[:20]


def test_schema_is_generated_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    SchemaGenerator().get_schema(request=None, public=True)
    said = capsys.readouterr()
    assert said.out + said.err == ""


def test_schema_of_each_json_answer_has_a_component(schema: Any) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                shape = answer.get("content", {}).get("application/json", {}).get("schema")
                assert status >= "300" or shape is None or "$ref" in shape, operation["operationId"]


def test_schema_describes_each_path_with_its_errors(schema: Any) -> None:
    routes = [str(pattern.pattern) for pattern in urls.urlpatterns[:-1]]
    expected = {"/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route in routes}
    assert set(schema["paths"]) == expected
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert {"400", "401", "403", "404"} <= set(operation["responses"])
            assert operation["description"]


def test_schema_operations_have_unique_names(schema: Any) -> None:
    names = [o["operationId"] for operations in schema["paths"].values() for o in operations.values()]
    assert len(names) == len(set(names))


def test_documentation_page_uses_no_other_host_and_nothing_inline(client: Client) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "//" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert not re.search(r"<style|<script>|\son\w+=", page)
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    script = client.get("/api/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")


def test_unknown_address_below_api_is_resolved_by_the_api() -> None:
    assert get_resolver().resolve("/api/v1/nothing/").func.__name__ == "unknown_address"
