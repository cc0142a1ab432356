"""What the scores of pairs come to, for several extractors on the same pairs.

Rates are those of models/evaluation.py; extractors share the draws of models/bootstrap.py, so the
interval of a difference is a paired one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.bootstrap import (
    Bootstrap,
    CameraBootstrap,
    Interval,
    Statistic,
    percentiles,
    replicates,
)
from grainseal.models.evaluation import Comparisons, ErrorCurve, Ranking, Scores, auc, eer

AUC, EER, SEPARATION = "AUC", "EER", "median / sd"
_HALF: Final = 0.5
_ROUNDING: Final = 1e-9


def separation(curve: ErrorCurve) -> float:
    """Median genuine score in standard deviations of the impostors'; nan if these are all alike."""
    scores, matched = curve.thresholds[1:], 1 - curve.fnmr[1:]
    upper = scores[np.argmax(matched >= _HALF - _ROUNDING)]
    lower = scores[np.argmax(matched > _HALF + _ROUNDING)]
    shares = np.diff(curve.fmr)
    mean = np.sum(shares * scores)
    deviation = float(np.sqrt(np.sum(shares * (scores - mean) ** 2)))
    return float(upper + lower) / 2 / deviation if deviation > 0 else float("nan")


STATISTICS: Final[dict[str, Statistic]] = {AUC: auc, EER: eer, SEPARATION: separation}


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; None where no draw had both sorts of pairs."""

    value: float
    interval: Interval | None

    def __format__(self, digits: str) -> str:
        digits = digits or ".3f"
        low, high = (self.interval.low, self.interval.high) if self.interval else (np.nan, np.nan)
        return f"{self.value:{digits}} [{low:{digits}}, {high:{digits}}]"


@dataclass(frozen=True)
class Figures:
    """STATISTICS of one extractor, or of one less another: `values` (S,) and `drawn` (R, S)."""

    values: npt.NDArray[np.float64]
    drawn: npt.NDArray[np.float64] = field(repr=False)

    def __sub__(self, other: "Figures") -> "Figures":
        return Figures(self.values - other.values, self.drawn - other.drawn)

    def __getitem__(self, name: str) -> Estimate:
        place = list(STATISTICS).index(name)
        return Estimate(float(self.values[place]), percentiles(self.drawn[:, place]))


def figures(
    pairs: Comparisons, resampled_by: Callable[[Comparisons], Bootstrap] = CameraBootstrap
) -> Figures:
    """All STATISTICS of pairs that have some of both sorts, else ValueError."""
    curve = Ranking(pairs.scores, pairs.genuine).curve()
    if curve is None:
        raise ValueError("error rates need genuine and impostor pairs")
    chosen = tuple(STATISTICS.values())
    drawn = replicates(pairs, chosen, resampled_by=resampled_by)
    return Figures(np.array([statistic(curve) for statistic in chosen]), drawn)


def standard_errors(scores: Scores) -> float:
    """How far the mean of impostors' scores is from 0.

    Pairs count as independent although they share photos: if cameras are, NCCs with a common photo
    are uncorrelated.
    """
    return float(scores.mean() / scores.std(ddof=1) * np.sqrt(scores.size))
