"""A process that serves one small application through our server: `python -m tests.launcher.echo`.

It prints the port that it was given. A body is answered with its length, a socket message with itself.
"""

import sys
from typing import Any

from launcher.server import Door, Server

BODY_LIMIT = 32 * 1024 * 1024


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """HTTP: the body's length. WebSocket: what comes in."""
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


class Announcing(Server):
    """Prints its port once the door is open, and a word when it stops."""

    def opened(self, ports: list[Any], sentence: str) -> None:
        super().opened(ports, sentence)
        tell(str(ports[0].getHost().port))


def tell(word: str) -> None:
    """A line for the test that started this process."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def say_goodbye() -> None:
    tell("threads ended")


if __name__ == "__main__":
    server = Announcing(echo, body_limit=BODY_LIMIT)
    server.serve(
        {Door("127.0.0.1", 0): server.http_factory}, opened="the doors are open", stopping=say_goodbye
    )
