"""The server's certificate: the operator's own, or one of a development authority.

The authority is made on first start, so that TLS is never off; its certificate
(`DATA/tls/ca.pem`) is what clients then trust.
"""

import datetime as dt
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from grainseal.crypto.errors import MisuseError

from .files import private_folder, write_whole

# Clients pin the authority, so it must outlive what it signs; of the server's certificate clients
# of some platforms refuse more than 398 days.
CA_LIFETIME = dt.timedelta(days=3650)
SERVER_LIFETIME = dt.timedelta(days=397)
# A server that runs for weeks without a restart should not run into the end.
RENEW_BEFORE = dt.timedelta(days=30)
# A client whose clock is slow must not find a certificate from the future.
BACKDATED = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Certificate:
    """PEM of a private key and its chain, and the file that clients trust."""

    key: bytes
    chain: bytes
    ca_file: Path


@dataclass(frozen=True)
class _Pair:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def given_certificate(chain_file: Path, key_file: Path) -> Certificate:
    """The operator's certificate; `MisuseError` if it and the key are not a pair."""
    chain, key = chain_file.read_bytes(), key_file.read_bytes()
    try:
        certificate = x509.load_pem_x509_certificate(chain)
        belongs = load_pem_private_key(key, None).public_key() == certificate.public_key()
    except (ValueError, TypeError) as error:
        raise MisuseError(f"{chain_file} and {key_file} are not PEM files: {error}") from None
    if not belongs:
        raise MisuseError(f"{key_file} is not the key of {chain_file}'s first certificate")
    return Certificate(key, chain, chain_file)


def development_certificate(data: Path, host: str, now: dt.datetime) -> Certificate:
    """A certificate for a listening host, made or renewed if need be."""
    folder = private_folder(private_folder(data) / "tls")
    ca_file, ca_key, chain_file, key_file = (
        folder / name for name in ("ca.pem", "ca.key", "server.pem", "server.key")
    )
    authority = _read(ca_key, ca_file)
    if authority is None or not _lasts(authority.certificate, now):
        authority = _new_authority(now)
        _write(authority, ca_key, ca_file)
    server = _read(key_file, chain_file)
    if server is None or not _serves(server.certificate, authority, host, now):
        server = _new_server(authority, host, now)
        _write(server, key_file, chain_file)
    return Certificate(_key_pem(server.key), server.certificate.public_bytes(Encoding.PEM), ca_file)


def _read(key_file: Path, certificate_file: Path) -> _Pair | None:
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    # A process killed between the two files leaves a pair that does not belong together.
    return _Pair(key, certificate) if certificate.public_key() == key.public_key() else None


def _write(pair: _Pair, key_file: Path, certificate_file: Path) -> None:
    write_whole(key_file, _key_pem(pair.key))
    write_whole(certificate_file, pair.certificate.public_bytes(Encoding.PEM), mode=0o644)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _lasts(certificate: x509.Certificate, now: dt.datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE


def _serves(certificate: x509.Certificate, authority: _Pair, host: str, now: dt.datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    return _lasts(certificate, now) and _general_name(host) in names


def _new_authority(now: dt.datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "grainseal development CA")])
    usage = _key_usage(authority=True)
    certificate = (
        _builder(name, name, key, now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Pair(key, certificate)


def _new_server(authority: _Pair, host: str, now: dt.datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "grainseal server")])
    issuer = authority.certificate
    server_auth = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        _builder(name, issuer.subject, key, now, SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(server_auth, critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(key, certificate)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(host: str) -> list[x509.GeneralName]:
    names = ("localhost", "127.0.0.1", "::1", socket.gethostname(), host)
    return [_general_name(name) for name in dict.fromkeys(names)]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
