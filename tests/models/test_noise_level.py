"""The noise level is read from the photo: right on even scenes, hardly moved by texture."""

import numpy as np
import pytest

from grainseal.models.noise_level import noise_level, noise_level_map
from grainseal.models.photo import Photo
from grainseal.models.simulator import dead_leaves


@pytest.mark.parametrize("sigma", [0.002, 0.02])
def test_level_is_the_deviation_of_white_noise(sigma):
    rng = np.random.default_rng(1)
    planes = [(0.5 + sigma * rng.standard_normal((130, 190))).astype(np.float32) for _ in range(3)]
    assert noise_level(planes) == pytest.approx(sigma, rel=0.08)


def test_an_even_half_is_enough():
    scene = dead_leaves(256, 256, 1)[:, :, 1].copy()
    scene[:, :128] = 0.5
    noisy = (scene + 0.01 * np.random.default_rng(1).standard_normal(scene.shape)).astype(
        np.float32
    )
    assert noise_level([noisy]) == pytest.approx(0.01, rel=0.1)
    assert noise_level([noisy[:, 128:]]) > 0.02  # texture everywhere is taken for noise


def test_too_little_to_measure_is_refused():
    with pytest.raises(ValueError, match="at least 32 pixels"):
        noise_level([np.zeros((30, 200), np.float32)])
    with pytest.raises(ValueError, match="no planes"):
        noise_level([])


def test_a_map_has_the_level_of_each_square():
    rng = np.random.default_rng(1)
    sigma = np.repeat([[2.0, 8.0, 4.0]], 150, axis=0).repeat([64, 64, 72], axis=1)
    values = 120 + sigma[:, :, None] * rng.standard_normal((150, 200, 3))
    photo = Photo(values.round().astype(np.uint8), "developed", "made", "")
    found = noise_level_map(photo, 64)
    assert found.shape == (2, 3)
    assert 255 * found == pytest.approx(np.array([[2, 8, 4]] * 2), rel=0.15)
    window = [plane[64:128, 64:128] for plane in photo.planes()]
    assert found[1, 1] == pytest.approx(noise_level(window), rel=1e-5)
    assert noise_level_map(photo, 160).shape == (0, 1)
