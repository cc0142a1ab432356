"""Simulated folders: the same again from the same seed, true to their parameters."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, develop, flat_scene, take_burst
from grainseal.models.simulator.conditions import (
    CameraConditions,
    ShotConditions,
    body,
    draw_camera,
    draw_shot,
    expose,
    scene_of,
)
from grainseal.models.simulator.dataset import (
    PARAMETERS,
    TRUTH,
    DatasetSpec,
    reduced,
    write_camera,
    write_parameters,
)
from grainseal.models.simulator.demosaicing import DEMOSAICING

SIDE = 320
OLDER_RAW = [
    [1748, 1932, 1924, 1737],
    [1892, 2013, 2066, 1879],
    [1896, 2022, 2050, 1855],
    [1720, 1832, 1804, 1619],
]
OLDER_GREEN = [
    [132, 153, 151, 170],
    [137, 181, 146, 145],
    [139, 164, 153, 196],
    [146, 172, 155, 136],
]


def small(**changes):
    return DatasetSpec(cameras=2, photos=2, width=SIDE, height=SIDE, **changes)


def written(folder, spec):
    cameras = [write_camera(folder, spec, index) for index in range(spec.cameras)]
    write_parameters(folder, spec, cameras)
    return cameras


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_older_way_still_gives_the_same_pixels(tmp_path):
    """Some pixels of photos taken before there were conditions, but for rounding."""
    camera = VirtualCamera(3, 256, 192)
    scene, raw = (
        read_photo(take_burst(camera, 1, tmp_path, flat=is_raw, raw=is_raw, seed=4)[0]).pixels
        for is_raw in (False, True)
    )
    np.testing.assert_allclose(raw[5::60, 3::80], OLDER_RAW, atol=1)
    np.testing.assert_allclose(scene[5::60, 3::80, 1], OLDER_GREEN, atol=2)


def test_same_specification_same_files(tmp_path):
    for spec in (small(flats=1), replace(small(raw=True, seed=3), photos=1)):
        one, two, other = (tmp_path / f"{spec.seed}{name}" for name in "abc")
        written(one, spec)
        written(two, spec)
        assert contents(one) == contents(two)
        written(other, replace(spec, seed=spec.seed + 1))
        assert contents(other).keys() == contents(one).keys()
        assert all(contents(other)[name] != data for name, data in contents(one).items())


def test_layout_and_parameters(tmp_path):
    cameras = written(tmp_path, small(flats=1))
    assert sorted(contents(tmp_path)) == [
        "cameras.json",
        "flat/camera_001/001.jpg",
        "flat/camera_002/001.jpg",
        "natural/camera_001/001.jpg",
        "natural/camera_001/002.jpg",
        "natural/camera_001/truth.npz",
        "natural/camera_002/001.jpg",
        "natural/camera_002/002.jpg",
        "natural/camera_002/truth.npz",
    ]
    said = json.loads((tmp_path / PARAMETERS).read_text())
    for camera, told in zip(cameras, said["cameras"], strict=True):
        assert told["seed"] == camera.seed
        assert told["conditions"]["prnu"] == camera.conditions.prnu
        for file, shot in told["shots"].items():
            photo = read_photo(tmp_path / file)
            assert (photo.model, photo.iso) == (camera.conditions.model, shot["iso"])
            assert shot["flat"] == file.startswith("flat/")


def test_truth_is_the_pattern_in_the_photos(tmp_path):
    spec = DatasetSpec(cameras=2, photos=1, flats=4, width=SIDE, height=SIDE)
    written(tmp_path, spec)
    names = ("camera_001", "camera_002")
    truths = [np.load(tmp_path / "natural" / name / TRUTH)["K"] for name in names]
    for mine, name in enumerate(names):
        photos = sorted((tmp_path / "flat" / name).iterdir())
        found = estimate(map(read_photo, photos), get_extractor("wavelet"))
        assert ncc(found.values, truths[mine]) > 0.1
        assert abs(ncc(found.values, truths[1 - mine])) < 0.03


def test_siblings_share_everything_but_k(tmp_path):
    siblings = written(tmp_path / "siblings", small(siblings=True))
    strangers = written(tmp_path / "strangers", small())
    assert siblings[0].conditions == siblings[1].conditions
    assert strangers[0].conditions.model != strangers[1].conditions.model
    assert strangers[0].conditions != strangers[1].conditions
    ones, twos = (
        np.load(tmp_path / "siblings" / name / TRUTH)["K"].ravel()
        for name in ("camera_001", "camera_002")
    )
    assert np.corrcoef(ones, twos)[0, 1] < 0.15


def test_settings_do_what_they_say():
    camera = CameraConditions(black_offset=0)
    individual = body(camera, 1, SIDE, SIDE)
    plain = expose(individual, camera, ShotConditions(flat=True), 7)
    lifted = expose(individual, CameraConditions(black_offset=8), ShotConditions(flat=True), 7)
    np.testing.assert_array_equal(lifted.pixels, plain.pixels + 8)
    leaves = scene_of(ShotConditions(), SIDE, SIDE, 7)
    dim = scene_of(ShotConditions(exposure=0.5), SIDE, SIDE, 7)
    np.testing.assert_allclose(dim, leaves / 2, atol=1e-6)

    def sharpness(shot):
        return np.abs(np.diff(scene_of(shot, SIDE, SIDE, 7), axis=1)).mean()

    assert sharpness(ShotConditions(defocus=2)) < 0.6 * sharpness(ShotConditions())
    assert sharpness(ShotConditions(texture=0.2)) > 1.2 * sharpness(ShotConditions())


def test_conditions_vary_and_bursts_are_good_ones():
    cameras = [draw_camera(seed, "M", 92) for seed in range(40)]
    assert {camera.demosaicing for camera in cameras} == set(DEMOSAICING)
    assert len({camera.prnu for camera in cameras}) == 40
    assert {camera.development.denoising > 0 for camera in cameras} == {False, True}
    assert {draw_shot(1, shot, flat=False).iso for shot in range(60)} >= {100, 200, 400, 800}
    assert all(draw_shot(1, shot, flat=True).iso == 100 for shot in range(20))


@pytest.mark.parametrize("name", sorted(DEMOSAICING))
def test_demosaicing_keeps_measured_values_and_even_colours(name):
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 1, (32, 32)).astype(np.float32)
    red, green, blue = DEMOSAICING[name](noise)
    for colour, phase in ((red, (0, 0)), (green, (0, 1)), (green, (1, 0)), (blue, (1, 1))):
        cell = np.s_[phase[0] :: 2, phase[1] :: 2]
        np.testing.assert_allclose(colour[cell], noise[cell], atol=1e-6)
    even = np.empty((32, 32), np.float32)
    even[::2, ::2], even[::2, 1::2], even[1::2, ::2], even[1::2, 1::2] = 0.2, 0.5, 0.5, 0.8
    for colour, value in zip(DEMOSAICING[name](even), (0.2, 0.5, 0.8), strict=True):
        np.testing.assert_allclose(colour[4:-4, 4:-4], value, atol=2e-3)


def test_pipelines_differ_by_their_demosaicing():
    frame = VirtualCamera(1, SIDE, SIDE).photograph(flat_scene(SIDE, SIDE, 1))
    pictures = [develop(frame, None, each).astype(float) for each in DEMOSAICING.values()]
    np.testing.assert_array_equal(pictures[-1], develop(frame))  # edge-aware is the default
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.3


def test_platforms_reduce(tmp_path):
    written(tmp_path, small(longest_side=160))
    assert read_photo(tmp_path / "camera_001" / "001.jpg").shape == (160, 160)
    wide = np.zeros((100, 200, 3), np.uint8)
    assert reduced(wide, 50).shape == (25, 50, 3)
    assert reduced(wide, 400) is wide
