"""What NCC to expect of photos if they are of one camera: said beside the one that they have.

A weak match of photos that should match well speaks against one camera; of photos that hardly show
their camera's pattern it says little. The decision itself stays where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grainseal.models.correlation_features import CLASSIC, block_features
from grainseal.models.correlation_prediction import (
    Fit,
    amplified,
    expected_ncc,
    read_predictor,
    told_gain,
)
from grainseal.models.extractor import get_extractor
from grainseal.models.matching import ncc_false_match
from grainseal.models.photo import PhotoError

from .photos import Halves, distinct_photos, photo_files

# The share of what is expected that most photos reach: where photos of one side say how strong
# their camera's pattern is, and where nothing does (docs/EVALUATION.md).
CAUTION: Final = 0.15
CAUTION_UNCALIBRATED: Final = 0.03
# Photos of a set that are looked at: the next ones would say the same.
_MOST_PHOTOS: Final = 12


@dataclass(frozen=True)
class Expectation:
    """`ncc`: of photos of one camera. `calibrated`: whether the camera's own gain is in it.

    `false_match_probability`: of an unrelated camera to reach, by chance, as little of it as photos
    of one camera may have.
    """

    ncc: float
    calibrated: bool
    false_match_probability: float

    def tells_below(self, level: float) -> bool:
        """Whether photos of one camera would have been decided at that probability."""
        return self.false_match_probability < level


def expected_match(
    a: tuple[Path, Halves], b: tuple[Path, Halves], extractor: str, crop: int | None
) -> Expectation | None:
    """Of two photos or folders, each with what was extracted of it.

    None where nothing is known: RAW photos, ones smaller than a block, another extractor.
    """
    fit = fit_for(extractor)
    if fit is None:
        return None
    try:
        sides = [_correlations(fit, photo_files([path]), crop) for path, _ in (a, b)]
    except PhotoError:
        return None
    gain = _gain([(own, found.ncc) for own, (_, found) in zip(sides, (a, b), strict=True)])
    one, other = (amplified(own, gain or 1.0) for own in sides)
    expected, caution = expected_ncc(one, other), CAUTION if gain else CAUTION_UNCALIBRATED
    samples = a[1].fingerprint.values.size
    return Expectation(expected, gain is not None, ncc_false_match(caution * expected, samples))


def _gain(sides: Sequence[tuple[list[float], float | None]]) -> float | None:
    """Of the side with more photos, from how alike its halves are.

    None if both have but one, or if no camera is so strong or weak: then something else is alike.
    """
    own, alike = max(sides, key=lambda side: len(side[0]))
    return None if alike is None else told_gain(own[::2], own[1::2], alike)


def _correlations(fit: Fit, files: Sequence[Path], crop: int | None) -> list[float]:
    """Each photo's; of many, the first ones', repeated for the others. Of copies one counts."""
    read = distinct_photos(files[:_MOST_PHOTOS])
    photos = (photo.cropped(crop) if crop is not None else photo for photo in read)
    found = [float(fit.predicted(block_features(photo)).mean()) for photo in photos]
    more = max(0, len(files) - _MOST_PHOTOS)
    return [found[number % len(found)] for number in range(len(found) + more)]


def fit_for(extractor: str) -> Fit | None:
    """For that extractor as installed; None if there is none.

    Without the ISO metric: on virtual cameras even the true ISO tells next to nothing more
    (docs/EVALUATION.md). WeightsError for damaged coefficients.
    """
    source = get_extractor(extractor).source("developed")
    return read_predictor().fit_for(source, CLASSIC)
