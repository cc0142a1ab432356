"""Simulated shots on disk, and batches of patches cut from them."""

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.matching import ncc
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import Photo, RawLevels
from grainseal.models.simulator.variety import Shot, take_shot
from grainseal.models.training.config import TRIM, Domain, TrainingConfig

_FULL: Final = 65_535
# Validation shots are numbered from here: other cameras, scenes and conditions.
VALIDATION_SEED: Final = 10_000_000
_ARRAYS: Final = ("planes", "twin", "clean", "pattern", "level", "baseline")
_Job = tuple[int, int, Domain, bool]  # seed, side, domain, whether the wavelet's estimate is needed
_Prepared = tuple[Shot, float, float]  # measured noise level; that estimate's correlation, or 0


@dataclass(frozen=True)
class Shots:
    """Many shots of one size; planes, twin and clean are uint16 (N, P, S, S) with 65535 for 1."""

    planes: npt.NDArray[np.uint16]
    twin: npt.NDArray[np.uint16]  # the photo by a sensor of the opposite pattern
    clean: npt.NDArray[np.uint16]
    pattern: npt.NDArray[np.float16]  # (N, S, S)
    level: npt.NDArray[np.float32]  # (N,), the measured noise level
    baseline: npt.NDArray[
        np.float32
    ]  # (N,), the wavelet's correlation with the pattern; 0 in training shots

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True)
class Batch:
    """Patches with their truth; the patch has TRIM pixels more on each side than the truth.

    The second half of `planes`, `level`, `intensity` and `noise` are the twins of the first, whose
    pattern is `pattern`: 2N and N in number.
    """

    planes: Tensor  # (2N, P, C + 2 TRIM, C + 2 TRIM) in [0, 1]
    level: Tensor  # (2N,)
    intensity: Tensor  # (2N, P, C, C): the patch, trimmed
    noise: Tensor  # (2N, P, C, C)
    pattern: Tensor  # (N, C, C)


def load_shots(
    folder: Path,
    config: TrainingConfig,
    validation: bool,
    workers: int,
    progress: Callable[[], None] | None = None,
) -> Shots:
    """The shots of a configuration: read from `folder`, or simulated and written there first."""
    first = VALIDATION_SEED if validation else config.seed * 100_000
    count = config.validation_shots if validation else config.shots
    kept = folder / f"{config.domain}-{first}-{count}-{config.side}"
    if not (kept / "done").exists():
        seeds = range(first, first + count)
        _simulate(kept, seeds, config, validation, workers, progress)
    return Shots(*(np.load(kept / f"{name}.npy", mmap_mode="r") for name in _ARRAYS))


def batches(shots: Shots, config: TrainingConfig, first: int, count: int) -> Iterator[Batch]:
    """Batches number `first` and the next; a batch depends on the seed and its number alone."""
    return (_draw(shots, config, number) for number in range(first, first + count))


def whole(shots: Shots, index: int) -> Batch:
    """One shot in full, as a batch of one."""
    return _cut(shots, [index], [(0, 0)], shots.planes.shape[2], lambda x: x)


def _draw(shots: Shots, config: TrainingConfig, number: int) -> Batch:
    rng = np.random.default_rng([config.seed, number, 20])
    side = config.crop + 2 * TRIM
    chosen = rng.choice(len(shots), config.batch, replace=len(shots) < config.batch)
    # One offset within the 8x8 blocks for all: only so can the batch show what is common.
    phase = 2 * rng.integers(0, 4, 2)
    places = (shots.planes.shape[2] - side - phase) // 8 + 1
    corners = [(phase + 8 * rng.integers(0, places)).tolist() for _ in range(config.batch)]
    return _cut(shots, chosen, corners, side, _symmetry(int(rng.integers(8))))


def _symmetry(number: int) -> Callable[[Any], Any]:
    """One of the eight flips and turns of a square, on the last two axes."""

    def turned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array.swapaxes(-1, -2) if number & 4 else array
        array = array[..., ::-1, :] if number & 2 else array
        return array[..., ::-1] if number & 1 else array

    return turned


def _cut(
    shots: Shots,
    chosen: Any,
    corners: Any,
    side: int,
    turned: Callable[[Any], Any],
) -> Batch:
    windows = [np.s_[..., top : top + side, left : left + side] for top, left in corners]

    def patches(array: npt.NDArray[Any], scale: float) -> Tensor:
        cut = np.stack([array[i][window] for i, window in zip(chosen, windows, strict=True)])
        return torch.from_numpy(np.ascontiguousarray(turned(cut)).astype(np.float32) * scale)

    inner = slice(TRIM, side - TRIM)
    planes = torch.cat([patches(array, 1 / _FULL) for array in (shots.planes, shots.twin)])
    clean = patches(shots.clean, 1 / _FULL).repeat(2, 1, 1, 1)
    intensity = planes[:, :, inner, inner]
    return Batch(
        planes=planes,
        level=torch.from_numpy(shots.level[chosen]).repeat(2),
        intensity=intensity,
        noise=intensity - clean[:, :, inner, inner],
        pattern=patches(shots.pattern, 1.0)[:, inner, inner],
    )


def _simulate(
    folder: Path,
    seeds: range,
    config: TrainingConfig,
    judged: bool,
    workers: int,
    progress: Callable[[], None] | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, config.side, config.domain, judged) for seed in seeds]
    shape = (len(jobs), config.planes, config.side, config.side)
    planes, twin, clean = (np.empty(shape, np.uint16) for _ in range(3))
    pattern = np.empty((len(jobs), *shape[2:]), np.float16)
    level, baseline = np.empty(len(jobs), np.float32), np.empty(len(jobs), np.float32)
    for i, (shot, measured, reached) in enumerate(_all_prepared(jobs, workers)):
        planes[i], twin[i] = np.rint(shot.planes * _FULL), np.rint(shot.twin * _FULL)
        clean[i] = np.rint(shot.clean * _FULL)
        pattern[i], level[i], baseline[i] = shot.pattern, measured, reached
        if progress is not None:
            progress()
    arrays: tuple[npt.NDArray[Any], ...] = (planes, twin, clean, pattern, level, baseline)
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", array)
    (folder / "done").write_text(json.dumps({"shots": len(jobs)}))


def _all_prepared(jobs: Sequence[_Job], workers: int) -> Iterator[_Prepared]:
    if workers == 1:  # a process would import torch first
        yield from map(_prepared, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_prepared, jobs)


def _prepared(job: _Job) -> _Prepared:
    seed, side, domain, judged = job
    shot = take_shot(seed, side, domain)
    photo = as_photo(shot, domain)
    if not judged:
        return shot, photo_noise_level(photo), 0.0
    found = estimate([photo], get_extractor("wavelet")).values
    return shot, photo_noise_level(photo), ncc(found, shot.pattern)


def as_photo(shot: Shot, domain: Domain) -> Photo:
    """The shot as read_photo would give it."""
    name = "simulated"
    if domain == "developed":
        pixels = np.rint(shot.planes * 255).astype(np.uint8).transpose(1, 2, 0)
        return Photo(pixels, "developed", name, "")
    bayer = np.rint(shot.planes[0] * _FULL).astype(np.uint16)
    return Photo(bayer, "raw", name, "", levels=RawLevels((0.0,) * 4, float(_FULL), "RGGB"))
