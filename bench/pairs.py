"""Error rates of scored pairs, and their intervals by bootstrap over what the pairs share.

Pairs of photos are not independent: whole photos, or whole cameras, are drawn again. Two extractors
are scored on the same draws, so the interval of their difference is a paired one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Statistic = Callable[[Scores, npt.NDArray[np.bool_], Scores], float]

REPEATS: Final = 1000


@dataclass(frozen=True)
class Pairs:
    """Scores of the same pairs by several extractors.

    `genuine` says which pairs are of one camera; `first` and `second` number what is drawn again on
    either side, and a number on both sides of a pair counts once.
    """

    scores: dict[str, Scores]
    genuine: npt.NDArray[np.bool_]
    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc(scores: Scores, genuine: npt.NDArray[np.bool_], weights: Scores) -> float:
    """Chance that a genuine pair scores above an impostor pair; ties count half."""
    order = np.argsort(scores, kind="stable")
    values, inverse = np.unique(scores[order], return_inverse=True)
    own = np.bincount(inverse, (weights * genuine)[order], len(values))
    others = np.bincount(inverse, (weights * ~genuine)[order], len(values))
    below = np.cumsum(others) - others / 2
    total = own.sum() * others.sum()
    return float((own * below).sum() / total) if total > 0 else float("nan")


def eer(scores: Scores, genuine: npt.NDArray[np.bool_], weights: Scores) -> float:
    """Error rate at the threshold where as many genuine pairs fail as impostor pairs pass."""
    order = np.argsort(scores, kind="stable")
    own = np.concatenate(([0.0], np.cumsum((weights * genuine)[order])))
    others = np.concatenate(([0.0], np.cumsum((weights * ~genuine)[order])))
    if own[-1] <= 0 or others[-1] <= 0:
        return float("nan")
    missed, passed = own / own[-1], 1 - others / others[-1]
    best = int(np.argmin(np.abs(missed - passed)))
    return float((missed[best] + passed[best]) / 2)


def separation(scores: Scores, genuine: npt.NDArray[np.bool_], weights: Scores) -> float:
    """Median genuine score in standard deviations of the impostors'."""
    own = np.repeat(scores[genuine], weights[genuine].astype(int))
    others = np.repeat(scores[~genuine], weights[~genuine].astype(int))
    if own.size == 0 or others.size < 2 or others.std() == 0:
        return float("nan")
    return float(np.median(own) / others.std())


def estimated(pairs: Pairs, name: str, statistic: Statistic) -> Estimate:
    """The statistic of one extractor."""
    ones = np.ones(len(pairs.genuine))
    drawn = [statistic(pairs.scores[name], pairs.genuine, w) for w in _draws(pairs)]
    return Estimate(statistic(pairs.scores[name], pairs.genuine, ones), *_interval(drawn))


def difference(pairs: Pairs, name: str, than: str, statistic: Statistic) -> Estimate:
    """How much larger the statistic of `name` is than that of `than`, on the same draws."""

    def both(weights: Scores) -> float:
        ours, theirs = (statistic(pairs.scores[n], pairs.genuine, weights) for n in (name, than))
        return ours - theirs

    drawn = [both(weights) for weights in _draws(pairs)]
    return Estimate(both(np.ones(len(pairs.genuine))), *_interval(drawn))


def _draws(pairs: Pairs) -> list[Scores]:
    rng = np.random.default_rng(0)
    count = int(max(pairs.first.max(), pairs.second.max())) + 1
    drawn = (np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(REPEATS))
    same = pairs.first == pairs.second
    return [np.where(same, n[pairs.first], n[pairs.first] * n[pairs.second]) + 0.0 for n in drawn]


def _interval(values: list[float]) -> tuple[float, float]:
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)
