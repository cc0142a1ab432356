"""Challenges out of everything that was said before (Fiat and Shamir 1986).

    state     = SHA-256(canonical("proof-start", [kind, field, …]))
    state     = SHA-256(canonical("proof-absorb", [state, label, data]))
    challenge = 1 + (SHA-512(canonical("proof-challenge", [state, label])) mod (r - 1))

A challenge is followed by the absorption of its label, so two in a row differ. It is never zero.
"""

import hashlib
from collections.abc import Sequence

from ..canonical import Field, canonical
from .field import ORDER, Scalar, scalar


class Transcript:
    """One proof's conversation. `kind` and `statement`: what is proven, whole and public."""

    def __init__(self, kind: str, statement: Sequence[Field]) -> None:
        self._state = _hash(canonical("proof-start", [kind, *statement]))

    def absorb(self, label: str, data: bytes) -> None:
        """What the prover sends."""
        self._state = _hash(canonical("proof-absorb", [self._state, label, data]))

    def challenge(self, label: str) -> Scalar:
        """What the verifier would answer: uniform, not zero."""
        digest = hashlib.sha512(canonical("proof-challenge", [self._state, label])).digest()
        self.absorb(label, b"")
        return scalar(1 + int.from_bytes(digest, "big") % (ORDER - 1))


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
