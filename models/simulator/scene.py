"""What virtual cameras look at: linear RGB radiance, float32 (H, W, 3) in [0, 1].

Dead leaves (Lee, Mumford, Huang, IJCV 41, 2001): disks of power-law radii that occlude each other
have the edge statistics of natural images; a 1/f texture fills them. The flat scene is what the
guided burst asks for: bright, even, out of focus, a little different in each shot.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

Scene = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]

_DISKS: Final = 600
# Radii between these shares of the frame's shorter side, density falling as r^-3.
_SMALLEST, _LARGEST = 0.01, 0.45
_TEXTURE: Final = 0.12  # relative amplitude of the 1/f texture
_FLAT_LEVELS: Final = (0.35, 0.55)  # linear radiance of a well exposed, bright, even scene


def flat_scene(height: int, width: int, seed: int, level: float | None = None) -> Scene:
    """An even, out-of-focus surface with a soft gradient; `level` is its mean radiance."""
    rng = np.random.default_rng([seed, 1])
    mean = rng.uniform(*_FLAT_LEVELS) if level is None else level
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    slope = rng.normal(0, 0.04, 3).astype(np.float32)
    shading = 1 + slope[0] * rows + slope[1] * columns + slope[2] * rows * columns
    scene = np.empty((height, width, 3), np.float32)
    for channel, tint in enumerate(rng.uniform(0.95, 1.05, 3)):
        np.clip(shading * np.float32(mean * tint), 0, 1, out=scene[:, :, channel])
    return scene


def dead_leaves(
    height: int, width: int, seed: int, disks: int = _DISKS, smallest: float = _SMALLEST
) -> Scene:
    """Occluding textured disks, sharp: an everyday scene full of edges.

    `smallest` is the least radius as a share of the shorter side.
    """
    rng = np.random.default_rng([seed, 2])
    scene = np.empty((height, width, 3), np.float32)
    scene[:] = rng.uniform(0.05, 0.9, 3)
    shorter = min(height, width)
    # Inverse of the cumulative distribution of a density ~ r^-3 between the two bounds.
    share = rng.uniform(0, 1, disks)
    radii = (smallest**-2 + share * (_LARGEST**-2 - smallest**-2)) ** -0.5 * shorter
    for radius in np.sort(radii)[::-1]:
        _draw_disk(scene, rng, float(radius))
    texture = one_over_f(height, width, rng)
    scene *= 1 + np.float32(_TEXTURE) * texture[:, :, None]
    return np.clip(scene, 0, 1, out=scene)


def middle_of_dead_leaves(height: int, width: int, seed: int, zoom: float) -> Scene:
    """What the middle of a scene `zoom` times as wide and high looks like: fewer, larger disks."""
    return dead_leaves(height, width, seed, max(1, round(_DISKS / zoom**2)), _SMALLEST * zoom)


def one_over_f(height: int, width: int, rng: np.random.Generator, exponent: float = 1.0) -> Plane:
    """Gaussian texture of amplitude spectrum 1/f^exponent, zero mean, unit variance, (H, W)."""
    spectrum = scipy.fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
    rows = np.fft.fftfreq(height)[:, None]
    columns = np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns).astype(np.float32)
    frequency[0, 0] = np.inf
    texture: Plane = scipy.fft.irfft2(
        spectrum / frequency ** np.float32(exponent), s=(height, width)
    )
    texture /= texture.std()
    return texture


def _draw_disk(scene: Scene, rng: np.random.Generator, radius: float) -> None:
    height, width, _ = scene.shape
    row, column = rng.uniform(0, height), rng.uniform(0, width)
    top, bottom = max(0, int(row - radius)), min(height, int(row + radius) + 2)
    left, right = max(0, int(column - radius)), min(width, int(column + radius) + 2)
    rows = np.arange(top, bottom)[:, None] - row
    columns = np.arange(left, right)[None, :] - column
    inside = rows**2 + columns**2 <= radius**2
    grey = rng.uniform(0.03, 0.95)
    scene[top:bottom, left:right][inside] = np.clip(grey * rng.uniform(0.7, 1.3, 3), 0, 1)
