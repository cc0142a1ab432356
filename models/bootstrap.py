"""Confidence intervals by resampling cameras, then each camera's photos.

Pairs that share a camera or a photo are not independent, so counting them as if they were would
give intervals far too narrow. The two-level bootstrap (cameras are drawn with replacement, then
within every drawn camera its references and its probes) keeps what is shared together; Poh, Martin
and Bengio (IEEE TPAMI 29(3), 2007) show it for persons. A camera drawn twice counts as two: pairs
within each are genuine, and its pairs with itself are neither genuine nor an impostor's, so they
are left out. A photo that is drawn twice is never paired with itself.

What comes out is the percentile interval. It knows only the cameras that it was given: with few it
is wide and still too narrow, and where no error was seen it shrinks to a point.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from grainseal.models.evaluation import (
    Comparisons,
    ErrorCurve,
    Flags,
    Indices,
    Ranking,
    Weights,
)

SEED: Final = 19795
REPLICATES: Final = 1000
# Fewer of them where pairs are so many that chance in the interval's ends no longer matters.
LEAST_REPLICATES: Final = 200
_WORK: Final = 10**9  # pairs times replicates
CONFIDENCE: Final = 0.95

Statistic = Callable[[ErrorCurve], float]


@dataclass(frozen=True)
class Interval:
    """Percentile interval of CONFIDENCE; `replicates` is how many had pairs of both sorts."""

    low: float
    high: float
    replicates: int


class Bootstrap(Protocol):
    """A way to draw again what the pairs were made of."""

    def weights(self, rng: np.random.Generator) -> Weights:
        """How often each pair is in one replicate, float64 (N,)."""


class UnitBootstrap:
    """Draws units whatever their camera, each pool by itself.

    It says what other photos of these very cameras would give, and nothing of other cameras: for
    sets of so few that drawing cameras would leave none to tell apart.
    """

    def __init__(self, pairs: Comparisons) -> None:
        self._pairs = pairs
        self._pools = [np.flatnonzero(pairs.pools == pool) for pool in np.unique(pairs.pools)]

    def weights(self, rng: np.random.Generator) -> Weights:
        """How often each pair is in one replicate, float64 (N,)."""
        totals = np.zeros(self._pairs.cameras.size)
        for units in self._pools:
            totals[units] = _draws(rng, units.size, 1)[0]
        weights: Weights = totals[self._pairs.references] * totals[self._pairs.probes]
        return weights


class CameraBootstrap:
    """Draws weights for the pairs of one set of comparisons."""

    def __init__(self, pairs: Comparisons) -> None:
        self._pairs = pairs
        self._cameras = np.unique(pairs.cameras)
        self._pools = [_pools_of(pairs, camera) for camera in self._cameras]
        genuine = np.flatnonzero(pairs.genuine)
        owners = pairs.cameras[pairs.probes[genuine]]
        self._genuine = [genuine[owners == camera] for camera in self._cameras]

    def weights(self, rng: np.random.Generator) -> Weights:
        """How often each pair is in one replicate, float64 (N,)."""
        count = self._cameras.size
        totals = np.zeros(self._pairs.cameras.size)
        repeated = []
        for camera, copies in enumerate(rng.multinomial(count, np.full(count, 1 / count))):
            drawn = np.zeros((copies, totals.size)) if copies > 1 else None
            for units in self._pools[camera]:
                draws = _draws(rng, units.size, int(copies))
                totals[units] = draws.sum(axis=0)
                if drawn is not None:
                    drawn[:, units] = draws
            if drawn is not None:
                repeated.append((self._genuine[camera], drawn))
        weights: Weights = totals[self._pairs.references] * totals[self._pairs.probes]
        for own, drawn in repeated:  # a copy's references meet only its own probes
            references, probes = self._pairs.references[own], self._pairs.probes[own]
            weights[own] = np.sum(drawn[:, references] * drawn[:, probes], axis=0)
        return weights


def replicates(
    pairs: Comparisons,
    statistics: tuple[Statistic, ...],
    seed: int = SEED,
    count: int | None = None,
    resampled_by: Callable[[Comparisons], Bootstrap] = CameraBootstrap,
) -> npt.NDArray[np.float64]:
    """The statistics of each replicate, float64 (replicates, statistics); nan where undefined.

    `count`: how many, by default REPLICATES or what a large number of pairs leaves time for.
    `resampled_by`: CameraBootstrap or UnitBootstrap.
    The draws depend on the units and the seed alone: two extractors that scored the same pairs get
    the same draws, so the difference of their arrays is a paired bootstrap.
    """
    ranking = Ranking(pairs.scores, pairs.genuine)
    drawn = _all_weights(pairs, resampled_by(pairs), seed, count)
    values = [
        [np.nan if curve is None else statistic(curve) for statistic in statistics]
        for curve in (ranking.curve(weights) for weights in drawn)
    ]
    return np.array(values, np.float64).reshape(-1, len(statistics))


def intervals(
    pairs: Comparisons,
    statistics: tuple[Statistic, ...],
    seed: int = SEED,
    count: int | None = None,
) -> tuple[Interval | None, ...]:
    """The interval of each statistic; None where no replicate has pairs of both sorts."""
    values = replicates(pairs, statistics, seed, count)
    return tuple(percentiles(column) for column in values.T)


def percentiles(values: npt.NDArray[np.float64]) -> Interval | None:
    """The interval that holds CONFIDENCE of a statistic's replicates (R,); nan ones are left out.

    None where nothing is left.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Interval(float(low), float(high), finite.size)


def share_interval_over_cameras(
    hits: Flags, cameras: Indices, seed: int = SEED, count: int = REPLICATES
) -> Interval | None:
    """Of the share of hits (N,), `cameras` (N,) numbering whose they are; None without any.

    Cameras are drawn with replacement, each with all that is its own; what they were told apart
    from stays as it was.
    """
    if hits.size == 0:
        return None
    _, owners = np.unique(cameras, return_inverse=True)
    right, all_own = np.bincount(owners, hits), np.bincount(owners)
    drawn = np.random.default_rng(seed).integers(len(right), size=(count, len(right)))
    return percentiles(right[drawn].sum(axis=1) / all_own[drawn].sum(axis=1))


def _all_weights(
    pairs: Comparisons, bootstrap: Bootstrap, seed: int, count: int | None
) -> Iterator[Weights]:
    rng = np.random.default_rng(seed)
    affordable = _WORK // max(1, pairs.scores.size)
    default = max(LEAST_REPLICATES, min(REPLICATES, affordable))
    for _ in range(default if count is None else count):
        yield bootstrap.weights(rng)


def _pools_of(pairs: Comparisons, camera: int) -> list[Indices]:
    own = pairs.cameras == camera
    return [np.flatnonzero(own & (pairs.pools == pool)) for pool in np.unique(pairs.pools[own])]


def _draws(rng: np.random.Generator, units: int, copies: int) -> npt.NDArray[np.int64]:
    """How often each of `units` is drawn by each of `copies`, (copies, units)."""
    return rng.multinomial(units, np.full(units, 1 / units), size=copies)


def share_interval(hits: int, trials: int) -> tuple[float, float]:
    """Exact interval of a share of independent trials (Clopper, Pearson, Biometrika 26, 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = beta.ppf(tail, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, trials - hits) if hits < trials else 1.0
    return float(low), float(high)
