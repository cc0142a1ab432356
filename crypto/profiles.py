"""Named, frozen parameter sets: everything two sides must agree on before a code is compared.

A profile's name travels in every message and is stored with every template. A name is never
given new numbers: a change of parameters is a new profile, and `needs_reenrolment` tells which
templates should move to it.
"""

from dataclasses import dataclass
from types import MappingProxyType

from .errors import MisuseError


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
class Profile:
    """What one kind of comparison fixes.

    `length` N: code symbols. `openings` K: masked sums opened per verification. A score in
    [`score_low`, `score_high`] is a match; the score is the inner product of two codes of ±1,
    an integer in [−N, N] with the parity of N. `max_openings`: verifications that a device
    answers for one template before it insists on a renewal.
    """

    name: str
    length: int
    ring: RingParameters
    openings: int
    score_low: int
    score_high: int
    max_openings: int
    for_tests: bool = False

    @property
    def blocks(self) -> int:
        """Ciphertexts that one code fills."""
        return self.length // self.ring.degree


# 180 bits of modulus at n = 8192; 218 are allowed at 128-bit classical security by the
# HomomorphicEncryption.org standard (Albrecht et al. 2018, table 1, ternary secret).
RING_8192 = RingParameters(
    degree=8192,
    coefficient_primes=(1152921504606683137, 1152921504606748673, 1152921504606830593),
    plain_modulus=1032193,
)

# The windows in units of √N, the null's standard deviation: from 5.5, 7 and 5.5 up to 110, 127 and
# 78. README.md, "Thresholds", has the argument and the measurements.
AUTH_JPEG_V1 = Profile("AUTH_JPEG_V1", 16384, RING_8192, 3, 704, 14080, 50)
AUTH_RAW_V1 = Profile("AUTH_RAW_V1", 16384, RING_8192, 3, 896, 16256, 50)
TESTING = Profile("TESTING", 8192, RING_8192, 3, 498, 7058, 50, for_tests=True)

PROFILES = MappingProxyType({p.name: p for p in (AUTH_JPEG_V1, AUTH_RAW_V1, TESTING)})
# Profiles that new enrolments may use; a template of any other profile should be enrolled anew.
CURRENT = frozenset({"AUTH_JPEG_V1", "AUTH_RAW_V1", "TESTING"})


def profile_named(name: str) -> Profile:
    """Profile of that name; `MisuseError` lists the known ones."""
    try:
        return PROFILES[name]
    except KeyError:
        raise MisuseError(f"unknown profile {name!r}: use one of {', '.join(PROFILES)}") from None


def needs_reenrolment(profile_name: str) -> bool:
    """Whether a template stored under this profile should be replaced by a new enrolment."""
    return profile_name not in CURRENT
