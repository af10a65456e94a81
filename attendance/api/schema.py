"""The OpenAPI schema, with the same error answers at every address. Made once per language."""

from functools import lru_cache
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

ERROR = {
    "type": "object",
    "required": ["code", "message", "extra"],
    "properties": {
        "code": {"type": "string", "description": "For machines."},
        "message": {"type": "string", "description": "For people: what to do."},
        "extra": {"type": "object", "additionalProperties": True},
    },
}
STATUSES = {
    "400": "The request is wrong; `extra.fields` says where.",
    "401": "No login.",
    "403": "No right.",
    "404": "No such thing.",
    "429": "Too many.",
    "500": "A fault of the server; its log says more.",
    "503": "The database or the recognition does not answer.",
}
BODY_STATUSES = {"409": "Conflict.", "413": "Too large.", "415": "Not this type."}


def with_errors(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add the error answers to every operation; a hook of drf-spectacular."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for operations in result.get("paths", {}).values():
        for method, operation in operations.items():
            statuses = STATUSES if method == "get" else {**STATUSES, **BODY_STATUSES}
            for status, text in statuses.items():
                content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
                operation["responses"].setdefault(status, {"description": text, "content": content})
    return result


@lru_cache(maxsize=8)
def _schema(_language: str) -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


class Schema(SpectacularAPIView):  # type: ignore[misc]  # drf_spectacular is untyped here
    """The schema, without login. It is cached: making it takes most of a second."""

    authentication_classes = ()
    # JSON first: browsers show it, but download drf-spectacular's own media types as files.
    renderer_classes = (OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2)

    def _get_schema_response(self, request: Request) -> Response:
        name = f'inline; filename="{self._get_filename(request, None)}"'
        return Response(_schema(translation.get_language() or ""), headers={"Content-Disposition": name})


class Docs(SpectacularSwaggerSplitView):  # type: ignore[misc]  # drf_spectacular is untyped here
    """Swagger's page, without inline scripts and styles and with files from this server."""

    template_name = "api/docs.html"
    authentication_classes = ()


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[misc]  # drf_spectacular is untyped here
    target_class = "attendance.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - its shape
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token …`"}
