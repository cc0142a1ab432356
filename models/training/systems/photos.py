"""Photos of many cameras on disk, simulated or given, and what is computed of them once."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.reference.siamese import residual_of
from grainseal.models.simulator.develop import Picture
from grainseal.models.simulator.series import SeriesCamera, training_camera, validation_camera
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.trainer import TrainingError

Pixels = npt.NDArray[np.uint8]
Isos = npt.NDArray[np.int64]
# A camera's scenes, their ISO speeds, its even photos, the SHA-256 of the files that were given.
Taken = tuple[Pixels, list[int], Pixels, list[str]]

_ARRAYS: Final = ("scenes", "isos", "flats")  # in this order: the last one says that all are there
_DIGESTS: Final = "sha256.txt"
_SUFFIXES: Final = frozenset((".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"))


@dataclass(frozen=True)
class CameraPhotos:
    """Photos of C cameras, P and F of each, side x side; `folder` keeps them.

    `digests`: hex SHA-256 of all files that were given, sorted; none of simulated photos.
    """

    names: tuple[str, ...]
    scenes: Pixels = field(repr=False)  # (C, P, S, S, 3)
    isos: Isos = field(repr=False)  # (C, P), of the scenes; 0 where the file does not say
    flats: Pixels = field(repr=False)  # (C, F, S, S, 3)
    folder: Path
    digests: tuple[str, ...] = field(default=(), repr=False)

    def fingerprints(self, workers: int) -> npt.NDArray[np.float32]:
        """Of each camera's even photos, by the wavelet: (C, S, S)."""
        return self._kept("fingerprints", self.flats, _fingerprint, np.float32, workers)

    def residuals(self, workers: int) -> npt.NDArray[np.float16]:
        """The wavelet's of every scene: (C, P, 3, S, S)."""
        return self._kept("residuals", self.scenes, _residuals, np.float16, workers)

    def _kept(
        self, name: str, photos: Pixels, computed: Callable[[Pixels], Any], kind: Any, workers: int
    ) -> npt.NDArray[Any]:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            unfinished = path.with_suffix(".part.npy")
            with ThreadPoolExecutor(workers) as pool:
                results = pool.map(computed, photos)
                first = next(results)
                shape = (len(photos), *first.shape)
                made = np.lib.format.open_memmap(unfinished, "w+", kind, shape)
                for number, found in enumerate(chain([first], results)):
                    made[number] = found
            made.flush()
            unfinished.replace(path)
        kept: npt.NDArray[Any] = np.load(path, mmap_mode="r")
        return kept


