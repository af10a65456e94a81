"""`python -m launcher.probe URL`: ask a running Rollcall for its state. Used by the launcher and by containers."""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


def request_status(url: str, *, host: str, authority: Path | None = None, timeout: float = 5.0) -> int:
    """Return the HTTP status of a GET request with the header `Host: host`; 0 if there is no answer.

    The connection goes directly to the address, never through a proxy. `authority` is a file with the certificate
    authority to trust. The certificate's name is not checked: the request is for this machine. `timeout` is in seconds.
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
    """End with status 0 if the address answers 200, else with 1."""
    from config import settings

    host = urlsplit(settings.PUBLIC_URL[0]).netloc
    sys.exit(0 if request_status(sys.argv[1], host=host) == http.client.OK else 1)


if __name__ == "__main__":
    main()
