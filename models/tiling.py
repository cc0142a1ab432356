"""A photo in tiles on every core, each with its surroundings, put together without a seam.

What a network says of a pixel depends on `margin` pixels around it. Given these, a tile's residual
is what the whole photo's would be; beyond the photo's border they are its reflection. Even
reflection and even offsets keep the phases of the CFA cell, and offsets that are multiples of GRID
keep the blocks that networks of several scales cut a photo into.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.cores import usable_cores
from grainseal.models.photo import Photo, PhotoError

Planes = npt.NDArray[np.float32]

GRID: Final = 8
# Smallest photo: the noise level needs blocks, the border something to reflect.
MIN_SIDE: Final = 64


_most_threads = 0  # 0: as many as there are cores


def limit_threads(count: int) -> None:
    """Let photos have so many threads in this process: for one of many that share the cores."""
    global _most_threads
    _most_threads = count


def require_size(photo: Photo) -> None:
    """PhotoError for a photo that is too small for a network."""
    if min(photo.shape) < MIN_SIDE:
        raise PhotoError(
            f"{photo.name} is {photo.width}x{photo.height}: "
            f"at least {MIN_SIDE} pixels a side are needed"
        )


def in_tiles(
    photo: Photo,
    tile: int,
    margin: int,
    residual_of: Callable[[Planes], Planes],
    planes: int | None = None,
) -> Planes:
    """Residual, float32 (R, H, W): of every plane, or of `planes` together.

    `tile` and `margin`: pixels, multiples of GRID. `residual_of`: float32 (P, h, w) in [0, 1], h
    and w multiples of GRID, to (R, h - 2 margin, w - 2 margin); called from several threads at
    once.
    Raises ValueError for tiles or margins off the grid.
    """
    if tile <= 0 or tile % GRID or margin % GRID:
        raise ValueError(f"tile and margin must be multiples of {GRID}: {tile}, {margin}")
    residual = np.empty((planes or photo.plane_count, *photo.shape), np.float32)

    def work(corner: tuple[int, int]) -> None:
        top, left = corner
        found = residual_of(_window(photo, top, left, tile, margin))
        place = np.s_[:, top : top + tile, left : left + tile]
        _, height, width = residual[place].shape
        residual[place] = found[:, :height, :width]

    corners = [
        (top, left) for top in range(0, photo.height, tile) for left in range(0, photo.width, tile)
    ]
    with ThreadPoolExecutor(_threads()) as pool:
        list(pool.map(work, corners))
    return residual


def _window(photo: Photo, top: int, left: int, side: int, margin: int) -> Planes:
    """A tile and its margin as float32 (P, H, W) in [0, 1]; the border of the photo reflects."""
    height, width = (
        min(side, -(-length // GRID) * GRID - first)
        for length, first in zip(photo.shape, (top, left), strict=True)
    )
    rows = _mirrored(top - margin, top + height + margin, photo.height)
    columns = _mirrored(left - margin, left + width + margin, photo.width)
    part = photo.window(rows, columns)
    return np.ascontiguousarray(np.stack(list(part.planes())))


def _mirrored(start: int, stop: int, length: int) -> npt.NDArray[np.intp]:
    """Indices start..stop reflected at 0 and length - 1, without repeating these."""
    period = 2 * (length - 1)
    index = np.arange(start, stop) % period
    return np.minimum(index, period - index)


def _threads() -> int:
    return _most_threads or usable_cores()
