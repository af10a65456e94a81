"""The options of `make run`, and the addresses that follow from them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from config.addresses import is_loopback
from launcher import certificates
from launcher.processes import LaunchError

# With HTTPS=1 and PORT=8000 pages are served at 8443, and 8000 explains the certificate.
TLS_PORT_OFFSET = 443

# Hosts that mean all addresses of this machine, each with the one at which the launcher itself asks.
WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What was asked for on the command line; `demo` is a folder or empty."""

    host: str
    port: int
    https: bool
    demo: str

    @classmethod
    def parse(cls, arguments: list[str] | None = None) -> Options:
        """Return the options; without `arguments` those of the command line. An empty option is not given."""
        parser = argparse.ArgumentParser(prog="make run", description="Start Rollcall. Ctrl-C stops it.")
        parser.add_argument("--host", default="", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", default="", help="port (8000)")
        parser.add_argument("--https", default="", help="1: serve TLS with a certificate made here")
        parser.add_argument("--demo", default="", help="folder with one sub-folder of photographs per person")
        given = parser.parse_args(arguments)
        return cls(
            host=given.host or "127.0.0.1",
            port=parse_port(given.port or "8000"),
            https=given.https.lower() in ("1", "true", "yes", "on"),
            demo=given.demo,
        )

    @property
    def tls_port(self) -> int:
        return self.port + TLS_PORT_OFFSET

    @property
    def page_address(self) -> tuple[str, int]:
        """Scheme and port at which pages are served."""
        return ("https", self.tls_port) if self.https else ("http", self.port)

    def origins(self) -> list[str]:
        """Return the origins at which browsers reach this machine, the best to print first."""
        scheme, port = self.page_address
        names = [self.host, "localhost"] if is_loopback(self.host) else [self.host]
        if self.host in WILDCARD_HOSTS:
            # Addresses before names: an address can be used anywhere, a name only where it is resolved.
            names = sorted(
                certificates.local_names(), key=lambda name: (is_loopback(name), not name[0].isdigit())
            )
        hosts = (f"[{name}]" if ":" in name else name for name in dict.fromkeys(names))
        return [f"{scheme}://{host}:{port}" for host in hosts]

    def health_url(self) -> str:
        """Return the URL at which the launcher asks whether the web server is ready."""
        scheme, port = self.page_address
        host = WILDCARD_HOSTS.get(self.host, self.host)
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/healthz/ready"


def parse_port(text: str) -> int:
    """Return a port from 1 to 65092, so that the TLS port is valid too; raise LaunchError for anything else."""
    largest = 65535 - TLS_PORT_OFFSET
    if not text.isdigit() or not 0 < int(text) <= largest:
        sentence = f"PORT={text} cannot be used; write a number from 1 to {largest}, for example PORT=8001"
        raise LaunchError(sentence)
    return int(text)