def load_photos(
    folder: Path,
    config: SystemConfig,
    validation: bool,
    source: Path | None,
    clean: bool,
    workers: int,
    progress: Callable[[], None] | None = None,
) -> CameraPhotos:
    """Read from `folder`, or made and written there first; `progress` is told of each camera.

    `source`: DIR/<camera>/photos, None for simulated ones. `clean`: simulated pictures are those of
    a sensor without noise. Raises TrainingError for given photos that are too few or too small.
    """
    if not (folder / f"{_ARRAYS[-1]}.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if source is None:
            names, made = _simulated(config, validation, clean, workers)
        else:
            names, made = _given(config, validation, source)
        taken: list[Taken] = []
        for camera in made:
            taken.append(camera)
            if progress is not None:
                progress()
        (folder / "names.txt").write_text("\n".join(names), encoding="utf-8")
        *arrays, files = zip(*taken, strict=True)
        (folder / _DIGESTS).write_text("\n".join(sorted({each for own in files for each in own})))
        for name, each in zip(_ARRAYS, arrays, strict=True):
            _save(folder / f"{name}.npy", np.stack(each))
    names = (folder / "names.txt").read_text(encoding="utf-8").splitlines()
    scenes, isos, flats = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
    digests = [] if source is None else (folder / _DIGESTS).read_text().splitlines()
    return CameraPhotos(tuple(names), scenes, isos, flats, folder, tuple(digests))


def _simulated(
    config: SystemConfig, validation: bool, clean: bool, workers: int
) -> tuple[list[str], Iterator[Taken]]:
    others = validation and config.validation_cameras > 0
    number = validation_camera if others else training_camera
    numbers = range(config.validation_cameras if others else config.cameras)
    photos = config.validation_photos if validation else config.photos
    start = config.photos if validation and not others else 0
    jobs = [
        (number(config.seed, i), start, photos, config.flats, config.side, clean) for i in numbers
    ]

    def taken() -> Iterator[Taken]:
        if workers == 1:
            yield from map(_camera_photos, jobs)
            return
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            yield from pool.imap(_camera_photos, jobs)

    return [f"camera_{i + 1:03d}" for i in numbers], taken()


def _camera_photos(job: tuple[int, int, int, int, int, bool]) -> Taken:
    """One simulated camera's scenes and even photos, as its JPEGs show them."""
    number, start, photos, flats, side, clean = job
    camera = SeriesCamera(number, side)
    picture = camera.clean if clean else camera.photo
    numbers = range(start, start + photos)
    scenes = [picture(index) for index in numbers]
    isos = [camera.iso(index) for index in numbers]
    even = [picture(index, flat=True) for index in range(flats)]
    return np.stack(scenes), isos, _stacked(even, side), []


def _given(
    config: SystemConfig, validation: bool, source: Path
) -> tuple[list[str], Iterator[Taken]]:
    """The first photos by name make the fingerprints, the next are trained on, then validation."""
    try:
        folders = sorted(path for path in source.iterdir() if path.is_dir())
    except OSError as error:
        raise TrainingError(f"cannot read {source}: {error.strerror or error}") from error
    others = config.validation_cameras
    if len(folders) < others + 2:
        raise TrainingError(f"{source} has {len(folders)} folders: {others + 2} cameras are needed")
    training, own = folders[: len(folders) - others], folders[len(folders) - others :]
    chosen = own if validation and others else training[: config.cameras]
    start = config.flats + (config.photos if validation and not others else 0)
    count = config.validation_photos if validation else config.photos

    def taken() -> Iterator[Taken]:
        for folder in chosen:
            paths = _photos_in(folder, start + count)
            scenes = [_centre(path, config.side) for path in paths[start : start + count]]
            even = [_centre(path, config.side) for path in paths[: config.flats]]
            yield (
                np.stack([_pixels(photo) for photo in scenes]),
                [photo.iso or 0 for photo in scenes],
                _stacked([_pixels(photo) for photo in even], config.side),
                [photo.sha256 for photo in (*scenes, *even)],
            )

    return [folder.name for folder in chosen], taken()


def _photos_in(folder: Path, wanted: int) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if len(paths) < wanted:
        raise TrainingError(
            f"{folder} has {len(paths)} photos, the configuration takes {wanted}: add some, or "
            "lower photos, validation_photos or flats"
        )
    return paths


def _centre(path: Path, side: int) -> Photo:
    try:
        return read_photo(path).cropped(side)
    except PhotoError as error:
        raise TrainingError(str(error)) from error


def _pixels(photo: Photo) -> Pixels:
    return photo.pixels.astype(np.uint8, copy=False)


def _stacked(pictures: Sequence[Picture], side: int) -> Pixels:
    return np.stack(pictures) if pictures else np.empty((0, side, side, 3), np.uint8)


def _fingerprint(flats: Pixels) -> npt.NDArray[np.float32]:
    photos = (Photo(pixels, "developed", "flat", "") for pixels in flats)
    return estimate(photos, get_extractor("wavelet")).values


def _residuals(scenes: Pixels) -> npt.NDArray[np.float32]:
    return np.stack([residual_of(pixels) for pixels in scenes])


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    """Whole or not at all: a run that is interrupted begins the file anew."""
    unfinished = path.with_suffix(".part.npy")
    np.save(unfinished, array)
    unfinished.replace(path)
