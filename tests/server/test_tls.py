"""The development authority, the operator's own certificates, and the service's keys."""

import datetime as dt
import stat

import pytest
from cryptography import x509

from grainseal.crypto.checkpoint import parse_verifier_key
from grainseal.crypto.errors import MisuseError
from grainseal.crypto.tokens import keys_of_jwks
from grainseal.server.files import write_once, write_whole
from grainseal.server.keys import load_keys
from grainseal.server.tls import development_certificate, given_certificate

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)


def names_of(certificate):
    leaf = x509.load_pem_x509_certificate(certificate.chain)
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_certificate_names_this_machine_and_the_listening_host(tmp_path):
    names = names_of(development_certificate(tmp_path, "camera.example", NOW))
    assert {"localhost", "127.0.0.1", "::1", "camera.example"} <= names


def test_certificate_is_kept_and_renewed_under_the_same_authority(tmp_path):
    first = development_certificate(tmp_path, "127.0.0.1", NOW)
    ca = first.ca_file.read_bytes()
    assert development_certificate(tmp_path, "localhost", NOW + 100 * DAY) == first
    renewed = development_certificate(tmp_path, "127.0.0.1", NOW + 380 * DAY)
    assert renewed.chain != first.chain
    leaf = x509.load_pem_x509_certificate(renewed.chain)
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
    assert renewed.ca_file.read_bytes() == ca
    development_certificate(tmp_path, "127.0.0.1", NOW + 3640 * DAY)
    assert renewed.ca_file.read_bytes() != ca


def test_new_host_gets_a_new_certificate(tmp_path):
    first = development_certificate(tmp_path, "127.0.0.1", NOW)
    second = development_certificate(tmp_path, "10.1.2.3", NOW)
    assert "10.1.2.3" in names_of(second)
    assert second.chain != first.chain


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem", "server.key", "server.pem"])
def test_half_written_folder_is_mended(tmp_path, lost):
    development_certificate(tmp_path, "127.0.0.1", NOW)
    (tmp_path / "tls" / lost).unlink()
    mended = development_certificate(tmp_path, "127.0.0.1", NOW)
    leaf = x509.load_pem_x509_certificate(mended.chain)
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(mended.ca_file.read_bytes()))


def test_secrets_are_for_their_owner_only(tmp_path):
    development_certificate(tmp_path, "127.0.0.1", NOW)
    load_keys(tmp_path)
    for secret in (
        "tls/ca.key",
        "tls/server.key",
        "keys/service.pem",
        "keys/tickets.key",
        "keys/log.pem",
    ):
        assert stat.S_IMODE((tmp_path / secret).stat().st_mode) == 0o600, secret
    for folder in ("tls", "keys"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_operator_s_certificate_is_taken_with_its_key_only(tmp_path):
    development_certificate(tmp_path, "127.0.0.1", NOW)
    folder = tmp_path / "tls"
    given = given_certificate(folder / "server.pem", folder / "server.key")
    assert given.ca_file == folder / "server.pem"
    with pytest.raises(MisuseError):
        given_certificate(folder / "server.pem", folder / "ca.key")
    with pytest.raises(MisuseError):
        given_certificate(folder / "server.key", folder / "server.pem")


def test_service_keys_are_made_once_and_published(tmp_path):
    keys = load_keys(tmp_path)
    again = load_keys(tmp_path)
    assert (again.public, again.ticket_key) == (keys.public, keys.ticket_key)
    published = keys_of_jwks((tmp_path / "jwks.json").read_text())
    assert published == keys.trusted
    log_key = parse_verifier_key((tmp_path / "log.vkey").read_text())
    assert log_key == keys.log.verifier == again.log.verifier
    assert log_key.public != keys.public
    assert keys.ticket(b"1") == again.ticket(b"1") != keys.ticket(b"2")


@pytest.mark.parametrize("name", ["service.pem", "tickets.key", "log.pem"])
def test_damaged_key_is_named(tmp_path, name):
    load_keys(tmp_path)
    (tmp_path / "keys" / name).write_bytes(b"damaged")
    with pytest.raises(MisuseError, match=name):
        load_keys(tmp_path)


def test_files_are_whole_and_the_first_writer_wins(tmp_path):
    path = tmp_path / "secret"
    assert write_once(path, b"first") == b"first"
    assert write_once(path, b"second") == b"first"
    write_whole(path, b"third")
    assert path.read_bytes() == b"third"
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
