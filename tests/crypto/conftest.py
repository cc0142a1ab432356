"""Keys and codes shared by the tests of the encrypted comparison."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from grainseal.crypto.masking import LoadedKeys, load_code
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1, CLAIM_TESTING, TESTING, CodeProfile
from grainseal.crypto.seal import Ciphertext

Code = NDArray[np.int8]


@dataclass(frozen=True)
class Device:
    """One device's key with what the server has loaded of it."""

    profile: CodeProfile
    key: HomomorphicKey
    keys: LoadedKeys

    def load(self, code: Code) -> list[Ciphertext]:
        return load_code(self.profile, self.key.encrypt(code))

    def encrypt_slots(self, slots: NDArray[np.int64]) -> list[Ciphertext]:
        """Slots that `HomomorphicKey.encrypt` would refuse, as a dishonest device sends them."""
        ring = self.key._secret_ring
        blocks = slots.reshape(self.profile.blocks, -1)
        return load_code(self.profile, b"".join(ring.encrypt_slots(b) for b in blocks))


def make_device(profile: CodeProfile) -> Device:
    key = HomomorphicKey(profile)
    return Device(profile, key, LoadedKeys.from_wire(profile, key.public_keys()))


@pytest.fixture(scope="session")
def device() -> Device:
    return make_device(TESTING)


@pytest.fixture(scope="session")
def production() -> Device:
    return make_device(AUTH_JPEG_V1)


@pytest.fixture(scope="session")
def claimant() -> Device:
    """A device with a claim template's key, of one block."""
    return make_device(CLAIM_TESTING)


@pytest.fixture
def random_code() -> Callable[[int, int], Code]:
    def make(length: int, seed: int) -> Code:
        return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), length)

    return make
