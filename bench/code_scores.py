"""Codes of bursts and of copies, from any extractor, and their scores in the clear.

Fingerprints are kept as features of their frame, in rows and columns, which are a hundredth of the
pixels and all that a code takes.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from bench.code_photos import COPIES, copied
from bench.table import Row
from grainseal.models.alignment import copy_features, uncropped
from grainseal.models.claim_code import ClaimSpec, claim_positions
from grainseal.models.claims import claim_probe
from grainseal.models.codes import CodeSpec, features, keyed_mask, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import Photo
from grainseal.server.photo_work import Frame, moved_aside

ENROLLED, FRESH = 6, 4
SEED: Final = bytes(32)
TAIL: Final = 1e-4

Grid = npt.NDArray[np.float32]  # features of a frame in rows and columns
Shape = tuple[int, int]


@dataclass
class Clock:
    """Seconds of one core and pixels, by extractor."""

    seconds: dict[str, float] = field(default_factory=dict)
    pixels: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, seconds: float, photo: Photo) -> None:
        """One photo."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.pixels[name] = self.pixels.get(name, 0) + photo.height * photo.width

    def rows(self) -> Iterator[Row]:
        """What a megapixel took each, fingerprint estimate included."""
        for name, seconds in self.seconds.items():
            value = f"{seconds / self.pixels[name] * 1e6:.2f}"
            yield Row("cost", f"{name}: seconds of one core for a developed megapixel", value)


def observed(photos: Iterable[Photo], name: str, clock: Clock) -> list[FingerprintEstimator]:
    """Each photo by itself; estimators can be joined to those of bursts."""
    extractor, found = get_extractor(name), []
    for photo in photos:
        began = time.process_time()
        estimator = FingerprintEstimator(extractor)
        estimator.add(photo)
        clock.add(name, time.process_time() - began, photo)
        found.append(estimator)
    return found


def together(estimators: Sequence[FingerprintEstimator]) -> FingerprintEstimator:
    """One of all their photos."""
    whole = estimators[0]
    for each in estimators[1:]:
        whole = whole.joined(each)
    return whole


def grid_of(fingerprint: Fingerprint, spec: CodeSpec) -> Grid:
    """The code's features of the whole frame."""
    rows, columns = (length // spec.step for length in fingerprint.shape)
    return features(fingerprint, spec).reshape(rows, columns)


@dataclass(frozen=True)
class Burst:
    """Features of the six enrolled flats, of four fresh ones together, and of each of these."""

    enrolled: Grid
    four: Grid
    one: tuple[Grid, ...]

    @classmethod
    def of(cls, photos: Sequence[FingerprintEstimator], spec: CodeSpec) -> "Burst":
        """Of ENROLLED + FRESH photos."""
        first, fresh = photos[:ENROLLED], photos[ENROLLED:]
        enrolled, four = (grid_of(together(part).finish(), spec) for part in (first, fresh))
        return cls(enrolled, four, tuple(grid_of(each.finish(), spec) for each in fresh))


def burst_score(enrolled: Grid, probe: Grid, spec: CodeSpec) -> float:
    """Over the frame that both have; the code key cancels out, so none is needed."""
    rows, columns = np.minimum(enrolled.shape, probe.shape)
    ours, theirs = (grid[:rows, :columns].ravel() for grid in (enrolled, probe))
    chosen = select_positions(ours, spec)
    agreeing = int(np.sum((ours[chosen] < 0) == (theirs[chosen] < 0)))
    return float((2 * agreeing - spec.length) / np.sqrt(spec.length))


@dataclass
class Claims:
    """Claim templates of some cameras, and features of each camera's scenes by copy."""

    spec: ClaimSpec
    enrolled: list[Grid] = field(default_factory=list)
    copies: dict[str, list[tuple[int, Grid]]] = field(default_factory=dict)

    def enrol(self, whole: Fingerprint) -> None:
        """The next camera."""
        self.enrolled.append(grid_of(whole, self.spec))

    def add_copies(self, scenes: Sequence[Photo], clock: Clock) -> None:
        """Every copy of the scenes that the camera enrolled last took."""
        for kind, (scale, quality) in COPIES.items():
            for scene in scenes:
                copy, frame = copied(scene, scale, quality), scene.shape
                began = time.process_time()
                values = copy_features(copy, uncropped(copy.shape, frame)[0], frame, self.spec)
                clock.add(self.spec.extractor, time.process_time() - began, copy)
                grid = values.reshape([length // self.spec.step for length in frame])
                self.copies.setdefault(kind, []).append((len(self.enrolled) - 1, grid))

    def templates(self) -> list["Template"]:
        """One for each camera."""
        return [Template.of(each, self.spec) for each in self.enrolled]


@dataclass(frozen=True)
class Template:
    """A camera's positions and signs, on a frame of (height, width) pixels."""

    frame: Shape
    positions: npt.NDArray[np.uint32] = field(repr=False)
    signs: npt.NDArray[np.int8] = field(repr=False)

    @classmethod
    def of(cls, grid: Grid, spec: ClaimSpec) -> "Template":
        """Of enrolled features."""
        frame, values = (grid.shape[0] * spec.step, grid.shape[1] * spec.step), grid.ravel()
        positions = claim_positions(values, frame, spec)
        signs = np.where(values[positions] < 0, -1, 1).astype(np.int8)
        return cls(frame, positions, signs)

    def z(self, grid: Grid, spec: ClaimSpec) -> float:
        """Of a probe; from a photo of another size, what both frames have from the corner on."""
        rows, columns = (length // spec.step for length in self.frame)
        placed = np.zeros((rows, columns), np.float32)
        part = grid[:rows, :columns]
        placed[: part.shape[0], : part.shape[1]] = part
        return self._score(placed.ravel(), spec)

    def control_z(self, grid: Grid, spec: ClaimSpec) -> float:
        """Of the control that the service cuts beside the camera's own probe."""
        frame = Frame(spec.name, *self.frame, SEED, b"")
        return self._score(moved_aside(grid.ravel(), frame), spec)

    def _score(self, values: Grid, spec: ClaimSpec) -> float:
        probe = claim_probe(values, self.positions, spec, SEED).astype(np.int64)
        masked = self.signs * keyed_mask(spec, SEED)
        return float(masked.astype(np.int64) @ probe / np.sqrt(np.sum(probe**2)))

    def null(self, grid: Grid, spec: ClaimSpec) -> tuple[float, float]:
        """Standard deviation and 1 - TAIL quantile of the scores of one probe at every shift."""
        signs = np.zeros(grid.shape, np.float32)
        signs.ravel()[self.positions] = self.signs
        clipped = np.clip(np.rint(grid * 3 / np.std(grid)), -7, 7).astype(np.float32)
        product = scipy.fft.rfft2(clipped) * np.conj(scipy.fft.rfft2(signs))
        scores = scipy.fft.irfft2(product, s=grid.shape)[50:-50, 50:-50]  # far from the own shift
        scores /= np.sqrt(np.mean(np.square(clipped)) * spec.length)
        return float(scores.std()), float(np.quantile(scores, 1 - TAIL))
