"""Named, frozen parameter sets: everything two sides must agree on before a code is compared.

A profile's name travels in every message and is stored with every template. A name is never
given new numbers: a change of parameters is a new profile, and `needs_reenrolment` tells which
templates should move to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from .errors import MisuseError
from .polar import PolarCode

AnyProfile = TypeVar("AnyProfile", bound="CodeProfile | FuzzyProfile")


class Scheme(str, Enum):
    """How a service recognises an enrolled camera: by an encrypted template, or by a key."""

    HOMOMORPHIC = "homomorphic"
    FUZZY_EXTRACTOR = "fuzzy"


@dataclass(frozen=True)
class RingParameters:
    """BFV parameters: ring degree n, coefficient primes (the last serves key switching only), t.

    `coefficient_primes` are products of nothing but themselves: NTT-friendly primes (1 mod 2n);
    `plain_modulus` t is a prime with t = 1 mod 2n, so that a plaintext has n slots in Z_t.
    """

    degree: int
    coefficient_primes: tuple[int, ...]
    plain_modulus: int

    @property
    def data_primes(self) -> tuple[int, ...]:
        """Primes of a fresh ciphertext's modulus."""
        return self.coefficient_primes[:-1]

    @property
    def last_prime(self) -> int:
        """q0, the modulus of a ciphertext switched down to the last level."""
        return self.coefficient_primes[0]


@dataclass(frozen=True)
class CodeProfile:
    """What one kind of code fixes.

    `length` N: code symbols. `openings` K: masked sums opened for one score, and for the check
    of a template.
    """

    name: str
    length: int
    ring: RingParameters
    openings: int
    for_tests: bool = field(default=False, kw_only=True)

    @property
    def blocks(self) -> int:
        """Ciphertexts that one code fills."""
        return self.length // self.ring.degree


@dataclass(frozen=True)
class Profile(CodeProfile):
    """What one kind of comparison fixes, for authentication.

    A score in [`score_low`, `score_high`] is a match; the score is the inner product of two codes
    of ±1, an integer in [−N, N] with the parity of N. `max_openings`: verifications that a device
    answers for one template before it insists on a renewal.
    """

    score_low: int
    score_high: int
    max_openings: int


@dataclass(frozen=True)
class ClaimProfile(CodeProfile):
    """What one kind of claim code fixes.

    Probes are public integers of at most `largest_probe`. A device opens at most `max_sums` masked
    sums for one claim template, and a service tells itself at most `max_scores` scores of public
    probes; README.md, "Claims", has the argument for both.
    """

    max_sums: int = 600
    max_scores: int = 200
    largest_probe: int = 7


