"""The estimate finds a known pattern, drops shared ones, and needs constant memory."""

import subprocess
import sys

import numpy as np
import pytest

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import (
    FingerprintEstimator,
    estimate,
    noise_weight,
    saturation_weight,
    wiener_dft,
    zero_mean,
    zero_mean_by_cell,
)
from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.simulator import VirtualCamera, flat_scene, take_burst, write_dng

WAVELET = get_extractor("wavelet")


@pytest.fixture(scope="module")
def camera():
    return VirtualCamera(1, 512, 384)


@pytest.fixture(scope="module")
def flats(camera, tmp_path_factory):
    return take_burst(camera, 6, tmp_path_factory.mktemp("flats"), seed=1)


@pytest.fixture(scope="module")
def raws(camera, tmp_path_factory):
    return take_burst(camera, 4, tmp_path_factory.mktemp("raws"), raw=True, seed=2)


def correlation(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_more_photos_come_closer_to_the_true_pattern(camera, flats):
    truth = camera.prnu_pattern
    one, six = (estimate(map(read_photo, flats[:n]), WAVELET) for n in (1, 6))
    assert correlation(six.values, truth) > correlation(one.values, truth) > 0.08
    assert correlation(six.values, truth) > 0.2
    assert (six.kind, six.photos, six.shape) == ("developed", 6, (384, 512))
    assert six.values.dtype == np.float32


def test_raw_gives_the_pattern_pixel_by_pixel(camera, raws):
    found = estimate(map(read_photo, raws), WAVELET)
    assert found.kind == "raw"
    assert correlation(found.values, camera.prnu_pattern) > 0.6


def test_developed_and_raw_of_one_camera_agree(flats, raws):
    developed, raw = (estimate(map(read_photo, photos), WAVELET) for photos in (flats, raws))
    assert correlation(developed.values, raw.values) > 0.1


def test_order_does_not_matter_and_progress_is_told(flats):
    told = []
    forward = estimate(map(read_photo, flats[:3]), WAVELET, progress=told.append)
    backward = estimate(map(read_photo, flats[2::-1]), WAVELET)
    np.testing.assert_allclose(forward.values, backward.values, atol=1e-6)
    assert told == [1, 2, 3]


def test_estimators_of_two_halves_join_to_that_of_all(flats):
    halves = [FingerprintEstimator(get_extractor("wavelet")) for _ in range(3)]
    for number, path in enumerate(flats[:4]):
        halves[number % 2].add(read_photo(path))
    joined = halves[0].joined(halves[1]).joined(halves[2]).finish()
    whole = estimate(map(read_photo, flats[:4]), get_extractor("wavelet"))
    assert joined.photos == whole.photos == 4
    np.testing.assert_allclose(joined.values, whole.values, atol=1e-7)


def test_crop_takes_the_centre(camera, flats):
    cropped = estimate(map(read_photo, flats), WAVELET, crop=256)
    assert cropped.shape == (256, 256)
    assert correlation(cropped.values, camera.prnu_pattern[64:320, 128:384]) > 0.2


def test_zero_mean_leaves_no_row_or_column_of_a_phase():
    values = np.random.default_rng(0).normal(size=(38, 51)).astype(np.float32)
    before = values.copy()
    result = zero_mean(values)
    np.testing.assert_array_equal(values, before)
    for row in (0, 1):
        for column in (0, 1):
            phase = result[row::2, column::2]
            np.testing.assert_allclose(phase.mean(axis=0), 0, atol=1e-6)
            np.testing.assert_allclose(phase.mean(axis=1), 0, atol=1e-6)


def test_the_spectral_filter_removes_a_block_grid_and_keeps_noise():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(256, 256)).astype(np.float32)
    grid = np.tile(rng.normal(size=(8, 8)), (32, 32)).astype(np.float32)
    cleaned = wiener_dft(noise + grid)
    assert correlation(noise + grid, grid) > 0.6
    assert abs(correlation(cleaned, grid)) < 0.15
    assert correlation(cleaned, noise) > 0.9


def test_saturated_pixels_do_not_count():
    weight = saturation_weight(np.array([[0, 0.5, 244 / 255, 249 / 255, 1]], np.float32))
    np.testing.assert_allclose(weight, [[1, 1, 1, 0.5, 0]], atol=1e-5)


