"""What a claim proof is made for: photo, claimant, purpose and time, bound into every challenge."""

import re
from dataclasses import dataclass

from .canonical import canonical
from .errors import MalformedMessage
from .merkle import HASH_BYTES
from .signing import PUBLIC_KEY_BYTES
from .texts import check_text

_SCALE = re.compile(r"[01]\.[0-9]{5}", re.ASCII)
_ORIGIN = re.compile(r"-?(0|[1-9][0-9]{0,4})\.[0-9]", re.ASCII)
_MINUS_ZERO = "-0.0"


@dataclass(frozen=True)
class ProofPlacement:
    """Where the photo lies on the enrolled frame, in decimals that all machines read alike.

    The photo is mirrored left to right if `mirrored`, then turned counter-clockwise by `turns`
    quarter turns (0..3); then a point y of the frame lies at scale * (y - origin) of it, in pixels
    from the upper left corner's edge. `scale`: rows and columns, five decimals; `origin`: one.
    """

    scale: tuple[str, str]
    origin: tuple[str, str]
    turns: int
    mirrored: bool


@dataclass(frozen=True)
class ClaimProofStatement:
    """One claim: SHA-256 of the photo's file, whose, what for, when (Unix seconds), and how the

    photo lies on the enrolled frame.
    """

    photo_sha256: bytes
    enrollment_id: str
    device_key: bytes
    purpose: str
    made_at: int
    placement: ProofPlacement

    @property
    def encoded(self) -> bytes:
        """The bytes that a score proof is bound to: the fields in this order."""
        whose = self.photo_sha256, self.enrollment_id, self.device_key
        place = self.placement
        lies = *place.scale, *place.origin, place.turns, int(place.mirrored)
        return canonical("claim-proof", [*whose, self.purpose, self.made_at, *lies])


def check_proof_statement(statement: ClaimProofStatement) -> None:
    """`MalformedMessage` unless hash, key, texts and placement have their form."""
    if len(statement.photo_sha256) != HASH_BYTES or len(statement.device_key) != PUBLIC_KEY_BYTES:
        raise MalformedMessage("a claim proof names a photo's hash and a device key, 32 bytes each")
    for name in ("enrollment_id", "purpose"):
        text = getattr(statement, name)
        check_text(text, f"a claim proof's {name}")
        if not text:
            raise MalformedMessage(f"a claim proof's {name} is empty")
    place = statement.placement
    scales, origins = map(_SCALE.fullmatch, place.scale), map(_ORIGIN.fullmatch, place.origin)
    # One spelling for each number, so that no two statements say the same.
    if not (all(scales) and all(origins)) or _MINUS_ZERO in place.origin or place.turns > 3:
        raise MalformedMessage("a claim proof's placement is not of its form")
