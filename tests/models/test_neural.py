"""The neural extractor: no seams, nothing common to cameras, weights as their manifest says."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.manifest import WEIGHTS, WeightsError
from grainseal.models.matching import ncc
from grainseal.models.neural import NeuralExtractor
from grainseal.models.photo import Photo, PhotoError, RawLevels
from grainseal.models.simulator import VirtualCamera, dead_leaves, develop, flat_scene


def developed(height, width, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    return Photo(pixels, "developed", "noise", "")


def taken(seed, side=256, flat=False, model="One"):
    make_scene = flat_scene if flat else dead_leaves
    camera = VirtualCamera(seed, side, side, model=model)
    picture = develop(camera.photograph(make_scene(side, side, seed) * np.float32(0.6), 200, 1))
    return Photo(picture, "developed", f"camera {seed}", ""), camera


def bayer(seed, side=256, model="One", start=(0, 0)):
    """A Bayer plane, and its camera's pattern; `start` shifts the colours, RGGB from (0, 0)."""
    camera = VirtualCamera(seed, side + 2, side + 2, model=model)
    scene = dead_leaves(side + 2, side + 2, seed) * np.float32(0.6)
    frame = camera.photograph(scene, 400, 1)
    cut = np.s_[start[0] : start[0] + side, start[1] : start[1] + side]
    cfa = {(0, 0): "RGGB", (0, 1): "GRBG", (1, 0): "GBRG", (1, 1): "BGGR"}[start]
    levels = RawLevels((frame.black,) * 4, frame.white, cfa)
    photo = Photo(frame.pixels[cut], "raw", f"camera {seed}", "", levels=levels)
    return photo, camera.own_pattern[cut]


def residuals(extractor, photo):
    return np.stack([observation.residual for observation in extractor.observe(photo)])


@pytest.mark.parametrize(("height", "width"), [(250, 362), (251, 195)])
def test_tiles_give_what_the_whole_photo_gives(height, width):
    photo = developed(height, width)
    whole = residuals(NeuralExtractor("neural", tile=512), photo)
    tiled = residuals(NeuralExtractor("neural", tile=96), photo)
    assert whole.shape == (3, height, width)
    assert np.abs(whole - tiled).max() < 1e-5
    assert whole.std() > 1e-4


def test_tiles_of_a_bayer_plane_give_what_the_whole_plane_gives():
    photo, _ = bayer(3, side=350)
    whole = residuals(NeuralExtractor("neural", tile=512), photo)
    tiled = residuals(NeuralExtractor("neural", tile=96), photo)
    assert whole.shape == (1, 350, 350)
    assert np.abs(whole - tiled).max() < 1e-5
    assert whole.std() > 1e-4


def test_residual_comes_with_its_intensity_and_is_the_callers():
    photo, _ = taken(1)
    extractor = get_extractor("neural")
    assert extractor.name == "neural"
    first = list(extractor.observe(photo))
    assert [o.residual.dtype for o in first] == [np.float32] * 3
    for index, observation in enumerate(first):
        np.testing.assert_array_equal(observation.intensity, photo.plane(index))
    kept = first[0].residual.copy()
    first[0].residual[:] = 7
    np.testing.assert_array_equal(next(extractor.observe(photo)).residual, kept)


def test_pattern_is_found_in_a_single_scene_and_better_than_by_the_wavelet():
    reached = {"wavelet": [], "neural": []}
    for seed in range(4):
        photo, camera = taken(1000 + seed)
        for name, values in reached.items():
            found = estimate([photo], get_extractor(name)).values
            values.append(ncc(found, camera.own_pattern))
    assert np.mean(reached["neural"]) > np.mean(reached["wavelet"])
    assert min(reached["neural"]) > 4 / 256  # standard errors of an unrelated pattern


@pytest.mark.parametrize("start", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_pattern_is_found_in_a_bayer_plane_and_better_than_by_the_wavelet(start):
    reached = {"wavelet": [], "neural": []}
    for seed in range(4):
        photo, pattern = bayer(3000 + seed, side=320, start=start)
        for name, values in reached.items():
            values.append(ncc(estimate([photo], get_extractor(name)).values, pattern))
    assert np.mean(reached["neural"]) > np.mean(reached["wavelet"])


def test_independent_bayer_planes_have_nothing_in_common():
    extractor = NeuralExtractor("neural", tile=128)
    patterns = [
        estimate([bayer(4000 + seed, model=f"{seed}")[0]], extractor).values for seed in range(16)
    ]
    values = [ncc(a, b) for i, a in enumerate(patterns) for b in patterns[:i]]
    assert abs(np.mean(values)) <= 3 * np.std(values) / np.sqrt(len(values))


def test_independent_cameras_have_nothing_in_common():
    """No pattern of border, tile or pipeline: the mean over unrelated pairs is that of chance."""
    extractor = NeuralExtractor("neural", tile=128)
    patterns = [
        estimate([taken(2000 + seed, flat=seed % 2 == 0, model=f"{seed}")[0]], extractor).values
        for seed in range(16)
    ]
    values = [ncc(a, b) for i, a in enumerate(patterns) for b in patterns[:i]]
    assert abs(np.mean(values)) <= 3 * np.std(values) / np.sqrt(len(values))


def test_weights_that_are_not_their_manifests_are_refused(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    NeuralExtractor("neural", folder)
    weights = bytearray((folder / "neural-developed.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "neural-developed.onnx").write_bytes(bytes(weights))
    with pytest.raises(WeightsError, match=r"SHA-256.*install grainseal again"):
        NeuralExtractor("neural", folder)
    (folder / "neural-developed.onnx").unlink()
    with pytest.raises(WeightsError, match="missing"):
        NeuralExtractor("neural", folder)


def test_manifest_that_is_damaged_is_refused(tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    path = folder / "neural-developed.json"
    entries = json.loads(path.read_text())
    del entries["sha256"]
    path.write_text(json.dumps(entries))
    with pytest.raises(WeightsError, match="manifest is damaged"):
        NeuralExtractor("neural", folder)


def test_both_sizes_share_the_network_for_raw():
    photo, _ = bayer(5)
    small, large = (residuals(get_extractor(name), photo) for name in ("neural", "neural-best"))
    np.testing.assert_array_equal(small, large)


def test_photos_it_cannot_read_are_refused():
    extractor = NeuralExtractor("neural")
    with pytest.raises(PhotoError, match="at least 64 pixels"):
        next(extractor.observe(developed(62, 200)))
    with pytest.raises(PhotoError, match="choose the extractor wavelet"):
        next(NeuralExtractor("neural-best").observe(bayer(6)[0]))
    with pytest.raises(ValueError, match="multiples of 8"):
        next(NeuralExtractor("neural", tile=90).observe(developed(96, 96)))


def test_other_extractors_do_not_load_onnxruntime():
    program = (
        "import sys; from grainseal.models.extractor import get_extractor; "
        "get_extractor('wavelet'); sys.exit('onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
