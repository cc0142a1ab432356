"""Fits the correlation predictor on virtual cameras: photos → features and truth → coefficients."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.models.correlation_features import (
    CLASSIC,
    ISO,
    NOISE,
    BlockFeatures,
    block_features,
)
from grainseal.models.correlation_prediction import STEM, Array, Fit, Predictor, fitted
from grainseal.models.extractor import get_extractor
from grainseal.models.iso_map import PATCH, MetricMap, iso_metric
from grainseal.models.photo import Photo
from grainseal.models.reference.isonet import IsoNet
from grainseal.models.simulator.develop import Picture
from grainseal.models.simulator.iso_series import ISOS, IsoSeries, iso_series
from grainseal.models.training.correlation_shares import Seen, left_out, lowest_share
from grainseal.models.training.correlation_truth import Truth, measured

# Cameras that nothing else is trained or measured on.
TRAINED: Final = 45_000_000
VALIDATED: Final = 45_001_000
EXTRACTORS: Final = ("neural", "wavelet")
_EVENS: Final = 2
_EVEN_SIDE: Final = 256  # pixels: even photos are alike everywhere
_PARTS: Final = ("blocks", "whole", "pairs")  # of a Truth
CHOICES: Final = (CLASSIC, (*CLASSIC, NOISE), (*CLASSIC, ISO), (*CLASSIC, NOISE, ISO))


@dataclass(frozen=True)
class Plan:
    """How much is simulated: cameras, those for validation, their even photos, pixels a side."""

    cameras: int = 24
    validation_cameras: int = 6
    flats: int = 8  # two of them are judged by the others
    side: int = 512


@dataclass(frozen=True)
class CameraCase:
    """Photos of one camera with their truth by extractor, and their features."""

    photos: tuple[Photo, ...] = field(repr=False)
    features: tuple[BlockFeatures, ...] = field(repr=False)
    truths: dict[str, Truth] = field(repr=False)
    isos: tuple[int, ...]

    def source(self, extractor: str) -> str:
        """What fits for that extractor are found by."""
        return get_extractor(extractor).source("developed")


def scene_case(
    series: IsoSeries, estimator: IsoNet | None, extractors: Sequence[str]
) -> CameraCase:
    """A photo at each ISO, as the camera's JPEGs show them."""
    photos, even = _as_photos(series.saved_scenes()), _as_photos(series.saved_flats())
    truths = {name: measured(photos, even, get_extractor(name)) for name in extractors}
    return CameraCase(photos, features_of(photos, estimator), truths, series.isos)


def even_case(series: IsoSeries, estimator: IsoNet | None, extractors: Sequence[str]) -> CameraCase:
    """The centres of two even photos, judged by the other ones."""
    side = min(_EVEN_SIDE, series.flats[0].shape[0])
    even = [photo.cropped(side) for photo in _as_photos(series.saved_flats())]
    photos, others = tuple(even[:_EVENS]), even[_EVENS:]
    truths = {name: measured(photos, others, get_extractor(name)) for name in extractors}
    return CameraCase(photos, features_of(photos, estimator), truths, ISOS[:1] * _EVENS)


def features_of(photos: Sequence[Photo], estimator: IsoNet | None) -> tuple[BlockFeatures, ...]:
    """Of each photo; patches of the ISO metric lie side by side."""
    maps = [estimator.metric_map(each, PATCH) if estimator else None for each in photos]
    return tuple(block_features(*each) for each in zip(photos, maps, strict=True))


