"""How near published photos bring an attacker to a camera's authentication code.

An attacker has everything but the camera: its published photos, the vault's keys and the code's
positions. So the code key cancels out of every score, the inner product of two codes,

    S = sum over the enrolled positions of (enrolled sign) * (offered sign),   z = S / sqrt(N),

which is close to N(0, 1) for unrelated cameras. An attacker who knows several ways offers them one
after the other; the highest score counts, for the impostors' scores too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from grainseal.models import bootstrap
from grainseal.models.bootstrap import CONFIDENCE, REPLICATES, SEED, Interval
from grainseal.models.evaluation import Comparisons, Ranking, auc
from grainseal.models.leakage_camera import CameraTrial, Enrolled, Source

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LeakagePoint:
    """All scores z of one code, source and number of photos.

    `by_way[way][i, j]`: what came from camera j, offered for the code of camera i, float64.
    """

    code: str
    source: Source
    photos: int
    by_way: dict[str, Scores] = field(repr=False)

    @property
    def best(self) -> Scores:
        """The highest score of all ways, float64 (cameras, cameras)."""
        highest: Scores = np.max(list(self.by_way.values()), axis=0)
        return highest

    @property
    def genuine(self) -> Scores:
        """z of what came from the enrolled camera itself, float64 (cameras,)."""
        return np.diag(self.best).copy()

    @property
    def impostor(self) -> Scores:
        """z of what came from another camera, float64 (cameras * (cameras - 1),)."""
        return self.best[~np.eye(len(self.best), dtype=bool)]


def points_of(trials: Sequence[CameraTrial]) -> list[LeakagePoint]:
    """Everybody's offer for everybody's code; ValueError for fewer than two cameras."""
    if len(trials) < 2:
        raise ValueError("two cameras at least: a single one has no impostors")
    return [
        LeakagePoint(
            probe.code,
            probe.source,
            probe.photos,
            {way: _all_scores(trials, at, way) for way in probe.ways},
        )
        for at, probe in enumerate(trials[0].probes)
    ]


def score(enrolled: Enrolled, offered: npt.NDArray[np.int8]) -> float:
    """z of the signs of all features, int8 (M,), for an enrolled code."""
    agreement = np.vdot(enrolled.signs.astype(np.int32), offered[enrolled.positions])
    return float(agreement) / float(np.sqrt(enrolled.signs.size))


def area(point: LeakagePoint) -> tuple[float, Interval]:
    """AUC: the chance that the camera's own photos score above another's; its 95 % interval.

    The interval is from a bootstrap over cameras, a point where no score was out of place.
    """
    count = len(point.best)
    rows, columns = (each.ravel() for each in np.indices((count, count)))
    pairs = Comparisons(
        scores=point.best.ravel(),
        references=rows,
        probes=count + columns,
        cameras=np.tile(np.arange(count), 2),
        pools=np.repeat([1, 0], count),
    )
    curve = Ranking(pairs.scores, pairs.genuine).curve()
    (interval,) = bootstrap.intervals(pairs, (auc,))
    if curve is None or interval is None:
        raise ValueError("two cameras at least: a single one has no impostors")
    return auc(curve), interval


def median_interval(scores: Scores) -> Interval:
    """95 % percentile interval of the median of float64 (cameras,), cameras drawn anew."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(scores, (REPLICATES, scores.size))
    low, high = np.quantile(np.median(drawn, axis=1), _tails())
    return Interval(float(low), float(high), REPLICATES)


def _tails() -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    return tail, 1 - tail


def _all_scores(trials: Sequence[CameraTrial], at: int, way: str) -> Scores:
    offers = [trial.probes[at] for trial in trials]
    return np.array(
        [[score(trial.enrolled[o.code], o.ways[way]) for o in offers] for trial in trials]
    )
