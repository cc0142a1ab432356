"""The wavelet denoiser's residual of one plane (Mihcak, Kozintsev, Ramchandran, ICASSP 1999;
used for PRNU by Lukas, Fridrich, Goljan, IEEE TIFS 1(2), 2006, appendix A).

Each detail coefficient w is a sum of a locally Gaussian image coefficient of variance s2 and white
noise of variance n2. The variance of the image is estimated from the neighbourhoods of 3, 5, 7 and
9 coefficients a side, s2 = max(0, min_k mean_k(w^2) - n2), and the Wiener filter keeps
w * s2 / (s2 + n2). What it takes away is the noise residual, computed here directly:

    w * n2 / (s2 + n2) = w * n2 / max(n2, min_k mean_k(w^2)).

The same attenuation, on the spectrum of a fingerprint, is the Wiener filter in the DFT domain.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pywt

Plane = npt.NDArray[np.float32]

WAVELET: Final = "db4"
LEVELS: Final = 4
WINDOWS: Final = (3, 5, 7, 9)
MARGIN: Final = max(WINDOWS) // 2
# Standard deviation of the noise on the 8-bit scale, the value of the 2006 paper.
NOISE_SIGMA: Final = 5.0

_MODE: Final = "symmetric"
# Rows that are filtered together: two or three buffers of this height stay in the L2 cache.
_ROWS: Final = 32


def min_side(levels: int = LEVELS) -> int:
    """Smallest side in pixels at which every level has more coefficients than the widest window."""
    return int(2**levels) * (max(WINDOWS) + 1)


def residual(plane: Plane, sigma: float = NOISE_SIGMA / 255, levels: int = LEVELS) -> Plane:
    """Noise residual of a float32 (H, W) plane in [0, 1]: a new float32 (H, W), about +-0.05.

    `sigma` is the noise level on the plane's own scale; `levels` says down to which spatial
    frequency, about 2^-(levels + 1) cycles per pixel, noise is looked for. Raises ValueError for a
    plane that is not two-dimensional or has a side below min_side(levels).
    """
    smallest = min_side(levels)
    if plane.ndim != 2 or min(plane.shape) < smallest:
        raise ValueError(f"a plane of at least {smallest} pixels a side is needed: {plane.shape}")
    approximation = np.ascontiguousarray(plane, dtype=np.float32)
    details = []
    for _ in range(levels):
        shape = approximation.shape
        approximation, bands = _analyse(approximation)
        details.append((shape, [wiener_noise(band, sigma**2) for band in bands]))
    noise = np.zeros_like(approximation)
    for shape, bands in reversed(details):
        noise = _synthesise(noise, bands, shape)
    return noise


def wiener_noise(coefficients: Plane, variance: float) -> Plane:
    """The part of (H, W) coefficients that the local Wiener filter calls noise, as a new array."""
    padded = np.pad(coefficients, MARGIN, mode="symmetric")
    np.square(padded, out=padded)
    return coefficients * attenuation(padded, variance)


def attenuation(power: Plane, variance: float, windows: tuple[int, ...] = WINDOWS) -> Plane:
    """Factor variance / max(variance, smallest local mean of `power`), in (0, 1].

    `power` is float32 with MARGIN more cells on each side than the answer: the caller chooses how
    the border continues. `windows` are the sides of the squares, odd, at most 2 * MARGIN + 1.
    """
    height, width = (length - 2 * MARGIN for length in power.shape)
    result = np.empty((height, width), np.float32)
    for top in range(0, height, _ROWS):
        block = power[top : min(top + _ROWS, height) + 2 * MARGIN]
        result[top : top + _ROWS] = _smallest_mean(block, windows)
    np.maximum(result, np.float32(variance), out=result)
    return np.divide(np.float32(variance), result, out=result)


def _smallest_mean(block: Plane, windows: tuple[int, ...]) -> Plane:
    """Minimum over the windows of the mean in a centred square, for cells inside the margin."""
    height, width = (length - 2 * MARGIN for length in block.shape)
    column_sums = block[MARGIN : MARGIN + height].copy()
    smallest = np.full((height, width), np.inf, np.float32)
    for reach in range(1, MARGIN + 1):
        column_sums += block[MARGIN - reach : MARGIN - reach + height]
        column_sums += block[MARGIN + reach : MARGIN + reach + height]
        window = 2 * reach + 1
        if window not in windows:
            continue
        mean = column_sums[:, MARGIN - reach : MARGIN - reach + width].copy()
        for shift in range(1 - reach, reach + 1):
            mean += column_sums[:, MARGIN + shift : MARGIN + shift + width]
        mean *= np.float32(1 / window**2)
        np.minimum(smallest, mean, out=smallest)
    return smallest


# Both filters run along rows only, on transposed copies: PyWavelets walks columns ten times more
# slowly. Sub-bands therefore lie transposed, which a square window does not notice.


def _analyse(plane: Plane) -> tuple[Plane, list[Plane]]:
    low, high = pywt.dwt(plane, WAVELET, _MODE, axis=1)
    low_low, low_high = pywt.dwt(np.ascontiguousarray(low.T), WAVELET, _MODE, axis=1)
    high_low, high_high = pywt.dwt(np.ascontiguousarray(high.T), WAVELET, _MODE, axis=1)
    return np.ascontiguousarray(low_low.T), [low_high, high_low, high_high]


def _synthesise(low_low: Plane, bands: list[Plane], shape: tuple[int, ...]) -> Plane:
    low_high, high_low, high_high = bands
    low = pywt.idwt(np.ascontiguousarray(low_low.T), low_high, WAVELET, _MODE, axis=1)[
        :, : shape[0]
    ]
    high = pywt.idwt(high_low, high_high, WAVELET, _MODE, axis=1)[:, : shape[0]]
    rows = (np.ascontiguousarray(low.T), np.ascontiguousarray(high.T))
    plane: Plane = pywt.idwt(*rows, WAVELET, _MODE, axis=1)[:, : shape[1]]
    return np.ascontiguousarray(plane)
