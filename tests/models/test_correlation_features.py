"""Features of the correlation predictor: points of the paper's formulas, computed by hand."""

import numpy as np
import pytest

from grainseal.models.correlation_features import (
    BLOCK,
    CLASSIC,
    ISO,
    NOISE,
    attenuation,
    block_features,
    high_frequencies,
)
from grainseal.models.iso_map import MetricMap
from grainseal.models.photo import Photo, PhotoError, RawLevels


def photo(pixels: np.ndarray) -> Photo:
    return Photo(pixels.astype(np.uint8), "developed", "made", "")


def even(level: int, side: int = BLOCK) -> Photo:
    return photo(np.full((side, side, 3), level))


def test_attenuation_rises_to_the_critical_intensity_and_falls_behind_it():
    found = attenuation(np.array([[0, 125, 250, 253, 255]], np.float32))
    expected = [0, 0.5, 1, np.exp(-9 / 6), np.exp(-25 / 6)]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)


def test_an_even_photo_is_all_flat_and_has_no_texture():
    found = block_features(even(100)).values
    assert found.shape == (1, 1, 5)
    # A quarter of an 8-bit step, two stops below one, is the least noise there is.
    np.testing.assert_allclose(found[0, 0], [0.4, 1, 1, 0.4, -2], rtol=1e-4)


def test_black_is_not_flatter_than_a_sensor_leaves_it():
    found = block_features(even(0)).values
    np.testing.assert_allclose(found[0, 0], [0, 1, 0, 0, -2], atol=1e-6)


def test_a_noisy_block_has_the_means_of_its_pixels():
    """Against sums that are written out, pixel by pixel, away from the border."""
    rng = np.random.default_rng(1)
    grey = np.clip(rng.normal(60, 3, (3 * BLOCK, 3 * BLOCK)), 0, 255).round()
    found = block_features(photo(np.repeat(grey[:, :, None], 3, axis=2)))
    fine = high_frequencies(grey.astype(np.float32)).astype(np.float64)
    texture, flat = [], []
    for row in range(BLOCK, 2 * BLOCK):
        for column in range(BLOCK, 2 * BLOCK):
            around = np.s_[row - 2 : row + 3, column - 2 : column + 3]
            texture.append(1 / (1 + fine[around].var()))
            flat.append(grey[around].std() < 0.03 * grey[row, column])
    middle = found.values[1, 1]
    inner = grey[BLOCK : 2 * BLOCK, BLOCK : 2 * BLOCK].ravel() / 250
    assert middle[0] == pytest.approx(inner.mean(), rel=1e-4)
    assert middle[1] == pytest.approx(np.mean(texture), rel=1e-3)
    assert middle[2] == pytest.approx(np.mean(flat), abs=1e-3)
    assert middle[3] == pytest.approx(np.mean(inner * texture), rel=1e-3)
    assert middle[4] == pytest.approx(np.log2(3), abs=0.15)  # its deviation


def test_high_frequencies_are_what_a_smooth_ramp_has_not():
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.float32)
    chess = np.indices((64, 64)).sum(axis=0) % 2
    assert np.abs(high_frequencies(ramp)[8:-8, 8:-8]).max() < 1e-3
    found = high_frequencies(chess.astype(np.float32))
    np.testing.assert_allclose(found[8:-8, 8:-8], chess[8:-8, 8:-8] - 0.5, atol=1e-3)


def test_iso_metrics_become_the_last_feature():
    metrics = MetricMap(np.array([[0, 1], [2, 3]], np.float32), 64)
    found = block_features(even(100), metrics)
    assert found.names == (*CLASSIC, NOISE, ISO)
    assert found.chosen((ISO, CLASSIC[0])) == pytest.approx(np.array([[1.5, 0.4]]))


def test_raw_and_small_photos_are_refused():
    levels = RawLevels((0, 0, 0, 0), 1, "RGGB")
    raw = Photo(np.zeros((256, 256), np.uint16), "raw", "a.dng", "", levels=levels)
    with pytest.raises(PhotoError, match="give the JPEG"):
        block_features(raw)
    with pytest.raises(PhotoError, match="at least 128 pixels"):
        block_features(photo(np.zeros((127, 400, 3))))
