"""The web server, `python -m launcher.server`: Daphne with limits, so that no client blocks the event loop.

Daphne lets Twisted parse forms on the event loop before Django sees them (50 MB stopped every WebSocket for 1.25 s,
300 MB took 3.7 GB of memory), does not limit bodies, logs query strings, and does not stop in a defined order. Here
forms are left to Django; a body over MAX_UPLOAD_SIZE is answered 413 when its header declares it, or as soon as it has
arrived; the log has paths only; on SIGTERM the server first stops accepting connections, then ends its threads, then
the event loop.
"""

from __future__ import annotations

# Daphne installs its reactor when it is imported, which must come before anything else of Twisted.
import daphne.server  # isort: skip

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer, endpoints, reactor, ssl, threads
from twisted.logger import globalLogBeginner

from launcher.certificate_page import certificate_site
from launcher.request_limits import LimitedFactory
from launcher.websockets import MESSAGE_LIMIT, BackpressureProtocol

access_logger = logging.getLogger("rollcall.access")

# How long a browser may take to answer a close frame. Autobahn waits for one second only; a browser that is busy or on
# a slow network would then report an error (1006) in place of our code, and connect again where it should log in.
CLOSE_HANDSHAKE_SECONDS = 10

# If stopping takes longer, the kernel ends the process.
STOP_SECONDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """An address at which the server accepts connections; with a certificate and its key it uses TLS."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    def endpoint(self) -> Any:
        """Return Twisted's endpoint for the address."""
        if self.certificate is None or self.key is None:
            kind = endpoints.TCP6ServerEndpoint if ":" in self.host else endpoints.TCP4ServerEndpoint
            return kind(reactor, self.port, interface=self.host)
        pair = ssl.PrivateCertificate.loadPEM(self.key.read_bytes() + self.certificate.read_bytes())
        return endpoints.SSL4ServerEndpoint(reactor, self.port, pair.options(), interface=self.host)


class Server(daphne.server.Server):  # type: ignore[misc]  # Daphne has no types
    """Daphne's server with limited requests, an ordered stop, and a log without query strings.

    `body_limit` is the largest body of a request in bytes.
    """

    def __init__(self, application: Any, *, body_limit: int) -> None:
        super().__init__(
            application,
            endpoints=["set in serve"],
            action_logger=log_access,
            request_buffer_size=256 * 1024,
            websocket_max_message_size=MESSAGE_LIMIT,
            websocket_max_frame_size=MESSAGE_LIMIT,
            server_name="",
        )
        self.body_limit = body_limit
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = LimitedFactory(self)
        self.ws_factory = WebSocketFactory(self, server="")
        self.ws_factory.protocol = BackpressureProtocol
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            closeHandshakeTimeout=CLOSE_HANDSHAKE_SECONDS,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        self.ports: list[Any] = []

    def serve(self, listeners: dict[Listener, Any], *, stop_threads: Any) -> None:
        """Accept connections, each listener with its factory, until SIGTERM or SIGINT. Blocks.

        `stop_threads` is called before the event loop ends. If a port cannot be used, SystemExit is raised with a
        sentence.
        """
        globalLogBeginner.beginLoggingTo([lambda _: None], redirectStandardIO=False, discardBuffer=True)
        asyncio.set_event_loop(reactor._asyncioEventloop)
        self.stop_threads = stop_threads
        self.failure = ""
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.shut_down)
        listening = defer.gatherResults(
            [listener.endpoint().listen(factory) for listener, factory in listeners.items()]
        )
        listening.addCallbacks(self.listening, self.cannot_listen)
        reactor.run()
        if self.failure:
            raise SystemExit(self.failure)

    def listening(self, ports: list[Any]) -> None:
        """Log that connections are accepted. Called when all listeners are ready."""
        self.ports = ports
        logging.getLogger("rollcall").info("accepting connections")

    def cannot_listen(self, failure: Any) -> None:
        """Stop, because another program has one of the ports or this user may not use it."""
        self.failure = f"the port cannot be used: {failure.value.subFailure.getErrorMessage()}"
        reactor.callWhenRunning(reactor.stop)

    @defer.inlineCallbacks  # type: ignore[untyped-decorator]  # Twisted is not type-checked
    def shut_down(self) -> Generator[Any, Any, None]:
        """Stop accepting connections, then our threads, then cancel open requests and WebSockets."""
        signal.alarm(STOP_SECONDS)
        for port in self.ports:
            yield defer.maybeDeferred(port.stopListening)
        yield threads.deferToThread(self.stop_threads)
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
    """Log each response and each WebSocket in one line; without the query, which may hold secrets."""
    path = details["path"].partition("?")[0]
    if protocol == "http":
        milliseconds = details["time_taken"] * 1000
        access_logger.info(
            "%s %s %s %s %d bytes %.0f ms",
            *(details["client"], details["method"], path, details["status"], details["size"], milliseconds),
        )
    else:
        access_logger.info("%s socket %s %s", details["client"], action, path)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options; without `arguments` those of the command line."""
    parser = argparse.ArgumentParser(description="Serve Rollcall's pages, API and WebSockets.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--tls-port", type=int, help="serve here with TLS, and explain at --port how to trust the certificate"
    )
    parser.add_argument(
        "--wait", action="store_true", help="accept connections after a line on standard input"
    )
    parser.add_argument("--tls-folder", type=Path, help="folder of ca.pem, server.pem and server.key")
    return parser.parse_args(arguments)


def main() -> None:
    """Load the engine; once database and static files are ready load the application and accept connections."""
    options = parse_arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    from config.health import check_engine
    from recognition.process import PROCESS
    from recognition.shared_engine import warm_engine

    warm_engine()
    check_engine()
    if options.wait and not sys.stdin.readline():
        PROCESS.stop()
        sys.exit("the launcher ended before this process was told to accept connections")
    from attendance.live import runtime
    from config.asgi import application

    runtime.start()
    server = Server(application, body_limit=settings.MAX_UPLOAD_SIZE)
    if options.tls_port is None:
        listeners = {Listener(options.host, options.port): server.http_factory}
    else:
        folder: Path = options.tls_folder
        https = Listener(options.host, options.tls_port, folder / "server.pem", folder / "server.key")
        http = Listener(options.host, options.port)
        listeners = {
            https: server.http_factory,
            http: certificate_site(folder / "ca.pem", settings.PUBLIC_URL),
        }
    server.serve(listeners, stop_threads=PROCESS.stop)


if __name__ == "__main__":
    main()
