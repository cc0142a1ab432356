"""Error rates of comparison scores, in the terms of ISO/IEC 19795-1.

A pair is genuine (mated) when one camera took both sides, else an impostor (non-mated). At a
threshold t a pair matches when its score is at least t:

    FMR(t)  = share of impostor pairs that match,
    FNMR(t) = share of genuine pairs that do not.

Both are step functions; between their corners the curves here run straight, which gives equal
scores half a win in the AUC (the Mann-Whitney statistic) and makes the EER the crossing of two
straight pieces. It is not the EER of the ROC's convex hull, which is never higher and needs a
decision at random. Pairs may have weights, for resampling (`bootstrap`).
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.special

Scores = npt.NDArray[np.float64]
Rates = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

# FMRs at which the FNMR is asked for.
FMR_TARGETS: Final = (1e-2, 1e-3, 1e-4)
# A share of pairs that sums to a target but for rounding has reached it.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class Comparisons:
    """Scored pairs of units; a unit is what was drawn from a camera: a reference or a probe.

    `scores` float64 (N,), higher is more alike; `references` and `probes` (N,) are indices of
    units; `cameras` (U,) numbers each unit's camera. `pools` (U,): units of one camera and one pool
    are drawn together when resampling, references from one pool and probes from another.
    `symmetric`: photos were paired among themselves, each pair once, so either end is a probe.
    """

    scores: Scores = field(repr=False)
    references: Indices = field(repr=False)
    probes: Indices = field(repr=False)
    cameras: Indices = field(repr=False)
    pools: Indices = field(repr=False)
    symmetric: bool = False

    @property
    def genuine(self) -> Flags:
        """Whether one camera took both sides, (N,)."""
        same: Flags = self.cameras[self.references] == self.cameras[self.probes]
        return same


@dataclass(frozen=True)
class ErrorCurve:
    """FMR and FNMR at falling thresholds: from (0, 1) above every score to (1, 0) at the lowest."""

    thresholds: Scores = field(repr=False)
    fmr: Rates = field(repr=False)
    fnmr: Rates = field(repr=False)


class Ranking:
    """Pairs in the order of their scores, sorted once for any number of weightings."""

    def __init__(self, scores: Scores, genuine: Flags) -> None:
        """`scores` float64 (N,), `genuine` bool (N,)."""
        self._order = np.argsort(-scores, kind="stable")
        self._genuine = genuine[self._order]
        ranked = scores[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: ranked.size])
        self._thresholds = np.concatenate(([np.inf], ranked[self._ends]))

    def curve(self, weights: Weights | None = None) -> ErrorCurve | None:
        """The curve of weighted pairs, by default each once; None without pairs of both sorts."""
        ranked = np.ones(self._order.size) if weights is None else weights[self._order]
        impostor = self._sums(np.where(self._genuine, 0.0, ranked))
        genuine = self._sums(np.where(self._genuine, ranked, 0.0))
        if impostor[-1] <= 0 or genuine[-1] <= 0:
            return None
        return ErrorCurve(
            self._thresholds, impostor / impostor[-1], (genuine[-1] - genuine) / genuine[-1]
        )

    def _sums(self, ranked: Weights) -> Weights:
        """0, then the sums of all weights down to each distinct score."""
        return np.concatenate(([0.0], np.cumsum(ranked)[self._ends]))


def auc(curve: ErrorCurve) -> float:
    """Area under the ROC: the probability that a genuine pair beats an impostor's, ties half."""
    matched = 1 - curve.fnmr
    area = float(np.sum(np.diff(curve.fmr) * (matched[1:] + matched[:-1]) / 2))
    return min(area, 1.0)  # which rounding may exceed by its last digit


def eer(curve: ErrorCurve) -> float:
    """Rate at which FMR and FNMR are equal, interpolated between the thresholds around it."""
    excess = curve.fmr - curve.fnmr  # rises from -1 to 1
    after = int(np.searchsorted(excess, 0.0))
    before = after - 1
    share = -excess[before] / (excess[after] - excess[before])
    return float(curve.fmr[before] + share * (curve.fmr[after] - curve.fmr[before]))


def fnmr_at(curve: ErrorCurve, fmr: float) -> float:
    """FNMR at the lowest threshold whose FMR is at most `fmr`; nothing is interpolated."""
    last = int(np.searchsorted(curve.fmr, fmr * (1 + _ROUNDING), side="right")) - 1
    return float(curve.fnmr[last])


def fnmr_at_targets(curve: ErrorCurve, impostor_pairs: int) -> tuple[float | None, ...]:
    """FNMR at each of FMR_TARGETS; None where one false match among the pairs is more than that."""
    return tuple(
        fnmr_at(curve, target) if impostor_pairs * target >= 1 - _ROUNDING else None
        for target in FMR_TARGETS
    )


def rank1(pairs: Comparisons) -> float | None:
    """Share of probes whose best score is with their own camera; a tie with another is a miss.

    Closed set: only probes that were compared with their own camera and with another one count.
    None when there are none.
    """
    hits, _ = identified(pairs)
    return float(np.mean(hits)) if hits.size else None


def identified(pairs: Comparisons) -> tuple[Flags, Indices]:
    """Of each probe that counts for `rank1`: whether it is no miss, and its camera's number."""
    genuine = pairs.genuine
    own, others = (
        _best(pairs, genuine if mine else ~genuine, len(pairs.cameras)) for mine in (True, False)
    )
    counted = np.isfinite(own) & np.isfinite(others)
    return own[counted] > others[counted], pairs.cameras[counted]


def among(scores: Scores, cameras: Indices) -> Comparisons:
    """Every photo with every later one: `scores` (U, U) of photos of the `cameras` (U,)."""
    first, second = np.triu_indices(len(cameras), 1)
    pools = np.zeros(len(cameras), np.intp)
    return Comparisons(scores[first, second], first, second, cameras, pools, symmetric=True)


def across(scores: Scores, references: Indices, probes: Indices) -> Comparisons:
    """Every reference with every probe: `scores` (R, P) of units of these cameras."""
    rows, columns = np.indices(scores.shape).reshape(2, -1)
    pools = np.repeat([1, 0], [len(references), len(probes)])
    cameras = np.concatenate((references, probes))
    return Comparisons(scores[rows, columns], rows, columns + len(references), cameras, pools)


def normal_deviates(rates: Rates) -> Rates:
    """Where rates in [0, 1] lie on the axes of a DET plot: the normal distribution's quantiles."""
    deviates: Rates = scipy.special.ndtri(rates)
    return deviates


def _best(pairs: Comparisons, chosen: Flags, units: int) -> Scores:
    """Highest chosen score of each unit as a probe, -inf without one."""
    best = np.full(units, -np.inf)
    np.maximum.at(best, pairs.probes[chosen], pairs.scores[chosen])
    if pairs.symmetric:
        np.maximum.at(best, pairs.references[chosen], pairs.scores[chosen])
    return best
