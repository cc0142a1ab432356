"""Claim codes: one public photo against the pattern of the camera that is said to have taken it.

The verifier cuts the probe from a public photo. So the positions (see `claim_code`) and a mask of
+-1, drawn from a 32-byte seed, are public parameters of the enrolment; only the template's signs
are secret. The mask is the keystream of `codes` for "mask" with the seed as code key; there is no
permutation.

Statistic. The probe p is rounded to integers of at most 7, the template t is +-1. An unrelated
camera's signs are independent of the photo, and under them z = <t, p> / sqrt(sum p^2) has mean 0
and variance 1, whatever p is: so the null does not depend on what the photo shows, only on how
well a template of real signs stands in for independent ones. See NULL_SPREAD. Signs that are chosen
for what photos of many cameras share are not independent: `fingerprint.zero_mean_by_cell` takes the
pattern of JPEG's blocks out of a photo before it is laid onto the frame.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.claim_code import PROBE_LIMIT, ClaimSpec, claim_positions
from grainseal.models.codes import (
    CODE_KEY_BYTES,
    Code,
    CodeError,
    Features,
    Positions,
    features,
    keyed_mask,
)
from grainseal.models.fingerprint import Fingerprint

Probe = npt.NDArray[np.int8]

PHOTOS_NEEDED: Final = 6
# Root mean square of a probe before it is clipped to PROBE_LIMIT.
PROBE_SCALE: Final = 3.0
# Scores of unrelated cameras on real photos at all shifts have a standard deviation of .96 to 1.05
# and a 1e-4 quantile of at most 3.95: templates and photos are both a little coloured.
NULL_SPREAD: Final = 1.05
SMALLEST_PROBABILITY: Final = 1e-12
KEPT_STEP: Final = 0.25  # of the null's standard deviation: what a kept score is rounded to


@dataclass(frozen=True)
class ClaimTemplate:
    """Public positions uint32 (N,) and secret signs int8 (N,) of +-1, in the same order."""

    positions: Positions = field(repr=False)
    signs: Code = field(repr=False)


@dataclass(frozen=True)
class ProbeSize:
    """Sum p^2 of a probe, and sum |p|: no template of +-1 has a larger inner product with it."""

    squares: int
    largest_sum: int


@dataclass(frozen=True)
class ClaimScore:
    """z, in standard deviations of the null, and P(an unrelated camera reaches it)."""

    z: float
    false_match_probability: float


def enrol_claim(fingerprint: Fingerprint, spec: ClaimSpec, seed: bytes) -> ClaimTemplate:
    """Claim template of a developed-frame fingerprint under a fresh public 32-byte seed.

    CodeError for fewer than PHOTOS_NEEDED photos (of any scenes), too small a frame or a bad seed.
    """
    if fingerprint.photos < PHOTOS_NEEDED:
        raise CodeError(
            f"a claim template needs at least {PHOTOS_NEEDED} photos, not {fingerprint.photos}: "
            "add more, of any scenes"
        )
    values = features(fingerprint, spec)
    positions = claim_positions(values, fingerprint.shape, spec)
    signs = np.where(values[positions] < 0, -1, 1).astype(np.int8)
    return ClaimTemplate(positions, signs * _mask(spec, seed))


def claim_probe(features: Features, positions: Positions, spec: ClaimSpec, seed: bytes) -> Probe:
    """The probe of one photo on the enrolled frame: int8 (N,) within +-PROBE_LIMIT.

    `features` is float32 (M,) of the frame, exactly 0 where the photo shows nothing of it.
    CodeError when nothing is known at the positions, as in a blank picture.
    """
    if positions.shape != (spec.length,):
        raise CodeError(f"{spec.name} needs {spec.length} positions, not {positions.size}")
    if int(positions.max()) >= features.size:
        raise CodeError("a position lies outside the frame: align the photo to it first")
    values = features[positions]
    power = float(np.vdot(values, values))
    if not 0 < power < math.inf:
        raise CodeError("this picture carries no sensor noise at all: it is blank or synthetic")
    known = int(np.count_nonzero(values))
    rounded = np.rint(values * np.float32(PROBE_SCALE * math.sqrt(known / power)))
    probe = np.clip(rounded, -PROBE_LIMIT, PROBE_LIMIT).astype(np.int8)
    masked: Probe = probe * _mask(spec, seed)
    return masked


def claim_score(inner_product: int, probe: Probe, spec: ClaimSpec) -> ClaimScore:
    """What <template, probe> says; of a map tile, give the tile's part of the probe.

    CodeError for an inner product that no template of +-1 can have with this probe.
    """
    return score_of(inner_product, probe_size(probe), spec)


def probe_size(probe: Probe) -> ProbeSize:
    """What a score takes of a probe, for who does not keep the probe itself."""
    squares = int(np.square(probe, dtype=np.int64).sum())
    return ProbeSize(squares, int(np.abs(probe).sum(dtype=np.int64)))


def score_of(inner_product: int, size: ProbeSize, spec: ClaimSpec) -> ClaimScore:
    """`claim_score` for a probe of that size."""
    if size.largest_sum == 0 or abs(inner_product) > size.largest_sum:
        raise CodeError("this score cannot come from a template of +-1 and this probe")
    z = inner_product / math.sqrt(size.squares)
    return ClaimScore(z, false_match_probability(z, spec))


def false_match_probability(z: float, spec: ClaimSpec) -> float:
    """P(an unrelated camera reaches z), for one placement."""
    return 0.5 * math.erfc((z - spec.null_mean) / (NULL_SPREAD * math.sqrt(2)))


def kept_z(z: float) -> float:
    """z to a quarter, all of a claim's score that is kept: exact ones would tell the template."""
    return round(z / KEPT_STEP) * KEPT_STEP


def told_probability(probability: float) -> float:
    """The next whole power of ten, at least 1e-12: all of the probability that is told."""
    if probability <= SMALLEST_PROBABILITY:
        return SMALLEST_PROBABILITY
    return float(f"1e{math.ceil(math.log10(probability) - 1e-9)}")


def _mask(spec: ClaimSpec, seed: bytes) -> Code:
    if len(seed) != CODE_KEY_BYTES:
        raise CodeError(f"the claim seed must be {CODE_KEY_BYTES} bytes, not {len(seed)}")
    return keyed_mask(spec, seed)
