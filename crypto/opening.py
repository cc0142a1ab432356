"""The device's side: encrypt a code, publish the keys, open masked sums.

The device holds the homomorphic secret key and no template. Of an answer it returns
round(t·x/q0) mod t for the one coefficient x that concerns it, never x itself: the noise in x
would teach the server the secret key.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import MalformedMessage, MisuseError
from .masking import MaskedSum, PublicKeys
from .profiles import CodeProfile
from .seal import SecretRing, ring_for


class HomomorphicKey:
    """One template's secret key: generated at enrolment, replaced at renewal."""

    def __init__(self, profile: CodeProfile, secret: bytes | None = None) -> None:
        self.profile = profile
        self._secret_ring = SecretRing(ring_for(profile.ring), secret)

    def secret(self) -> bytes:
        """The key itself, for the vault only."""
        return self._secret_ring.secret()

    def public_keys(self) -> PublicKeys:
        """Fresh relinearisation key and zero-key."""
        return PublicKeys(self._secret_ring.relin_key(), self._secret_ring.zero_key())

    def encrypt(self, code: NDArray[np.int8]) -> bytes:
        """Wire form of a code: (N,) int8 of ±1; one seeded ciphertext per n symbols."""
        if code.shape != (self.profile.length,) or not np.isin(code, (-1, 1)).all():
            raise MisuseError(f"a code of {self.profile.name} is {self.profile.length} times ±1")
        blocks = code.astype(np.int64).reshape(self.profile.blocks, -1)
        return b"".join(self._secret_ring.encrypt_slots(block) for block in blocks)

    def open(self, sums: Sequence[MaskedSum], count: int | None = None) -> list[int]:
        """round(t·x/q0) mod t of each sum; `MalformedMessage` if a sum is not one.

        `count`: how many sums there must be, by default the profile's K.
        """
        expected = self.profile.openings if count is None else count
        if len(sums) != expected:
            raise MalformedMessage(f"expected {expected} sums, got {len(sums)}")
        return [self._open_one(each) for each in sums]

    def _open_one(self, masked: MaskedSum) -> int:
        ring = ring_for(self.profile.ring)
        n, q0 = self.profile.ring.degree, self.profile.ring.last_prime
        if len(masked.c1) != 8 * n:
            raise MalformedMessage(f"a masked sum's c1 has {len(masked.c1)} bytes, not {8 * n}")
        words = np.zeros((2, n), np.uint64)
        words[0, 0], words[1] = masked.c0, np.frombuffer(masked.c1, "<u8")
        if (words >= q0).any():
            raise MalformedMessage("a masked sum has a coefficient outside its modulus")
        if not words[1].any():
            raise MalformedMessage("a masked sum is transparent")
        return self._secret_ring.constant_coefficient(ring.last_level_ciphertext(words))
