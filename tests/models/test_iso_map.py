"""Maps of ISO metrics: which patches belong to which block, and how far apart patches are."""

import numpy as np
import pytest

from grainseal.models.iso_map import LEAST_STEP, MOST, PATCH, MetricMap, map_step


def test_a_block_has_the_mean_of_the_patches_whose_centre_is_in_it():
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    blocks = MetricMap(values, 64).of_blocks(128, 2, 2)  # centres at 32, 96 | 160, 224
    assert blocks.tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_overlapping_patches_count_once_and_blocks_without_a_centre_take_the_nearest():
    row = np.array([[1, 2, 3, 10, 20]], np.float32)  # centres at 32, 64, 96 | 128, 160
    assert MetricMap(row, 32).of_blocks(128, 1, 2).tolist() == [[2, 15]]
    # Centres at 32, 232, 432: none is between 256 and 384; 320 is nearer to 232 than to 432.
    sparse = MetricMap(np.array([[1, 2, 7]], np.float32), 200)
    assert sparse.of_blocks(128, 1, 4).tolist() == [[1, 2, 2, 7]]


def test_iso_is_the_median_of_the_metrics():
    assert MetricMap(np.array([[0, 1, 4]], np.float32), 64).iso == 200


@pytest.mark.parametrize("shape", [(512, 512), (768, 1024), (3000, 4000), (5304, 7952)])
def test_a_map_has_no_more_patches_than_it_takes(shape):
    step = map_step(*shape)
    rows, columns = ((length - PATCH) // step + 1 for length in shape)
    assert step % 8 == 0
    assert rows * columns <= MOST
    if step > LEAST_STEP:  # and not many less
        assert rows * columns > 0.7 * MOST
