"""The local certificate authority and the certificate of the server."""

import ssl
import stat
from pathlib import Path

from cryptography import x509

from launcher import certificates


def names_in(path: Path) -> set[str]:
    """Return the host names and addresses in a certificate."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_authority_is_kept_and_server_certificate_follows_the_names(tmp_path: Path) -> None:
    certificates.write_certificates(tmp_path, ["10.0.0.7", "school-pc"])
    authority = (tmp_path / "ca.pem").read_bytes()
    assert names_in(tmp_path / "server.pem") == {"10.0.0.7", "school-pc"}
    certificates.write_certificates(tmp_path, ["10.0.0.8"])
    assert (tmp_path / "ca.pem").read_bytes() == authority
    assert names_in(tmp_path / "server.pem") == {"10.0.0.8"}


def test_keys_are_readable_by_this_user_only(tmp_path: Path) -> None:
    certificates.write_certificates(tmp_path / "tls", ["localhost"])
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_server_certificate_cannot_sign_others(tmp_path: Path) -> None:
    certificates.write_certificates(tmp_path, ["localhost"])
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    server.verify_directly_issued_by(authority)


def test_server_certificate_has_a_validity_and_key_that_browsers_accept(tmp_path: Path) -> None:
    certificates.write_certificates(tmp_path, ["localhost"])
    server = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert (server.not_valid_after_utc - server.not_valid_before_utc).days <= 398
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")


def test_fingerprint_has_pairs_of_digits_between_colons(tmp_path: Path) -> None:
    certificates.write_certificates(tmp_path, ["localhost"])
    fingerprint = certificates.fingerprint((tmp_path / "ca.pem").read_bytes())
    assert len(fingerprint.split(":")) == 32
    assert fingerprint == fingerprint.upper()


def test_local_names_include_loopback() -> None:
    assert {"localhost", "127.0.0.1"} <= set(certificates.local_names())
