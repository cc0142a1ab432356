"""The benchmark of what a photo says of itself: its figures, computed by hand."""

import numpy as np
import pytest
from bench.isonet import _over_cameras, _over_pairs
from bench.isonet_levels import LevelTable
from bench.isonet_splices import f1_score, pasted_part

from grainseal.models.simulator.iso_series import ISOS


def test_f1_is_of_pixels():
    truth, found = np.zeros((2, 10), bool), np.zeros((2, 10), bool)
    truth[0, :4], found[0, 2:8] = True, True
    assert f1_score(found, truth) == pytest.approx(2 * 2 / (4 + 6))
    assert f1_score(truth, truth) == 1
    assert f1_score(~truth, truth) == 0
    assert np.isnan(f1_score(found, np.zeros_like(truth)))


@pytest.mark.parametrize("seed", range(8))
def test_a_pasted_part_is_whole_and_less_than_a_third_of_the_photo(seed):
    mask = pasted_part(np.random.default_rng(seed), 200, 300)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert 0.29 * 200 <= np.ptp(rows) + 1 <= 0.56 * 200
    assert 0.29 * 300 <= np.ptp(columns) + 1 <= 0.56 * 300
    filled = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean()
    assert filled == 1 or filled == pytest.approx(np.pi / 4, abs=0.02)


def test_a_level_between_two_speeds_is_on_their_line_of_logarithms():
    table = LevelTable(np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    assert [table.level(iso) for iso in ISOS] == pytest.approx([1, 2, 4, 8, 16])
    assert table.level(200 * 2**0.5) == pytest.approx(2 * 2**0.5)
    assert table.level(25) == 1
    assert table.level(6400) == 16


def test_intervals_are_over_cameras():
    """All photos of a camera are drawn together: alike ones make the figure no surer."""
    values = np.repeat([[0.0], [1.0], [0.0], [1.0]], 50, axis=1)
    found = _over_cameras(values, np.mean)
    assert found.value == 0.5
    assert found.interval.low == 0
    assert found.interval.high == 1
    uneven = values + np.linspace(0, 1, 50)
    assert _over_pairs(uneven, 3 - 2 * uneven).value == pytest.approx(-1)
