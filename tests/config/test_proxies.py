"""Whom we believe about who the client is."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from config.proxies import TrustProxies


async def seen(peer: str, headers: dict[str, str], kind: str = "http") -> tuple[str, str]:
    """Client address and scheme as the application behind the middleware sees them."""
    found: dict[str, Any] = {}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        found.update(scope)

    async def nothing(*_: Any) -> Any:
        return None

    scheme = "http" if kind == "http" else "ws"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "client": [peer, 5000], "scheme": scheme, "headers": raw}
    await TrustProxies(application)(scope, nothing, nothing)
    return found["client"][0], found["scheme"]


FORWARDED = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}


async def test_nobody_is_believed_by_default() -> None:
    assert await seen("127.0.0.1", FORWARDED) == ("127.0.0.1", "http")


async def test_a_named_proxy_is_believed(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert await seen("10.1.2.3", FORWARDED) == ("203.0.113.5", "https")
    assert await seen("10.1.2.3", FORWARDED, "websocket") == ("203.0.113.5", "wss")


async def test_a_stranger_who_claims_to_be_a_proxy_is_not(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert await seen("203.0.113.9", FORWARDED) == ("203.0.113.9", "http")


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.9.9.9", "203.0.113.5"),
        ("10.9.9.9", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
async def test_what_clients_write_in_front_is_ignored(settings: LazySettings, hops: str, client: str) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert (await seen("10.1.2.3", {"X-Forwarded-For": hops}))[0] == client