@dataclass(frozen=True)
class FuzzyProfile:
    """What one kind of key made from a camera fixes; the code of the same name is in `models`.

    `length` N: code symbols, each `repetition` of which carry one bit of a polar codeword.
    `message_bits` k: what the sketch hides the code behind. `amplitude`: of a soft decision in
    units of its noise, at which the decoder should do best. `list_sizes`: how many codewords the
    decoder proposes at first, and then if none of them was right.
    """

    name: str
    length: int
    repetition: int
    message_bits: int
    key_bytes: int
    amplitude: float
    list_sizes: tuple[int, ...] = (4, 32)
    for_tests: bool = field(default=False, kw_only=True)

    @property
    def outer(self) -> PolarCode:
        """The polar code, of length N / `repetition`."""
        return _polar_code(self.length // self.repetition, self.message_bits)


@cache
def _polar_code(length: int, message_bits: int) -> PolarCode:
    return PolarCode(length, message_bits)


# 180 bits of modulus at n = 8192; 218 are allowed at 128-bit classical security by the
# HomomorphicEncryption.org standard (Albrecht et al. 2018, table 1, ternary secret).
RING_8192 = RingParameters(
    degree=8192,
    coefficient_primes=(1152921504606683137, 1152921504606748673, 1152921504606830593),
    plain_modulus=1032193,
)

# 180 bits of modulus at n = 16384; 438 are allowed. The degree is not for the ciphertexts' sake: a
# device opens hundreds of sums for one claim template, and what a departing service can read of
# its key must leave enough unread (README.md, "Claims"). t exceeds twice the largest sum, 7·2^20.
RING_16384 = RingParameters(
    degree=16384,
    coefficient_primes=(1152921504606584833, 1152921504606683137, 1152921504606748673),
    plain_modulus=33292289,
)

# The windows in units of √N, the null's standard deviation: from 5.5, 7 and 5.5 up to 110, 127 and
# 78. README.md, "Thresholds", has the argument and the measurements.
AUTH_JPEG_V1 = Profile("AUTH_JPEG_V1", 16384, RING_8192, 3, 704, 14080, 50)
AUTH_JPEG_V2 = Profile("AUTH_JPEG_V2", 16384, RING_8192, 3, 704, 14080, 50)
AUTH_RAW_V1 = Profile("AUTH_RAW_V1", 16384, RING_8192, 3, 896, 16256, 50)
TESTING = Profile("TESTING", 8192, RING_8192, 3, 498, 7058, 50, for_tests=True)
TESTING_V2 = Profile("TESTING_V2", 8192, RING_8192, 3, 498, 7058, 50, for_tests=True)

CLAIM_V1 = ClaimProfile("CLAIM_V1", 2**18, RING_16384, 2)
CLAIM_MAX_V1 = ClaimProfile("CLAIM_MAX_V1", 2**20, RING_16384, 2)
CLAIM_V2 = ClaimProfile("CLAIM_V2", 2**18, RING_16384, 2)
CLAIM_MAX_V2 = ClaimProfile("CLAIM_MAX_V2", 2**20, RING_16384, 2)
CLAIM_TESTING = ClaimProfile("CLAIM_TESTING", 2**14, RING_16384, 2, for_tests=True)
CLAIM_TESTING_V2 = ClaimProfile("CLAIM_TESTING_V2", 2**14, RING_16384, 2, for_tests=True)

# README.md, "Keys", has the argument and the measurements.
FUZZY_V1 = FuzzyProfile("FUZZY_V1", 16384, 4, 128, 16, 0.15)
FUZZY_MAX_V1 = FuzzyProfile("FUZZY_MAX_V1", 32768, 4, 1024, 32, 0.27)
FUZZY_TESTING = FuzzyProfile("FUZZY_TESTING", 8192, 8, 128, 16, 0.2, for_tests=True)

_AUTH = AUTH_JPEG_V1, AUTH_JPEG_V2, AUTH_RAW_V1, TESTING, TESTING_V2
_CLAIM = CLAIM_V1, CLAIM_MAX_V1, CLAIM_V2, CLAIM_MAX_V2, CLAIM_TESTING, CLAIM_TESTING_V2
PROFILES = MappingProxyType({p.name: p for p in _AUTH})
CLAIM_PROFILES = MappingProxyType({p.name: p for p in _CLAIM})
FUZZY_PROFILES = MappingProxyType({p.name: p for p in (FUZZY_V1, FUZZY_MAX_V1, FUZZY_TESTING)})
# What takes the place of profiles that are the default no more. Templates of these still work;
# their owners are told to renew. docs/EVALUATION.md, "Extractors", has the measurements.
SUPERSEDED: Mapping[str, str] = MappingProxyType({})


def profile_named(name: str) -> Profile:
    """Authentication profile of that name; `MisuseError` lists the known ones."""
    return _named(PROFILES, name)


def claim_profile_named(name: str) -> ClaimProfile:
    """Claim profile of that name; `MisuseError` lists the known ones."""
    return _named(CLAIM_PROFILES, name)


def fuzzy_profile_named(name: str) -> FuzzyProfile:
    """Fuzzy extractor profile of that name; `MisuseError` lists the known ones."""
    return _named(FUZZY_PROFILES, name)


def enrolled_profile_named(name: str) -> Profile | FuzzyProfile:
    """Profile of that name of an enrolment by either scheme; `MisuseError` lists the known ones."""
    known: dict[str, Profile | FuzzyProfile] = {**PROFILES, **FUZZY_PROFILES}
    return _named(known, name)


def scheme_of(profile_name: str) -> Scheme:
    """The scheme of an enrolment under this profile."""
    return Scheme.FUZZY_EXTRACTOR if profile_name in FUZZY_PROFILES else Scheme.HOMOMORPHIC


def needs_reenrolment(profile_name: str) -> bool:
    """Whether a template stored under this profile should be replaced by a new enrolment."""
    known = {*PROFILES, *CLAIM_PROFILES, *FUZZY_PROFILES}
    return profile_name not in known or profile_name in SUPERSEDED


def successor_of(profile_name: str) -> str:
    """The profile that a renewal moves to: the same one unless it was superseded."""
    return SUPERSEDED.get(profile_name, profile_name)


def _named(profiles: Mapping[str, AnyProfile], name: str) -> AnyProfile:
    try:
        return profiles[name]
    except KeyError:
        raise MisuseError(f"unknown profile {name!r}: use one of {', '.join(profiles)}") from None