def test_textured_places_count_less():
    residual = np.random.default_rng(2).normal(0, 1 / 255, (64, 64)).astype(np.float32)
    residual[:, 40:] *= 20
    weight = noise_weight(residual)
    assert weight[:, :30].min() == 1
    assert weight[:, 45:].max() < 0.05


def test_a_burst_of_nothing_but_white_gives_a_finite_pattern(camera, tmp_path):
    frame = camera.photograph(flat_scene(384, 512, 0, level=1.0) * 0 + 1, 100, 0)
    photo = read_photo(write_dng(tmp_path / "white.dng", frame))
    assert np.isfinite(estimate([photo], WAVELET).values).all()


def test_no_photo_is_an_error():
    with pytest.raises(PhotoError, match="at least one"):
        estimate([], WAVELET)


def test_photos_that_do_not_fit_are_named(flats, raws, tmp_path):
    other = take_burst(VirtualCamera(2, 640, 480), 1, tmp_path / "other")[0]
    turned = take_burst(VirtualCamera(2, 384, 512), 1, tmp_path / "turned")[0]
    for path, message in ((raws[0], "mix"), (other, "full size"), (turned, "rotated")):
        estimator = FingerprintEstimator(WAVELET)
        estimator.add(read_photo(flats[0]))
        with pytest.raises(PhotoError, match=message) as caught:
            estimator.add(read_photo(path))
        assert path.name in str(caught.value)


def test_too_small_a_photo_is_refused(tmp_path):
    small = take_burst(VirtualCamera(3, 128, 256), 1, tmp_path)[0]
    with pytest.raises(PhotoError, match="at least 160"):
        estimate([read_photo(small)], WAVELET)


def test_unknown_extractor_lists_the_names():
    with pytest.raises(ValueError, match=r"wavelet, wavelet5"):
        get_extractor("magic")


MEMORY_LIMIT_BYTES = 1.5e9
ENROL_24_MEGAPIXELS = """
import sys
from pathlib import Path
from grainseal.models.codes import code_for, features, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import read_photo

def tell(*_):
    # of this program; ru_maxrss would count the memory of the parent it was forked from as well
    status = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")))

spec, photos = code_for("AUTH_JPEG_V1"), [Path(sys.argv[1])] * 2
found = estimate(map(read_photo, photos), get_extractor(spec.extractor), progress=tell)
select_positions(features(found, spec), spec)
tell()
"""


@pytest.fixture(scope="module")
def large_photo(tmp_path_factory):
    """6000 x 4000 pixels of noise in a JPEG: what it shows does not matter to the memory."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(90, 160, (4000, 6000, 3), np.uint8)
    path = tmp_path_factory.mktemp("large") / "large.jpg"
    Image.fromarray(pixels).save(path, quality=80)
    return path


def test_a_24_megapixel_photo_fits_and_more_photos_need_no_more(large_photo):
    command = [sys.executable, "-c", ENROL_24_MEGAPIXELS, str(large_photo)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    one, two, enrolled = map(int, done.stdout.split())  # the most so far, after each photo
    assert enrolled < MEMORY_LIMIT_BYTES
    assert two < 1.1 * one


def test_a_uniform_picture_has_no_pattern_and_no_warning(recwarn):
    photo = Photo(np.zeros((256, 256, 3), np.uint8), "developed", "black", "")
    assert not estimate([photo], get_extractor("wavelet")).values.any()
    assert not recwarn


def test_zero_mean_by_cell_takes_the_grid_out_and_leaves_the_noise():
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (300, 200)).astype(np.float32)
    cell = rng.normal(0, 1, (8, 8)).astype(np.float32)
    strength = np.where(np.arange(200) < 128, 1.0, 3.0).astype(np.float32)  # two squares across
    printed = noise + np.tile(cell, (38, 25))[:300, :200] * strength
    cleaned = zero_mean_by_cell(printed)
    assert cleaned.dtype == np.float32
    np.testing.assert_allclose(cleaned, zero_mean_by_cell(noise), atol=1e-4)
    assert np.corrcoef(cleaned.ravel(), noise.ravel())[0, 1] > 0.99
    for left, right in ((0, 128), (128, 200)):
        for top, bottom in ((0, 128), (128, 300)):
            square, before = (each[top:bottom, left:right] for each in (cleaned, printed))
            for row, column in np.ndindex(8, 8):
                place = before[row::8, column::8].astype(float)
                expected = place - place.mean()
                np.testing.assert_allclose(square[row::8, column::8], expected, atol=1e-5)
