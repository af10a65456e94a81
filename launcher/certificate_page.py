"""The page at the plain port while HTTPS serves the rest: how a device learns to trust the certificate."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Site

from launcher.certificates import fingerprint

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rollcall: one step before the first visit</title></head><body>
<h1>One step before the first visit</h1>
<p>Browsers allow the camera on encrypted pages only. Rollcall encrypts with a certificate of its own, which this device
does not trust yet.</p>
<ol>
<li>Compare this fingerprint (SHA-256) with the one that the administrator's terminal shows:<br>
<code>{digest}</code></li>
<li><a href="/rollcall-ca.crt">Download the certificate</a> and install it as a trusted authority.
<ul>
<li>Windows: open it, install it, choose “Trusted Root Certification Authorities”.</li>
<li>macOS: open it and set it to “Always trust”.</li>
<li>iPhone, iPad: open it, install the profile, then Settings, General, About, Certificate Trust Settings.</li>
<li>Android: Settings, Security, Install a certificate, CA certificate.</li>
<li>Firefox: Settings, Certificates, Authorities, Import.</li>
</ul></li>
<li>Then open one of these: {links}</li>
</ol></body></html>
"""


class CertificatePage(Resource):  # type: ignore[misc]  # Twisted is not type-checked
    """Answer one path with the certificate and all others with the page. Reads neither cookies nor forms."""

    isLeaf = True  # noqa: N815 (Twisted's name)

    def __init__(self, certificate: bytes, origins: Sequence[str]) -> None:
        super().__init__()
        self.certificate = certificate
        links = ", ".join(f'<a href="{html.escape(url)}/">{html.escape(url)}</a>' for url in origins)
        self.page = PAGE.format(digest=fingerprint(certificate), links=links).encode()

    def render_GET(self, request: Any) -> bytes:  # noqa: N802 (Twisted's name)
        """Return the page or the certificate; Twisted answers HEAD from it as well."""
        request.setHeader("X-Content-Type-Options", "nosniff")
        request.setHeader("Content-Security-Policy", "default-src 'none'")
        request.setHeader("Cache-Control", "no-store")
        if request.path == b"/rollcall-ca.crt":
            request.setHeader("Content-Type", "application/x-x509-ca-cert")
            return self.certificate
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        return self.page


def certificate_site(certificate: Path, origins: Sequence[str]) -> Site:
    """Return Twisted's factory for the plain port; `certificate` is the file of the authority."""
    https_origins = [url for url in origins if url.startswith("https://")]
    return Site(CertificatePage(certificate.read_bytes(), https_origins))
