"""Ed25519 keys (RFC 8032): the device's sign transcripts, the service's sign decisions."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import MalformedMessage, MisuseError, VerificationFailed

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


class SigningKey:
    """An Ed25519 private key; `seed` is its 32 secret bytes."""

    def __init__(self, seed: bytes | None = None) -> None:
        if seed is not None and len(seed) != 32:
            raise MisuseError(f"an Ed25519 seed has 32 bytes, not {len(seed)}")
        self.private = (
            Ed25519PrivateKey.generate()
            if seed is None
            else Ed25519PrivateKey.from_private_bytes(seed)
        )

    @property
    def seed(self) -> bytes:
        """The secret, to be stored encrypted or readable by its owner only."""
        return self.private.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Signature of 64 bytes."""
        return self.private.sign(message)


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """`MalformedMessage` if key or signature have no such form, `VerificationFailed` if false."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        raise MalformedMessage("an Ed25519 key has 32 bytes and a signature 64")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        raise VerificationFailed("the signature does not fit key and message") from None
    except ValueError as error:
        raise MalformedMessage(f"not an Ed25519 public key: {error}") from None
