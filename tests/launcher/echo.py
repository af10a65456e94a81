"""Serve a small application with the real server: `python -m tests.launcher.echo`.

It prints the port that it was given. A body is answered with its length, a WebSocket message with itself.
"""

import sys
from typing import Any

from launcher.server import Listener, Server

BODY_LIMIT = 32 * 1024 * 1024


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer HTTP with the length of the body, and a WebSocket with what it sends."""
    if scope["type"] == "http":
        length, more = 0, True
        while more:
            message = await receive()
            length, more = length + len(message.get("body", b"")), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(length).encode()})
        return
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})
        else:
            return


class PrintingServer(Server):
    """Print the port when connections are accepted."""

    def listening(self, ports: list[Any]) -> None:
        super().listening(ports)
        print_line(str(ports[0].getHost().port))


def print_line(text: str) -> None:
    """Print a line for the test that started this process."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def stop_threads() -> None:
    print_line("threads ended")


if __name__ == "__main__":
    server = PrintingServer(echo, body_limit=BODY_LIMIT)
    server.serve({Listener("127.0.0.1", 0): server.http_factory}, stop_threads=stop_threads)
