"""A certificate authority of this installation's own, for classrooms without a TLS proxy.

Browsers give no camera to plain http except on the machine itself. The authority is kept, so that what people
have installed stays valid; the server's certificate is made anew at each start, for the names and addresses of the day.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from config.paths import write_private

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
"""The longest that browsers accept of a server's certificate."""

SIOCGIFADDR = 0x8915


def prepare(folder: Path, names: list[str]) -> None:
    """Sees to it that `ca.pem`, `server.pem` and `server.key` are in the folder; the last two are new each time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "ca.key").exists():
        make_authority(folder)
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key is no elliptic curve key: remove ca.key and ca.pem, and new ones are made")
    own = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        started(names[0], SERVER_DAYS, own)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / "server.key", private_bytes(own))
    write_private(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM))


def make_authority(folder: Path) -> None:
    """Makes the authority; it may sign servers, but no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = started(f"Rollcall on {socket.gethostname()}", AUTHORITY_DAYS, key)
    certificate = (
        builder.issuer_name(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Rollcall on {socket.gethostname()}")])
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
    write_private(folder / "ca.key", private_bytes(key))


def started(name: str, days: int, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """A certificate with name, number, key and days; an hour back, for clocks that are slow."""
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as PEM, without a password: the file's mode guards it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def general_name(name: str) -> x509.GeneralName:
    """A host name or an address, as a certificate writes it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate as systems show it: pairs of digits between colons."""
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def local_names() -> list[str]:
    """What this machine is called and where it is reached: its names, loopback and the addresses of its interfaces.

    The kernel is asked, not the name server: a school's computer opens no connection to find out who it is.
    """
    host = socket.gethostname()
    named = [host, f"{host}.local"] if host and "." not in host and host != "localhost" else [host]
    return list(dict.fromkeys([*named, "localhost", "127.0.0.1", *interface_addresses()]))


def interface_addresses() -> list[str]:
    """The IPv4 address of each interface that has one (Linux; elsewhere none are found, and PUBLIC_URL names them)."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue
            found.append(socket.inet_ntoa(answer[20:24]))
    return found
