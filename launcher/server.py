"""Daphne, our way: what a stranger sends neither blocks the loop nor fills the memory.

Daphne lets Twisted parse forms on the event loop before Django sees them (50 MB held every socket for 1.25 s, 300 MB
took 3.7 GB); it counts no bodies, prints query strings into its log, and stops in no order. Here forms are left to
Django, a body over MAX_UPLOAD_SIZE is answered 413 from its header or cut where it has none, the log shows paths only,
and on SIGTERM the intake stops, then our threads end, then the reactor.
"""

from __future__ import annotations

# Daphne installs its reactor when it is imported, which has to happen before anything else of Twisted.
import daphne.server  # isort: skip

import argparse
import asyncio
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import django
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer, endpoints, reactor, ssl, threads
from twisted.logger import globalLogBeginner

from launcher.trust_page import explaining_site

access = logging.getLogger("rollcall.access")

SOCKET_MESSAGE_LIMIT = 8 * 1024 * 1024
"""Bytes of a WebSocket message. A consumer answers what is over its own 2 MiB in words; beyond this nobody listens."""

LINGER_SECONDS = 3.0
"""How long a refused body is read and thrown away, so that the answer arrives before the connection is cut."""

MOST_UNHEARD = 16
"""Messages of a socket that wait for its consumer; then it is not read for a moment, and its client's buffers fill."""
LISTEN_AGAIN_SECONDS = 0.05

GOODBYE_SECONDS = 10
"""How long a browser may take to answer a close. Autobahn cuts after one second, and a browser that is busy or far
away then learns of a fault (1006) in place of our code, and asks again where it should have asked for a login."""

STOP_SECONDS = 8
"""After this many seconds of stopping the kernel ends the process."""


