"""The client's address and scheme behind trusted and other proxies."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from config.proxies import ForwardedHeadersMiddleware


async def client_of(peer: str, headers: dict[str, str], kind: str = "http") -> tuple[str, str]:
    """Return the client's address and the scheme that the application receives."""
    received: dict[str, Any] = {}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        received.update(scope)

    async def nothing(*_: Any) -> Any:
        return None

    scheme = "http" if kind == "http" else "ws"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "client": [peer, 5000], "scheme": scheme, "headers": raw}
    await ForwardedHeadersMiddleware(application)(scope, nothing, nothing)
    return received["client"][0], received["scheme"]


FORWARDED = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}


async def test_no_proxy_is_trusted_by_default() -> None:
    assert await client_of("127.0.0.1", FORWARDED) == ("127.0.0.1", "http")


async def test_trusted_proxy_decides_address_and_scheme(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert await client_of("10.1.2.3", FORWARDED) == ("203.0.113.5", "https")
    assert await client_of("10.1.2.3", FORWARDED, "websocket") == ("203.0.113.5", "wss")


async def test_other_address_does_not_decide(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert await client_of("203.0.113.9", FORWARDED) == ("203.0.113.9", "http")


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.9.9.9", "203.0.113.5"),
        ("10.9.9.9", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
async def test_addresses_that_the_client_wrote_are_ignored(
    settings: LazySettings, hops: str, client: str
) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    assert (await client_of("10.1.2.3", {"X-Forwarded-For": hops}))[0] == client
