"""From photos to the sensor's fingerprint, streamed in constant memory.

Model (Chen, Fridrich, Goljan, Lukas, IEEE TIFS 3(1), 2008, eq. 2): a residual is W = I*K + noise.
With noise of variance v and a zero-mean Gaussian prior of variance s^2 on the pattern, the most
probable pattern given many photos is

    K = sum(q * W * I) / (sum(q * I^2) + n^2 / s^2),    q = saturation weight * n^2 / max(n^2, v).

Where v is the same everywhere and photos are many this is their maximum-likelihood estimate
K = sum(W * I) / sum(I^2) (eq. 6). The precision q matters in photos of a scene, where v, measured
around each pixel, is large wherever texture leaked into the residual; the prior matters in their
dark parts, where a bare quotient would amplify noise by 1 / I.

Then the patterns that cameras share are taken out: row and column means (ibid., section III.B) and
periodic patterns (a Wiener filter in the DFT domain, ibid.).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import scipy.fft

from grainseal.models.extractor import Extractor, Observation
from grainseal.models.photo import Photo, PhotoError, PhotoKind
from grainseal.models.wavelet import MARGIN, attenuation

Plane = npt.NDArray[np.float32]

# A clipped pixel carries no PRNU. Weights fall from 1 to 0 over the last levels before 255, where
# JPEG ringing mixes clipped and unclipped neighbours.
FULL_WEIGHT_BELOW: Final = 245 / 255
NO_WEIGHT_ABOVE: Final = 253 / 255
# Noise n of a residual that contains no texture, a little above the finest even scenes' (1.1 to 1.5
# on the 8-bit scale), so that these count in full.
NOISE_SIGMA: Final = 2 / 255
# Side of the square over which the residual's own variance v is measured.
NOISE_WINDOW: Final = 9
# Side of a JPEG block, and of the squares over which what it prints is taken to be the same.
CELL: Final = 8
CELL_TILE: Final = 128
# Standard deviation s of the pattern that reaches a developed photo; sensors have .003 to .01.
PRIOR_SIGMA: Final = 0.004


@dataclass(frozen=True)
class Fingerprint:
    """Estimated pattern K, float32 (H, W), zero mean, dimensionless (about +-0.02).

    `source`: of the extractor that made it; empty for values that no extractor made.
    """

    values: Plane = field(repr=False)
    kind: PhotoKind
    photos: int
    source: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the sensor grid."""
        height, width = self.values.shape
        return height, width


class Estimator(Protocol):
    """Makes one pattern of the photos that it is given one by one."""

    def add(self, photo: Photo) -> None:
        """Take in one more photo; PhotoError when it cannot come from the same sensor readout."""

    def finish(self) -> Fingerprint:
        """What the photos have in common; PhotoError when there were none."""


# Of an extractor, and the side in pixels of the centre that is used, None for the whole photo.
MakeEstimator = Callable[[Extractor, int | None], Estimator]


class FingerprintEstimator:
    """Adds photos one by one; memory does not grow with their number."""

    def __init__(self, extractor: Extractor, crop: int | None = None) -> None:
        """`crop`: use only the centre crop x crop pixels of each photo."""
        self._extractor = extractor
        self._crop = crop
        self._first: Photo | None = None
        self._photos = 0
        self._correlation = np.zeros((0, 0), np.float32)  # sum of q*W*I
        self._energy = np.zeros((0, 0), np.float32)  # sum of q*I^2

    def add(self, photo: Photo) -> None:
        """Take in one more photo; PhotoError when it cannot come from the same sensor readout."""
        if self._crop is not None:
            photo = photo.cropped(self._crop)
        if self._first is None:
            self._correlation = np.zeros(photo.shape, np.float32)
            self._energy = np.zeros(photo.shape, np.float32)
        else:
            require_same_grid(photo, self._first, self._correlation.shape)
        for observation in self._extractor.observe(photo):
            self._accumulate(observation)
        if self._first is None:  # not before: a photo that the extractor refuses is not the first
            self._first = photo.without_pixels()
        self._photos += 1

    def joined(self, other: "FingerprintEstimator") -> "FingerprintEstimator":
        """An estimator that was given the photos of both; PhotoError if they do not fit."""
        both = FingerprintEstimator(self._extractor, self._crop)
        for each in (self, other):
            if each._first is None:
                continue
            if both._first is None:
                both._first = each._first
                both._correlation = np.zeros_like(each._correlation)
                both._energy = np.zeros_like(each._energy)
            require_same_grid(each._first, both._first, both._correlation.shape)
            both._correlation += each._correlation
            both._energy += each._energy
            both._photos += each._photos
        return both

    def finish(self) -> Fingerprint:
        """The fingerprint of everything added; PhotoError when that was nothing."""
        if self._first is None:
            raise PhotoError("no photos: a fingerprint needs at least one")
        values = self._correlation / (self._energy + np.float32((NOISE_SIGMA / PRIOR_SIGMA) ** 2))
        kind = self._first.kind
        pattern = wiener_dft(zero_mean(values))
        return Fingerprint(pattern, kind, self._photos, self._extractor.source(kind))

    def _accumulate(self, observation: Observation) -> None:
        intensity, residual = observation
        weighted = saturation_weight(intensity)
        weighted *= noise_weight(residual)
        weighted *= intensity
        residual *= weighted
        weighted *= intensity
        self._correlation += residual
        self._energy += weighted


