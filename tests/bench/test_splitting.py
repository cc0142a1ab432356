"""The benchmark of split photos: which pairs it counts, and what a small run says."""

import numpy as np
import pytest
from bench.splitting import Plan, measured, of_one_photo, told_apart

OWNERS = np.array([0, 0, 1, 1])


def test_the_parts_of_one_photo_meet_those_of_other_cameras():
    crossed = np.arange(16.0).reshape(4, 4)
    pairs = of_one_photo(crossed, OWNERS)
    np.testing.assert_array_equal(pairs.scores[pairs.genuine], [0, 5, 10, 15])
    np.testing.assert_array_equal(pairs.scores[~pairs.genuine], [2, 3, 6, 7, 8, 9, 12, 13])


def test_a_camera_is_told_apart_by_hand():
    """Camera 0: 5 and 1 within the parts, 3 and 6 across: one win of four. Camera 1: ties."""
    odd, even, crossed = np.full((3, 4, 4), 9.0)
    odd[0, 1], even[0, 1], crossed[0, 1], crossed[1, 0] = 5, 1, 3, 6
    assert told_apart((odd, even), crossed, OWNERS) == pytest.approx([0.25, 0.5])
    even[0, 1] = 4
    assert told_apart((odd, even), crossed, OWNERS) == pytest.approx([0.5, 0.5])


def test_a_small_run_recognises_within_the_parts():
    values = {row.name: row.value for row in measured(Plan(cameras=2, photos=2, side=640))}
    assert values["genuine, impostor pairs"] == "2, 4"
    for part in ("odd", "even"):
        assert float(values[f"{part} against {part}"].split()[1]) > 0.9
    across = [value for name, value in values.items() if name.startswith("odd against even")]
    assert len(across) == 2
    assert all(0 <= float(value.split()[1]) <= 1 for value in across)
