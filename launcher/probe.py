"""`python -m launcher.probe URL`: asks a running Rollcall whether it is ready. For the launcher and for containers."""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


def status(url: str, *, host: str, authority: Path | None = None, timeout: float = 5.0) -> int:
    """The status that an address answers, asked under a public name; 0 where nobody answers.

    The connection goes to the address, never through a proxy. The certificate is not checked against the name: it is
    this machine that is asked.
    """
    parts = urlsplit(url)
    if parts.hostname is None:
        return 0
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=authority)
        context.check_hostname = False
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def main() -> None:
    """Ends with 0 where the address answers 200."""
    from config import settings

    host = urlsplit(settings.PUBLIC_URL[0]).netloc
    sys.exit(0 if status(sys.argv[1], host=host) == http.client.OK else 1)


if __name__ == "__main__":
    main()