def estimate(
    photos: Iterable[Photo],
    extractor: Extractor,
    crop: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Fingerprint:
    """Fingerprint of a stream of photos; `progress` is told the number done after each.

    Raises PhotoError naming the photo that does not fit the others.
    """
    estimator = FingerprintEstimator(extractor, crop)
    for done, photo in enumerate(photos, start=1):
        estimator.add(photo)
        if progress is not None:
            progress(done)
    return estimator.finish()


def saturation_weight(intensity: Plane) -> Plane:
    """Weight in [0, 1] of each pixel of a float32 plane in [0, 1], as a new array."""
    slope = np.float32(1 / (NO_WEIGHT_ABOVE - FULL_WEIGHT_BELOW))
    weight = np.subtract(np.float32(NO_WEIGHT_ABOVE), intensity)
    weight *= slope
    return np.clip(weight, 0, 1, out=weight)


def noise_weight(residual: Plane) -> Plane:
    """Precision n^2 / max(n^2, v) in (0, 1] of a float32 (H, W) residual, as a new array."""
    power = np.pad(residual, MARGIN, mode="symmetric")
    np.square(power, out=power)
    return attenuation(power, NOISE_SIGMA**2, windows=(NOISE_WINDOW,))


def zero_mean(values: Plane) -> Plane:
    """`values` with zero mean in every row and column of each phase of the 2x2 CFA cell.

    Removes what column amplifiers and demosaicing print on every camera of a model. Float32
    (H, W) in, a new float32 (H, W) out.
    """
    result = values.copy()
    for row in range(2):
        for column in range(2):
            phase = result[row::2, column::2]
            phase -= phase.mean(axis=0, keepdims=True)
            phase -= phase.mean(axis=1, keepdims=True)
    return result


def zero_mean_by_cell(values: Plane) -> Plane:
    """`values` with zero mean at each place of the 8x8 cell, in every square of CELL_TILE pixels.

    JPEG and what decodes it print a pattern of that period on every camera's photos, as strong as
    the scene has it: the Wiener filter takes the part that is alike all over the frame, this the
    part that changes slowly. The last squares of rows and columns have sides of 64 to 192. Float32
    (H, W) in, a new float32 (H, W) out.
    """
    result = values.copy()
    height, width = values.shape
    for top, bottom in pairwise(_tile_edges(height)):
        for left, right in pairwise(_tile_edges(width)):
            tile = result[top:bottom, left:right]
            repeats = (-(-(bottom - top) // CELL), -(-(right - left) // CELL))
            tile -= np.tile(_cell_means(tile), repeats)[: bottom - top, : right - left]
    return result


def _cell_means(tile: Plane) -> Plane:
    """Mean of the pixels at each place of the cell, float32 (CELL, CELL)."""
    height, width = tile.shape
    padded = np.pad(tile, ((0, -height % CELL), (0, -width % CELL)))
    down = padded.reshape(-1, CELL, padded.shape[1]).sum(axis=0)
    sums = down.reshape(CELL, -1, CELL).sum(axis=1)
    count = np.outer(_at_each_place(height), _at_each_place(width))
    means: Plane = sums / count.astype(np.float32)
    return means


def _at_each_place(length: int) -> npt.NDArray[np.int64]:
    """How many of `length` pixels in a row lie at each place of the cell."""
    return (length + CELL - 1 - np.arange(CELL)) // CELL


def _tile_edges(length: int) -> list[int]:
    count = max(1, round(length / CELL_TILE))
    return [*range(0, count * CELL_TILE, CELL_TILE)[:count], length]


def wiener_dft(values: Plane) -> Plane:
    """`values` without its periodic patterns: peaks of the spectrum are Wiener-filtered away.

    The unitary spectrum's magnitude is treated like a wavelet sub-band whose noise has the
    variance of `values`; only what the filter calls noise stays. Float32 (H, W) in and out.
    """
    variance = float(np.var(values, dtype=np.float64))
    if variance == 0:  # a uniform picture has no pattern to clean
        return values.copy()
    height, width = values.shape
    spectrum = scipy.fft.rfft2(values, norm="ortho")
    power = _with_neighbours(np.square(np.abs(spectrum)), width)
    spectrum *= attenuation(power, variance)
    cleaned: Plane = scipy.fft.irfft2(spectrum, s=(height, width), norm="ortho")
    return cleaned


def _with_neighbours(power: Plane, width: int) -> Plane:
    """Continue the half-plane power spectrum of a real array by MARGIN cells on each side.

    Negative column frequencies mirror positive ones, P(-u, -v) = P(u, v); rows are periodic.
    """
    mirrored = np.roll(power[::-1], 1, axis=0)
    right = (width - np.arange(power.shape[1], power.shape[1] + MARGIN)) % width
    columns = (mirrored[:, MARGIN:0:-1], power, mirrored[:, right])
    return np.pad(np.concatenate(columns, axis=1), ((MARGIN, MARGIN), (0, 0)), mode="wrap")


def require_same_grid(photo: Photo, first: Photo, shape: tuple[int, ...]) -> None:
    """PhotoError unless `photo` has the kind, Bayer pattern and `shape` of the `first` one."""
    if photo.kind != first.kind:
        raise PhotoError(
            f"{photo.name} is {photo.kind} but {first.name} is {first.kind}: do not mix them"
        )
    if photo.shape == shape:
        if photo.levels is None or first.levels is None or photo.levels.cfa == first.levels.cfa:
            return
        raise PhotoError(f"{photo.name} has another Bayer pattern than {first.name}")
    sizes = f"{photo.width}x{photo.height}, {first.name} is {shape[1]}x{shape[0]}"
    if photo.shape == shape[::-1]:
        raise PhotoError(
            f"{photo.name} is {sizes}: its pixels were rotated after it was taken, "
            "so give the file as it left the camera"
        )
    raise PhotoError(f"{photo.name} is {sizes}: photos must come from one camera at full size")
