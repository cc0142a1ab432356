"""What each part of a match statistic adds, on simulated cameras that chose none of them.

Eight models drawn at random, three siblings each: one flat photo of each camera and three scenes,
as JPEG of quality 75 to 95. A flat or a scene is compared with each scene, which is left alone,
saved again with quality 75, or halved and interpolated back: six cases. A figure is the mean of the
six AUCs, or the geometric mean of the six ratios of median genuine score to the impostors'
deviation. Real photos: every flat and scene of the three Nikons, every scene of the two Canons.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

from bench.accuracy import photos_folder
from bench.figures import AUC, SEPARATION, Estimate, Figures, figures
from bench.matching_photos import (
    ESTIMATES,
    FULL,
    TRANSFORMS,
    CameraPlanes,
    Planes,
    real,
    simulated,
)
from bench.table import Row
from grainseal.models.evaluation import Comparisons, Indices, Scores, across, among
from grainseal.models.spectral import weighted

Plane = npt.NDArray[np.float32]
Stack = npt.NDArray[np.float32]
Measure = Callable[[Stack, Stack], Scores]

MODELS, SIBLINGS = 8, 3
SHIFT: Final = 2  # pixels in each direction that a search tries
NCC, WEIGHTED = "ncc", "weighted"
REFERENCES: Final = ("flat", "scene")


def rows(quick: bool = False) -> list[Row]:
    """The ablation, then the chosen statistic on real photos, where there are any."""
    models, siblings = (4, 2) if quick else (MODELS, SIBLINGS)
    cameras = [simulated(model, body) for model in range(models) for body in range(siblings)]
    section = f"matching: {models} simulated models of {siblings} siblings, mean of 6 cases"
    table = _rows(section, cameras, VARIANTS)
    folder = photos_folder()
    if folder is None or quick:
        return [*table, Row("matching", "real photos", "not now: GRAINSEAL_PHOTOS, no --quick")]
    chosen = [variant for variant in VARIANTS if variant.name in (NCC, WEIGHTED)]
    return table + _rows("matching: real photos, mean of 6 cases", real(folder), chosen, each=True)


def _same(plane: Plane) -> Plane:
    return plane


def _clipped(plane: Plane) -> Plane:
    limit = np.float32(3 * plane.std())
    return np.clip(plane, -limit, limit)


def _levelled(plane: Plane) -> Plane:
    """Every neighbourhood of about 16 pixels with the same variance."""
    power = ndimage.gaussian_filter(np.square(plane), 16)
    levelled: Plane = plane / np.sqrt(power + np.float32(0.05 * plane.var()))
    return levelled


def _without_block_means(plane: Plane) -> Plane:
    """Zero mean at each of the 64 places in the 8x8 blocks of JPEG."""
    blocks = plane.reshape(plane.shape[0] // 8, 8, plane.shape[1] // 8, 8)
    cleaned: Plane = (blocks - blocks.mean(axis=(0, 2), keepdims=True)).reshape(plane.shape)
    return cleaned


def _products(a: Stack, b: Stack) -> Scores:
    return (a.reshape(len(a), -1) @ b.reshape(len(b), -1).T).astype(np.float64)


def _searched(a: Stack, b: Stack) -> Scores:
    """Highest NCC over small circular shifts."""
    reach = range(-SHIFT, SHIFT + 1)
    shifts = [(row, column) for row in reach for column in reach]
    found: Scores = np.max([_products(a, np.roll(b, s, (1, 2))) for s in shifts], axis=0)
    return found


def _in_deviations(a: Stack, b: Stack) -> Scores:
    """NCC * sqrt(N_eff), the signed root of the PCE but for the neighbourhood of the peak."""
    powers = [np.square(np.abs(scipy.fft.rfft2(side))) for side in (a, b)]
    powers = [power / power.mean(axis=(1, 2), keepdims=True) for power in powers]
    overlap = _products(powers[0], powers[1]) / powers[0][0].size
    scores: Scores = _products(a, b) * np.sqrt(a[0].size / np.maximum(overlap, 1))
    return scores


@dataclass(frozen=True)
class Variant:
    """A statistic: how the fingerprint is estimated, changed before it is compared, and scored."""

    name: str
    estimate: str = FULL
    change: Callable[[Plane], Plane] = _same
    measure: Measure = field(default=_products)


VARIANTS: Final = (
    Variant(NCC),
    *(Variant(f"ncc, {name}", estimate=name) for name in ESTIMATES if name != FULL),
    Variant("ncc, in deviations of its null (PCE)", measure=_in_deviations),
    Variant(f"ncc, highest of shifts up to {SHIFT}", measure=_searched),
    Variant("ncc, without 8x8 block means", change=_without_block_means),
    Variant("ncc, clipped at 3 deviations", change=_clipped),
    Variant("ncc, local variance levelled", change=_levelled),
    Variant("ncc, whitened by rings only", change=partial(weighted, band=False)),
    Variant("ncc, weighted by the band only", change=partial(weighted, whiten=False)),
    Variant(WEIGHTED, change=weighted),
    Variant("weighted, then clipped", change=lambda plane: _clipped(weighted(plane))),
    Variant("weighted, then levelled", change=lambda plane: _levelled(weighted(plane))),
)


def _rows(
    section: str,
    cameras: Sequence[CameraPlanes],
    variants: Sequence[Variant],
    each: bool = False,
) -> list[Row]:
    """A row for each variant; with `each`, also one for each case."""
    found = {
        variant.name: [figures(case) for case in _cases(cameras, variant)] for variant in variants
    }
    table = [_row(section, name, of_cases, found[NCC]) for name, of_cases in found.items()]
    if each:
        names = [f"{r}, {t}" for r in REFERENCES for t in TRANSFORMS]
        for case, title in enumerate(names):
            table += [
                _row(f"matching: real photos, {title}", name, [of_cases[case]], [found[NCC][case]])
                for name, of_cases in found.items()
            ]
    return table


def _cases(cameras: Sequence[CameraPlanes], variant: Variant) -> Iterator[Comparisons]:
    """Scored pairs of each case: flats, then scenes, against the scenes of each transform."""

    def changed(photos: Iterable[Planes]) -> Stack:
        return _units([variant.change(plane) for p in photos for plane in p[variant.estimate]])

    def owners(counts: Iterable[int]) -> Indices:
        return np.repeat(np.arange(len(cameras)), list(counts))

    flats = changed(camera.flats for camera in cameras)
    probes = {t: changed(camera.scenes[t] for camera in cameras) for t in TRANSFORMS}
    flat_owners = owners(len(camera.flats[FULL]) for camera in cameras)
    scene_owners = owners(len(camera.scenes["none"][FULL]) for camera in cameras)
    for transform in TRANSFORMS:
        yield across(variant.measure(flats, probes[transform]), flat_owners, scene_owners)
    for transform in TRANSFORMS:
        yield among(variant.measure(probes["none"], probes[transform]), scene_owners)


def _units(planes: Sequence[Plane]) -> Stack:
    """Centred, of unit energy, float32 (N, H, W)."""
    stack = np.stack(planes)
    stack -= stack.mean(axis=(1, 2), keepdims=True)
    stack /= np.sqrt(np.square(stack).sum(axis=(1, 2), keepdims=True))
    return stack


def _row(section: str, name: str, cases: list[Figures], plain: list[Figures]) -> Row:
    """Means over the cases, and how far they are from those of plain NCC."""
    area, ratio = _mean_area(cases), _mean_ratio(cases)
    if name == NCC:
        return Row(section, name, f"AUC {area[AUC]}; median / sd {np.exp(ratio.values[-1]):.2f}")
    more, times = (area - _mean_area(plain))[AUC], (ratio - _mean_ratio(plain))[SEPARATION]
    return Row(
        section,
        name,
        f"AUC {more:+.4f}; median / sd {np.exp(ratio.values[-1]):.2f}, times {_factor(times)}",
    )


def _mean_area(cases: list[Figures]) -> Figures:
    values, drawn = zip(*((each.values, each.drawn) for each in cases), strict=True)
    return Figures(np.mean(values, axis=0), np.mean(drawn, axis=0))


def _mean_ratio(cases: list[Figures]) -> Figures:
    """Of the logarithms, so that cases with large ratios do not count for all."""
    values, drawn = (
        np.log(np.maximum([getattr(each, part) for each in cases], 1e-3))
        for part in ("values", "drawn")
    )
    return Figures(values.mean(axis=0), drawn.mean(axis=0))


def _factor(logarithm: Estimate) -> str:
    interval = logarithm.interval
    ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
    return "{:.3f} [{:.3f}, {:.3f}]".format(*np.exp([logarithm.value, *ends]))
