"""Who the client is behind a proxy, and whether it came by https."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TrustProxies:
    """Believes X-Forwarded-For and X-Forwarded-Proto from TRUSTED_PROXIES, and from nobody else.

    The client is the last address that no trusted proxy wrote: everything before it was written by strangers.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self.networks = [ipaddress.ip_network(text) for text in settings.TRUSTED_PROXIES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.networks and scope.get("client") and self.trusts(scope["client"][0]):
            scope = {**scope, **self.as_seen_by_the_proxy(scope)}
        await self.application(scope, receive, send)

    def trusts(self, address: str) -> bool:
        """Whether a peer is one of our proxies; False for what is no address."""
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.networks)

    def as_seen_by_the_proxy(self, scope: Scope) -> dict[str, Any]:
        """The members of the scope that the proxy's headers change."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        changed: dict[str, Any] = {}
        hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", "").split(",") if hop.strip()]
        outside = next((hop for hop in reversed(hops) if not self.trusts(hop)), None)
        if outside:
            changed["client"] = [outside, 0]
        proto = headers.get(b"x-forwarded-proto", "").strip().lower()
        if proto in ("http", "https"):
            changed["scheme"] = proto if scope["type"] == "http" else proto.replace("http", "ws")
        return changed
