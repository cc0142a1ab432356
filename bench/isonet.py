"""What a photo says of itself, on virtual cameras that nothing was trained or fitted on.

The estimated ISO, the predicted correlation with the camera, splices, and whether `neural` would do
better with a noise level of the ISO. Each camera has a photo at every ISO, so whoever always says
ISO 400 is 1.2 stops off. Intervals are of 1,000 draws of cameras.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.accuracy import photos_folder
from bench.figures import Estimate
from bench.isonet_levels import ESTIMATED, MEASURED, TRUE, WAYS, correlations, level_table, shipped
from bench.isonet_splices import KINDS, QUALITIES, UNTOUCHED, Judged, judged, real_alarms
from bench.table import Row
from grainseal.client.expectation import CAUTION, CAUTION_UNCALIBRATED
from grainseal.models.bootstrap import REPLICATES, SEED, percentiles
from grainseal.models.correlation_features import CLASSIC, ISO, NOISE
from grainseal.models.correlation_prediction import Predictor, camera_gain, read_predictor
from grainseal.models.iso_map import PATCH, iso_metric
from grainseal.models.manifest import WeightsError
from grainseal.models.photo import Photo
from grainseal.models.reference.isonet import IsoNet
from grainseal.models.simulator.iso_series import IsoSeries, iso_series
from grainseal.models.simulator.writers import compressed
from grainseal.models.training.correlation_predictor import (
    CHOICES,
    CameraCase,
    even_case,
    scene_case,
)

SECTION: Final = "isonet"
CAMERAS: Final = 52_000_000  # seeds from here on: nothing else has them
EXTRACTOR: Final = "neural"
SIDE: Final = 512
FLATS: Final = 8
UNCOMPRESSED: Final = "uncompressed"
LEAST_SHARE: Final = 0.95  # of the correlation with the true ISO's level
_NAMES: Final = {
    CLASSIC: "Chen et al.'s features",
    (*CLASSIC, NOISE): "these and the noise level",
    (*CLASSIC, ISO): "these and the ISO metric",
    (*CLASSIC, NOISE, ISO): "these and both",
}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """One camera: its pictures, its JPEGs with their truth, and what the network says of them."""

    series: IsoSeries
    case: CameraCase
    evens: CameraCase
    metrics: dict[str, Array]  # of the photos, (ISO speeds,), by compression
    estimated: Array  # ISO of the camera's own JPEGs; empty where there is no network

    @property
    def said(self) -> Sequence[float | None]:
        """The same, None for each photo where there is no network."""
        return list(self.estimated) or [None] * len(self.case.photos)


def rows(quick: bool = False) -> list[Row]:
    """All tables; `quick` has three cameras."""
    predictor, missing = read_predictor(), list[Row]()
    estimator: IsoNet | None = None
    try:
        estimator = IsoNet()
    except WeightsError as error:
        missing.append(Row(SECTION, "isonet", f"left out: {error}"))
    cameras = [_camera(CAMERAS + number, estimator) for number in range(3 if quick else 12)]
    series = [camera.series for camera in cameras]
    splices = [
        each for number in range(len(cameras)) for each in judged(estimator, series, number, SEED)
    ]
    return [
        *missing,
        *(_iso_rows(cameras) if estimator else []),
        *_prediction_rows(cameras, predictor, estimator.sha256 if estimator else ""),
        *_expectation_rows(cameras, predictor),
        *_splicing_rows(splices),
        *_real_rows(estimator, photos_folder()),
        *_level_rows(cameras, quick),
    ]


def _camera(seed: int, estimator: IsoNet | None) -> Camera:
    series = iso_series(seed, SIDE, FLATS)
    case = scene_case(series, estimator, (EXTRACTOR,))
    evens = even_case(series, None, (EXTRACTOR,))
    if estimator is None:
        return Camera(series, case, evens, {}, np.array([]))
    pictures = {UNCOMPRESSED: list(series.scenes)} | {
        f"JPEG {quality}": [compressed(scene, quality) for scene in series.scenes]
        for quality in QUALITIES
    }
    metrics = {name: _metrics(estimator, shown) for name, shown in pictures.items()}
    own = _metrics(estimator, [np.asarray(photo.pixels, np.uint8) for photo in case.photos])
    return Camera(series, case, evens, metrics, 100 * 2**own)


def _metrics(estimator: IsoNet, pictures: Sequence[npt.NDArray[np.uint8]]) -> Array:
    photos = [Photo(each, "developed", "simulated", "") for each in pictures]
    return np.array([np.median(estimator.metric_map(each, PATCH).values) for each in photos])


def _iso_rows(cameras: Sequence[Camera]) -> list[Row]:
    true = iso_metric(np.array(cameras[0].series.isos))
    table = []
    for name in cameras[0].metrics:
        found = np.array([camera.metrics[name] for camera in cameras])
        off = _over_cameras(np.abs(found - true), np.mean)
        said = ", ".join(f"{each:.0f}" for each in 100 * 2 ** np.median(found, axis=0))
        what = f"ISO, {name}: stops off on average, {found.size} photos"
        table.append(Row(SECTION, what, f"{off:.2f}; says {said} (medians)"))
    isos = ", ".join(map(str, cameras[0].series.isos))
    return [Row(SECTION, "ISO speeds of the photos", isos), *table]


def _prediction_rows(cameras: Sequence[Camera], predictor: Predictor, isonet: str) -> list[Row]:
    truth = [camera.case.truths[EXTRACTOR] for camera in cameras]
    blocks, whole = np.stack([t.blocks for t in truth]), np.stack([t.whole for t in truth])
    guess = float(np.abs(blocks - blocks.mean()).mean())
    table = [
        Row(
            SECTION,
            f"correlation of blocks: mean, and mean error of who says it, {blocks.size} blocks",
            f"{blocks.mean():.4f}, {guess:.4f}",
        )
    ]
    predicted: dict[tuple[str, ...], Array] = {}
    source = cameras[0].case.source(EXTRACTOR)
    for choice in CHOICES:
        fit = predictor.fit_for(source, choice, isonet if ISO in choice else "")
        if fit is None:
            table.append(Row(SECTION, _NAMES[choice], "left out: not fitted for these weights"))
            continue
        found = np.stack([[fit.predicted(f) for f in camera.case.features] for camera in cameras])
        predicted[choice] = found
        photos = found.mean(axis=(2, 3))
        value = (
            f"blocks: r {_over_pairs(found, blocks):.3f}, off {_off(found, blocks):.4f}; "
            f"photos: r {_over_pairs(photos, whole):.3f}, off {_off(photos, whole):.4f}"
        )
        table.append(Row(SECTION, f"predicted by {_NAMES[choice]}", value))
    for one, other in (((*CLASSIC, ISO), CLASSIC), ((*CLASSIC, NOISE, ISO), (*CLASSIC, NOISE))):
        if one in predicted:
            both = np.stack([predicted[one], predicted[other], blocks], axis=-1)
            gain = _over_cameras(both, _gain)
            name = f"r of blocks gained by the ISO metric beside {_NAMES[other]}"
            table.append(Row(SECTION, name, f"{gain:+.3f}"))
    return table


def _expectation_rows(cameras: Sequence[Camera], predictor: Predictor) -> list[Row]:
    """What `grainseal compare` expects of a camera's scenes, and what they have.

    Told the camera's gain by two even photos, as a folder of references tells it, and without.
    """
    fit = predictor.fit_for(cameras[0].case.source(EXTRACTOR), CLASSIC)
    if fit is None:
        return [Row(SECTION, "expected correlation", "left out: not fitted for these weights")]
    own, even = (
        np.array([[float(fit.predicted(each).mean()) for each in case.features] for case in cases])
        for cases in ([camera.case for camera in cameras], [camera.evens for camera in cameras])
    )
    alike = [float(camera.evens.truths[EXTRACTOR].pairs[0, 1]) for camera in cameras]
    gains = [camera_gain(each[:1], each[1:], a) for each, a in zip(even, alike, strict=True)]
    reached = np.stack([camera.case.truths[EXTRACTOR].whole for camera in cameras])
    table = []
    for how, said, caution in (
        ("roughly", own, CAUTION_UNCALIBRATED),
        ("by two even photos", own * np.array(gains)[:, None], CAUTION),
    ):
        enough = int((reached >= caution * said).sum())
        value = (
            f"r {_over_pairs(said, reached):.3f}, off {_off(said, reached):.4f}; "
            f"{enough} of {said.size} reach {caution} of it"
        )
        table.append(Row(SECTION, f"expected correlation of a scene, {how}", value))
    return table


def _splicing_rows(found: Sequence[Judged]) -> list[Row]:
    table = []
    wanted = {(each.by, each.kind, each.quality) for each in found}
    for case in (each for each in product((NOISE, ISO), KINDS, QUALITIES) if each in wanted):
        by, kind, quality = case
        chosen = [each for each in found if (each.by, each.kind, each.quality) == case]
        alarms = sum(each.found.suspicious for each in chosen)
        value, name = f"suspicious {alarms} of {len(chosen)}", kind
        if kind != UNTOUCHED:
            scores = np.array([[each.f1] for each in chosen])
            value = f"F1 {_over_cameras(scores, np.mean):.2f}; {value}"
            name = f"pasted from {kind}"
        table.append(Row(SECTION, f"{name}, JPEG {quality}, by {by}", value))
    return table


def _real_rows(estimator: IsoNet | None, folder: Path | None) -> list[Row]:
    """Scenes as their cameras wrote them, of which no part is pasted."""
    if folder is None:
        return [Row(SECTION, "real photos", "none: set GRAINSEAL_PHOTOS")]
    scenes = sorted([*folder.glob("nikon/natural/*/*"), *folder.glob("canon/*/*")])
    return [
        Row(SECTION, f"untouched real scenes, by {by}", f"suspicious {alarms} of {len(scenes)}")
        for by, alarms in real_alarms(estimator, scenes).items()
    ]


def _level_rows(cameras: Sequence[Camera], quick: bool) -> list[Row]:
    network, table = shipped(), level_table(4 if quick else 12)
    reached = np.array(
        [
            [
                correlations(network, table, photo, iso, estimated, camera.series.pattern)
                for photo, iso, estimated in zip(
                    camera.case.photos, camera.case.isos, camera.said, strict=True
                )
            ]
            for camera in cameras
        ]
    )
    made = [
        Row(
            SECTION,
            f"NCC of {EXTRACTOR} with the true pattern, noise level {way}",
            f"{_over_cameras(reached[:, :, place], np.mean):.4f}",
        )
        for place, way in enumerate(WAYS[: reached.shape[2]])
    ]
    for one, limit in ((MEASURED, ""), (ESTIMATED, f">= {LEAST_SHARE}"))[: reached.shape[2] - 1]:
        pair = reached[:, :, [WAYS.index(one), WAYS.index(TRUE)]]
        share = _over_cameras(pair, lambda v: float(v[..., 0].mean() / v[..., 1].mean()))
        ok = share.value >= LEAST_SHARE if limit else None
        made.append(Row(SECTION, f"level {one} over {TRUE}", f"{share:.3f}", limit, ok))
    return made


def _over_cameras(values: Array, statistic: Callable[[Array], float]) -> Estimate:
    """Of float64 (cameras, ...), with the interval over draws of cameras."""
    rng = np.random.default_rng(SEED)
    drawn = rng.integers(0, len(values), (REPLICATES, len(values)))
    replicated = np.array([statistic(values[each]) for each in drawn])
    return Estimate(float(statistic(values)), percentiles(replicated))


def _over_pairs(found: Array, truth: Array) -> Estimate:
    """Correlation of predicted and true values."""
    return _over_cameras(np.stack([found, truth], axis=-1), _correlation)


def _off(found: Array, truth: Array) -> Estimate:
    return _over_cameras(np.abs(found - truth), np.mean)


def _correlation(both: Array) -> float:
    return float(np.corrcoef(both[..., 0].ravel(), both[..., 1].ravel())[0, 1])


def _gain(three: Array) -> float:
    return _correlation(three[..., [0, 2]]) - _correlation(three[..., [1, 2]])
