"""Who signs a photo's C2PA manifest: a configured certificate, or a development one of the vault.

C2PA asks for a certificate that is issued by another one and made for signing documents or mail
(C2PA specification 2.2, section 14.5.1). The development certificate fulfils that and no more: no
list of trusted issuers has it, so a reader shows its manifests as valid, their signer as unknown.
"""

import datetime as dt
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .errors import ClientError

FOLDER: Final = "c2pa"
CHAIN: Final = "chain.pem"
KEY: Final = "key.pem"
# Without a time stamp a manifest is valid as long as its certificate is.
LIFETIME: Final = dt.timedelta(days=20 * 365)
# Whose clock is slow must not find a certificate from the future.
BACKDATED: Final = dt.timedelta(hours=1)
_HASHES: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "secp256r1": ("ES256", hashes.SHA256()),
    "secp384r1": ("ES384", hashes.SHA384()),
    "secp521r1": ("ES512", hashes.SHA512()),
}

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Credential:
    """A private key and its chain as PEM, the key's own certificate first."""

    key: PrivateKey
    chain: bytes
    expires_at: dt.datetime

    @property
    def algorithm(self) -> str:
        """COSE's name of the signature: ES256, ES384, ES512 or ED25519."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return "ED25519"
        return _HASHES[self.key.curve.name][0]

    def sign(self, data: bytes) -> bytes:
        """The signature as COSE has it (RFC 9053): of a curve r ‖ s, not DER."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        length = (self.key.key_size + 7) // 8
        algorithm = ec.ECDSA(_HASHES[self.key.curve.name][1])
        r, s = decode_dss_signature(self.key.sign(data, algorithm))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def read_credential(chain_file: Path, key_file: Path) -> Credential:
    """The certificate chain and key of two PEM files; `ClientError` if they do not serve."""
    try:
        chain, data = chain_file.read_bytes(), key_file.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read the C2PA certificate: {error}") from None
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise ClientError(f"{chain_file} and {key_file} are not PEM files: {error}") from None
    if own.public_key() != key.public_key():
        raise ClientError(f"{key_file} is not the key of {chain_file}'s first certificate")
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _HASHES
    ):
        return Credential(key, chain, own.not_valid_after_utc)
    raise ClientError(f"{key_file} is no key of P-256, P-384, P-521 or Ed25519: use one of these")


def vault_credential(vault_folder: Path) -> Credential:
    """The chain and key in the vault's folder `c2pa`, made there if it is missing.

    Whoever has a certificate puts it there as `chain.pem` and `key.pem`. `ClientError` if what is
    there does not serve, or nothing can be written.
    """
    folder = vault_folder / FOLDER
    if not folder.exists():
        _make(folder)
    return read_credential(folder / CHAIN, folder / KEY)


def _make(folder: Path) -> None:
    """Both files under another name first, so that there is never one without the other."""
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    key, chain = _development(dt.datetime.now(dt.timezone.utc))
    try:
        draft.mkdir(mode=0o700)
        for name, content in ((KEY, key), (CHAIN, chain)):
            descriptor = os.open(draft / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # else another process was first, and its files serve
            raise ClientError(f"cannot make a C2PA certificate in {folder}: {error}") from None


def _development(now: dt.datetime) -> tuple[bytes, bytes]:
    """PEM of a new key and of its chain; the issuer's key is forgotten here."""
    issuer, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer_name, name = _name("grainseal development CA"), _name("grainseal development signer")
    basic = x509.BasicConstraints(ca=True, path_length=0)
    authority = _signed(_builder(issuer_name, issuer_name, issuer, now), issuer, basic, [])
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    basic = x509.BasicConstraints(ca=False, path_length=None)
    own = _signed(_builder(name, issuer_name, key, now), issuer, basic, [mail, above])
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, b"".join(each.public_bytes(Encoding.PEM) for each in (own, authority))


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "grainseal"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(own, critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder,
    issuer: ec.EllipticCurvePrivateKey,
    basic: x509.BasicConstraints,
    further: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not basic.ca,
        key_cert_sign=basic.ca,
        crl_sign=basic.ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(basic, critical=True).add_extension(usage, critical=True)
    for extension in further:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer, hashes.SHA256())
