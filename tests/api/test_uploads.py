"""Uploads: never in a file, limited in number at once, and none makes the server fail."""

import asyncio
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.asgi import get_asgi_application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from attendance.api import images
from recognition.engine.images.image import encode_jpeg
from tests.api.conftest import Client, upload
from tests.world import World

# More bytes than Django keeps in memory by default.
LARGE = b"\0" * 5_000_000


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make temporary files fail."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError):
        tempfile.mkstemp()


def identify(client: APIClient, world: World, data: bytes) -> Any:
    body = {"picture": upload(data), "school_class": str(world.school_class.pk)}
    return client.post("/api/v1/identify/", body, format="multipart")


@pytest.mark.usefixtures("no_disk")
def test_upload_is_parsed_without_a_file(world: World, client_of: Client) -> None:
    answer = identify(client_of(world.teacher), world, LARGE)
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_format")


@pytest.mark.usefixtures("no_disk")
async def test_body_is_received_without_a_file() -> None:
    scope: Any = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/api/v1/nothing/",
        "raw_path": b"/api/v1/nothing/", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "headers": [(b"host", b"localhost"), (b"content-length", str(len(LARGE)).encode())],
    }  # fmt: skip
    half = len(LARGE) // 2
    messages = iter([(LARGE[:half], True), (LARGE[half:], False)])
    sent: list[Any] = []

    async def receive() -> Any:
        if (part := next(messages, None)) is None:
            return await asyncio.Event().wait()  # a client that stays until it is answered
        return {"type": "http.request", "body": part[0], "more_body": part[1]}

    async def send(message: Any) -> None:
        sent.append(message)

    await get_asgi_application()(scope, receive, send)
    assert sent[0]["status"] == 404
    assert b"not_found" in sent[1]["body"]


def test_upload_without_free_slot_is_answered_busy(
    world: World, client_of: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "SLOT_SECONDS", 0.01)
    with images.upload_slot(), images.upload_slot():
        answer = identify(client_of(world.teacher), world, b"x")
        assert (answer.status_code, answer.json()["code"]) == (429, "busy")
        assert answer.headers["Retry-After"] == "5"
    assert identify(client_of(world.teacher), world, b"x").status_code == 400


def test_group_photograph_takes_one_to_three_images(world: World, client_of: Client) -> None:
    path = f"/api/v1/sessions/{world.session.pk}/group/"
    for count in (0, 4):
        body = {"pictures": [upload(b"x") for _each in range(count)]}
        answer = client_of(world.teacher).post(path, body, format="multipart")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert "pictures" in answer.json()["extra"]["fields"]


JPEG = encode_jpeg(np.full((64, 64, 3), 127, np.uint8))
MANGLED = st.builds(
    lambda cut, place, byte: JPEG[:place] + bytes([byte]) + JPEG[place + 1 : cut],
    st.integers(0, len(JPEG)), st.integers(0, len(JPEG) - 1), st.integers(0, 255),
)  # fmt: skip
FORMS = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [
            b"--x\r\n", b"--x--\r\n", b"\r\n", b"Content-Disposition: form-data; name=", b'"picture"',
            b'; filename="a.jpg"', b'"school_class"', b"Content-Transfer-Encoding: base64\r\n", b"\xff\xd8\xff",
            b'; filename="\0"', b"--x",
        ]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picture=MANGLED | st.binary(max_size=100), form=FORMS)
def test_fuzzed_upload_is_never_answered_500(
    world: World, client_of: Client, picture: bytes, form: bytes
) -> None:
    office = client_of(world.registrar)
    photograph = {"photograph": BytesIO(picture)}
    path = f"/api/v1/students/{world.ann.pk}/photographs/"
    raw: dict[str, Any] = {"data": form, "content_type": "multipart/form-data; boundary=x"}
    for answer in (
        office.post(path, photograph, format="multipart"),
        office.post(path, **raw),
        office.post("/api/v1/identify/", **raw),
        office.post(f"/api/v1/sessions/{world.session.pk}/group/", **raw),
    ):
        assert 400 <= answer.status_code < 500
        assert set(answer.json()) == {"code", "message", "extra"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.text(max_size=210) | st.integers() | st.none() | st.lists(st.text()), label=st.text(max_size=90)
)
def test_fuzzed_pairing_code_is_never_answered_500(world: World, code: Any, label: str) -> None:
    answer = APIClient().post("/api/v1/pair/", {"code": code, "label": label}, format="json")
    assert answer.status_code in {400, 429}
    assert set(answer.json()) == {"code", "message", "extra"}