class LimitedRequest(WebRequest):  # type: ignore[misc]  # Daphne has no types
    """A request whose body is counted, and left unparsed: that is Django's to do, outside the event loop."""

    content: IO[bytes]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self.room = self.server.body_limit
        self.refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 (Twisted's name)
        """Twisted has read the headers: refuse here what declares too much."""
        super().gotLength(0 if self.too_long(length) else length)
        if self.too_long(length):
            self.refuse()

    def too_long(self, length: int | None) -> bool:
        """Whether a declared length is over the limit; a body without one is counted as it comes."""
        return length is not None and length > self.room

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 (Twisted's name)
        """Keeps a piece of the body, or throws it away once the request is refused."""
        self.room -= len(data)
        if self.refused:
            return
        if self.room < 0:
            self.refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 (Twisted's name)
        """The whole body has come."""
        if self.refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def refuse(self) -> None:
        """Answers 413 at once, then reads on for a while without keeping anything, then cuts the connection."""
        self.refused = True
        self.content.close()
        self.content = io.BytesIO()
        # Nobody shall be told to go on with what was just refused.
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
        access.info("%s refused a body over the limit", self.client_text())
        reactor.callLater(LINGER_SECONDS, self.cut)

    def cut(self) -> None:
        """Ends the connection, if the client has not."""
        if self.channel is not None:
            self.channel.forceAbortClient()

    def client_text(self) -> str:
        """The peer's address, for the log."""
        return str(getattr(self.client, "host", "-"))


class LimitedFactory(HTTPFactory):  # type: ignore[misc]  # Daphne has no types
    """Makes our requests instead of Daphne's."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 (Twisted's name)
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol


class Socket(WebSocketProtocol):  # type: ignore[misc]  # Daphne has no types
    """A socket that may close with any code that the contract names, and is read no faster than it is listened to."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 (Autobahn's names)
        """Daphne takes in whatever comes; what waits unread in the client's own buffers costs us nothing."""
        super().onMessage(payload, isBinary)
        if not self.muted and self.application_queue.qsize() == MOST_UNHEARD:
            self.transport.pauseProducing()
            reactor.callLater(LISTEN_AGAIN_SECONDS, self.listen_again)

    def listen_again(self) -> None:
        """Once half of what waits has been heard."""
        if self.application_queue.qsize() > MOST_UNHEARD // 2:
            reactor.callLater(LISTEN_AGAIN_SECONDS, self.listen_again)
        else:
            self.transport.resumeProducing()

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        """Autobahn's own method refuses the registered codes: 1008 for a flood, 1013 for "try again"."""
        self.sendCloseFrame(code=1000 if code is None else code, reasonUtf8=None, isReply=False)


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One address to listen at; with a certificate it speaks TLS."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    def endpoint(self) -> Any:
        """Twisted's endpoint for it."""
        if self.certificate is None or self.key is None:
            kind = endpoints.TCP6ServerEndpoint if ":" in self.host else endpoints.TCP4ServerEndpoint
            return kind(reactor, self.port, interface=self.host)
        pair = ssl.PrivateCertificate.loadPEM(self.key.read_bytes() + self.certificate.read_bytes())
        return endpoints.SSL4ServerEndpoint(reactor, self.port, pair.options(), interface=self.host)


class Server(daphne.server.Server):  # type: ignore[misc]  # Daphne has no types
    """Daphne's server with our requests, our order of stopping, and a log without query strings."""

    def __init__(self, application: Any, *, body_limit: int) -> None:
        super().__init__(
            application,
            endpoints=["ours"],
            action_logger=log_access,
            request_buffer_size=256 * 1024,
            websocket_max_message_size=SOCKET_MESSAGE_LIMIT,
            websocket_max_frame_size=SOCKET_MESSAGE_LIMIT,
            server_name="",
        )
        self.body_limit = body_limit
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = LimitedFactory(self)
        self.ws_factory = WebSocketFactory(self, server="")
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            closeHandshakeTimeout=GOODBYE_SECONDS,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        self.ports: list[Any] = []

    def serve(self, doors: dict[Door, Any], *, opened: str, stopping: Any) -> None:
        """Listens at the doors (each with the factory that answers there) until SIGTERM or SIGINT. Blocks.

        `stopping` ends our own threads. A port that is taken ends the process with a sentence and code 3.
        """
        globalLogBeginner.beginLoggingTo([lambda _: None], redirectStandardIO=False, discardBuffer=True)
        asyncio.set_event_loop(reactor._asyncioEventloop)
        self.stopping = stopping
        self.failure = ""
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.close)
        opening = defer.gatherResults([door.endpoint().listen(factory) for door, factory in doors.items()])
        opening.addCallbacks(self.opened, self.not_opened, callbackArgs=(opened,))
        reactor.run()
        if self.failure:
            raise SystemExit(self.failure)

    def opened(self, ports: list[Any], sentence: str) -> None:
        """Every door is open."""
        self.ports = ports
        logging.getLogger("rollcall").info(sentence)

    def not_opened(self, failure: Any) -> None:
        """A door is taken (another program has the port) or not ours to open."""
        self.failure = f"the port cannot be opened: {failure.value.subFailure.getErrorMessage()}"
        reactor.callWhenRunning(reactor.stop)

    @defer.inlineCallbacks  # type: ignore[untyped-decorator]  # Twisted is not followed
    def close(self) -> Generator[Any, Any, None]:
        """Stops in order: nobody new comes in, our threads end, open requests and sockets are cancelled."""
        signal.alarm(STOP_SECONDS)  # nothing below may hold the process for ever
        for port in self.ports:
            yield defer.maybeDeferred(port.stopListening)
        yield threads.deferToThread(self.stopping)
        running = [
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details and not details["application_instance"].done()
        ]
        for application in running:
            application.cancel()
        if running:
            yield defer.Deferred.fromFuture(asyncio.ensure_future(asyncio.wait(running, timeout=2)))


def log_access(protocol: str, action: str, details: dict[str, Any]) -> None:
    """One line for each answer and each socket: path without its query, which may hold what is secret."""
    path = details["path"].partition("?")[0]
    if protocol == "http":
        milliseconds = details["time_taken"] * 1000
        access.info(
            "%s %s %s %s %d bytes %.0f ms",
            *(details["client"], details["method"], path, details["status"], details["size"], milliseconds),
        )
    else:
        access.info("%s socket %s %s", details["client"], action, path)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the launcher and the container say on the command line."""
    parser = argparse.ArgumentParser(description="Serves Rollcall's pages, API and sockets.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--tls-port", type=int, help="serve here with TLS, and explain at --port how to trust it"
    )
    parser.add_argument("--wait", action="store_true", help="open when a line comes on standard input")
    parser.add_argument("--tls-folder", type=Path, help="folder of ca.pem, server.pem and server.key")
    return parser.parse_args(given)


def main() -> None:
    """Warms the engine, loads the application once database and static files are ready, opens the doors."""
    options = arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    from config.health import ask_engine
    from recognition.process import PROCESS, warm_engine

    warm_engine()
    ask_engine()
    if options.wait and not sys.stdin.readline():
        PROCESS.stop()
        sys.exit("whoever started this has gone without a word")
    from attendance.live import runtime
    from config.asgi import application

    runtime.start()
    server = Server(application, body_limit=settings.MAX_UPLOAD_SIZE)
    if options.tls_port is None:
        doors = {Door(options.host, options.port): server.http_factory}
    else:
        folder: Path = options.tls_folder
        secure = Door(options.host, options.tls_port, folder / "server.pem", folder / "server.key")
        plain = explaining_site(folder / "ca.pem", settings.PUBLIC_URL)
        doors = {secure: server.http_factory, Door(options.host, options.port): plain}
    server.serve(doors, opened="the doors are open", stopping=PROCESS.stop)


if __name__ == "__main__":
    main()
