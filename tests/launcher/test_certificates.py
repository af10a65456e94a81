"""The local certificate authority: kept, private, and good for the names of the day."""

import ssl
import stat
from pathlib import Path

from cryptography import x509

from launcher import certificates


def names_of(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_the_authority_stays_and_the_server_follows_the_names(tmp_path: Path) -> None:
    certificates.prepare(tmp_path, ["10.0.0.7", "school-pc"])
    authority = (tmp_path / "ca.pem").read_bytes()
    assert names_of(tmp_path / "server.pem") == {"10.0.0.7", "school-pc"}
    certificates.prepare(tmp_path, ["10.0.0.8"])
    assert (tmp_path / "ca.pem").read_bytes() == authority
    assert names_of(tmp_path / "server.pem") == {"10.0.0.8"}


def test_keys_are_for_this_user_only(tmp_path: Path) -> None:
    certificates.prepare(tmp_path / "tls", ["localhost"])
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_a_certificate_of_the_authority_signs_no_others(tmp_path: Path) -> None:
    certificates.prepare(tmp_path, ["localhost"])
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    server.verify_directly_issued_by(authority)


def test_browsers_accept_its_lifetime_and_its_key(tmp_path: Path) -> None:
    certificates.prepare(tmp_path, ["localhost"])
    server = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert (server.not_valid_after_utc - server.not_valid_before_utc).days <= 398
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")


def test_the_fingerprint_is_written_as_systems_show_it(tmp_path: Path) -> None:
    certificates.prepare(tmp_path, ["localhost"])
    shown = certificates.fingerprint((tmp_path / "ca.pem").read_bytes())
    assert len(shown.split(":")) == 32
    assert shown == shown.upper()


def test_this_machine_knows_where_it_is_reached() -> None:
    assert {"localhost", "127.0.0.1"} <= set(certificates.local_names())
