"""The client's address and scheme behind a proxy."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ForwardedHeadersMiddleware:
    """Take the client's address and scheme from X-Forwarded-* headers that come from TRUSTED_PROXIES.

    The client is the last address in X-Forwarded-For that is not a trusted proxy: the client itself may have written
    everything before it.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.networks = [ipaddress.ip_network(text) for text in settings.TRUSTED_PROXIES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.networks and scope.get("client") and self.is_trusted(scope["client"][0]):
            scope = {**scope, **self.forwarded_values(scope)}
        await self.application(scope, receive, send)

    def is_trusted(self, address: str) -> bool:
        """Return whether a peer is a trusted proxy; False if the text is not an IP address."""
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.networks)

    def forwarded_values(self, scope: Scope) -> dict[str, Any]:
        """Return the members of the scope (`client`, `scheme`) that the proxy's headers change."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        changed: dict[str, Any] = {}
        hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", "").split(",") if hop.strip()]
        client = next((hop for hop in reversed(hops) if not self.is_trusted(hop)), None)
        if client:
            changed["client"] = [client, 0]
        scheme = headers.get(b"x-forwarded-proto", "").strip().lower()
        if scheme in ("http", "https"):
            changed["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        return changed
