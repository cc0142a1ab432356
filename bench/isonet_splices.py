"""Composed photos of two virtual cameras, and how well their pasted parts are found.

Host and donor are developed by their own cameras; the composition is saved as JPEG once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import ISO, NOISE
from grainseal.models.iso_map import MetricMap, noise_map
from grainseal.models.photo import Photo, read_photo
from grainseal.models.reference.isonet import IsoNet
from grainseal.models.simulator.develop import Picture
from grainseal.models.simulator.iso_series import IsoSeries
from grainseal.models.simulator.writers import compressed
from grainseal.models.splicing import Splicing, find_splicing, pixel_mask

Mask = npt.NDArray[np.bool_]

QUALITIES: Final = (95, 85, 75)
OTHER, SAME, UNTOUCHED = "another ISO", "the same ISO", "untouched"
KINDS: Final = (OTHER, SAME, UNTOUCHED)
_STEPS_APART: Final = (2, 3)  # of the list of ISO speeds, around its end
# Sides or diameters as shares of the photo's.
_SMALLEST, _LARGEST = 0.3, 0.55


@dataclass(frozen=True)
class Judged:
    """One composed photo, and what was found in it; `f1` is of pixels, nan where none is pasted."""

    by: str
    kind: str
    quality: int
    found: Splicing
    f1: float


def judged(
    estimator: IsoNet | None, cameras: Sequence[IsoSeries], number: int, seed: int
) -> list[Judged]:
    """Every kind in every quality, with a scene of camera `number` as the host."""
    rng = np.random.default_rng([seed, number])
    host, donor = cameras[number], cameras[(number + 1) % len(cameras)]
    own = number % len(host.isos)
    other = (own + int(rng.choice(_STEPS_APART))) % len(host.isos)
    pasted = pasted_part(rng, *host.scenes[own].shape[:2])
    nothing = np.zeros_like(pasted)
    made = {
        OTHER: (_composed(host.scenes[own], donor.scenes[other], pasted), pasted),
        SAME: (_composed(host.scenes[own], donor.scenes[own], pasted), pasted),
        UNTOUCHED: (host.scenes[own], nothing),
    }
    return [
        each
        for kind in KINDS
        for quality in QUALITIES
        for each in _judged(estimator, kind, quality, *made[kind])
    ]


def pasted_part(rng: np.random.Generator, height: int, width: int) -> Mask:
    """A rectangle or an ellipse somewhere in a photo, bool (height, width)."""
    tall, wide = (rng.uniform(_SMALLEST, _LARGEST) * length for length in (height, width))
    top, left = (rng.uniform(0, length - side) for length, side in ((height, tall), (width, wide)))
    rows = (np.arange(height)[:, None] + 0.5 - top) / tall * 2 - 1
    columns = (np.arange(width)[None, :] + 0.5 - left) / wide * 2 - 1
    if rng.uniform() < 0.5:
        return (np.abs(rows) <= 1) & (np.abs(columns) <= 1)
    inside: Mask = rows**2 + columns**2 <= 1
    return inside


def f1_score(found: Mask, truth: Mask) -> float:
    """2 TP / (2 TP + FP + FN); nan where there is no truth to find."""
    if not truth.any():
        return float("nan")
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def _composed(host: Picture, donor: Picture, pasted: Mask) -> Picture:
    return np.where(pasted[:, :, None], donor, host)


def real_alarms(estimator: IsoNet | None, paths: Sequence[Path]) -> dict[str, int]:
    """How many untouched photos are called suspicious, by each map."""
    found = [maps_of(estimator, read_photo(path)) for path in paths]
    return {by: sum(find_splicing(maps[by]).suspicious for maps in found) for by in found[0]}


def maps_of(estimator: IsoNet | None, photo: Photo) -> dict[str, MetricMap]:
    """What can be split: the noise's map, and the network's where there is one."""
    maps = {NOISE: noise_map(photo)}
    return maps if estimator is None else {**maps, ISO: estimator.metric_map(photo)}


def _judged(
    estimator: IsoNet | None, kind: str, quality: int, picture: Picture, pasted: Mask
) -> Iterator[Judged]:
    photo = Photo(compressed(picture, quality), "developed", kind, "")
    for by, values in maps_of(estimator, photo).items():
        found = find_splicing(values)
        mask = pixel_mask(found.suspect, values.step, *photo.shape)
        yield Judged(by, kind, quality, found, f1_score(mask, pasted))
