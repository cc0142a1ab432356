"""Find where a copy lies on its original by looking at both pictures.

First a search on small versions: every orientation, and scales close enough that one of them fits,
each by normalised cross-correlation over all offsets. Then the fit is made exact from coarse to
fine by Gauss-Newton steps on the difference of the two pictures (Lucas and Kanade, IJCAI 1981; with
brightness and contrast as two more unknowns), to some hundredths of a pixel. Every pixel of
the picture counts, so JPEG artefacts, captions or logos on the copy hardly move it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

from grainseal.models.alignment import (
    SMALLEST_SCALE,
    AlignmentError,
    Placement,
    require_scale,
    turned,
)
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo

Plane = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

# A crop keeps at least this share of each side of the frame.
SMALLEST_SHARE: Final = 0.25
# Fine detail of one picture correlates by .95 and more even after reduction to a quarter and JPEG
# 60; of photos that two cameras took of one scene from one tripod, by up to .75.
SAME_PICTURE: Final = 0.85

_SEARCH_SIDE: Final = 96  # pixels of the copy's longer side during the search
_SCALE_STEP: Final = 1.02  # so that the nearest scale is off by at most half a pixel at an edge
_PADDING: Final = 2  # pixels the copy may hang over while its scale is not yet exact
_DETAIL: Final = 4.0  # standard deviation in pixels of the blur that is taken off for the search
_CLEAR: Final = 0.8  # correlation in the search above which no other orientation is tried
_SIDES: Final = (96, 320, 1024)  # pixels of the copy's longer side while the fit is made exact
_STEPS: Final = 12
_SETTLED: Final = 0.005  # pixels
_HOPELESS: Final = 0.3  # correlation at a coarse stage that no finer one will mend
_OVERLAP: Final = 0.5  # share of the copy that must lie on the original all along
_SNAP: Final = 0.3  # pixels at an edge: less is taken for rounding


@dataclass(frozen=True)
class _Fit:
    """Copy point y lies at step * y + start of the original; pixel edges, rows before columns."""

    step: Vector
    start: Vector


@dataclass(frozen=True)
class _Hit:
    correlation: float
    fit: _Fit
    turns: int
    mirrored: bool


def register(copy: Photo, original: Photo) -> Placement:
    """Where `copy` lies on `original`, two developed photos; see `alignment` for what is covered.

    AlignmentError when the copy does not show the original, or less than a quarter of its sides.
    """
    if copy.kind != "developed" or original.kind != "developed":
        raise AlignmentError("give JPEGs: RAW photos cannot be aligned")
    ours, theirs = copy.plane(1), original.plane(1)
    hit = _search(ours, theirs)
    found = turned(ours, hit.turns, hit.mirrored).astype(np.float32)
    fit, similarity = hit.fit, hit.correlation
    for side in _SIDES:
        fit, similarity = _refine(found, theirs, fit, side)
        if similarity < _HOPELESS:
            break
    if similarity < SAME_PICTURE:
        raise AlignmentError(
            f"{copy.name} does not show {original.name} (similarity {similarity:.2f}): "
            "crop frames and captions away, and give the photo that this copy was made from"
        )
    placed = _snapped(fit, found.shape, theirs.shape)
    sizes = (
        f"the copy is {copy.width}x{copy.height}, the original {original.width}x{original.height}"
    )
    require_scale(placed.scale, sizes)
    return replace(placed, turns=hit.turns, mirrored=hit.mirrored, similarity=similarity)


def _search(copy: Plane, original: Plane) -> _Hit:
    """Best orientation, scale and offset; stops at the first orientation that is clearly right."""
    best: _Hit | None = None
    for mirrored in (False, True):
        for turns in (0, 1, 3, 2):
            picture = turned(copy, turns, mirrored).astype(np.float32)
            for correlation, fit in _search_scales(picture, original):
                if best is None or correlation > best.correlation:
                    best = _Hit(correlation, fit, turns, mirrored)
            if best is not None and best.correlation > _CLEAR:
                return best
    if best is None:
        raise AlignmentError(
            f"the copy is {copy.shape[1]}x{copy.shape[0]}, the original "
            f"{original.shape[1]}x{original.shape[0]}: it was enlarged, reduced below "
            f"{SMALLEST_SCALE} or cropped to less than {SMALLEST_SHARE} of a side; find another"
        )
    return best


def _search_scales(copy: Plane, original: Plane) -> Iterator[tuple[float, _Fit]]:
    """Correlation and fit at the best offset of every scale that the sizes allow."""
    shares = np.divide(copy.shape, original.shape)
    lowest = max(SMALLEST_SCALE, float(shares.max())) / _SCALE_STEP
    highest = min(1.0, float(shares.min()) / SMALLEST_SHARE) * _SCALE_STEP
    if lowest > highest:
        return
    small, reduction = _reduced(copy, _SEARCH_SIDE)
    detail = _detail(small)
    half = _halved(original, reduction * highest)
    count = math.ceil(math.log(highest / lowest) / math.log(_SCALE_STEP)) + 1
    for scale in np.geomspace(lowest, highest, count):
        shape = tuple(math.ceil(length * scale * reduction[0]) for length in original.shape)
        step = np.full(2, 1 / (scale * reduction[0]))
        picture = _sampled(half, _Fit(step, np.zeros(2)), shape, original.shape)
        correlation, offset = _best_offset(detail, _detail(picture))
        yield correlation, _Fit(np.full(2, 1 / scale), offset * step)


def _best_offset(copy: Plane, original: Plane) -> tuple[float, Vector]:
    """Highest normalised correlation of the copy with a window of the original, and where."""
    padded = np.pad(original, _PADDING)
    if any(a > b for a, b in zip(copy.shape, padded.shape, strict=True)):
        return -1.0, np.zeros(2)
    products = _correlated(padded, copy)
    energy = _correlated(np.square(padded), np.ones_like(copy))
    floor = float(np.mean(np.square(original))) * copy.size / 100  # an empty sky fits anything
    floor = max(floor, 1e-12)  # of a blank one there is nothing to divide by
    products /= np.sqrt(np.maximum(energy, floor) * max(float(np.vdot(copy, copy)), 1e-12))
    row, column = divmod(int(np.argmax(products)), products.shape[1])
    return float(products[row, column]), np.array((row, column), np.float64) - _PADDING


def _correlated(plane: Plane, window: Plane) -> Plane:
    """Sum of products with the window at each place where all of it lies on the plane."""
    shape = [scipy.fft.next_fast_len(length, real=True) for length in plane.shape]
    spectrum = scipy.fft.rfft2(plane, shape) * scipy.fft.rfft2(window, shape).conj()
    products: Plane = scipy.fft.irfft2(spectrum, shape)
    rows, columns = np.subtract(plane.shape, window.shape) + 1  # the rest wraps around
    return products[:rows, :columns]


def _refine(copy: Plane, original: Plane, fit: _Fit, side: int) -> tuple[_Fit, float]:
    """Gauss-Newton steps with the copy reduced to `side`; the fit and its detail's correlation."""
    small, reduction = _reduced(copy, side)
    base = _halved(original, reduction / fit.step)
    rows, columns = (np.arange(0.5, length, dtype=np.float64) for length in small.shape)
    for _ in range(_STEPS):
        local = _Fit(fit.step / reduction, fit.start)
        picture = _sampled(base, local, small.shape, original.shape)
        inside = _inside(local, small.shape, original.shape)
        if small[inside].size < _OVERLAP * small.size:
            return fit, 0.0  # ran away
        move = _step(small[inside], picture[inside], rows[inside[0]], columns[inside[1]])
        # A displacement a + b * y of the copy's points, in its pixels.
        fit = _Fit((1 + move[:, 1]) * local.step * reduction, local.start + move[:, 0] * local.step)
        edges = np.abs(move[:, 0]) + np.abs(move[:, 1]) * small.shape
        if float(edges.max()) < _SETTLED:
            break
    return fit, ncc(_detail(small)[inside], _detail(picture)[inside])


