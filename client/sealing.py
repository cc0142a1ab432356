"""Encryption of the vault's file: AES-256-GCM under a key from a passphrase or the keyring.

    magic (18 bytes) ‖ key source (1) ‖ salt (16) ‖ nonce (12) ‖ ciphertext and tag

Everything before the nonce is authenticated too. From a passphrase the key is scrypt's (RFC 7914)
of its UTF-8 form in Unicode's NFC; from the keyring it is random, stored there under the salt's
name. A format has fixed parameters, so a changed file cannot ask for cheap or ruinous ones.
"""

import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import Final

import keyring
import keyring.errors
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .errors import VaultError

MAGIC: Final = b"grainseal-vault-1\n"
KEYRING_SERVICE: Final = "grainseal"
_SALT_BYTES, _NONCE_BYTES, _KEY_BYTES = 16, 12, 32
_HEADER_BYTES = len(MAGIC) + 1 + _SALT_BYTES
_FROM_PASSPHRASE, _FROM_KEYRING = b"P", b"K"
# 128 MiB and about half a second per guess: what OWASP's password storage sheet recommends.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1


@dataclass(frozen=True)
class Box:
    """A key and the header that says where it comes from."""

    header: bytes
    key: bytes = field(repr=False)

    def seal(self, plaintext: bytes) -> bytes:
        """The whole file for a plaintext, under a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.header + nonce + AESGCM(self.key).encrypt(nonce, plaintext, self.header)

    def unseal(self, sealed: bytes) -> bytes:
        """The plaintext; `VaultError` if the key is wrong or a byte of the file was changed."""
        nonce = sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        body = sealed[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            return AESGCM(self.key).decrypt(nonce, body, self.header)
        except (InvalidTag, ValueError):
            raise VaultError(
                "the vault does not open: the passphrase is wrong, or the file was changed"
            ) from None


def box_from_passphrase(passphrase: str) -> Box:
    """A new box; `VaultError` for an empty passphrase."""
    header = MAGIC + _FROM_PASSPHRASE + os.urandom(_SALT_BYTES)
    return Box(header, _stretched(passphrase, header))


def box_from_keyring() -> Box:
    """A new box whose random key the platform's keyring keeps; `VaultError` if it has none."""
    header = MAGIC + _FROM_KEYRING + os.urandom(_SALT_BYTES)
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        keyring.set_password(KEYRING_SERVICE, _entry(header), key.hex())
        kept = keyring.get_password(KEYRING_SERVICE, _entry(header))
    except keyring.errors.KeyringError as error:
        raise VaultError(f"no keyring to keep the key in ({error}): use a passphrase") from None
    if kept != key.hex():  # keyring's null backend takes everything and keeps nothing
        raise VaultError("the keyring did not keep the key: use a passphrase")
    return Box(header, key)


def box_of(sealed: bytes, passphrase: str | None) -> Box:
    """The box that a file was sealed with; `VaultError` says what is missing."""
    header = sealed[:_HEADER_BYTES]
    if len(header) < _HEADER_BYTES or not header.startswith(MAGIC):
        raise VaultError("this is not a grainseal vault, or a newer version made it")
    if needs_passphrase(header):
        return Box(header, _stretched(passphrase, header))
    return Box(header, _kept_key(header))


def needs_passphrase(sealed: bytes) -> bool:
    """Whether the file's key comes from a passphrase rather than from the keyring."""
    return sealed[len(MAGIC) : len(MAGIC) + 1] != _FROM_KEYRING


def _stretched(passphrase: str | None, header: bytes) -> bytes:
    if not passphrase:
        raise VaultError("the vault needs a passphrase, and not an empty one")
    kdf = Scrypt(header[-_SALT_BYTES:], _KEY_BYTES, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    # Keyboards differ in how they compose an accented letter; the passphrase is the same.
    return kdf.derive(unicodedata.normalize("NFC", passphrase).encode())


def _kept_key(header: bytes) -> bytes:
    try:
        kept = keyring.get_password(KEYRING_SERVICE, _entry(header))
    except keyring.errors.KeyringError as error:
        raise VaultError(f"the keyring does not answer: {error}") from None
    if kept is None:
        raise VaultError("the keyring has no key for this vault: was it made on this machine?")
    try:
        return bytes.fromhex(kept)
    except ValueError:
        raise VaultError("the keyring's entry for this vault was changed") from None


def _entry(header: bytes) -> str:
    return f"vault {header[-_SALT_BYTES:].hex()}"
