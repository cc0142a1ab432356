"""Virtual cameras behave like cameras: known pattern, seeded noise, readable files."""

import numpy as np
import pytest

from grainseal.models.photo import read_photo
from grainseal.models.simulator import (
    Development,
    SensorParameters,
    VirtualCamera,
    dead_leaves,
    develop,
    flat_scene,
    take_burst,
)
from grainseal.models.simulator.camera import PatternParameters
from grainseal.models.simulator.variety import take_shot


def test_same_seeds_same_files(tmp_path):
    for raw in (False, True):
        one = take_burst(VirtualCamera(1, 256, 192), 2, tmp_path / "a", raw=raw, seed=5)
        two = take_burst(VirtualCamera(1, 256, 192), 2, tmp_path / "b", raw=raw, seed=5)
        assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
        assert one[0].read_bytes() != one[1].read_bytes()


def test_files_carry_their_tags(tmp_path):
    camera = VirtualCamera(1, 256, 192, make="Maker", model="Seven")
    for raw in (False, True):
        photo = read_photo(take_burst(camera, 1, tmp_path, raw=raw, iso=800)[0])
        assert (photo.make, photo.model, photo.iso) == ("Maker", "Seven", 800)
        assert photo.shape == (192, 256)


def test_siblings_share_little_and_strangers_nothing():
    def pattern(seed, model):
        return VirtualCamera(seed, 512, 512, model=model).prnu_pattern.ravel()

    siblings = np.corrcoef(pattern(1, "A"), pattern(2, "A"))[0, 1]
    strangers = np.corrcoef(pattern(1, "A"), pattern(1, "B"))[0, 1]
    assert 0.02 < siblings < 0.15  # mostly rows, columns and stitching, which get filtered away
    assert strangers > 0.9  # one seed is one individual, whatever its badge
    assert abs(np.corrcoef(pattern(1, "A"), pattern(2, "B"))[0, 1]) < 0.02


def test_what_a_model_shares_can_be_left_out():
    nothing = PatternParameters(family=0)
    one, other = (VirtualCamera(seed, 512, 512, pattern=nothing) for seed in (1, 2))
    assert np.array_equal(one.prnu_pattern, one.own_pattern)
    assert abs(np.corrcoef(one.prnu_pattern.ravel(), other.prnu_pattern.ravel())[0, 1]) < 4 / 512


def test_smooth_part_adds_low_frequencies_alone_and_is_the_individuals():
    def smooth_part(seed):
        plain, lifted = (
            VirtualCamera(seed, 512, 384, prnu=0.01, pattern=PatternParameters(smooth=smooth))
            for smooth in (0.0, 0.5)
        )
        return lifted.own_pattern - plain.own_pattern

    part = smooth_part(1)
    assert part.std() == pytest.approx(0.005, rel=1e-3)
    # A blur of s pixels leaves neighbours a variance of 1 / (2 s^2) of their difference.
    assert np.diff(part).std() == pytest.approx(0.005 / (np.sqrt(2) * 384 / 32), rel=0.1)
    assert abs(np.corrcoef(part.ravel(), smooth_part(2).ravel())[0, 1]) < 0.4


def test_noise_follows_shot_and_read_noise():
    sensor = SensorParameters(shading=0.0, dark_current=0.0)
    camera = VirtualCamera(1, 256, 256, prnu=0.0, sensor=sensor)
    scene = np.full((256, 256, 3), 0.5, np.float32)
    for iso in (100, 800):
        well = sensor.full_well * 100 / iso
        frame = camera.photograph(scene, iso, 0)
        signal = (frame.pixels - frame.black) / (frame.white - frame.black) * well
        assert signal.mean() == pytest.approx(well / 2, rel=0.01)
        expected = np.sqrt(well / 2 + sensor.read_noise**2)
        assert signal.std() == pytest.approx(expected, rel=0.05)


def test_pattern_multiplies_the_light():
    camera = VirtualCamera(1, 256, 256, prnu=0.05)
    scene = np.full((256, 256, 3), 0.5, np.float32)
    bright, dim = (
        np.mean([camera.photograph(scene * level, 100, s).pixels for s in range(8)], axis=0)
        for level in (1, 0.5)
    )
    centre, pattern = np.s_[96:160, 96:160], camera.prnu_pattern  # where the lens hardly shades
    for shot in (bright, dim):
        assert np.corrcoef(shot[centre].ravel(), pattern[centre].ravel())[0, 1] > 0.9
    assert bright[centre].std() == pytest.approx(2 * dim[centre].std(), rel=0.1)


def test_scenes_are_what_they_say():
    flat, leaves = flat_scene(128, 160, 1), dead_leaves(128, 160, 1)
    for scene in (flat, leaves):
        assert scene.shape == (128, 160, 3)
        assert scene.dtype == np.float32
        assert 0 <= scene.min() <= scene.max() <= 1
    steps = [np.abs(np.diff(scene[:, :, 1], axis=1)).max() for scene in (flat, leaves)]
    assert steps[0] < 0.01 < 0.1 < steps[1]
    assert flat_scene(16, 16, 1, level=0.3).mean() == pytest.approx(0.3, rel=0.1)


def test_development_recovers_a_smooth_scene_and_smooths_on_request():
    camera = VirtualCamera(1, 256, 256)
    frame = camera.photograph(flat_scene(256, 256, 1), 100, 0)
    plain, soft = develop(frame), develop(frame, Development(denoising=1.5))
    assert plain.shape == (256, 256, 3)
    assert plain.dtype == np.uint8
    noise = [np.diff(x[:, :, 1].astype(float), axis=1).std() for x in (plain, soft)]
    assert noise[1] < 0.5 * noise[0]


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="even"):
        VirtualCamera(1, 255, 256)
    with pytest.raises(ValueError, match="scene must be"):
        VirtualCamera(1, 256, 256).photograph(flat_scene(128, 128, 0))


@pytest.mark.parametrize("domain", ["developed", "raw"])
def test_shots_repeat_and_carry_their_truth(domain):
    shot, again, other = (take_shot(seed, 128, domain) for seed in (8, 8, 9))
    np.testing.assert_array_equal(shot.planes, again.planes)
    assert shot.conditions == again.conditions != other.conditions
    assert shot.planes.shape == shot.twin.shape == shot.clean.shape
    assert shot.planes.shape == (3 if domain == "developed" else 1, 128, 128)
    assert shot.pattern.shape == (128, 128)
    assert 0 < np.abs(shot.planes - shot.clean).mean() < 0.05


def test_twins_differ_by_the_pattern_alone():
    """Half their difference follows I*K far more closely than any single photo could."""
    shot = take_shot(11, 256, "raw")
    truth = (shot.clean[0] * shot.pattern).ravel()
    answer = ((shot.planes - shot.twin) / 2)[0].ravel()
    noise = (shot.planes - shot.clean)[0].ravel()
    assert np.corrcoef(answer, truth)[0, 1] > 0.7 > np.corrcoef(noise, truth)[0, 1]
