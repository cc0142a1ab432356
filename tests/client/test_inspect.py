"""`grainseal inspect`: its findings against what the photo was made to be, and its errors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.client.iso_network import metric_of, write_iso_network

from grainseal.client.expectation import fit_for
from grainseal.models.correlation_features import block_features
from grainseal.models.correlation_prediction import STEM
from grainseal.models.manifest import WEIGHTS
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import read_photo
from grainseal.models.reference.weights import VARIABLE
from grainseal.models.simulator import VirtualCamera, develop, flat_scene, take_burst, write_jpeg

SIDE = 512


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    pytest.importorskip("onnx", reason="the network is written with onnx (grainseal[train])")
    folder = tmp_path_factory.mktemp("weights")
    write_iso_network(folder)
    return folder


@pytest.fixture
def known(weights, monkeypatch):
    """With the network whose answers are known."""
    monkeypatch.setenv(VARIABLE, str(weights))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """An even photo of ISO 100 as JPEG, and one with a square of eight times its noise as PNG."""
    folder = tmp_path_factory.mktemp("photos")
    camera = VirtualCamera(301, SIDE, SIDE)
    picture = develop(camera.photograph(flat_scene(SIDE, SIDE, 1), 100, 1))
    write_jpeg(folder / "even.jpg", picture, "Maker", "Model 1", 400, quality=90)
    rng = np.random.default_rng(1)
    sigma = np.full((SIDE, SIDE, 1), 1.5)
    sigma[128:320, 192:448] *= 8
    noisy = 120 + sigma * rng.standard_normal((SIDE, SIDE, 3))
    Image.fromarray(noisy.round().astype(np.uint8)).save(folder / "pasted.png")
    return folder


def test_an_even_photo(program, pictures, known):
    assert program("inspect", pictures / "even.jpg", "--json", "-") == 0
    found = program.json
    photo = read_photo(pictures / "even.jpg")
    patches = photo.pixels.reshape(8, 64, 8, 64, 3).swapaxes(1, 2).reshape(-1, 64, 64, 3)
    expected = 100 * 2 ** np.median([metric_of(patch) for patch in patches])
    assert (found["width"], found["height"], found["kind"]) == (SIDE, SIDE, "developed")
    assert (found["jpeg_quality"], found["make"], found["model"]) == (90, "Maker", "Model 1")
    assert found["iso"]["stated"] == 400
    assert found["iso"]["estimated"] == pytest.approx(expected, rel=0.1)
    assert found["iso"]["stops_apart"] == pytest.approx(
        np.log2(found["iso"]["estimated"] / 400), abs=0.01
    )
    assert found["noise_level"] == pytest.approx(255 * photo_noise_level(photo), abs=1e-3)
    assert not found["splicing"]["suspicious"]
    assert found["quality"]["remarks"] == []


def test_maps_lie_where_they_say(program, pictures, known):
    assert program("inspect", pictures / "even.jpg", "--json", "-") == 0
    maps = program.json["maps"]
    photo = read_photo(pictures / "even.jpg")
    iso, correlation = maps["iso_metric"], maps["predicted_correlation"]
    assert (iso["side"], iso["step"]) == (64, 32)
    assert np.shape(iso["values"]) == (15, 15)
    patch = photo.pixels[32 * 3 : 32 * 3 + 64, 32 * 7 : 32 * 7 + 64]
    assert iso["values"][3][7] == pytest.approx(metric_of(patch), abs=1e-3)
    # Predicted without the ISO metric, whatever the network says.
    fit = fit_for("neural")
    assert correlation["values"] == pytest.approx(
        np.round(fit.predicted(block_features(photo)), 4), abs=1e-4
    )
    assert np.shape(maps["noise_level"]["values"]) == (8, 8)
    assert program.json["predicted_correlation"] == pytest.approx(
        np.mean(correlation["values"]), abs=1e-4
    )


def test_a_part_of_other_noise_is_named(program, pictures, known):
    assert program("inspect", pictures / "pasted.png", "--json", "-") == 0
    found = program.json
    assert found["splicing"]["suspicious"]
    # Two stops for each of three doublings, less for the patches across the border.
    assert 4.5 < found["splicing"]["gap"] < 6.2
    suspicion = np.array(found["maps"]["suspicion"]["values"])
    assert suspicion[5:8, 7:12].min() > 0.8
    assert suspicion[11:, :].max() < 0.3
    assert program("inspect", pictures / "pasted.png") == 0
    assert "stops of noise more than the rest" in " ".join(program.out.split())
    assert "its file states none" in " ".join(program.out.split())
    assert "not compressed with loss" in program.out


def test_the_table_is_for_people(program, pictures, known):
    assert program("inspect", pictures / "even.jpg") == 0
    for said in ("512x512", "JPEG, quality about 90", "Maker Model 1", "its file states 400"):
        assert said in " ".join(program.out.split())
    assert "no sign of it" in program.out


def test_the_report_shows_the_photo_and_four_maps(program, pictures, known, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "found.json"
    command = ["inspect", pictures / "pasted.png", "--report", tmp_path / "report", "--json", out]
    assert program(*command) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 5
    for title in ("Noise level", "ISO", "Predicted correlation", "Splicing suspicion"):
        assert f"<h2>{title}</h2>" in page
    assert "http" not in page  # self-contained
    assert json.loads(out.read_text())["splicing"]["suspicious"]


def test_what_cannot_be_inspected_is_said(program, pictures, known, tmp_path):
    camera = VirtualCamera(301, 64, 64)
    [raw] = take_burst(camera, 1, tmp_path, raw=True)
    small, broken = tmp_path / "small.png", tmp_path / "broken.jpg"
    Image.fromarray(np.zeros((319, 400, 3), np.uint8)).save(small)
    broken.write_bytes((pictures / "even.jpg").read_bytes()[:2000])
    for path, message in (
        (raw, "is RAW: give the JPEG made of it"),
        (small, "at least 320 pixels a side"),
        (broken, "damaged"),
        (tmp_path / "none.jpg", "does not exist"),
    ):
        assert program("inspect", path) == 2
        assert message in program.err
    assert program("inspect", pictures / "even.jpg", "--extractor", "magic") == 2
    assert "no extractor" in program.err
    assert program("inspect", pictures / "even.jpg", "--json", tmp_path / "no" / "x.json") == 2
    assert "cannot write" in program.err


def test_without_the_network_no_iso_is_estimated(program, pictures, monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    shipped = tmp_path / STEM
    shipped.with_suffix(".json").write_bytes((WEIGHTS / f"{STEM}.json").read_bytes())
    monkeypatch.setattr("grainseal.models.reference.weights.WEIGHTS", tmp_path)
    assert program("inspect", pictures / "pasted.png", "--json", "-") == 0
    found = program.json
    assert found["iso"] == {"estimated": None, "stated": None, "stops_apart": None}
    assert "iso_metric" not in found["maps"]
    assert found["predicted_correlation"] > 0
    assert found["splicing"]["suspicious"]
    assert program("inspect", pictures / "even.jpg") == 0
    assert "grainseal train isonet" in " ".join(program.out.split())
    assert "no sign of it in its noise" in " ".join(program.out.split())


def test_damaged_weights_are_said(program, pictures, weights, alice, monkeypatch, tmp_path):
    own = Path(shutil.copytree(weights, tmp_path / "weights"))
    monkeypatch.setenv(VARIABLE, str(own))
    with (own / "isonet.onnx").open("ab") as file:
        file.write(b"!")
    assert program("inspect", pictures / "even.jpg") == 2
    assert "isonet.onnx" in program.err
    (own / "isonet.json").unlink()
    (own / f"{STEM}.json").write_text("{}")
    for line in (["inspect", pictures / "even.jpg"], ["compare", *alice.enroll[:2]]):
        assert program(*line) == 2
        assert f"{STEM} are missing or damaged" in program.err


def test_an_extractor_without_coefficients_gets_no_prediction(program, pictures, known):
    assert program("inspect", pictures / "even.jpg", "--extractor", "wavelet5", "--json", "-") == 0
    assert program.json["predicted_correlation"] is None
    assert "predicted_correlation" not in program.json["maps"]


def test_compare_says_what_photos_of_one_camera_would_reach(program, alice, mallory):
    folder = alice.enroll[0].parent
    assert program("compare", folder, alice.probe[0], "--json") == 0
    own = program.json
    assert own["expected"]["ncc"] == pytest.approx(own["ncc"], rel=0.5)
    assert program("compare", folder, mallory.probe[0]) == 0
    assert "speaks against one camera" in program.out


def test_a_photo_that_shows_little_of_its_camera_is_no_evidence(program, alice, tmp_path):
    dark = tmp_path / "dark.png"
    noise = np.random.default_rng(1).normal(6, 3, (SIDE, SIDE, 3))
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(dark)
    assert program("compare", alice.enroll[0], dark) == 0
    assert "a weak match says little" in program.out


def test_black_and_white_parts_promise_no_match(program, alice, tmp_path):
    """Of a night photo crushed to black, a lamp in it clipped, nothing of the pattern is left."""
    night = tmp_path / "night.png"
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:128, :256] = 255
    Image.fromarray(picture).save(night)
    assert program("inspect", night, "--json", "-") == 0
    assert program.json["predicted_correlation"] == 0
    picture[128:] = np.random.default_rng(1).normal(6, 3, (SIDE - 128, SIDE, 3)).clip(0, 9)
    Image.fromarray(picture).save(night)
    assert program("compare", alice.enroll[0].parent, night) == 0
    assert "a weak match says little" in program.out


def test_copies_of_a_file_are_one_photo(program, alice, tmp_path):
    (tmp_path / "copies").mkdir()
    for number in range(3):
        copy = tmp_path / "copies" / f"{number}.jpg"
        copy.write_bytes(alice.enroll[0].read_bytes())
    found = []
    for folder in (alice.enroll[0], tmp_path / "copies"):
        assert program("compare", folder, alice.probe[0], "--json") == 0
        found.append(program.json)
    assert not found[1]["expected"]["calibrated"]
    assert found[1]["expected"] == found[0]["expected"]
    assert found[1]["ncc"] == pytest.approx(found[0]["ncc"], rel=1e-3)


def test_what_a_file_is_called_and_says_is_text(program, pictures, tmp_path):
    image = Image.open(pictures / "even.jpg")
    exif = image.getexif()
    exif[271], exif[272] = "Ca[/red]\x1b[31mnon", "[link=x]S100"
    image.save(tmp_path / "b[red].jpg", exif=exif, quality=90)
    assert program("inspect", tmp_path / "b[red].jpg") == 0
    assert "b[red].jpg" in program.out
    assert "Ca[/red][31mnon [link=x]S100, says its file" in " ".join(program.out.split())
    assert "\x1b" not in program.out


def test_photos_that_nothing_is_known_of_have_no_expectation(program, alice, tmp_path):
    raws = take_burst(VirtualCamera(301, 512, 512), 2, tmp_path, raw=True)
    assert program("compare", *raws, "--json") == 0
    assert program.json["expected"] is None
    photos = alice.enroll[:2]
    assert program("compare", *photos, "--extractor", "wavelet5") == 0
    assert "expected" not in program.out
    assert program("compare", *photos, "--crop", 126, "--extractor", "neural", "--json") == 0
    assert program.json["expected"] is None


@pytest.mark.skipif(not (WEIGHTS / "isonet.onnx").exists(), reason="isonet is not shipped")
def test_the_shipped_network_tells_a_low_iso_from_a_high_one(program, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    camera = VirtualCamera(302, SIDE, SIDE)
    for iso in (100, 1600):
        picture = develop(camera.photograph(flat_scene(SIDE, SIDE, iso), iso, iso))
        write_jpeg(tmp_path / f"{iso}.jpg", picture, "Maker", "Model", iso)
    found = []
    for iso in (100, 1600):
        assert program("inspect", tmp_path / f"{iso}.jpg", "--json", "-") == 0
        found.append(program.json["iso"]["estimated"])
    assert found[1] > 4 * found[0]
