"""Tables whose systems are networks: layouts and counts, by networks that nobody trained."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the networks are made with grainseal[train]")

from grainseal.client.reproduction import closed_set, dresden, eurecom  # noqa: E402 - after the skip
from grainseal.client.reproduction.work import Settings  # noqa: E402
from grainseal.models.photo import read_photo  # noqa: E402
from grainseal.models.reference.patch_classifier import PatchClassifier  # noqa: E402
from grainseal.models.reference.published.dresden import ACCURACY  # noqa: E402
from grainseal.models.reference.published.eurecom import CLOSED_ACCURACY, SKRABEC  # noqa: E402
from grainseal.models.reference.signature_similarity import (  # noqa: E402
    SignatureMatcher,
    matrix_accuracy,
)
from grainseal.models.reference.weights import VARIABLE  # noqa: E402
from grainseal.models.simulator.dataset import DatasetSpec, write_camera  # noqa: E402
from grainseal.models.simulator.series import SeriesCamera, training_camera  # noqa: E402
from grainseal.models.training.config import Stage  # noqa: E402
from grainseal.models.training.systems import (  # noqa: E402
    csi_cnn,
    dncnn,
    patch_classifier,
    siamese,
    signature_similarity,
)
from grainseal.models.training.systems.config import SystemConfig  # noqa: E402
from grainseal.models.training.systems.export import export_system  # noqa: E402
from grainseal.models.training.systems.photos import CameraPhotos  # noqa: E402
from grainseal.models.training.systems.run import TrainedSystem  # noqa: E402

TASKS = {
    "csi-cnn": (csi_cnn.task, 160, 24, "cosine"),
    "dncnn": (dncnn.task, 64, 24, "noise"),
    "siamese": (siamese.task, 256, 128, "pairs"),
    "signature-similarity": (signature_similarity.task, 116, 116, "signature"),
    "patch-classifier": (patch_classifier.task, 128, 32, "classes"),
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """As a training would write them that took no step."""
    return written(tmp_path_factory.mktemp("networks"))


def written(root, *trained_on):
    torch.manual_seed(3)
    for system, (make, side, crop, stage) in TASKS.items():
        stages = (Stage(stage, 1, 0.1),)
        config = SystemConfig(system, 1, 3, 0, 8, 2, 0, side, crop, 4, stages)
        none = np.empty((3, 8, 0), np.uint8)
        names = ("camera_001", "camera_002", "camera_003")
        photos = CameraPhotos(names, none, none, none, root / system)
        (root / system).mkdir(parents=True)
        for kept in ("residuals", "fingerprints"):
            np.save(root / system / f"{kept}.npy", none)
        parts = make(config, photos, photos, 1).parts
        for part in parts:
            part.module.eval()
        source = trained_on or ("simulated",)
        export_system(TrainedSystem(parts, {}, 0, *source), config, root, "none", 1)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three cameras that the networks know, of noise."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(4)
    for at in range(3):
        for kind, count in (("natural", 6), ("flat", 2)):
            folder = root / kind / f"camera_00{at + 1}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (256, 256, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return root


@pytest.fixture
def on_data(data, tmp_path, monkeypatch):
    """Networks that took two photos of each camera, neither the first nor the last by name."""
    files = (path for name in ("1.jpg", "4.jpg") for path in data.glob(f"natural/*/{name}"))
    digests = tuple(sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))
    assert len(digests) == 2 * 3
    monkeypatch.setenv(VARIABLE, str(written(tmp_path / "on", "photos in natural", digests)))


@pytest.fixture(autouse=True)
def _few(monkeypatch, networks):
    monkeypatch.setenv(VARIABLE, str(networks))
    monkeypatch.setattr(eurecom.published, "BACKGROUNDS", 1)
    monkeypatch.setattr(eurecom.published, "PAIRS", 12)
    monkeypatch.setattr(eurecom, "_SCENES", 8)
    monkeypatch.setattr(closed_set, "_PHOTOS", 2)
    monkeypatch.setattr(dresden, "_TESTED", 2)
    monkeypatch.setattr(dresden, "_VALIDATION", 2)


def test_table_2_draws_sets_of_four(program):
    found = json_of(program, "eurecom-2", "--cameras", 2, "--side", 256)
    last = found["lines"][-1]
    assert last["labels"] == [SKRABEC.name]
    assert [cell["published"] for cell in last["cells"][:2]] == [SKRABEC.eer, SKRABEC.auc]
    assert all(0 <= cell["ours"] <= 1 for cell in last["cells"][:2])
    assert [line["cells"][2] for line in found["lines"]] == ["50+1", "50+1", "4+4"]
    assert "6 genuine and 6 impostor pairs of 4 scenes against 4" in " ".join(found["measured"])
    alone = json_of(program, "eurecom-1", "--cameras", 2, "--side", 256)["lines"]
    for line, same in zip(found["lines"][:2], alone, strict=True):
        assert line["cells"][:2] == same["cells"][:2]
    assert alone[0]["cells"][:2] != alone[1]["cells"][:2]


def test_the_closed_set_has_photos_that_training_and_validation_had_not(program):
    found = json_of(program, "eurecom-closed")
    assert any("ours are simulated at 128x128" in text for text in found["differs"])
    photos, patches = (line["cells"][0] for line in found["lines"])
    assert photos["published"] == patches["published"] == CLOSED_ACCURACY
    classifier = PatchClassifier()
    right = []
    for at in range(3):
        camera = SeriesCamera(training_camera(1, at), 128)
        for index in (10, 11):  # after eight of training and two of validation
            patch = camera.photo(index)[:32, :32].transpose(2, 0, 1)[None].astype(np.float32) / 255
            assert np.isfinite(classifier._network.run(patches=patch)).all()
            right.append(photo_right(classifier, camera.photo(index), at))
    assert photos["ours"] == pytest.approx(np.mean(right))


def photo_right(classifier, pixels, own):
    tiles = [pixels[r : r + 32, c : c + 32] for r in range(0, 128, 32) for c in range(0, 128, 32)]
    planes = np.stack(tiles).transpose(0, 3, 1, 2).astype(np.float32) / 255
    return int(classifier._network.run(patches=planes).mean(axis=0).argmax()) == own


def test_a_classifier_of_simulated_cameras_knows_no_others(program, tmp_path):
    assert program("reproduce", "eurecom-closed", "--data", tmp_path) == 2
    assert "grainseal train patch-classifier --photos" in program.err


@pytest.mark.usefixtures("on_data")
def test_the_closed_set_leaves_out_what_was_trained_on_wherever_it_lies(program, data):
    found = json_of(program, "eurecom-closed", "--data", data)
    classifier = PatchClassifier()
    right = [
        np.argmax(classifier.probabilities(read_photo(data / "natural" / name / f"{left}.jpg")))
        == at
        for at, name in enumerate(classifier.cameras)
        for left in (0, 2, 3, 5)
    ]
    assert found["lines"][0]["cells"][0]["ours"] == pytest.approx(np.mean(right))
    assert "12 photos of 3 cameras" in " ".join(found["measured"])


@pytest.mark.usefixtures("on_data")
def test_the_matrix_leaves_out_what_was_trained_on_wherever_it_lies(data):
    settings = Settings(data, None, 256, lambda *_: None)
    (group,) = dresden._groups(SignatureMatcher(), settings)
    for camera in group.cameras:
        assert [shot.path.name for shot in camera.scenes] == ["0.jpg", "2.jpg", "3.jpg", "5.jpg"]


@pytest.mark.usefixtures("on_data")
@pytest.mark.parametrize(
    ("table", "system"),
    [("eurecom-2", "siamese"), ("csi-cnn-2", "csi-cnn"), ("csi-cnn-3", "csi-cnn")],
)
def test_cameras_that_were_trained_on_are_refused(program, data, tmp_path, table, system):
    for kind in ("natural", "flat"):
        (tmp_path / kind).mkdir()
        for number in (1, 2):
            name = f"camera_00{number}"
            (tmp_path / kind / name).symlink_to(data / kind / name)
    assert program("reproduce", table, "--data", tmp_path, "--side", 256) == 2
    assert f"{system} was trained on photos of camera_001, camera_002" in program.err
    assert "trained without --photos" in program.err


@pytest.mark.usefixtures("on_data")
def test_other_cameras_are_taken(program, data, tmp_path):
    for kind, folder in (("natural", "flat"), ("flat", "flat")):  # these were not trained on
        (tmp_path / kind).symlink_to(data / folder)
    found = json_of(program, "csi-cnn-2", "--data", tmp_path, "--side", 256)
    assert found["photos"].startswith(f"{tmp_path}, 3 cameras")


def test_weights_that_do_not_name_their_photos_are_refused(program, data, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(written(tmp_path, "natural")))
    lines = [[name, "--side", 256] for name in ("eurecom-2", "csi-cnn-2")]
    for line in (*lines, ["eurecom-closed"], ["dresden-matrix"]):
        assert program("reproduce", *line, "--data", data) == 2
        assert "does not name the photos that it was trained on: run `grainseal" in program.err


def test_the_matrix_over_cameras_of_training_and_over_others(program, tmp_path):
    pytest.importorskip("matplotlib", reason="pip install grainseal[report]")
    report = tmp_path / "report"
    found = json_of(program, "dresden-matrix", "--cameras", 3, "--report", report)
    own, others = found["matrices"]
    for matrix, line in zip((own, others), found["lines"], strict=True):
        values = np.array(matrix["values"])
        assert values.shape == (3, 3)
        assert line["cells"][0]["ours"] == pytest.approx(matrix_accuracy(values))
        assert line["cells"][1]["ours"] == pytest.approx(np.diagonal(values).mean())
    assert found["lines"][0]["cells"][0]["published"] == ACCURACY
    assert found["lines"][1]["cells"][0]["published"] is None
    assert (report / "index.html").read_text().count("data:image/svg+xml") == 2


def test_each_matrix_has_its_own_count(program):
    measured = json_of(program, "dresden-matrix", "--cameras", 4)["measured"]
    assert [text.split(";")[0] for text in measured[1:]] == [
        "trained on, other photos: 3 x 3 cells",
        "never seen: 4 x 4 cells",
    ]
    assert "accuracy of 0.667" in measured[1]
    assert "accuracy of 0.750" in measured[2]


def test_what_is_said_of_photos_that_the_networks_were_trained_on(
    program, networks, tmp_path, monkeypatch
):
    """Their own cameras, and others, among which those of validation may be."""
    weights, data = tmp_path / "weights", tmp_path / "data"
    shutil.copytree(networks, weights)
    for path in weights.rglob("*.json"):
        entries = json.loads(path.read_text())
        entries["config"].update(source="photos in phones", photos_sha256=[])
        path.write_text(json.dumps(entries))
    monkeypatch.setenv(VARIABLE, str(weights))
    spec = DatasetSpec(cameras=5, photos=6, flats=1, width=192, height=160, seed=4)
    for index in range(5):
        write_camera(data, spec, index)
    closed = json_of(program, "eurecom-closed", "--data", data)
    assert closed["photos"].endswith("that neither training nor validation took, centre 128x128")
    assert any("ours are the centre of 128x128" in text for text in closed["differs"])
    assert not any("simulated" in text for text in closed["differs"])
    matrices = json_of(program, "dresden-matrix", "--data", data)
    assert [line["labels"] for line in matrices["lines"]] == [
        ["trained on, other photos"],
        ["not named by the training"],
    ]
    assert "centre 116x116" in matrices["photos"]
    assert any("may be those of its validation" in text for text in matrices["differs"])
    assert not any("simulated" in text for text in matrices["differs"])


def json_of(program, *arguments):
    assert program("reproduce", *arguments, "--json", "-") == 0, program.err
    return json.loads(program.out)
