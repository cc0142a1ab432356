"""What of a photo decides how well it carries its sensor's pattern, block by block.

The correlation predictor of Chen, Fridrich, Goljan, Lukas, IEEE TIFS 3(1), 2008, takes means over
a block of

- intensity, which K multiplies, falling off where pixels are about to clip,
- texture, 1 / (1 + local variance of the photo's high frequencies),
- flattening, the share of pixels whose surroundings are as even as no sensor leaves them,
- texture times intensity, pixel by pixel.

ISONet (IWDW 2020) adds what the camera did to the signal: the ISO. Two measures of it are here: the
noise level (models/noise_level.py), and the ISO metric (models/iso_map.py), both in stops.

Ours: luma of Rec. 601; db4 for the high frequencies; local variances in squares of 5x5.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pywt
from scipy import ndimage

from grainseal.models.iso_map import LEAST_NOISE, MetricMap
from grainseal.models.noise_level import noise_level_map
from grainseal.models.photo import Photo, require_developed

Plane = npt.NDArray[np.float32]
Features = npt.NDArray[np.float64]

BLOCK: Final = 128  # pixels a side, as in the paper
# On the 8-bit scale (ibid.): where attenuation begins, how fast it falls, and the share of the
# intensity below which a deviation is too small for a sensor.
CRITICAL: Final = 250.0
FALL: Final = 6.0
FLAT_SHARE: Final = 0.03
WINDOW: Final = 5
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_WAVELET: Final = "db4"
_MARGIN: Final = 16  # pixels around a row of blocks that filters look at; even, for the wavelet

INTENSITY: Final = "intensity"
CLASSIC: Final = (INTENSITY, "texture", "flattening", "texture intensity")
NOISE: Final = "noise level"
ISO: Final = "ISO metric"


@dataclass(frozen=True)
class BlockFeatures:
    """Float64 (rows, columns, features) of blocks side by side from the top left; their names."""

    values: Features = field(repr=False)
    names: tuple[str, ...]

    def chosen(self, names: tuple[str, ...]) -> Features:
        """Float64 (rows * columns, names), row by row."""
        places = [self.names.index(name) for name in names]
        return self.values[:, :, places].reshape(-1, len(places))


def block_features(photo: Photo, metrics: MetricMap | None = None) -> BlockFeatures:
    """CLASSIC and NOISE of each block, and with `metrics` the ISO metric.

    PhotoError for a photo that is RAW or holds no block.
    """
    require_developed(photo, BLOCK)
    rows, columns = (length // BLOCK for length in photo.shape)
    classic = np.stack([_row_features(photo, BLOCK * row, columns) for row in range(rows)])
    noise = np.log2(np.maximum(255 * noise_level_map(photo, BLOCK), LEAST_NOISE))
    found = [classic, noise[:, :, None]]
    if metrics is not None:
        found.append(metrics.of_blocks(BLOCK, rows, columns)[:, :, None])
    names = (*CLASSIC, NOISE, ISO)[: len(CLASSIC) + len(found) - 1]
    return BlockFeatures(np.concatenate(found, axis=2).astype(np.float64), names)


def attenuation(luma: Plane) -> Plane:
    """The paper's att(I) in [0, 1] of an intensity on the 8-bit scale."""
    clipping = np.exp(-np.square(luma - np.float32(CRITICAL)) / np.float32(FALL))
    return np.where(luma > CRITICAL, clipping, luma / np.float32(CRITICAL)).astype(np.float32)


def high_frequencies(luma: Plane) -> Plane:
    """What the finest level of a wavelet decomposition holds of a float32 (H, W) plane."""
    approximation, details = pywt.dwt2(luma, _WAVELET, "symmetric")
    fine = pywt.idwt2((np.zeros_like(approximation), details), _WAVELET, "symmetric")
    cut: Plane = fine[: luma.shape[0], : luma.shape[1]].astype(np.float32)
    return cut


def _row_features(photo: Photo, top: int, columns: int) -> Features:
    """CLASSIC features of the row of blocks that begins at pixel row `top`: (columns, 4)."""
    first, last = max(0, top - _MARGIN), min(photo.height, top + BLOCK + _MARGIN)
    luma: Plane = photo.pixels[first:last].astype(np.float32) @ _LUMA
    bright = attenuation(luma)
    smooth = 1 / (1 + _variance(high_frequencies(luma)))
    flat = np.sqrt(_variance(luma)) < np.float32(FLAT_SHARE) * luma
    maps = np.stack([bright, smooth, flat, bright * smooth], axis=-1)
    blocks = maps[top - first : top - first + BLOCK, : BLOCK * columns]
    means: Features = blocks.reshape(BLOCK, columns, BLOCK, 4).mean(axis=(0, 2), dtype=np.float64)
    return means


def _variance(values: Plane) -> Plane:
    """Local, in squares of WINDOW x WINDOW."""
    mean = ndimage.uniform_filter(values, WINDOW)
    variance: Plane = np.maximum(ndimage.uniform_filter(values**2, WINDOW) - mean**2, 0)
    return variance
