"""Where in a photo which ISO: metrics log2(ISO / 100) of patches on a grid.

What the estimator `isonet` (models/reference/isonet.py) says of a photo, for those who make
something of it without running a network themselves; or what the noise level says: shot noise
doubles with every second stop.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.noise_level import noise_level_map
from grainseal.models.photo import Photo, require_developed

Array = npt.NDArray[np.float32]

PATCH: Final = 64  # pixels a side
# Patches of a photo that are looked at: more cost time, and move neither median nor map.
MOST: Final = 1024
LEAST_STEP: Final = 32  # half a patch
# On the 8-bit scale: a quarter of a step is rounding's.
LEAST_NOISE: Final = 0.25
_JPEG_BLOCK: Final = 8


def iso_metric(iso: npt.NDArray[np.integer]) -> Array:
    """log2(ISO / 100) (ISONet's equation 1)."""
    metric: Array = np.log2(iso / 100).astype(np.float32)
    return metric


@dataclass(frozen=True)
class MetricMap:
    """ISO metrics on a grid, float32 (rows, columns).

    The patch of row r and column c has its first pixel at (r, c) * `step`.
    """

    values: Array = field(repr=False)
    step: int

    @property
    def iso(self) -> float:
        """Of the whole photo, positive."""
        return float(100 * 2 ** np.median(self.values))

    def of_blocks(self, side: int, rows: int, columns: int) -> Array:
        """Mean metric of the patches whose centre is in each block of side x side pixels.

        Float32 (rows, columns) of the blocks from the top left corner on; a block with no centre
        in it has the nearest one's.
        """
        down, across = (
            _membership(count, side, length, self.step)
            for count, length in zip((rows, columns), self.values.shape, strict=True)
        )
        found: Array = (down @ self.values @ across.T).astype(np.float32)
        return found


def _membership(blocks: int, side: int, patches: int, step: int) -> npt.NDArray[np.float64]:
    """(blocks, patches): the weight of each patch in each block's mean, along one axis."""
    centres = step * np.arange(patches) + PATCH / 2
    inside = (centres // side == np.arange(blocks)[:, None]).astype(np.float64)
    apart = np.abs(centres - side * (np.arange(blocks)[:, None] + 0.5))
    nearest = np.eye(patches)[apart.argmin(axis=1)]
    members = np.where(inside.any(axis=1)[:, None], inside, nearest)
    shares: npt.NDArray[np.float64] = members / members.sum(axis=1, keepdims=True)
    return shares


def noise_map(photo: Photo) -> MetricMap:
    """2 log2 of the noise level of each patch, in 8-bit steps: stops, but from no known zero.

    PhotoError for a photo that is RAW or smaller than a patch.
    """
    require_developed(photo, PATCH)
    step = map_step(*photo.shape)
    levels = 255 * noise_level_map(photo, PATCH, step)
    return MetricMap(2 * np.log2(np.maximum(levels, LEAST_NOISE)), step)


def map_step(height: int, width: int) -> int:
    """Pixels between the patches of a map: LEAST_STEP, and more where MOST patches are too few."""
    needed = math.sqrt(height * width / MOST)
    return max(LEAST_STEP, math.ceil(needed / _JPEG_BLOCK) * _JPEG_BLOCK)
