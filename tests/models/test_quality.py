"""The gate lets good bursts through and names each defect."""

import numpy as np
import pytest
from PIL import Image

from grainseal.models.codes import code_for
from grainseal.models.photo import read_photo
from grainseal.models.quality import inspect, problems
from grainseal.models.simulator import (
    Development,
    VirtualCamera,
    dead_leaves,
    develop,
    flat_scene,
    take_burst,
    write_jpeg,
)

TESTING = code_for("TESTING")
SIDE = 1024, 768
CAMERA = VirtualCamera(3, *SIDE)
QUALITY = 92


def shoot(path, scene=None, iso=100, development=None, zoom=1.0):
    scene = flat_scene(SIDE[1], SIDE[0], 7) if scene is None else scene
    pixels = develop(CAMERA.photograph(scene, iso, 1), development)
    if zoom > 1:
        part = Image.fromarray(pixels).crop((0, 0, int(SIDE[0] / zoom), int(SIDE[1] / zoom)))
        pixels = np.asarray(part.resize(SIDE, Image.Resampling.BICUBIC))
    return read_photo(write_jpeg(path, pixels, "M", "X", iso, QUALITY))


def codes(found):
    return [problem.code for problem in found]


def test_a_guided_burst_passes(tmp_path):
    small = VirtualCamera(1, 512, 512)
    assert problems(map(read_photo, take_burst(small, 6, tmp_path / "a")), TESTING) == []
    raw = VirtualCamera(1, 1536, 1024)
    shots = map(read_photo, take_burst(raw, 2, tmp_path / "b", raw=True))
    assert problems(shots, code_for("AUTH_RAW_V1")) == []


@pytest.mark.parametrize("iso", [100, 400, 1600])
def test_even_scenes_pass_at_every_iso(tmp_path, iso):
    assert problems([shoot(tmp_path / "a.jpg", iso=iso)], TESTING) == []


DEFECTS = {
    "dark": {"scene": flat_scene(SIDE[1], SIDE[0], 1, level=0.015)},
    "saturated": {"scene": flat_scene(SIDE[1], SIDE[0], 1, level=0.99)},
    "textured": {"scene": dead_leaves(SIDE[1], SIDE[0], 1)},
    "smoothed": {"development": Development(denoising=1.5)},
    "zoomed": {"zoom": 1.5},
}


@pytest.mark.parametrize("iso", [100, 400])
@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named(tmp_path, defect, iso):
    found = problems([shoot(tmp_path / "bad.jpg", iso=iso, **DEFECTS[defect])], TESTING)
    assert codes(found) == [defect]
    assert found[0].blocking
    assert found[0].message.startswith("bad.jpg ")


@pytest.mark.parametrize("zoom", [2.0, 3.0])
def test_stronger_digital_zoom_never_passes(tmp_path, zoom):
    """Enlarging by a whole factor leaves no line, only missing detail."""
    found = problems([shoot(tmp_path / "bad.jpg", zoom=zoom)], TESTING)
    assert codes(found) in (["zoomed"], ["smoothed"])


def test_a_scene_may_be_allowed_and_is_still_reported(tmp_path):
    scene = shoot(tmp_path / "a.jpg", scene=dead_leaves(SIDE[1], SIDE[0], 2))
    found = problems([scene], TESTING, need_flat=False)
    assert codes(found) == ["textured"]
    assert not found[0].blocking


def test_copies_are_found_even_recompressed(tmp_path):
    first, second = take_burst(VirtualCamera(1, 512, 512), 2, tmp_path)
    recompressed = tmp_path / "copy.jpg"
    Image.open(first).save(recompressed, quality=80)
    shots = [read_photo(path) for path in (first, second, first, recompressed)]
    found = problems(shots, TESTING)
    assert [(p.photo, p.code) for p in found] == [
        (first.name, "duplicate"),
        ("copy.jpg", "duplicate"),
    ]
    assert first.name in found[1].message


def test_photos_that_do_not_belong_together(tmp_path):
    mine = take_burst(VirtualCamera(1, 512, 512), 1, tmp_path / "a")[0]
    other_size = take_burst(VirtualCamera(2, 640, 512), 1, tmp_path / "b")[0]
    other_model = take_burst(VirtualCamera(3, 512, 512, model="Two"), 1, tmp_path / "c")[0]
    raw = take_burst(VirtualCamera(4, 512, 512), 1, tmp_path / "d", raw=True)[0]
    shots = [read_photo(path) for path in (mine, other_size, other_model, raw)]
    found = problems(shots, TESTING)
    assert codes(found) == ["size", "camera", "kind"]
    assert all(problem.blocking for problem in found)
    assert codes(problems(shots[:1], code_for("AUTH_JPEG_V1"))) == ["size"]


def test_a_narrow_strip_is_a_problem_and_no_crash(tmp_path):
    strip = write_jpeg(tmp_path / "a.jpg", np.full((40, 4000, 3), 128, np.uint8), "M", "X", 100)
    assert codes(problems([read_photo(strip)], TESTING)) == ["size"]


def test_inspection_does_not_modify_the_photo(tmp_path):
    photo = shoot(tmp_path / "a.jpg")
    before = photo.pixels.copy()
    inspect(photo)
    np.testing.assert_array_equal(photo.pixels, before)


def test_real_flats_pass_and_real_scenes_are_textured(photos_root):
    spec = code_for("AUTH_JPEG_V1")
    for camera in sorted((photos_root / "nikon/flat").iterdir()):
        assert problems(map(read_photo, sorted(camera.iterdir())), spec) == []
    for camera in sorted((photos_root / "nikon/natural").iterdir()):
        for path in camera.iterdir():
            assert codes(problems([read_photo(path)], spec)) == ["textured"]
