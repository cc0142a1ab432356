"""What a ceremony needs besides rows: settings, keys, the clock and randomness.

All of it is passed in, so that a test can move the clock and replay a ceremony.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.profiles import (
    CLAIM_PROFILES,
    FUZZY_PROFILES,
    PROFILES,
    ClaimProfile,
    FuzzyProfile,
    Profile,
    Scheme,
)
from grainseal.crypto.signing import verify
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import CodeError, extractor_for

from .config import ServerConfig
from .errors import Reason, Refused
from .keys import ServiceKeys

NONCE_BYTES = 32
ID_BYTES = 16


@dataclass(frozen=True)
class Authority:
    """`clock` gives Unix seconds, `random` that many unpredictable bytes."""

    config: ServerConfig
    keys: ServiceKeys
    clock: Callable[[], float] = time.time
    random: Callable[[int], bytes] = secrets.token_bytes

    def new_id(self) -> str:
        """An identifier that cannot be guessed."""
        return self.random(ID_BYTES).hex()

    def profile(self, name: str) -> Profile:
        """A1, B2: the profile is known, and not one for tests."""
        profile = PROFILES.get(name)
        if profile is None or (profile.for_tests and not self.config.allow_testing_profiles):
            raise Refused(Reason.MALFORMED, f"this service does not take profile {name!r}")
        return profile

    def enrolled_profile(self, scheme: Scheme, name: str) -> Profile | FuzzyProfile:
        """A1, B2, Q1: the scheme has that profile, and it is not one for tests."""
        if scheme is Scheme.HOMOMORPHIC:
            return self.profile(name)
        profile = FUZZY_PROFILES.get(name)
        if profile is None or (profile.for_tests and not self.config.allow_testing_profiles):
            message = f"this service does not take profile {name!r} for the fuzzy extractor"
            raise Refused(Reason.MALFORMED, message)
        return profile

    def claim_profile(self, name: str) -> ClaimProfile:
        """B6, X1, Y1: the claim profile is known, not one for tests, and the extractor installed
        here is the one that it is defined with.
        """
        profile = CLAIM_PROFILES.get(name)
        if profile is None or (profile.for_tests and not self.config.allow_testing_profiles):
            raise Refused(Reason.MALFORMED, f"this service does not take claim profile {name!r}")
        _require_extractor(name)
        return profile


@cache
def _installed(claim_profile: str) -> str:
    """Empty if this installation can cut the profile's probes, else why it cannot."""
    try:
        extractor_for(claim_for(claim_profile))
    except CodeError as error:
        return str(error)
    return ""


def _require_extractor(claim_profile: str) -> None:
    problem = _installed(claim_profile)
    if problem:
        message = f"renew the claim template, it cannot be compared here: {problem}"
        raise Refused(Reason.CLAIMS_UNKNOWN, message)


def check_signature(public_key: bytes, transcript: bytes, signature: bytes) -> None:
    """S3, F3, P3, D3, U3, X6, X14, Y4, Y13, Q4, Q5, Q10, Q15: a transcript's signature is true."""
    try:
        verify(public_key, transcript, signature)
    except VerificationFailed:
        message = "the device key's signature does not fit this session and message"
        raise Refused(Reason.SIGNATURE_INVALID, message) from None
