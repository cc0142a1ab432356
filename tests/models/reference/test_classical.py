"""RSPN and ESPN at points computed by hand, and their scores against plain formulas."""

import numpy as np
import pytest

from grainseal.models.correlations import CORRELATIONS
from grainseal.models.extractor import Observation, get_extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator, wiener_dft, zero_mean
from grainseal.models.photo import Photo, PhotoError, RawLevels
from grainseal.models.reference.espn import enhanced
from grainseal.models.reference.rspn import AveragingEstimator, plain_residual
from grainseal.models.wavelet import residual


def photo(seed, height=160, width=176):
    pixels = np.random.default_rng(seed).integers(60, 200, (height, width, 3), np.uint8)
    return Photo(pixels, "developed", f"{seed}.png", "")


class Given:
    """An extractor whose residuals are written down: R, G and B of one constant each."""

    name = "given"

    def __init__(self, values):
        self._values = values

    def source(self, _kind):
        return self.name

    def observe(self, photo):
        for value in self._values:
            yield Observation(photo.plane(0), np.full(photo.shape, value, np.float32))


def test_enhancement_at_points_computed_by_hand():
    """exp(-1/2) = .60653 at 7 levels, exp(-2) = .13534 at 14, exp(-1/98) = .98985 at 1."""
    levels = np.array([[0, 7, -7], [14, -1, -21]], np.float32)
    found = enhanced(levels / 255)
    by_hand = [[1, 0.60653, -0.60653], [0.13534, -0.98985, -0.011109]]
    np.testing.assert_allclose(found, by_hand, atol=2e-5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(levels, np.rint(levels))  # the argument is left alone


def test_the_weakest_noise_counts_most():
    falling = enhanced(np.linspace(0, 40 / 255, 200, dtype=np.float32)[None])[0]
    assert np.all(np.diff(falling) < 0)


def test_luminance_of_three_planes_is_taken():
    found = plain_residual(photo(1), Given((0.1, -0.2, 0.4)))
    np.testing.assert_allclose(found, 0.299 * 0.1 - 0.587 * 0.2 + 0.114 * 0.4, atol=1e-7)
    np.testing.assert_array_equal(plain_residual(photo(1), Given((0.3,))), np.float32(0.3))


def test_the_reference_is_the_average_of_the_residuals():
    photos = [photo(seed) for seed in range(3)]
    estimator = AveragingEstimator(get_extractor("wavelet"))
    for each in photos:
        estimator.add(each)
    made = estimator.finish()
    grey = [
        sum(
            weight * residual(each.pixels[:, :, plane].astype(np.float32) / 255)
            for plane, weight in enumerate((0.299, 0.587, 0.114))
        )
        for each in photos
    ]
    np.testing.assert_allclose(made.values, np.mean(grey, axis=0), atol=1e-6)
    assert (made.photos, made.kind, made.shape) == (3, "developed", (160, 176))
    assert made.source == "rspn of wavelet"  # which no code is made with


def test_crops_and_photos_that_do_not_belong_together():
    estimator = AveragingEstimator(get_extractor("wavelet"), crop=160)
    estimator.add(photo(1, 160, 176))
    estimator.add(photo(2, 200, 160))
    assert estimator.finish().shape == (160, 160)
    with pytest.raises(PhotoError, match="at least one"):
        AveragingEstimator(get_extractor("wavelet")).finish()
    whole = AveragingEstimator(get_extractor("wavelet"))
    whole.add(photo(1))
    with pytest.raises(PhotoError, match="rotated"):
        whole.add(photo(1, 176, 160))


@pytest.mark.parametrize("estimator", [AveragingEstimator, FingerprintEstimator])
def test_a_first_photo_that_is_refused_leaves_no_trace(estimator):
    levels = RawLevels((0.0,) * 4, 255.0, "RGGB")
    raw = Photo(np.full((160, 176), 99, np.uint16), "raw", "first.dng", "", levels=levels)
    after, alone = (estimator(get_extractor("wavelet")) for _ in range(2))
    with pytest.raises(PhotoError, match=r"first\.dng is 176x160: at least 320"):
        after.add(raw)
    with pytest.raises(PhotoError, match="at least one"):
        after.finish()
    for each in (after, alone):
        each.add(photo(1))
    assert (after.finish().kind, after.finish().photos) == ("developed", 1)
    np.testing.assert_array_equal(after.finish().values, alone.finish().values)


@pytest.mark.parametrize(("name", "sided"), [("ncc", False), ("rspn", False), ("espn", True)])
def test_only_the_enhanced_score_has_sides(name, sided):
    correlation = CORRELATIONS[name]
    assert correlation.sided is sided
    values = np.random.default_rng(1).normal(0, 3 / 255, (32, 32)).astype(np.float32)
    made = Fingerprint(values, "developed", 1)
    np.testing.assert_array_equal(correlation.reference(made), values)
    expected = enhanced(values) if sided else values
    np.testing.assert_array_equal(correlation.probe(made), expected)


def test_maximum_likelihood_estimate_of_two_planes_by_hand():
    """With nothing to weigh down, K = sum(W I) / (sum(I^2) + n^2 / s^2), here for every pixel

    (.4 * .003 - .8 * .001) / (.16 + .64 + 3.8447) = 8.612e-5 times the pattern's sign.
    """
    signs = np.random.default_rng(5).choice(np.array([-1.0, 1.0], np.float32), (160, 160))

    class Two:
        name = "two"

        def source(self, _kind):
            return self.name

        def observe(self, photo):
            for intensity, size in ((0.4, 0.003), (0.8, -0.001)):
                plane = np.full(photo.shape, intensity, np.float32)
                yield Observation(plane, np.float32(size) * signs)

    estimator = FingerprintEstimator(Two())
    estimator.add(photo(1, 160, 160))
    expected = wiener_dft(zero_mean(np.float32(8.612e-5) * signs))
    assert expected.std() > 5e-5
    np.testing.assert_allclose(estimator.finish().values, expected, atol=1e-8)
