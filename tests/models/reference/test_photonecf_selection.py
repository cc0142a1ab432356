"""PhotoNecf's brightest patches and signs, by hand."""

import numpy as np
import pytest

from grainseal.models.correlations import CORRELATIONS
from grainseal.models.extractor import Observation
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import Photo, PhotoError, RawLevels
from grainseal.models.reference.photonecf_selection import (
    BrightestEstimator,
    mask,
    patch_levels,
    signs,
)

ROWS, COLUMNS = 9, 8  # 72 patches
SHAPE = (ROWS * 128 + 10, COLUMNS * 128 + 2)


def rising():
    """0 to 71, row by row: the 64 brightest are all but the first row."""
    return np.arange(72.0).reshape(ROWS, COLUMNS)


def by_patch(found):
    """The one value of each patch, after a look at all of its pixels and at the strips outside."""
    inside = found[: ROWS * 128, : COLUMNS * 128].reshape(ROWS, 128, COLUMNS, 128)
    values = inside[:, 0, :, 0]
    np.testing.assert_array_equal(inside, np.broadcast_to(values[:, None, :, None], inside.shape))
    assert not found[ROWS * 128 :].any()
    assert not found[:, COLUMNS * 128 :].any()
    return values


class Noise:
    """The same strong residual of every photo."""

    name = "noise"

    def source(self, _kind):
        return self.name

    def observe(self, photo):
        rng = np.random.default_rng(3)
        residual = rng.normal(0, 1 / 255, photo.shape).astype(np.float32)
        yield Observation(np.full(photo.shape, 0.5, np.float32), residual)


def developed(levels):
    """A patch of one level each, R above and B below the mean that G has."""
    plane = np.zeros(SHAPE)
    plane[: ROWS * 128, : COLUMNS * 128] = levels.repeat(128, axis=0).repeat(128, axis=1)
    pixels = np.stack((plane + 4, plane, plane - 4), axis=-1).clip(0).astype(np.uint8)
    return Photo(pixels, "developed", "patches", "")


def test_the_64_brightest_patches_are_taken():
    found = mask(rising(), SHAPE)
    assert (found.dtype, found.shape) == (np.float32, SHAPE)
    np.testing.assert_array_equal(by_patch(found), rising() >= 8)


def test_weights_are_relative_to_the_brightest_that_is_taken():
    levels = rising()
    levels[8, 7] = 255  # instead of 71: not taken
    expected = np.where((levels >= 7) & (levels < 255), levels / 70, 0)
    np.testing.assert_allclose(by_patch(mask(levels, SHAPE, weighted=True)), expected, rtol=1e-6)


def test_patches_of_255_are_never_taken_those_just_below_are():
    levels = rising()
    levels[0] = [255, 254.99, 255, 255, 260, 255, 255, 255]
    taken = by_patch(mask(levels, SHAPE))
    expected = (rising() >= 9) | (levels == 254.99)
    np.testing.assert_array_equal(taken, expected)
    levels[3:] = 255  # too few are left: no others make up for them
    np.testing.assert_array_equal(by_patch(mask(levels, SHAPE)), levels < 255)
    assert not mask(np.full((ROWS, COLUMNS), 255.0), SHAPE).any()


def test_those_as_bright_as_the_last_one_are_taken_with_it():
    levels = rising()
    levels[0, 3] = 8
    np.testing.assert_array_equal(by_patch(mask(levels, SHAPE)), levels >= 8)


@pytest.mark.parametrize("weighted", [False, True])
def test_64_patches_or_fewer_are_the_whole_photo(weighted):
    levels = np.append(np.arange(63.0), 255).reshape(8, 8)
    found = mask(levels, (1030, 1100), weighted)
    assert found.shape == (1030, 1100)
    assert (found == 1).all()


def test_levels_are_means_of_the_planes_and_the_upper_8_bits_of_raw():
    levels = 4 + 3 * rising()
    np.testing.assert_allclose(patch_levels(developed(levels)), levels)
    pixels = np.full((128, 300), 1615, np.uint16)  # 100 * 16 + 15
    pixels[:, 128:] = 3216  # 201 * 16
    pixels[:64, 128:256] = 3248  # 203 * 16
    raw = Photo(pixels, "raw", "r.dng", "", levels=RawLevels((256.0,) * 4, 4095.0, "RGGB"))
    np.testing.assert_array_equal(patch_levels(raw), [[100, 202]])


def test_a_probe_of_several_photos_is_as_bright_as_they_are_on_average():
    """One photo's darkest row is the first, the other's the fifth; that of both is the last:

    (20 + 90) / 2, (90 + 35) / 2, (60 + 40) / 2, and 140 everywhere else.
    """
    one, other = np.full((2, ROWS, COLUMNS), 140.0)
    one[[0, 4, 8]] = np.array([[20], [90], [60]])
    other[[0, 4, 8]] = np.array([[90], [35], [40]])
    estimators = BrightestEstimator(Noise()), FingerprintEstimator(Noise())
    for estimator in estimators:
        estimator.add(developed(one))
        estimator.add(developed(other))
    made, plain = (estimator.finish() for estimator in estimators)
    taken = np.ones((ROWS, COLUMNS), bool)
    taken[8] = False
    inside = made.values[: ROWS * 128, : COLUMNS * 128].reshape(ROWS, 128, COLUMNS, 128)
    np.testing.assert_array_equal(inside.any(axis=(1, 3)), taken)
    kept = made.values != 0
    np.testing.assert_array_equal(made.values[kept], plain.values[kept])
    assert (made.photos, made.kind, made.source) == (2, "developed", "noise")


def test_patches_are_those_of_the_crop():
    photo = developed(4 + rising())
    cropped, plain = BrightestEstimator(Noise(), crop=1024), FingerprintEstimator(Noise(), 1024)
    for estimator in (cropped, plain):
        estimator.add(photo)
    np.testing.assert_array_equal(cropped.finish().values, plain.finish().values)  # 64 patches
    with pytest.raises(PhotoError, match="at least one"):
        BrightestEstimator(Noise()).finish()


def test_signs_by_hand():
    values = np.array([[-0.1, 0.0, 0.2], [-0.0, 1e-9, -1e-9]], np.float32)
    np.testing.assert_array_equal(signs(values), [[-1, 1, 1], [1, 1, -1]])
    assert signs(values).dtype == np.float32


def test_signs_are_of_both_sides_and_the_mask_is_the_probes():
    values = np.random.default_rng(1).normal(0, 0.01, (32, 32)).astype(np.float32)
    made = Fingerprint(values, "raw", 1)
    both = CORRELATIONS["signs"]
    assert not both.sided
    np.testing.assert_array_equal(both.reference(made), np.sign(values))
    np.testing.assert_array_equal(both.probe(made), np.sign(values))
    photo = developed(4 + rising())
    for name, brightest in (("bright", 1), ("bright-weighted", 0)):
        bright = CORRELATIONS[name]
        assert bright.sided
        estimators = [bright.estimator_of(probe)(Noise(), None) for probe in (False, True)]
        for estimator in estimators:
            estimator.add(photo)
        reference, probe = (estimator.finish().values for estimator in estimators)
        assert reference[:128].any()
        assert not probe[:128].any()
        weight = 1 if brightest else (4 + 8) / (4 + 71)
        np.testing.assert_allclose(probe[128:256, :128], weight * reference[128:256, :128], 1e-5)
