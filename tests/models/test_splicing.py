"""Splicing by inconsistent ISO metrics, on maps that were made up: no network is asked."""

import numpy as np
import pytest

from grainseal.models.iso_map import MetricMap
from grainseal.models.splicing import find_splicing, pixel_mask


def noisy(seed: int, deviation: float = 0.4, rows: int = 16, columns: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).normal(2, deviation, (rows, columns)).astype(np.float32)


PASTED = np.zeros((16, 20), bool)
PASTED[4:10, 6:13] = True


@pytest.mark.parametrize("stops", [2.0, -2.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_pasted_part_is_found_whichever_way_its_iso_differs(seed, stops):
    values = noisy(seed)
    values[PASTED] += stops
    found = find_splicing(MetricMap(values, 32))
    assert found.suspicious
    assert found.gap == pytest.approx(stops, abs=0.3)
    assert (found.suspect & PASTED).sum() >= 0.85 * PASTED.sum()
    assert (found.suspect & ~PASTED).sum() <= 0.15 * PASTED.sum()
    assert found.suspicion[6:8, 8:11].min() > 0.5
    assert found.suspicion[~PASTED].mean() < 0.3


@pytest.mark.parametrize("seed", range(20))
def test_noise_around_one_iso_is_not_suspicious(seed):
    assert not find_splicing(MetricMap(noisy(seed, 0.8), 32)).suspicious


def test_scattered_odd_patches_are_texture():
    values = noisy(1, 0.1)
    values[::4, ::4] += 3  # one in sixteen, none beside another
    assert not find_splicing(MetricMap(values, 32)).suspicious


def test_a_small_difference_is_no_splice():
    values = noisy(1, 0.05)
    values[PASTED] += 0.5
    found = find_splicing(MetricMap(values, 32))
    assert found.separation > 6
    assert not found.suspicious


def test_the_smaller_part_is_the_suspect():
    values = noisy(1)
    values[~PASTED] += 2
    found = find_splicing(MetricMap(values, 32))
    assert found.gap < 0
    assert found.share == pytest.approx(PASTED.mean(), abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 4)])
def test_an_even_map_has_no_suspect(shape):
    found = find_splicing(MetricMap(np.full(shape, 1.5, np.float32), 32))
    assert not found.suspicious
    assert not found.suspect.any()
    assert found.suspicion.max() == 0


def test_the_mask_gives_each_pixel_its_nearest_patch():
    suspect = np.array([[False, True], [False, False]])
    mask = pixel_mask(suspect, 32, 100, 96)  # centres at 32 and 64: the border is 48
    expected = np.zeros((100, 96), bool)
    expected[:48, 48:] = True
    assert np.array_equal(mask, expected)
