"""The two parts of a RAW photo: every pixel in one of them, and each a Bayer plane."""

import numpy as np
import pytest

from grainseal.models.photo import Photo, PhotoError, RawLevels
from grainseal.models.reference.photonecf_splitting import split

LEVELS = RawLevels((1.0, 2.0, 3.0, 4.0), 4095.0, "GRBG")


def raw(pixels):
    return Photo(pixels.astype(np.uint16), "raw", "a.dng", "digest", iso=200, levels=LEVELS)


def test_columns_of_cells_take_turns():
    pixels = np.arange(16).reshape(2, 8)
    odd, even = split(raw(pixels))
    np.testing.assert_array_equal(odd.pixels, [[0, 1, 4, 5], [8, 9, 12, 13]])
    np.testing.assert_array_equal(even.pixels, [[2, 3, 6, 7], [10, 11, 14, 15]])


@pytest.mark.parametrize(("width", "used"), [(40, 40), (42, 40), (43, 40), (44, 44)])
def test_each_pixel_lands_once_and_an_odd_column_of_cells_nowhere(width, used):
    pixels = np.arange(30 * width).reshape(30, width)
    parts = split(raw(pixels))
    assert [part.shape for part in parts] == [(30, used // 2)] * 2
    together = np.concatenate([part.pixels.ravel() for part in parts])
    np.testing.assert_array_equal(np.sort(together), np.sort(pixels[:, :used].ravel()))


def test_each_part_keeps_the_colour_filter_and_what_is_known_of_the_photo():
    height, width = 7, 24  # a row of cells may be cut
    rows, columns = np.indices((height, width))
    phases = rows % 2 * 2 + columns % 2
    for part, name in zip(split(raw(phases)), ("odd", "even"), strict=True):
        np.testing.assert_array_equal(part.pixels, phases[:, : width // 2])
        assert part.pixels.dtype == np.uint16
        assert part.levels == LEVELS
        assert (part.kind, part.iso, part.sha256) == ("raw", 200, "digest")
        assert part.name == f"a.dng, {name} part"


def test_developed_photos_and_slivers_are_refused():
    with pytest.raises(PhotoError, match=r"b\.jpg is developed.*give the RAW"):
        split(Photo(np.zeros((8, 8, 3), np.uint8), "developed", "b.jpg", ""))
    with pytest.raises(PhotoError, match="3 pixels wide"):
        split(raw(np.zeros((8, 3))))
