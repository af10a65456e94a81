"""The answer at an address where there is no socket."""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class NowhereConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Refuses the handshake; without it the router's error would fill the log whenever somebody tries."""

    channel_layer_alias = None

    async def connect(self) -> None:
        await self.close()

    async def receive(self, text_data: str | None = None, bytes_data: Any = None) -> None:
        """Nothing is heard."""
