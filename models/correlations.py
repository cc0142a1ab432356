"""The scores that are correlations, by name: what is estimated of photos, and what is correlated.

score = NCC(reference(estimate of some photos), probe(estimate of others))
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator, MakeEstimator
from grainseal.models.matching import prepared
from grainseal.models.reference.espn import enhanced
from grainseal.models.reference.photonecf_selection import BrightestEstimator, signs
from grainseal.models.reference.rspn import AveragingEstimator

Plane = npt.NDArray[np.float32]
Preparation = Callable[[Fingerprint], Plane]


@dataclass(frozen=True)
class Correlation:
    """`estimator` makes one estimate of one side's photos; the rest is what it is prepared by.

    `probe_estimator`: the probe side's, where it is another. `sided`: a photo is estimated or
    prepared in another way as a probe than as a reference.
    """

    estimator: MakeEstimator
    reference: Preparation
    probe: Preparation
    probe_estimator: MakeEstimator | None = None

    @property
    def sided(self) -> bool:
        """Whether reference and probe cannot change places."""
        return self.reference is not self.probe or self.probe_estimator is not None

    def estimator_of(self, probe: bool) -> MakeEstimator:
        """That of one side."""
        return self.probe_estimator if probe and self.probe_estimator else self.estimator


def _plain(fingerprint: Fingerprint) -> Plane:
    return fingerprint.values


def _enhanced(fingerprint: Fingerprint) -> Plane:
    return enhanced(fingerprint.values)


def _signs(fingerprint: Fingerprint) -> Plane:
    return signs(fingerprint.values)


_weighted: Final = partial(prepared, matcher="weighted")

CORRELATIONS: Final = {
    "ncc": Correlation(FingerprintEstimator, _plain, _plain),
    "weighted": Correlation(FingerprintEstimator, _weighted, _weighted),
    "rspn": Correlation(AveragingEstimator, _plain, _plain),
    "espn": Correlation(AveragingEstimator, _plain, _enhanced),
    "signs": Correlation(FingerprintEstimator, _signs, _signs),
    "bright": Correlation(FingerprintEstimator, _plain, _plain, BrightestEstimator),
    "bright-weighted": Correlation(
        FingerprintEstimator, _plain, _plain, partial(BrightestEstimator, weighted=True)
    ),
}
