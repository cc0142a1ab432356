"""Score every probe against every reference, and say how well the scores tell cameras apart.

What is compared is made in `evaluation_samples` and scored by `evaluation_methods`; the rates are
computed in `models.evaluation`, their intervals in `models.bootstrap`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from grainseal.models import bootstrap, evaluation
from grainseal.models.bootstrap import Interval
from grainseal.models.evaluation import Comparisons, ErrorCurve, Ranking

from .evaluation_methods import Method, method_named
from .evaluation_plan import FEW_CAMERAS, Plan
from .evaluation_samples import Extraction, Progress, Settings, Unit
from .plane_store import PlaneStore

_PROBES, _REFERENCES = 0, 1  # the bootstrap's pools


@dataclass(frozen=True)
class Evaluation:
    """Everything measured. `units` are references, then probes; `pairs` has indices into them.

    When photos were paired among themselves, each is one unit and both.
    """

    plan: Plan
    settings: Settings
    units: tuple[Unit, ...]
    pairs: Comparisons = field(repr=False)
    curve: ErrorCurve | None = field(repr=False)
    auc_interval: Interval | None
    eer_interval: Interval | None
    references: int
    probes: int
    photos_left_out: int
    pairs_of_unlike_frames: int
    pairs_with_a_common_photo: int
    seconds_per_photo: float
    notes: tuple[str, ...]

    @property
    def genuine_scores(self) -> npt.NDArray[np.float64]:
        """Scores of the pairs that one camera took, float64."""
        return self.pairs.scores[self.pairs.genuine]

    @property
    def impostor_scores(self) -> npt.NDArray[np.float64]:
        """Scores of the pairs that two cameras took, float64."""
        return self.pairs.scores[~self.pairs.genuine]


def evaluate(plan: Plan, settings: Settings, progress: Progress) -> Evaluation:
    """Make the templates, score the pairs, estimate the error rates.

    `ClientError` when no photo can be used, or extractor or matcher cannot.
    """
    with PlaneStore() as store:
        method = method_named(settings.matcher, settings.extractor, settings.crop, store)
        work = Extraction(plan, settings, method, progress)
        references, probes = work.run()
        progress("Comparing", 0, 1)
        scoring = _Scoring(references, probes, plan.paired_among_themselves)
        pairs = scoring.score(method)
    curve = Ranking(pairs.scores, pairs.genuine).curve()
    progress("Resampling cameras", 0, 1)
    auc_interval, eer_interval = (
        bootstrap.intervals(pairs, (evaluation.auc, evaluation.eer)) if curve else (None, None)
    )
    return Evaluation(
        plan=plan,
        settings=settings,
        units=scoring.units,
        pairs=pairs,
        curve=curve,
        auc_interval=auc_interval,
        eer_interval=eer_interval,
        references=len(references),
        probes=len(probes),
        photos_left_out=len(work.left_out),
        pairs_of_unlike_frames=scoring.unlike,
        pairs_with_a_common_photo=scoring.common,
        seconds_per_photo=work.seconds / max(1, work.photos),
        notes=(*plan.notes, *work.left_out.values(), *scoring.notes(), *_caveats(pairs, curve)),
    )


class _Scoring:
    """Numbers units and cameras, and scores every pair that may be compared."""

    def __init__(self, references: list[Unit], probes: list[Unit], symmetric: bool) -> None:
        self._symmetric = symmetric
        self._references, self._probes = references, probes
        self.unlike = self.common = 0
        if symmetric:  # a photo is one unit, also where its probe is a changed copy
            self.units = tuple({each.sample: each for each in (*references, *probes)}.values())
        else:
            self.units = (*references, *probes)
        names = sorted({each.sample.camera for each in self.units})
        self._cameras = np.array([names.index(each.sample.camera) for each in self.units])

    def score(self, method: Method) -> Comparisons:
        """Score of all pairs of one kind and size that have no photo in common."""
        reference_ids, probe_ids = self._numbers()
        scores: list[npt.NDArray[np.float64]] = []
        pairs: list[npt.NDArray[np.intp]] = []
        wanted = self._wanted(reference_ids, probe_ids)
        for frame in sorted({(each.kind, each.shape) for each in self._probes}):
            rows, columns = (
                [i for i, each in enumerate(units) if (each.kind, each.shape) == frame]
                for units in (self._references, self._probes)
            )
            found = method.scores(
                [self._references[i].kept for i in rows],
                [self._probes[i].kept for i in columns],
                frame[1][0] * frame[1][1],
            )
            chosen = np.argwhere(wanted[np.ix_(rows, columns)])
            scores.append(found[chosen[:, 0], chosen[:, 1]])
            ends = (reference_ids[rows][chosen[:, 0]], probe_ids[columns][chosen[:, 1]])
            pairs.append(np.stack(ends, axis=1))
        all_pairs = np.concatenate(pairs)
        self.unlike = int(wanted.sum()) - len(all_pairs)
        return Comparisons(
            scores=np.concatenate(scores),
            references=all_pairs[:, 0],
            probes=all_pairs[:, 1],
            cameras=self._cameras,
            pools=self._pools(),
            symmetric=self._symmetric,
        )

    def notes(self) -> Iterator[str]:
        """Which pairs were not compared, and what to do about it."""
        if self.unlike:
            yield (
                f"{self.unlike} pairs not compared: their photos differ in size or kind "
                "(--crop N takes the centre of all)"
            )
        if self.common:
            yield f"{self.common} pairs not compared: the same photo is on both sides"
        frames: dict[str, set[tuple[int, int]]] = {}
        for unit in self.units:
            frames.setdefault(unit.sample.camera, set()).update(unit.frames)
        for camera, found in frames.items():
            if len(found) > 1:
                sizes = ", ".join(f"{width}x{height}" for height, width in sorted(found))
                yield f"{camera}: photos of several sizes ({sizes}); only unedited ones can match"

    def _numbers(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Which unit each reference and each probe is."""
        if not self._symmetric:
            count = len(self._references)
            return np.arange(count), np.arange(count, len(self.units))
        number = {unit.sample: i for i, unit in enumerate(self.units)}
        references, probes = (
            np.array([number[each.sample] for each in units])
            for units in (self._references, self._probes)
        )
        return references, probes

    def _wanted(
        self, references: npt.NDArray[np.intp], probes: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_]:
        """Pairs that are meant to be compared, (references, probes); a photo never with itself."""
        wanted = np.ones((len(references), len(probes)), bool)
        if self._symmetric:
            wanted = references[:, None] < probes[None, :]
        having: dict[str, list[int]] = {}
        for row, unit in enumerate(self._references):
            for digest in unit.digests:
                having.setdefault(digest, []).append(row)
        shared = np.zeros_like(wanted)
        for column, unit in enumerate(self._probes):
            for digest in unit.digests:
                shared[having.get(digest, []), column] = True
        self.common = int(np.sum(wanted & shared))
        return wanted & ~shared

    def _pools(self) -> npt.NDArray[np.intp]:
        pools = np.full(len(self.units), _PROBES)
        if not self._symmetric:
            pools[: len(self._references)] = _REFERENCES
        return pools


def _caveats(pairs: Comparisons, curve: ErrorCurve | None) -> Iterator[str]:
    """What the rates cannot say."""
    genuine = int(pairs.genuine.sum())
    if genuine == 0:
        yield (
            "no genuine pairs, so no error rates: name a camera's folder alike in --references "
            "and --probes, with at least two photos"
        )
    if genuine == pairs.scores.size:
        yield "no impostor pairs, so no error rates: add photos of another camera"
    if curve is not None and evaluation.eer(curve) == 0:
        yield (
            f"no error was seen, so the intervals are points: with {genuine} genuine pairs, rates "
            f"up to {min(1.0, 3 / genuine):.0%} often go unseen"
        )
    cameras = len(np.unique(pairs.cameras))
    if curve is not None and cameras < FEW_CAMERAS:
        yield (
            f"only {cameras} cameras: the intervals are wide and say little about other cameras "
            f"(use {FEW_CAMERAS} or more)"
        )