def with_true_iso(case: CameraCase) -> CameraCase:
    """The ISO metric of every patch is that of the ISO at which the photo was taken."""
    maps = [
        MetricMap(np.full([length // PATCH for length in photo.shape], metric, np.float32), PATCH)
        for photo, metric in zip(case.photos, iso_metric(np.array(case.isos)), strict=True)
    ]
    return replace(case, features=tuple(map(block_features, case.photos, maps)))


def fit_predictor(
    plan: Plan,
    estimator: IsoNet | None,
    folder: Path,
    command: str,
    commit: str,
    done: Callable[[], None],
) -> Predictor:
    """Without `estimator` no fit has the ISO metric; `done` is told of each camera.

    `folder` keeps what was measured of each camera: the same plan goes on after an interruption.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def cases(first: int, count: int) -> list[CameraCase]:
        found: list[CameraCase] = []
        for seed in range(first, first + count):
            found += _kept_cases(folder, seed, plan, estimator)
            done()
        return found

    training, validation = (
        cases(TRAINED, plan.cameras),
        cases(VALIDATED, plan.validation_cameras),
    )
    isonet = estimator.sha256 if estimator else ""
    fits = tuple(
        _fit(training, name, choice, isonet if ISO in choice else "")
        for name in EXTRACTORS
        for choice in CHOICES
        if estimator or ISO not in choice
    )
    scores = {
        f"{fit.source.split(':')[0]}: {', '.join(fit.features)}": round(_score(validation, fit), 4)
        for fit in fits
    }
    told, told_validation = ([with_true_iso(case) for case in cs] for cs in (training, validation))
    for name in EXTRACTORS:
        # How much an estimator of ISO could help at best.
        best = _fit(told, name, (*CLASSIC, ISO), "")
        scores[f"{name}: {', '.join(CLASSIC)}, true ISO"] = round(_score(told_validation, best), 4)
        found = left_out(*_to_leave_out(training, name))
        for how, shares in (
            ("", [each.plain for each in found]),
            (", the gain told by even photos", [each.gained for each in found]),
        ):
            lowest = lowest_share(shares)
            if lowest is not None:
                what = f"{name}: share of the predicted correlation that 95 % of scenes have{how}"
                scores[what] = round(lowest, 3)
    return Predictor(fits, asdict(plan), command, commit, scores)


def write_predictor(folder: Path, predictor: Predictor) -> Path:
    """Write it into `folder`, made if missing; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{STEM}.json"
    path.write_text(json.dumps(asdict(predictor), indent=1) + "\n", encoding="utf-8")
    return path


def _fit(cases: Sequence[CameraCase], name: str, choice: tuple[str, ...], isonet: str) -> Fit:
    return _fitted([_seen(case, name) for case in cases], name, choice, isonet)


def _fitted(seen: Sequence[Seen], name: str, choice: tuple[str, ...], isonet: str) -> Fit:
    features = np.concatenate([each.chosen(choice) for case in seen for each in case.features])
    truth = np.concatenate([case.truth.blocks.ravel() for case in seen])
    source = get_extractor(name).source("developed")
    return Fit(source, isonet, choice, tuple(map(float, fitted(features, truth))))


def _seen(case: CameraCase, name: str) -> Seen:
    return Seen(case.features, case.truths[name])


def _to_leave_out(
    cases: Sequence[CameraCase], name: str
) -> tuple[list[tuple[Seen, Seen]], Callable[[Sequence[Seen]], Fit]]:
    """Cameras' scenes and even photos, and what fits the rest as `compare` predicts."""
    seen = [_seen(case, name) for case in cases]
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    return pairs, lambda rest: _fitted(rest, name, CLASSIC, "")


_MADE: Final = {"scenes": scene_case, "evens": even_case}


def _kept_cases(
    folder: Path, seed: int, plan: Plan, estimator: IsoNet | None
) -> Iterator[CameraCase]:
    """Scenes and even photos of one camera, from the folder or made and written there."""
    paths = [folder / f"{seed}-{plan.side}-{plan.flats}-{what}.npz" for what in _MADE]
    if not all(path.exists() for path in paths):
        series = iso_series(seed, plan.side, plan.flats)
        for path, make in zip(paths, _MADE.values(), strict=True):
            save_case(path, make(series, None, EXTRACTORS))
    for path in paths:
        with np.load(path) as kept:
            photos = _as_photos(list(kept["photos"]))
            truths = {
                name: Truth(*(kept[f"{name} {part}"] for part in _PARTS)) for name in EXTRACTORS
            }
            isos = tuple(int(each) for each in kept["isos"])
        yield CameraCase(photos, features_of(photos, estimator), truths, isos)


def save_case(path: Path, case: CameraCase) -> None:
    """Photos and truth, whole or not at all."""
    arrays = {
        f"{name} {part}": getattr(truth, part)
        for name, truth in case.truths.items()
        for part in _PARTS
    }
    photos = np.stack([each.pixels for each in case.photos])
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, photos=photos, isos=np.array(case.isos), **arrays)
    unfinished.replace(path)


def _score(cases: Sequence[CameraCase], fit: Fit) -> float:
    """Correlation of predicted and true ones over all blocks."""
    name = fit.source.split(":")[0]
    found: list[Array] = [fit.predicted(each).ravel() for case in cases for each in case.features]
    truth = [case.truths[name].blocks.ravel() for case in cases]
    return float(np.corrcoef(np.concatenate(found), np.concatenate(truth))[0, 1])


def _as_photos(pictures: Sequence[Picture]) -> tuple[Photo, ...]:
    return tuple(Photo(each, "developed", "simulated", "") for each in pictures)
