"""The answer at an address where there is no socket."""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class UnknownAddressConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Refuses the handshake. Without it each attempt would put the router's error into the log."""

    channel_layer_alias = None

    async def connect(self) -> None:
        await self.close()

    async def receive(self, text_data: str | None = None, bytes_data: Any = None) -> None:
        """Ignore messages."""
