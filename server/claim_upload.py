"""A claim template on its way in: its public parameters, its parts, and the check of its positions.

docs/PROTOCOL.md, "Wire forms": encrypted code, relinearisation key, zero-key and the positions'
bitmap, one after the other. All sizes follow from the parameters.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grainseal.crypto.entries import MAX_SIDE
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import PublicKeys
from grainseal.crypto.merkle import HASH_BYTES
from grainseal.crypto.profiles import RingParameters, claim_profile_named
from grainseal.crypto.transcript import claim_template_hash
from grainseal.models.claim_code import claim_for, positions_from, require_claim_frame
from grainseal.models.codes import CODE_KEY_BYTES, CodeError
from grainseal.models.photo import MAX_PIXELS

WORD_BYTES = 8
PART_SEED_BYTES = 64


@dataclass(frozen=True)
class ClaimParameters:
    """What it takes, with the positions, to cut a probe: profile, frame in pixels, mask's seed.

    `commitment_sha256`: of the commitment that claim proofs will be about; empty: there is none.
    """

    profile: str
    height: int
    width: int
    seed: bytes
    commitment_sha256: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of the whole claim template."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Bytes of the code, the relinearisation key, the zero-key and the positions."""
        profile = claim_profile_named(self.profile)
        fresh = _part(profile.ring, len(profile.ring.data_primes))
        relin = _part(profile.ring, len(profile.ring.coefficient_primes))
        features = claim_for(self.profile).feature_count((self.height, self.width))
        return (
            profile.blocks * fresh,
            len(profile.ring.data_primes) * relin,
            fresh,
            -(-features // 8),
        )

    def as_json(self) -> dict[str, Any]:
        """For a session's row."""
        committed = self.commitment_sha256.hex()
        return {**vars(self), "seed": self.seed.hex(), "commitment_sha256": committed}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> "ClaimParameters":
        """From a session's row."""
        seed = bytes.fromhex(value["seed"])
        # a session of an earlier version knows no commitment
        committed = bytes.fromhex(value.get("commitment_sha256", ""))
        return cls(**{**value, "seed": seed, "commitment_sha256": committed})


@dataclass(frozen=True)
class ClaimUpload:
    """A claim template in wire form. `positions`: the bitmap."""

    profile: str
    height: int
    width: int
    seed: bytes
    code: bytes
    keys: PublicKeys
    positions: bytes
    commitment_sha256: bytes = b""

    @property
    def sha256(self) -> bytes:
        """Its hash in transcripts and in the log."""
        return claim_template_hash(**vars(self))


def check_parameters(parameters: ClaimParameters) -> None:
    """B6, but for whether the service takes the profile; `MalformedMessage` if it fails."""
    if len(parameters.seed) != CODE_KEY_BYTES:
        raise MalformedMessage(f"the seed of a claim template has {CODE_KEY_BYTES} bytes")
    if len(parameters.commitment_sha256) not in (0, HASH_BYTES):
        raise MalformedMessage(f"the hash of a commitment has {HASH_BYTES} bytes, or there is none")
    sides = parameters.height, parameters.width
    if math.prod(sides) > MAX_PIXELS or max(sides) > MAX_SIDE:
        raise MalformedMessage(f"a frame has at most {MAX_PIXELS} pixels, {MAX_SIDE} a side")
    try:
        shape = (parameters.height, parameters.width)
        require_claim_frame(shape, claim_for(parameters.profile))
    except CodeError as error:
        raise MalformedMessage(str(error)) from None


def split_claim_template(parameters: ClaimParameters, blob: bytes) -> ClaimUpload:
    """The parts of a whole upload; `MalformedMessage` if it has another size."""
    if len(blob) != parameters.size:
        raise MalformedMessage(
            f"{len(blob)} bytes of the claim template have arrived, it has {parameters.size}: "
            "upload it before the template is submitted"
        )
    parts, position = [], 0
    for size in parameters.sizes:
        parts.append(blob[position : position + size])
        position += size
    code, relin_key, zero_key, positions = parts
    keys = PublicKeys(relin_key, zero_key)
    return ClaimUpload(**vars(parameters), code=code, keys=keys, positions=positions)


def check_positions(claims: ClaimUpload) -> None:
    """S7: the positions meet the quotas; `MalformedMessage` if they do not.

    One bit for each feature, the first in the most significant bit; the last byte is filled with
    zeros.
    """
    spec, shape = claim_for(claims.profile), (claims.height, claims.width)
    bits = np.unpackbits(np.frombuffer(claims.positions, np.uint8)).view(np.bool_)
    features = spec.feature_count(shape)
    if bits[features:].any():
        raise MalformedMessage("the last byte of the positions is filled with zeros")
    try:
        positions_from(bits[:features], shape, spec)
    except CodeError as error:
        raise MalformedMessage(str(error)) from None


def _part(ring: RingParameters, primes: int) -> int:
    """Bytes of one seeded part under so many primes."""
    return WORD_BYTES * ring.degree * primes + PART_SEED_BYTES
