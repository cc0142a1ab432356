"""The service's own keys: one signs decisions, one makes tickets, one signs the log's checkpoints.

All are files of mode 0600. The log's is a key of its own: whoever holds the tokens' key, or is
given a new one, changes nothing about the log.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from grainseal.crypto.checkpoint import NoteSigner
from grainseal.crypto.errors import MisuseError
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import jwks, key_id

from .files import private_folder, write_once, write_whole

TICKET_KEY_BYTES = 32
# Origin of the checkpoints and name of the key; the key id tells two services' logs apart.
LOG_NAME = "grainseal/log"


@dataclass(frozen=True)
class ServiceKeys:
    """Secrets of one service, the same in every replica."""

    signing: SigningKey
    ticket_key: bytes
    log: NoteSigner

    @property
    def public(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self.signing.public

    @property
    def trusted(self) -> dict[str, bytes]:
        """Key id to public key, for `crypto.tokens.verify_decision`."""
        return {key_id(self.public): self.public}

    @property
    def jwks(self) -> str:
        """JSON Web Key Set for relying parties."""
        return jwks([self.public])

    def ticket(self, ticket_id: bytes) -> str:
        """The ticket with that id. Tickets are derived, so that none is stored, yet an answer
        that got lost can be given again."""
        mac = hmac.new(self.ticket_key, b"grainseal/v1/ticket\0" + ticket_id, hashlib.sha256)
        return urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()


def load_keys(data: Path) -> ServiceKeys:
    """Keys of a data folder, made on first use; writes the public ones beside them."""
    folder = private_folder(private_folder(data) / "keys")
    signing = _signing_key(folder / "service.pem")
    ticket_key = _once(folder / "tickets.key", secrets.token_bytes(TICKET_KEY_BYTES))
    if len(ticket_key) != TICKET_KEY_BYTES:
        raise MisuseError(f"{folder / 'tickets.key'} has not {TICKET_KEY_BYTES} bytes: restore it")
    keys = ServiceKeys(signing, ticket_key, NoteSigner(LOG_NAME, _signing_key(folder / "log.pem")))
    _publish(jwks_file(data), keys.jwks)
    _publish(log_key_file(data), f"{keys.log.verifier}\n")
    return keys


def jwks_file(data: Path) -> Path:
    """Where the public key set is written for relying parties that verify off line."""
    return data / "jwks.json"


def log_key_file(data: Path) -> Path:
    """Where the log's verifier key is written for whoever checks receipts and checkpoints."""
    return data / "log.vkey"


def _publish(path: Path, content: str) -> None:
    if not path.exists() or path.read_text() != content:
        write_whole(path, content.encode(), mode=0o644)


def _signing_key(path: Path) -> SigningKey:
    fresh = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        key = load_pem_private_key(_once(path, fresh), password=None)
    except (ValueError, TypeError) as error:
        raise MisuseError(f"{path} is not an unencrypted PEM key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise MisuseError(f"{path} is not an Ed25519 key")
    return SigningKey(key.private_bytes_raw())


def _once(path: Path, fresh: bytes) -> bytes:
    return path.read_bytes() if path.exists() else write_once(path, fresh)
