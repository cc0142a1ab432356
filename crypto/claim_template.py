"""What a claim template is, by hashes: what its enrolment's leaf commits to.

Public facts and no ciphertexts, so that a claim proof can carry them: who has them all can tell
that this commitment, these positions and this mask are the enrolled ones.
"""

import hashlib
from dataclasses import dataclass

from .canonical import Field, canonical


@dataclass(frozen=True)
class ClaimTemplateFacts:
    """Frame (rows, columns), seed of the mask (32 bytes), and the SHA-256 of each part.

    `commitment_sha256`: of the commitment that claim proofs are about; empty: there is none.
    """

    profile: str
    height: int
    width: int
    seed: bytes
    code_sha256: bytes
    relin_key_sha256: bytes
    zero_key_sha256: bytes
    positions_sha256: bytes
    commitment_sha256: bytes

    @property
    def sha256(self) -> bytes:
        """The claim template's hash, 32 bytes."""
        parts = [
            self.code_sha256,
            self.relin_key_sha256,
            self.zero_key_sha256,
            self.positions_sha256,
        ]
        # without a commitment there is no such field, as there was none before claim proofs
        committed = [self.commitment_sha256] if self.commitment_sha256 else []
        fields: list[Field] = [self.profile, self.height, self.width, self.seed, *parts, *committed]
        return hashlib.sha256(canonical("claim-template", fields)).digest()
