"""HTTP requests whose body is counted while it arrives, and never parsed on the event loop."""

from __future__ import annotations

# Importing daphne.server installs the reactor, which must come before anything else of Twisted.
import daphne.server  # isort: skip  # noqa: F401

import io
import json
import logging
from typing import IO, Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet import reactor

logger = logging.getLogger("rollcall.access")

# The rest of a refused body is read and discarded for this long, so that the client receives the answer before the
# connection is closed.
LINGER_SECONDS = 3.0


class LimitedRequest(WebRequest):  # type: ignore[misc]  # Daphne has no types
    """A request whose body may have `server.body_limit` bytes. Forms are left to Django, outside the event loop."""

    content: IO[bytes]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self.bytes_left = self.server.body_limit
        self.refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 (Twisted's name)
        """Refuse a body whose declared length is over the limit. Called when the headers have been read."""
        too_long = length is not None and length > self.bytes_left
        super().gotLength(0 if too_long else length)
        if too_long:
            self.refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 (Twisted's name)
        """Keep a piece of the body; discard it if the request is refused."""
        self.bytes_left -= len(data)
        if self.refused:
            return
        if self.bytes_left < 0:
            self.refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 (Twisted's name)
        """Pass a complete request on to the application, or close the connection of a refused one."""
        if self.refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def refuse(self) -> None:
        """Answer 413 at once, then discard what arrives for LINGER_SECONDS, then close the connection."""
        self.refused = True
        self.content.close()
        self.content = io.BytesIO()
        # Otherwise Twisted would answer "100 Continue" to what was just refused.
        self.requestHeaders.removeHeader(b"Expect")
        limit = self.server.body_limit
        body = json.dumps(
            {
                "code": "too_large",
                "message": f"This is larger than {limit} bytes; send larger things in slices.",
                "extra": {"limit": limit},
            }
        ).encode()
        head = (
            "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
        )
        self.channel.transport.writeSequence([head.encode(), body])
        logger.info("%s refused a body over the limit", getattr(self.client, "host", "-"))
        reactor.callLater(LINGER_SECONDS, self.close_connection)

    def close_connection(self) -> None:
        """Close the connection if the client has not done so."""
        if self.channel is not None:
            self.channel.forceAbortClient()


class LimitedFactory(HTTPFactory):  # type: ignore[misc]  # Daphne has no types
    """Make LimitedRequests instead of Daphne's requests."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 (Twisted's name)
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol
