"""How noisy a photo is, read from the photo itself: one of the neural extractor's inputs.

The diagonal Haar coefficient of 2x2 pixels holds little of a picture and all of white noise. Its
mean magnitude in small blocks is smallest where the scene is even; a low quantile over the blocks
is therefore about the standard deviation of the noise (Donoho's estimate, made local). Fine texture
all over a photo is taken for noise.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.photo import Photo

Plane = npt.NDArray[np.float32]

BLOCK: Final = 16  # coefficients a side
QUANTILE: Final = 0.25
# Mean magnitude of a standard normal.
_MEAN_MAGNITUDE: Final = math.sqrt(2 / math.pi)


def noise_level(planes: Iterable[Plane]) -> float:
    """Standard deviation on the planes' own scale: the mean over float32 (H, W) planes.

    Raises ValueError for planes that hold no block of 32 x 32 pixels, or none at all.
    """
    levels = [_level(plane) for plane in planes]
    if not levels:
        raise ValueError("no planes: nothing to measure the noise of")
    return float(np.mean(levels))


def _level(plane: Plane) -> float:
    height, width = (length // (2 * BLOCK) * 2 * BLOCK for length in plane.shape)
    if height == 0 or width == 0:
        raise ValueError(f"a plane of at least {2 * BLOCK} pixels a side is needed: {plane.shape}")
    even, odd = plane[0:height:2, :width], plane[1:height:2, :width]
    across = even - odd
    diagonal = np.abs(across[:, 0::2] - across[:, 1::2])
    blocks = diagonal.reshape(height // 2 // BLOCK, BLOCK, width // 2 // BLOCK, BLOCK)
    means = blocks.mean(axis=(1, 3)) / (2 * _MEAN_MAGNITUDE)
    return float(np.quantile(means, QUANTILE))


def noise_level_map(photo: Photo, side: int, step: int | None = None) -> Plane:
    """Levels of a developed photo's squares of side x side pixels, float32 (rows, columns).

    Squares are `step` pixels apart, by default side by side, from the top left corner; what is left
    over is not looked at. ValueError for a `side` below 2 * BLOCK.
    """
    step, planes = step or side, list(photo.planes())
    tops, lefts = (range(0, length - side + 1, step) for length in photo.shape)
    return np.array(
        [
            [
                noise_level(plane[top : top + side, left : left + side] for plane in planes)
                for left in lefts
            ]
            for top in tops
        ],
        np.float32,
    ).reshape(len(tops), len(lefts))


def photo_noise_level(photo: Photo) -> float:
    """Noise level of a photo's planes; of the four phases of a Bayer plane."""
    if photo.kind == "developed":
        return noise_level(photo.planes())
    bayer = photo.plane(0)
    phases = (bayer[row::2, column::2] for row in range(2) for column in range(2))
    return noise_level(phases)