def _step(copy: Plane, picture: Plane, rows: Vector, columns: Vector) -> Vector:
    """Least squares of copy = contrast * (picture + gradient . displacement) + brightness.

    Returns ((a, b) of the rows, (a, b) of the columns), displacement a + b * y.
    """
    down, across = np.gradient(picture)
    terms = (down, down * rows[:, None], across, across * columns[None, :], picture)
    design = np.stack([*(t.ravel() for t in terms), np.ones(picture.size)]).astype(np.float64)
    solution = np.linalg.lstsq(design @ design.T, design @ copy.ravel(), rcond=None)[0]
    contrast = solution[4]
    if contrast <= 0 or not np.isfinite(solution).all():
        return np.zeros((2, 2))
    move: Vector = (solution[:4] / contrast).reshape(2, 2)
    return move


def _snapped(fit: _Fit, copy: tuple[int, ...], original: tuple[int, ...]) -> Placement:
    """The placement, taken for a whole copy or one of unchanged pixels where it is that close."""
    size, whole = np.asarray(copy, np.float64), np.asarray(original, np.float64)
    ends = fit.start + fit.step * size
    if max(np.abs(fit.start).max(), np.abs(ends - whole).max()) < _SNAP * fit.step.max():
        return Placement(_pair(size / whole))
    if np.abs((fit.step - 1) * size).max() < _SNAP:
        middle = fit.start + (fit.step - 1) * size / 2
        return Placement((1.0, 1.0), _pair(np.rint(middle)))
    return Placement(_pair(1 / fit.step), _pair(fit.start))


