"""A fingerprint weighted by frequency, so that its NCC is nearly the best linear statistic.

Let a reference and a probe have the spectra H_r*K + N_r and H_p*K + N_p of one white pattern K.
Under the null hypothesis the product of a frequency has the variance S_r * S_p (S: power), under
the other the mean H_r * H_p * var(K). Of all sums of such products the one with weights

    H_r * H_p / (S_r * S_p)

has the highest ratio of mean to deviation: the generalised matched filter (Kay, Fundamentals of
Statistical Signal Processing II, 1998, section 4.4). Written as c / sqrt(S_r * S_p) it whitens both
sides and weights by their coherence, c = H_r * H_p / sqrt(S_r * S_p), so each side can be prepared
alone by sqrt(c / S) and compared by plain NCC.

S is measured on the side itself, averaged over rings of |f|: what neighbours in frequency have in
common is the pipeline, not the camera. A floor keeps frequencies that a reduction has emptied from
counting like the rest. Whitening without c is what Kang, Li, Qu, Huang (IEEE TIFS 7(2), 2012) and
Lin, Li (IEEE TIFS 11(1), 2016) do against periodic patterns.

c cannot be measured on one pair. Averaged over genuine pairs of eight simulated camera models it is
much alike: nothing below .05 cycles per pixel, where the denoiser takes noise for picture, the most
between .2 and .3, little above .5, which demosaicing, noise reduction and JPEG leave empty. The
band here is a curve of one parameter that looks so. It is for developed photos on the grid on which
they were taken.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

Plane = npt.NDArray[np.float32]

# |f| in cycles per pixel at which developed photos of one camera agree most.
BAND_PEAK: Final = 0.24
# Share of the mean power below which a frequency counts less and less.
FLOOR: Final = 0.3
# Rings of |f| in one cycle per pixel.
RINGS: Final = 64


def weighted(values: Plane, *, whiten: bool = True, band: bool = True) -> Plane:
    """Float32 (H, W) of a developed photo's fingerprint with its frequencies weighted, a new array.

    Mean 0 and the scale of `values` gone: for correlation only. Zeros for a uniform plane. `whiten`
    and `band` leave out a part, to measure what it adds. Raises ValueError for values that are not
    a plane, or not finite.
    """
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"a plane is needed, (height, width): {values.shape}")
    centred = values - np.float32(np.mean(values, dtype=np.float64))
    variance = float(np.mean(np.square(centred), dtype=np.float64))
    if not np.isfinite(variance):
        raise ValueError("the fingerprint has values that are not finite: estimate it anew")
    if variance == 0:
        return np.zeros_like(values)
    spectrum = scipy.fft.rfft2(centred / np.float32(math.sqrt(variance)), norm="ortho")
    frequency = _frequencies(*values.shape)
    if whiten:
        power = _ring_means(np.square(np.abs(spectrum)), frequency, values.shape[1])
        spectrum /= np.sqrt(power + np.float32(FLOOR))
    if band:
        spectrum *= np.sqrt(coherence(frequency))
    spectrum[0, 0] = 0
    prepared: Plane = scipy.fft.irfft2(spectrum, s=values.shape, norm="ortho")
    return prepared


def coherence(frequency: Plane) -> Plane:
    """c up to a factor, in [0, 1]: x * exp(1 - x) of x = (|f| / BAND_PEAK)^2."""
    square = np.square(frequency / np.float32(BAND_PEAK))
    curve: Plane = square * np.exp(1 - square)
    return curve


def _frequencies(height: int, width: int) -> Plane:
    """|f| in cycles per pixel of each place of a real transform, float32 (H, W // 2 + 1)."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequencies: Plane = np.hypot(rows, columns).astype(np.float32)
    return frequencies


def _ring_means(power: Plane, frequency: Plane, width: int) -> Plane:
    """Each place's mean of `power` over its ring; a real transform stands for both half-planes."""
    ring = (frequency * RINGS).astype(np.intp).ravel()
    columns = np.arange(power.shape[1])
    twice = np.where((columns == 0) | (2 * columns == width), 1.0, 2.0)
    counts = np.bincount(ring, np.broadcast_to(twice, power.shape).ravel())
    sums = np.bincount(ring, (power * twice).ravel())
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    averaged: Plane = means[ring].reshape(power.shape).astype(np.float32)
    return averaged
