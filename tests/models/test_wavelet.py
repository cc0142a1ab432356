"""The residual against the textbook formula in float64."""

import numpy as np
import pytest
import pywt
from scipy import ndimage

from grainseal.models import wavelet
from grainseal.models.fingerprint import wiener_dft, zero_mean

# Float32 keeps 24 bits: residuals of +-.05 and patterns of +-.02 agree to a few units of 1e-7.
RESIDUAL_TOLERANCE = 1e-6
PATTERN_TOLERANCE = 2e-6


def textbook_wiener(band, variance):
    """Mihcak's estimate in the order the papers write it; returns the noise part."""
    means = [ndimage.uniform_filter(band**2, side, mode="reflect") for side in (3, 5, 7, 9)]
    image = np.maximum(0, np.min(means, axis=0) - variance)
    return band - band * image / (image + variance)


def textbook_residual(plane, sigma=5 / 255, levels=4):
    plane = plane.astype(np.float64)
    approximation, *details = pywt.wavedec2(plane, "db4", mode="symmetric", level=levels)
    noise = [tuple(textbook_wiener(band, sigma**2) for band in level) for level in details]
    rebuilt = pywt.waverec2([np.zeros_like(approximation), *noise], "db4", mode="symmetric")
    return rebuilt[: plane.shape[0], : plane.shape[1]]


def textbook_zero_mean(values):
    values = values.astype(np.float64).copy()
    for row in (0, 1):
        for column in (0, 1):
            phase = values[row::2, column::2]
            phase = phase - phase.mean(axis=0)
            values[row::2, column::2] = phase - phase.mean(axis=1)[:, None]
    return values


def textbook_wiener_dft(values):
    spectrum = np.fft.fft2(values) / np.sqrt(values.size)
    magnitude = np.abs(spectrum)
    means = [ndimage.uniform_filter(magnitude**2, side, mode="wrap") for side in (3, 5, 7, 9)]
    variance = values.var()
    signal = np.maximum(0, np.min(means, axis=0) - variance)
    kept = magnitude * variance / (signal + variance)
    scaled = np.where(magnitude > 0, spectrum * kept / np.maximum(magnitude, 1e-300), 0)
    return np.fft.ifft2(scaled * np.sqrt(values.size)).real


def picture(height, width, seed=0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    smooth = 0.5 + 0.3 * np.sin(rows / 40) * np.cos(columns / 30)
    smooth[height // 3 :, width // 2 :] *= 0.5  # an edge
    return np.clip(smooth + rng.normal(0, 0.01, (height, width)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("shape", [(160, 160), (192, 256), (211, 333), (500, 161)])
@pytest.mark.parametrize("levels", [3, 4])
def test_residual_equals_the_textbook(shape, levels):
    plane = picture(*shape)
    ours = wavelet.residual(plane, levels=levels)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(
        ours, textbook_residual(plane, levels=levels), atol=RESIDUAL_TOLERANCE, rtol=0
    )


def test_whole_chain_equals_the_textbook_at_the_size_of_the_promise():
    plane = picture(1984, 2048, seed=1)
    ours = wiener_dft(zero_mean(wavelet.residual(plane)))
    theirs = textbook_wiener_dft(textbook_zero_mean(textbook_residual(plane)))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=PATTERN_TOLERANCE, rtol=0)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 1 - 1e-7


@pytest.mark.parametrize("shape", [(64, 64), (61, 90), (90, 61), (33, 35)])
def test_spectral_filter_equals_the_textbook_on_odd_sizes(shape):
    values = np.random.default_rng(2).normal(0, 0.01, shape)
    values += 0.02 * np.cos(2 * np.pi * np.arange(shape[1]) / 8)
    ours = wiener_dft(values.astype(np.float32))
    np.testing.assert_allclose(ours, textbook_wiener_dft(values), atol=PATTERN_TOLERANCE, rtol=0)


def test_noise_stays_and_picture_goes():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 2 / 255, (512, 512)).astype(np.float32)
    clean = picture(512, 512) * 0 + np.linspace(0.3, 0.7, 512, dtype=np.float32)
    kept = wavelet.residual(clean + noise)
    assert np.corrcoef(kept.ravel(), noise.ravel())[0, 1] > 0.98


def test_input_is_not_modified():
    plane = picture(200, 200)
    before = plane.copy()
    wavelet.residual(plane)
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize("shape", [(159, 200), (200, 10), (300,), (200, 200, 3)])
def test_unsuitable_planes_are_refused(shape):
    with pytest.raises(ValueError, match="pixels a side"):
        wavelet.residual(np.zeros(shape, np.float32))
