"""What a claim proof is made for: photo, claimant, purpose and time, bound into every challenge."""

from dataclasses import astuple, dataclass

from .canonical import canonical
from .errors import MalformedMessage
from .merkle import HASH_BYTES
from .signing import PUBLIC_KEY_BYTES
from .texts import check_text


@dataclass(frozen=True)
class ClaimProofStatement:
    """One claim: SHA-256 of the photo's file, whose, what for, and when (Unix seconds)."""

    photo_sha256: bytes
    enrollment_id: str
    device_key: bytes
    purpose: str
    made_at: int

    @property
    def encoded(self) -> bytes:
        """The bytes that a score proof is bound to: the fields in this order."""
        return canonical("claim-proof", astuple(self))


def check_proof_statement(statement: ClaimProofStatement) -> None:
    """`MalformedMessage` unless hash, key and texts have their form."""
    if len(statement.photo_sha256) != HASH_BYTES or len(statement.device_key) != PUBLIC_KEY_BYTES:
        raise MalformedMessage("a claim proof names a photo's hash and a device key, 32 bytes each")
    for name in ("enrollment_id", "purpose"):
        text = getattr(statement, name)
        check_text(text, f"a claim proof's {name}")
        if not text:
            raise MalformedMessage(f"a claim proof's {name} is empty")
