"""A device's claim template without photos: random signs at positions that fill the quotas."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grainseal.crypto.masking import PublicKeys
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING, ClaimProfile
from grainseal.crypto.transcript import claim_template_hash
from grainseal.models.claim_code import claim_for, claim_positions
from grainseal.models.codes import Positions
from grainseal.proto.v1 import grainseal_pb2 as pb

# Room for 25 features in each quota of 16: there is something to choose.
SMALL_FRAME = (320, 384)


def bitmap(positions: Positions, shape: tuple[int, int], profile: ClaimProfile) -> bytes:
    """One bit for each feature of the frame."""
    chosen = np.zeros(claim_for(profile.name).feature_count(shape), np.bool_)
    chosen[positions] = True
    return np.packbits(chosen).tobytes()


@dataclass
class ClaimMaterial:
    """What a device makes a claim template from. `positions`: uint32 (N,) in map order."""

    profile: ClaimProfile
    shape: tuple[int, int]
    seed: bytes
    code: NDArray[np.int8]
    positions: Positions
    homomorphic: HomomorphicKey
    commitment_sha256: bytes = b""

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        profile: ClaimProfile = CLAIM_TESTING,
        shape: tuple[int, int] = SMALL_FRAME,
    ) -> "ClaimMaterial":
        spec = claim_for(profile.name)
        features = rng.standard_normal(spec.feature_count(shape)).astype(np.float32)
        positions = claim_positions(features, shape, spec)
        code = rng.choice(np.array([-1, 1], np.int8), profile.length)
        return cls(profile, shape, os.urandom(32), code, positions, HomomorphicKey(profile))

    @property
    def parameters(self) -> pb.ClaimParameters:
        """As `BeginEnrollment` takes them."""
        return pb.ClaimParameters(
            profile=self.profile.name,
            height=self.shape[0],
            width=self.shape[1],
            seed=self.seed,
            commitment_sha256=self.commitment_sha256,
        )

    def encrypted(self) -> "EncryptedClaims":
        """A claim template, as it is uploaded."""
        return EncryptedClaims(
            self,
            self.homomorphic.encrypt(self.code),
            self.homomorphic.public_keys(),
            bitmap(self.positions, self.shape, self.profile),
        )


@dataclass(frozen=True)
class EncryptedClaims:
    """Wire form of a claim template."""

    material: ClaimMaterial
    code: bytes
    keys: PublicKeys
    positions: bytes

    @property
    def blob(self) -> bytes:
        """What is uploaded."""
        return self.code + self.keys.relin_key + self.keys.zero_key + self.positions

    @property
    def sha256(self) -> bytes:
        """What the device signs, and the log has."""
        made = self.material
        parts = self.code, self.keys, self.positions, made.commitment_sha256
        return claim_template_hash(made.profile.name, *made.shape, made.seed, *parts)
