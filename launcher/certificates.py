"""A certificate authority for this installation, for classrooms without a TLS proxy.

Browsers allow no camera on plain http, except on the machine itself. The authority is kept, so that devices that trust
it go on doing so. The server's certificate is made at each start, for the present names and addresses of this machine.
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

from config.secret_files import write_private

AUTHORITY_DAYS = 3650
# The longest validity that browsers accept for the certificate of a server.
SERVER_DAYS = 397

# Linux's ioctl number for "address of a network interface".
SIOCGIFADDR = 0x8915


def write_certificates(folder: Path, names: list[str]) -> None:
    """Write a new `server.pem` and `server.key` for host names and addresses, and the authority if there is none.

    Raises TypeError if the existing key of the authority is of another kind.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "ca.key").exists():
        make_authority(folder)
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(
            "ca.key is not an elliptic curve key: delete ca.key and ca.pem, and new ones are made"
        )
    server_key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        certificate_builder(names[0], SERVER_DAYS, server_key)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / "server.key", private_bytes(server_key))
    write_private(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM))


def make_authority(folder: Path) -> None:
    """Write `ca.pem` and `ca.key`: an authority that may sign servers, but no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = certificate_builder(f"Rollcall on {socket.gethostname()}", AUTHORITY_DAYS, key)
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


def certificate_builder(name: str, days: int, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """Return a certificate without issuer, valid from an hour ago, for devices whose clocks are slow."""
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
    """Return a key as PEM without a password; the mode of its file protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def general_name(name: str) -> x509.GeneralName:
    """Return a host name or an IP address in the form that certificates have."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of a certificate as operating systems show it: `AB:CD:…`."""
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def local_names() -> list[str]:
    """Return the names and addresses of this machine: host name, loopback, and its network interfaces.

    They come from the kernel, not from a name server, so no connection is opened.
    """
    host = socket.gethostname()
    host_names = [host, f"{host}.local"] if host and "." not in host and host != "localhost" else [host]
    return list(dict.fromkeys([*host_names, "localhost", "127.0.0.1", *interface_addresses()]))


def interface_addresses() -> list[str]:
    """Return the IPv4 address of each network interface that has one (on Linux only; elsewhere set PUBLIC_URL)."""
    addresses = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query_socket:
        for _, name in socket.if_nameindex():
            try:
                request = struct.pack("256s", name.encode()[:15])
                reply = fcntl.ioctl(query_socket.fileno(), SIOCGIFADDR, request)
            except OSError:
                continue
            addresses.append(socket.inet_ntoa(reply[20:24]))
    return addresses
