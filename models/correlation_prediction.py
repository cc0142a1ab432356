"""How well should a photo match its own camera? Said from the photo alone.

The correlation predictor of Chen, Fridrich, Goljan, Lukas, IEEE TIFS 3(1), 2008: the correlation of
a block with a perfect fingerprint of the camera is a polynomial of second order in the block's
features, whose coefficients are fitted by least squares. With the ISO metric among the features it
is ISONet's application (IWDW 2020).

Ours: the correlation is that of the fingerprint that `models/fingerprint.py` makes of one photo. A
photo's is the mean over its blocks. Two estimates of one pattern with independent noise correlate
by the product of what each has with the pattern; the ratios of signal to noise r^2 / (1 - r^2) of
photos that are averaged add up. Coefficients belong to one extractor with its weights, and not to
one camera as in the paper: a camera's own gain is what two halves of its photos make it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import INTENSITY, BlockFeatures
from grainseal.models.manifest import REINSTALL, WeightsError
from grainseal.models.reference.weights import folder_of

Array = npt.NDArray[np.float64]

STEM: Final = "correlation-predictor"
# No photo is without any correlation, and none is the pattern itself.
LOWEST, HIGHEST = 0.0, 0.99
# Of a block's mean intensity, 1 where it is brightest without clipping: five grey levels of 250.
LEAST_INTENSITY: Final = 0.02
# Of the virtual cameras none has less or more.
LEAST_GAIN, MOST_GAIN = 0.1, 10.0
_BISECTIONS: Final = 40
_WITHIN: Final = 1.01  # a gain nearer to its bounds than that was stopped by them


@dataclass(frozen=True)
class Fit:
    """One extractor's coefficients for one choice of features.

    `source`: the extractor's (models/extractor.py). `isonet`: SHA-256 of the network that the ISO
    metric was measured with, "" where it is not among the features.
    """

    source: str
    isonet: str
    features: tuple[str, ...]
    coefficients: tuple[float, ...]

    def predicted(self, found: BlockFeatures) -> Array:
        """Correlation of each block with a perfect fingerprint, float64 (rows, columns).

        Black and white blocks have none; of such there were none to fit the polynomial to.
        """
        terms = design(found.chosen(self.features))
        values = np.clip(terms @ np.array(self.coefficients), LOWEST, HIGHEST)
        shown = found.chosen((INTENSITY,))[:, 0] >= LEAST_INTENSITY
        answered: Array = np.where(shown, values, LOWEST).reshape(found.values.shape[:2])
        return answered


@dataclass(frozen=True)
class Predictor:
    """All fits, and how they came about."""

    fits: tuple[Fit, ...] = field(repr=False)
    config: dict[str, Any]
    command: str
    commit: str
    scores: dict[str, float]

    def fit_for(self, source: str, features: tuple[str, ...], isonet: str = "") -> Fit | None:
        """The fit of that extractor, those features and that network for ISO metrics, if any."""
        wanted = (source, features, isonet)
        known = (each for each in self.fits if (each.source, each.features, each.isonet) == wanted)
        return next(known, None)


def design(features: Array) -> Array:
    """Terms of the polynomial, float64 (N, T): 1, each feature, each product of two (N, F)."""
    count = features.shape[1]
    products = [features[:, i] * features[:, j] for i in range(count) for j in range(i, count)]
    return np.column_stack([np.ones(len(features)), features, *products])


def fitted(features: Array, correlations: Array) -> Array:
    """Coefficients, float64 (T,), by least squares from (N, F) and (N,)."""
    coefficients = np.linalg.lstsq(design(features), correlations, rcond=None)[0]
    return coefficients.astype(np.float64)


def pooled(correlations: Sequence[float]) -> float:
    """Correlation with the pattern of a fingerprint that is made of several photos."""
    ratio = sum(each**2 / (1 - each**2) for each in correlations)
    return math.sqrt(ratio / (1 + ratio))


def expected_ncc(one: Sequence[float], other: Sequence[float]) -> float:
    """NCC of two fingerprints of one camera, from what each one's photos have with its pattern."""
    return pooled(one) * pooled(other)


def amplified(correlations: Sequence[float], gain: float) -> list[float]:
    """What photos have with their pattern if their camera's is `gain` times the predicted one."""
    return [min(gain * each, HIGHEST) for each in correlations]


def camera_gain(one: Sequence[float], other: Sequence[float], reached: float) -> float:
    """The gain with which two sets of a camera's photos are expected to reach their NCC.

    Within LEAST_GAIN and MOST_GAIN, by bisection of its logarithm.
    """
    low, high = math.log(LEAST_GAIN), math.log(MOST_GAIN)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        tried = (amplified(each, math.exp(middle)) for each in (one, other))
        low, high = (middle, high) if expected_ncc(*tried) < reached else (low, middle)
    return math.exp((low + high) / 2)


def told_gain(one: Sequence[float], other: Sequence[float], reached: float) -> float | None:
    """`camera_gain`; None if no camera is so strong or weak: then something else is alike."""
    gain = camera_gain(one, other, reached)
    return gain if _WITHIN * LEAST_GAIN < gain < MOST_GAIN / _WITHIN else None


def read_predictor(folder: Path | None = None) -> Predictor:
    """The fits in a folder, by default the user's own, else the shipped ones.

    WeightsError if they are missing or damaged.
    """
    folder = folder if folder is not None else folder_of(STEM, (STEM,))
    try:
        entries = json.loads((folder / f"{STEM}.json").read_text())
        fits = tuple(
            Fit(
                str(each["source"]),
                str(each["isonet"]),
                tuple(each["features"]),
                tuple(map(float, each["coefficients"])),
            )
            for each in entries["fits"]
        )
        known = {each.name: entries[each.name] for each in fields(Predictor)}
        return Predictor(**{**known, "fits": fits})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"the coefficients {STEM} are missing or damaged ({error}): {REINSTALL}"
        ) from error
