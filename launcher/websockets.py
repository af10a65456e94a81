"""WebSockets that are read no faster than their consumer takes messages, and may close with any code."""

from __future__ import annotations

# Importing daphne.server installs the reactor, which must come before anything else of Twisted.
import daphne.server  # isort: skip  # noqa: F401

from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor

# Bytes. Consumers answer messages over their own limit of 2 MiB with an error; over this one the connection is closed.
MESSAGE_LIMIT = 8 * 1024 * 1024

# With so many messages waiting for the consumer the connection is not read until half of them have been taken. What
# the client sends meanwhile fills the client's own buffers.
MAX_WAITING_MESSAGES = 16
RESUME_CHECK_SECONDS = 0.05


class BackpressureProtocol(WebSocketProtocol):  # type: ignore[misc]  # Daphne has no types
    """Daphne's WebSocket protocol, which by itself reads without limit."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 (Autobahn's names)
        """Pass a message to the consumer; stop reading while too many wait."""
        super().onMessage(payload, isBinary)
        if not self.muted and self.application_queue.qsize() == MAX_WAITING_MESSAGES:
            self.transport.pauseProducing()
            reactor.callLater(RESUME_CHECK_SECONDS, self.resume_reading)

    def resume_reading(self) -> None:
        """Read again if at most half of the messages still wait, else check again later."""
        if self.application_queue.qsize() > MAX_WAITING_MESSAGES // 2:
            reactor.callLater(RESUME_CHECK_SECONDS, self.resume_reading)
        else:
            self.transport.resumeProducing()

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        """Close with any code. Autobahn's own method refuses registered ones such as 1008 and 1013, which we use."""
        self.sendCloseFrame(code=1000 if code is None else code, reasonUtf8=None, isReply=False)
