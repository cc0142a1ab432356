"""Match statistics and the probability that two unrelated cameras reach them by chance.

Null model: two unrelated fingerprints are independent stationary noise, so their normalised
correlation is N(0, 1 / N_eff). N_eff is the number of samples N when at least one of them is
white; when both are coloured the same way neighbouring products say the same thing twice, and

    N_eff = N / sum over lags of rho_a(lag) * rho_b(lag)
          = N * mean(P_a) * mean(P_b) / mean(P_a * P_b),

with rho the autocorrelations and P the power spectra of a and b (Bartlett 1935; the second line is
Parseval's theorem). The estimate needs no tuning and can only lower N.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from grainseal.models.fingerprint import Fingerprint
from grainseal.models.spectral import weighted

Plane = npt.NDArray[np.float32]
Signs = npt.NDArray[np.int8]

# Pixels around the peak that are left out of the noise estimate: the residual's own correlation
# length (Goljan, Fridrich, Filler, SPIE 7254, 2009, use an 11 x 11 square; so a radius of 5).
PEAK_RADIUS: Final = 5

# What is correlated: fingerprints as they are, or weighted by frequency (`spectral`).
MATCHERS: Final = ("ncc", "weighted")
DEFAULT_MATCHER: Final = "ncc"


class MatchError(ValueError):
    """Two fingerprints that cannot be compared."""


@dataclass(frozen=True)
class Peak:
    """Best alignment found by a search: `a` equals `b` rolled by (row, column)."""

    pce: float
    row: int
    column: int
    false_match_probability: float


@dataclass(frozen=True)
class Match:
    """Comparison at zero shift. The probability is for an unrelated camera to do as well."""

    ncc: float
    pce: float
    false_match_probability: float


def ncc(a: Plane, b: Plane) -> float:
    """Normalised cross-correlation of two float arrays of one shape, in [-1, 1]; 0 if one is flat.

    Raises MatchError when the shapes differ.
    """
    _require_same_shape(a, b)
    x, y = _centred(a), _centred(b)
    scale = math.sqrt(float(np.vdot(x, x)) * float(np.vdot(y, y)))
    return float(np.vdot(x, y)) / scale if scale > 0 else 0.0


def pce(a: Plane, b: Plane) -> float:
    """Signed peak-to-correlation energy at zero shift of two float (H, W) arrays.

    PCE = sign(c0) * c0^2 / mean of c^2 outside the peak (Goljan, Fridrich, Filler 2009, eq. 5),
    with c the circular cross-correlation and the peak a disk that wraps around the border.
    """
    correlation = _circular_correlation(a, b)
    return _peak_ratio(correlation, 0, 0)


def pce_search(a: Plane, b: Plane) -> Peak:
    """Signed PCE of the highest correlation over all circular shifts of two float (H, W) arrays.

    Its false-match probability allows for having tried every shift.
    """
    correlation = _circular_correlation(a, b)
    row, column = divmod(int(np.argmax(correlation)), correlation.shape[1])
    ratio = _peak_ratio(correlation, row, column)
    return Peak(ratio, row, column, pce_false_match(ratio, shifts=correlation.size))


def hamming(a: Signs, b: Signs) -> float:
    """Share of places in [0, 1] where two codes of +-1 differ; MatchError on unequal lengths."""
    _require_same_shape(a, b)
    return float(np.mean(a != b))


def effective_samples(a: Plane, b: Plane) -> float:
    """Independent samples in the product of two float (H, W) arrays, at most their size."""
    _require_same_shape(a, b)
    power_a, power_b = _power(a), _power(b)
    energy = float(np.mean(power_a)) * float(np.mean(power_b))
    overlap = float(np.mean(power_a * power_b))
    return a.size * min(1.0, energy / overlap) if overlap > 0 else float(a.size)


def ncc_false_match(value: float, samples: float) -> float:
    """P(an unrelated pair correlates at least `value`) with `samples` independent samples."""
    return _upper_tail(value * math.sqrt(samples))


def pce_false_match(value: float, shifts: int = 1) -> float:
    """P(an unrelated pair reaches the signed PCE `value`) at the best of `shifts` alignments.

    The PCE's denominator is the measured variance of the null, so its signed root is normal
    whatever the colour of the noise; no sample count is needed.
    """
    single = _upper_tail(math.copysign(math.sqrt(abs(value)), value))
    return -math.expm1(shifts * math.log1p(-single)) if single < 1 else 1.0


def hamming_false_match(share: float, samples: float) -> float:
    """P(an unrelated code differs in at most `share` of its places), `samples` independent ones.

    A code's correlation is 1 - 2 * share, so this is the test of ncc_false_match.
    """
    return ncc_false_match(1 - 2 * share, samples)


def prepared(fingerprint: Fingerprint, matcher: str) -> Plane:
    """The float32 (H, W) plane whose NCC is the statistic of that name, one of MATCHERS.

    RAW stays as it is: neither demosaicing nor JPEG has shaped its spectrum. Raises MatchError for
    another name.
    """
    if matcher not in MATCHERS:
        raise MatchError(f"no matcher {matcher!r}: choose one of {', '.join(MATCHERS)}")
    if matcher == "weighted" and fingerprint.kind == "developed":
        return weighted(fingerprint.values)
    return fingerprint.values


def compare(probe: Fingerprint, reference: Fingerprint, matcher: str = DEFAULT_MATCHER) -> Match:
    """NCC, signed PCE and false-match probability at zero shift of what `matcher` prepares.

    Raises MatchError when the two are of different kind or size, or there is no such matcher.
    """
    if probe.kind != reference.kind:
        raise MatchError(
            f"cannot compare a {probe.kind} with a {reference.kind} fingerprint: "
            "give both sides the same kind of photo"
        )
    if probe.shape != reference.shape:
        raise MatchError(_unequal_sizes(probe.shape, reference.shape))
    a, b = (prepared(side, matcher) for side in (probe, reference))
    if not (a.any() and b.any()):
        raise MatchError("one side has no sensor noise at all: its photos are all black or white")
    value = ncc(a, b)
    return Match(value, pce(a, b), ncc_false_match(value, effective_samples(a, b)))


def _unequal_sizes(a: tuple[int, int], b: tuple[int, int]) -> str:
    sizes = f"one side is {a[1]}x{a[0]} pixels, the other {b[1]}x{b[0]}"
    if a == b[::-1]:
        return f"{sizes}: one was rotated later, give the files as they left the camera"
    return f"{sizes}: compare photos of one size, or crop both to the same centre"


def _circular_correlation(a: Plane, b: Plane) -> Plane:
    _require_same_shape(a, b)
    spectrum = scipy.fft.rfft2(_centred(a))
    spectrum *= np.conj(scipy.fft.rfft2(_centred(b)))
    correlation: Plane = scipy.fft.irfft2(spectrum, s=a.shape)
    return correlation


def _peak_ratio(correlation: Plane, row: int, column: int) -> float:
    peak = float(correlation[row, column])
    reach = np.arange(-PEAK_RADIUS, PEAK_RADIUS + 1)
    inside = reach[:, None] ** 2 + reach[None, :] ** 2 <= PEAK_RADIUS**2
    rows = ((row + reach) % correlation.shape[0])[:, None]
    columns = ((column + reach) % correlation.shape[1])[None, :]
    near = float(np.sum(np.square(correlation[rows, columns], dtype=np.float64), where=inside))
    total = float(np.vdot(correlation, correlation))
    count = correlation.size - int(inside.sum())
    energy = (total - near) / count if count > 0 else 0.0
    return math.copysign(peak**2 / energy, peak) if energy > 0 else 0.0


def _power(values: Plane) -> Plane:
    power: Plane = np.square(np.abs(scipy.fft.fft2(_centred(values))))
    return power


def _centred(values: Plane) -> Plane:
    centred: Plane = np.asarray(values - np.mean(values, dtype=np.float64), dtype=np.float32)
    return centred


def _upper_tail(deviations: float) -> float:
    return 0.5 * math.erfc(deviations / math.sqrt(2))


def _require_same_shape(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> None:
    if a.shape != b.shape:
        raise MatchError(f"sizes differ: {a.shape} and {b.shape}; crop both to the same centre")
    if a.size == 0:
        raise MatchError("nothing to compare: the arrays are empty")
