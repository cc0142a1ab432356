"""The published network is imported and run as its authors do; other files are refused."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing needs torch: pip install grainseal[train]")

from click.testing import CliRunner  # noqa: E402 - after the skip

from grainseal.client.errors import ClientError  # noqa: E402
from grainseal.client.photos import extractor_named  # noqa: E402
from grainseal.models.extractor import get_extractor  # noqa: E402
from grainseal.models.fingerprint import NOISE_SIGMA  # noqa: E402
from grainseal.models.manifest import WeightsError  # noqa: E402
from grainseal.models.photo import Photo, PhotoError, RawLevels  # noqa: E402
from grainseal.models.reference.photonecf import LEVEL, VARIABLE, PhotoNecfExtractor  # noqa: E402
from grainseal.models.training import photonecf  # noqa: E402
from grainseal.models.training.command import train  # noqa: E402
from grainseal.models.training.export import ExportError  # noqa: E402
from grainseal.models.training.photonecf import (  # noqa: E402
    PhotoNecf,
    import_checkpoint,
    load_checkpoint,
)


def random_network():
    torch.manual_seed(5)
    network = PhotoNecf()
    for layer in network.model[::2]:
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    with torch.no_grad():  # denoised pictures have about the contrast of the pictures
        network.model[-1].weight.mul_(0.2)
    return network.eval()


def saved(path, network, **changed):
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    state |= changed
    torch.save({name: value for name, value in state.items() if value is not None}, path)
    return path


def run_import(checkpoint, folder):
    command = ["import-photonecf", str(checkpoint), "--out", str(folder), "--json"]
    return CliRunner().invoke(train, command)


@pytest.fixture(scope="module")
def network():
    return random_network()


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("published") / "model.pth", network)


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory) -> Path:
    """What the import command writes."""
    found = tmp_path_factory.mktemp("imported") / "new"
    done = run_import(checkpoint, found)
    assert done.exit_code == 0, done.output
    return found


def developed(height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Photo(pixels, "developed", "noise", "")


def residuals(extractor, photo):
    return np.stack([observation.residual for observation in extractor.observe(photo)])


def by_torch(network, planes):
    """Of float32 (P, H, W) of even sides, each plane as a whole, reflected on all sides."""
    around = (0, 0), (network.margin, network.margin), (network.margin, network.margin)
    padded = torch.from_numpy(np.pad(planes, around, mode="reflect"))[:, None]
    with torch.no_grad():
        return network(padded, torch.full((len(planes),), LEVEL)).numpy()[:, 0]


def of_one_size(residual):
    return residual * NOISE_SIGMA / np.sqrt(np.mean(residual**2))


def test_onnxruntime_gives_the_residual_that_torch_gives(network, folder):
    photo = developed(96, 150)
    found = residuals(PhotoNecfExtractor(folder), photo)
    planes = np.stack(list(photo.planes()))
    expected = by_torch(network, planes)
    assert (planes - expected).std() > 0.05  # the network does take something away
    assert np.abs(found - of_one_size(expected)).max() < 1e-6


@pytest.mark.parametrize(("height", "width"), [(96, 150), (93, 131)])
def test_tiles_give_what_the_whole_photo_gives(folder, height, width):
    photo = developed(height, width)
    whole = residuals(PhotoNecfExtractor(folder, tile=512), photo)
    tiled = residuals(PhotoNecfExtractor(folder, tile=40), photo)
    assert whole.shape == (3, height, width)
    assert np.sqrt(np.mean(whole**2)) == pytest.approx(NOISE_SIGMA, rel=1e-4)
    assert np.abs(whole - tiled).max() < 1e-6


def test_raw_is_read_with_its_upper_8_bits_and_no_level_subtracted(network, folder):
    pixels = np.random.default_rng(1).integers(600, 3000, (96, 128), np.uint16)
    levels = RawLevels((512,) * 4, 4095, "RGGB")
    photo = Photo(pixels, "raw", "r.dng", "", levels=levels)
    (observed,) = PhotoNecfExtractor(folder).observe(photo)
    np.testing.assert_array_equal(observed.intensity, photo.plane(0))
    expected = by_torch(network, (pixels // 16).astype(np.float32)[None] / 255)
    np.testing.assert_allclose(observed.residual, of_one_size(expected)[0], atol=1e-6)


def test_residual_is_the_input_less_the_denoised_picture_pixel_by_pixel():
    """A network that passes its input on, but for one pixel in four that it makes brighter."""
    network = PhotoNecf()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for layer in network.model[::2]:
            for channel in range(4):
                layer.weight[channel, channel, 1, 1] = 1
        network.model[-1].bias[1] = 0.25
        found = network(torch.rand(1, 1, 72, 80), torch.zeros(1))[0, 0].numpy()
    expected = np.zeros((8, 16))
    expected[0::2, 1::2] = -0.25
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_manifest_says_where_the_weights_are_from(checkpoint, folder):
    manifest = json.loads((folder / "photonecf.json").read_text())
    assert manifest["parameters"] == 485_316
    assert manifest["config"]["checkpoint_sha256"] == (
        hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    )


def test_files_that_are_no_such_checkpoint_are_refused(network, tmp_path):
    def refused(path, message):
        done = run_import(path, tmp_path / "out")
        assert done.exit_code != 0
        assert message in done.output
        assert not (tmp_path / "out").exists()

    text = tmp_path / "text.pth"
    text.write_text("weights")
    refused(text, "torch cannot read plain weights")
    pickled = tmp_path / "pickled.pth"
    torch.save(Path("any object"), pickled)
    refused(pickled, "torch cannot read plain weights")
    listed = tmp_path / "list.pth"
    torch.save([torch.zeros(3)], listed)
    refused(listed, "not a table of weights")

    path, bias, weight = tmp_path / "m.pth", "module.model.28.bias", "module.model.0.weight"
    refused(saved(path, network, **{bias: None}), f"it has no {bias}")
    refused(saved(path, network, **{"module.extra": torch.zeros(1)}), "module.extra besides")
    wide = torch.zeros(64, 13, 3, 3)
    refused(saved(path, network, **{weight: wide}), "(64, 13, 3, 3), not (64, 5, 3, 3)")
    refused(saved(path, network, **{bias: torch.full((4,), torch.nan)}), "not finite")


def test_nothing_is_written_where_onnxruntime_disagrees(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(photonecf, "PARITY", -1.0)
    with pytest.raises(ExportError, match="nothing written"):
        import_checkpoint(checkpoint, tmp_path / "out", "")
    assert not (tmp_path / "out").exists()


def test_it_is_found_by_its_variable_and_says_how_to_get_it(folder, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(folder))
    assert get_extractor("photonecf").name == "photonecf"
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match=r"missing.*grainseal train import-photonecf"):
        get_extractor("photonecf")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ValueError, match=rf"import-photonecf CHECKPOINT --out DIR.*{VARIABLE}"):
        get_extractor("photonecf")
    with pytest.raises(ClientError, match="import-photonecf"):
        extractor_named("photonecf")


def test_photos_and_tiles_it_cannot_take_are_refused(folder):
    with pytest.raises(PhotoError, match="at least 64 pixels"):
        next(PhotoNecfExtractor(folder).observe(developed(62, 200)))
    with pytest.raises(ValueError, match="even, positive"):
        PhotoNecfExtractor(folder, tile=95)


def test_the_published_weights_pass_parity_and_leave_noise_with_its_sign(tmp_path):
    named = os.environ.get("GRAINSEAL_PHOTONECF_CHECKPOINT")
    if not named:
        pytest.skip("no published weights: set GRAINSEAL_PHOTONECF_CHECKPOINT to their model.pth")
    manifest = import_checkpoint(Path(named), tmp_path, "")  # which checks parity
    assert manifest.parameters == 485_316
    noise = np.random.default_rng(2).normal(0, 5, (96, 96, 3))
    photo = Photo(np.rint(128 + noise).astype(np.uint8), "developed", "even", "")
    found = residuals(PhotoNecfExtractor(tmp_path, tile=48), photo)
    expected = by_torch(load_checkpoint(Path(named)), np.stack(list(photo.planes())))
    assert np.abs(found - of_one_size(expected)).max() < 1e-6
    assert expected.std() > 2 * noise.std() / 255  # why it is brought to one size
    assert np.corrcoef(found.ravel(), noise.transpose(2, 0, 1).ravel())[0, 1] > 0.5
