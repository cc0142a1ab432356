"""Shares of what was predicted: of cameras that were left out, by their own gain."""

import numpy as np
import pytest

from grainseal.models.training.correlation_shares import Seen, left_out, lowest_share
from grainseal.models.training.correlation_truth import Truth


class Halving:
    """Predicts half of the number that stands for a photo's features."""

    def __init__(self, rest):
        self.rest = rest

    def predicted(self, features):
        return np.full((2, 2), features / 2)


def seen(features, whole, alike=0.0):
    pairs = np.array([[1.0, alike], [alike, 1.0]])
    return Seen(features, Truth(np.array([]), np.array(whole), pairs))


def test_each_camera_is_left_out_and_has_its_own_gain():
    # Even photos that have twice what is said: .2 each, alike by .04.
    strong = seen([0.1, 0.2, 0.0], [0.1, 0.05, 0.02]), seen([0.2, 0.2], [0.2, 0.2], 0.04)
    exact = seen([0.1], [0.05]), seen([0.2, 0.2], [0.1, 0.1], 0.01)
    rests = []

    def fit(rest):
        rests.append(list(rest))
        return Halving(rest)

    one, other = left_out([strong, exact], fit)
    assert [[id(each) for each in rest] for rest in rests] == [
        [id(each) for each in exact],
        [id(each) for each in strong],
    ]
    assert one.plain == pytest.approx([2.0, 0.5])
    assert one.gained == pytest.approx([1.0, 0.25])
    assert (other.plain, other.gained) == (pytest.approx([1.0]), pytest.approx([1.0]))
    assert lowest_share([one.plain, other.plain]) == pytest.approx(0.5)
    assert lowest_share([np.arange(1.0, 101.0)]) == 5
    assert lowest_share([np.array([])]) is None


@pytest.mark.parametrize("alike", [-0.1, 0.9])
def test_no_gain_is_told_by_photos_that_no_camera_takes(alike):
    found, _ = left_out(
        [(seen([0.1], [0.1]), seen([0.02, 0.02], [0.0, 0.0], alike))] * 2,
        lambda rest: Halving(rest),
    )
    assert found.plain == pytest.approx([2.0])
    assert found.gained.size == 0
