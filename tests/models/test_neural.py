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


def test_raw_is_left_to_the_wavelet():
    pixels = np.random.default_rng(3).integers(0, 4000, (320, 320), np.uint16)
    bayer = Photo(pixels, "raw", "r.dng", "", levels=RawLevels((0,) * 4, 4095, "RGGB"))
    by_neural, by_wavelet = (
        residuals(get_extractor(name), bayer) for name in ("neural", "wavelet")
    )
    np.testing.assert_array_equal(by_neural, by_wavelet)


def test_photos_it_cannot_read_are_refused():
    extractor = NeuralExtractor("neural")
    with pytest.raises(PhotoError, match="at least 64 pixels"):
        next(extractor.observe(developed(62, 200)))
    bayer = Photo(
        np.zeros((128, 128), np.uint16), "raw", "r.dng", "", levels=RawLevels((0,) * 4, 9, "RGGB")
    )
    with pytest.raises(PhotoError, match="choose the extractor wavelet"):
        next(extractor.observe(bayer))
    with pytest.raises(ValueError, match="multiples of 8"):
        next(NeuralExtractor("neural", tile=90).observe(developed(96, 96)))


def test_other_extractors_do_not_load_onnxruntime():
    program = (
        "import sys; from grainseal.models.extractor import get_extractor; "
        "get_extractor('wavelet'); sys.exit('onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