def _pair(values: Vector) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _reduced(plane: Plane, side: int) -> tuple[Plane, Vector]:
    """The plane with its longer side at `side` pixels, or as it is if smaller; and by what."""
    factor = min(1.0, side / max(plane.shape))
    shape = tuple(max(1, round(length * factor)) for length in plane.shape)
    reduction = np.divide(shape, plane.shape)
    whole = _halved(plane, reduction)
    return _sampled(whole, _Fit(1 / reduction, np.zeros(2)), shape, plane.shape), reduction


def _halved(plane: Plane, reduction: Vector) -> Plane:
    """Means over the largest square blocks that still leave twice the wanted resolution."""
    side = max(1, int(1 / (2 * float(np.max(reduction)))))
    rows, columns = (length // side * side for length in plane.shape)
    blocks = plane[:rows, :columns].reshape(rows // side, side, columns // side, side)
    means: Plane = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _sampled(plane: Plane, fit: _Fit, shape: tuple[int, ...], full: tuple[int, ...]) -> Plane:
    """A picture of `shape` whose point y lies at fit.step * y + fit.start of the full-size plane.

    `plane` is that plane or block means of it, `full` its size before.
    """
    block = round(full[0] / plane.shape[0])
    step = fit.step / block
    blur = 0.5 * np.sqrt(np.maximum(np.square(step) - 1, 0))  # against aliasing
    smooth = ndimage.gaussian_filter(plane, blur, mode="nearest") if blur.max() > 0 else plane
    offset = step * 0.5 + fit.start / block - 0.5
    sampled: Plane = ndimage.affine_transform(
        smooth, step, offset, output_shape=shape, order=1, mode="nearest"
    )
    return sampled


def _inside(fit: _Fit, copy: tuple[int, ...], original: tuple[int, ...]) -> tuple[slice, slice]:
    """The copy's pixels that lie on the original, without the outermost."""
    bounds = []
    for step, start, length, limit in zip(fit.step, fit.start, copy, original, strict=True):
        first = max(1, math.ceil(-start / step))
        last = min(length - 1, math.floor((limit - start) / step))
        bounds.append(slice(first, max(first + 1, last)))
    return bounds[0], bounds[1]


def _detail(plane: Plane) -> Plane:
    detail: Plane = plane - ndimage.gaussian_filter(plane, _DETAIL, mode="nearest")
    return detail
