"""Each reference system is trained, exported and used: a few steps, in seconds."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from click.testing import CliRunner  # noqa: E402 - after the skip
from PIL import Image  # noqa: E402

from grainseal.cli import run as run_program  # noqa: E402
from grainseal.models.extractor import get_extractor  # noqa: E402
from grainseal.models.fingerprint import NOISE_SIGMA  # noqa: E402
from grainseal.models.photo import Photo, PhotoError, RawLevels, read_photo  # noqa: E402
from grainseal.models.reference.isonet import IsoNet  # noqa: E402
from grainseal.models.reference.network import TrainedNetwork  # noqa: E402
from grainseal.models.reference.patch_classifier import PatchClassifier, patches_of  # noqa: E402
from grainseal.models.reference.registry import SYSTEMS  # noqa: E402
from grainseal.models.reference.residual_networks import NetworkExtractor  # noqa: E402
from grainseal.models.reference.rspn import luminance  # noqa: E402
from grainseal.models.reference.siamese import SiameseMatcher, places, residual_crops  # noqa: E402
from grainseal.models.reference.signature_similarity import SignatureMatcher  # noqa: E402
from grainseal.models.reference.training_photos import on_simulated  # noqa: E402
from grainseal.models.reference.weights import VARIABLE  # noqa: E402
from grainseal.models.simulator.dataset import DatasetSpec, write_camera  # noqa: E402
from grainseal.models.training.command import SYSTEMS as TRAINABLE  # noqa: E402
from grainseal.models.training.command import train  # noqa: E402
from grainseal.models.training.config import ConfigError  # noqa: E402
from grainseal.models.training.systems import signature_similarity  # noqa: E402
from grainseal.models.training.systems.config import read_system_config  # noqa: E402
from grainseal.models.training.systems.photos import load_photos  # noqa: E402
from grainseal.models.training.systems.run import TASKS  # noqa: E402


def stage(**entries):
    return {"name": "noise", "steps": 2, "learning_rate": 1e-3} | entries


def small(system, stages, **numbers):
    common = {"system": system, "seed": 1, "cameras": 3, "validation_cameras": 2, "flats": 0}
    steps = [{"name": name, "steps": 2, "learning_rate": 1e-3} for name in stages]
    return common | numbers | {"stages": steps}


CONFIGS = {
    "csi-cnn": small(
        "csi-cnn", ["cosine"], photos=2, validation_photos=1, flats=2, side=160, crop=24, batch=4
    ),
    "dncnn": small("dncnn", ["noise"], photos=1, validation_photos=1, side=64, crop=24, batch=2),
    "siamese": small(
        "siamese", ["pairs"], photos=8, validation_photos=2, side=256, crop=128, batch=4
    ),
    "patch-classifier": small(
        "patch-classifier",
        ["classes"],
        validation_cameras=0,
        photos=2,
        validation_photos=1,
        side=96,
        crop=32,
        batch=8,
    ),
    "isonet": small(
        "isonet", ["metric"], photos=2, validation_photos=1, side=128, crop=64, batch=4
    ),
    "signature-similarity": small(
        "signature-similarity",
        ["signature", "similarity"],
        photos=4,
        validation_photos=2,
        side=124,
        crop=116,
        batch=8,
    ),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two cameras' photos of 320x288, in a folder that is called as the built-in simulation is."""
    root = tmp_path_factory.mktemp("photos") / "simulated"
    spec = DatasetSpec(cameras=2, photos=3, width=320, height=288, seed=71)
    for index, name in enumerate(("left", "right")):
        (root / write_camera(root, spec, index).name).rename(root / name)
    return root


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory) -> Path:
    """What the commands write: simulated cameras, and given ones for the classifier."""
    root = tmp_path_factory.mktemp("trained")
    for system, config in CONFIGS.items():
        path = root / f"{system}-config.json"
        path.write_text(json.dumps(config))
        command = [system, "--config", str(path), "--out", str(root), "--threads", "1"]
        if system == "patch-classifier":
            command += ["--photos", str(photos)]
        done = CliRunner().invoke(train, command)
        assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def weights(trained, monkeypatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(trained))
    return trained


@pytest.fixture
def no_weights(monkeypatch, tmp_path) -> None:
    """Neither of the user's nor shipped ones."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("grainseal.models.reference.weights.WEIGHTS", tmp_path)


def task_of(system, root):
    """The system's task on the photos of its run, with the weights that the run ended with."""
    config = read_system_config(root / f"{system}-config.json", system)
    sets = [
        load_photos(root / system / name, config, name == "validation", None, False, 1)
        for name in ("training", "validation")
    ]
    task = TASKS[system](config, *sets, 1)
    task.module.load_state_dict(torch.load(root / system / "checkpoint.pt")["module"])
    return task


def photo(height=160, width=200, seed=0):
    pixels = np.random.default_rng(seed).integers(40, 200, (height, width, 3), np.uint8)
    return Photo(pixels, "developed", "noise", "")


def raw():
    levels = RawLevels((0,) * 4, 9, "RGGB")
    return Photo(np.zeros((256, 256), np.uint16), "raw", "r.dng", "", levels=levels)


def test_every_trainable_system_has_a_configuration_that_is_read():
    folder = Path(__file__).resolve().parents[4] / "models" / "training" / "configs"
    assert set(TRAINABLE) == set(TASKS) == set(CONFIGS)
    assert set(TRAINABLE) <= {each.id for each in SYSTEMS}
    for system in TRAINABLE:
        config = read_system_config(folder / f"{system}.json", system)
        assert [stage.name for stage in config.stages] == [
            stage["name"] for stage in CONFIGS[system]["stages"]
        ]


@pytest.mark.parametrize("system", TRAINABLE)
def test_a_run_logs_and_ships_its_measures(trained, photos, system):
    lines = (trained / system / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] == 2 * len(CONFIGS[system]["stages"])
    for path in trained.glob(f"{system}*.onnx"):
        manifest = json.loads(path.with_suffix(".json").read_text())
        assert manifest["config"]["system"] == system
        assert on_simulated(manifest["config"]) == (system != "patch-classifier")
        for name, value in manifest["scores"].items():
            assert value == pytest.approx(last[name], abs=1e-4)


def test_a_finished_run_ships_the_same_again(trained, tmp_path):
    """Its normalisation keeps to what it learned: isonet's validation is no training."""
    shutil.copytree(trained / "isonet", tmp_path / "isonet")
    config = str(trained / "isonet-config.json")
    again = ["isonet", "--config", config, "--out", str(tmp_path), "--threads", "1"]
    assert CliRunner().invoke(train, again).exit_code == 0
    made, before = (json.loads((root / "isonet.json").read_text()) for root in (tmp_path, trained))
    assert (made["sha256"], made["scores"]) == (before["sha256"], before["scores"])


def test_the_manifest_names_the_photos_that_were_given(trained, photos):
    """Those of training and of validation; of the folder its name alone, not where it lies."""
    config = json.loads((trained / "patch-classifier.json").read_text())["config"]
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in photos.glob("*/*.jpg")]
    assert len(files) == 2 * 3
    assert config["photos_sha256"] == sorted(files)
    assert config["source"] == "photos in simulated"


def test_photos_for_fingerprints_are_named_too(photos, tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIGS["patch-classifier"] | {"flats": 1, "photos": 1}))
    config = read_system_config(path, "patch-classifier")
    files = [photos / name / f"00{at}.jpg" for name in ("left", "right") for at in (1, 2)]
    for _ in ("made", "read again"):
        read = load_photos(tmp_path / "kept", config, False, photos, False, 1)
        assert read.digests == tuple(sorted(read_photo(each).sha256 for each in files))


@pytest.mark.parametrize("system", TRAINABLE)
def test_onnxruntime_computes_what_torch_does(weights, system):
    """On other sizes and numbers than those of the export's own check."""
    for part in task_of(system, weights).parts:
        part.module.eval()
        inputs = {
            name: torch.cat([example, example.flip(-1), example[:1] * 0.5])
            for name, example in part.inputs.items()
        }
        if part.free:
            inputs = {name: value[..., :-8].contiguous() for name, value in inputs.items()}
        found = TrainedNetwork(system, part.stem).run(
            **{name: value.numpy() for name, value in inputs.items()}
        )
        with torch.no_grad():
            expected = part.module(*inputs.values()).numpy()
        assert found.shape == expected.shape
        assert expected.std() > 0
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("system", "steps"),
    [(system, 60 if system in ("patch-classifier", "isonet") else 8) for system in TRAINABLE],
)
def test_its_loss_teaches_it(trained, system, steps):
    """A few steps on one batch lower that batch's loss, in every phase; two take more."""
    task = task_of(system, trained)
    batch = next(task.batches(0, 1))
    for phase in task.phases:
        optimizer = torch.optim.Adam(task.module.parameters(), lr=1e-3)
        torch.manual_seed(1)
        task.module.train()
        losses = []
        for _ in range(steps):
            loss = phase.loss(task.module, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert np.mean(losses[-2:]) < 0.95 * losses[0], losses


def test_batches_repeat_and_change(trained):
    for system in TRAINABLE:
        task = task_of(system, trained)
        again, other = (next(task.batches(number, 1)) for number in (3, 4))
        for one, two, three in zip(next(task.batches(3, 1)), again, other, strict=True):
            assert torch.equal(one, two)
            assert one.shape == three.shape
        assert not torch.equal(again[0], other[0])


def test_pairs_of_csi_cnn_are_at_one_place_of_one_camera(trained):
    task = task_of("csi-cnn", trained)
    batch = next(task.batches(0, 1))
    folder = trained / "csi-cnn" / "training"
    scenes, patterns = np.load(folder / "scenes.npy"), np.load(folder / "fingerprints.npy")

    def found_in(arrays, patch):
        """Which camera has the patch, and where."""
        side = patch.shape[-1]
        for camera, array in enumerate(arrays):
            windows = np.lib.stride_tricks.sliding_window_view(array, (side, side))
            for row, column in np.argwhere(windows[..., 0, 0] == patch[0, 0]):
                if np.array_equal(windows[row, column], patch):
                    return camera, row, column
        return None

    reds = [np.rint(planes[0].numpy() * 255).astype(np.uint8) for planes in batch.planes]
    for red, pattern, label in zip(reds, batch.fingerprint, batch.label, strict=True):
        camera, *place = found_in(patterns, pattern[0].numpy())
        where = [found_in(scenes[:, scene, :, :, 0], red) for scene in range(scenes.shape[1])]
        (owner, *seen) = next(each for each in where if each is not None)
        assert seen == place
        assert (camera == owner) == bool(label)
    assert batch.label.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("name", "planes"), [("csi-cnn", 1), ("dncnn", 3)])
def test_extractors_see_no_tiles(weights, name, planes):
    one, other = (
        np.stack([observed.residual for observed in NetworkExtractor(name, tile).observe(photo())])
        for tile in (64, 256)
    )
    assert one.shape == (planes, 160, 200)
    np.testing.assert_allclose(one, other, atol=2e-6)
    assert get_extractor(name).name == name


def test_csi_cnn_gives_one_plane_with_the_luminance(weights):
    (observed,) = get_extractor("csi-cnn").observe(photo())
    expected = luminance(list(photo().planes()))
    np.testing.assert_array_equal(observed.intensity, expected)
    assert np.sqrt(np.mean(observed.residual**2)) == pytest.approx(NOISE_SIGMA, rel=1e-4)


def test_networks_refuse_what_they_cannot_take(weights):
    for name in ("csi-cnn", "dncnn"):
        with pytest.raises(PhotoError, match="choose the extractor wavelet"):
            next(get_extractor(name).observe(raw()))
    for matcher in (SiameseMatcher(), SignatureMatcher()):
        photos = matcher.start()
        with pytest.raises(PhotoError, match="at least one"):
            photos.finish()
        with pytest.raises(PhotoError, match="RAW"):
            photos.add(raw())
        photos.add(photo(256, 264))
        with pytest.raises(PhotoError, match="one camera"):
            photos.add(photo(256, 272))
    with pytest.raises(PhotoError, match="256 pixels"):
        SiameseMatcher().start().add(photo(255, 400))
    with pytest.raises(PhotoError, match="RAW"):
        PatchClassifier().probabilities(raw())
    with pytest.raises(PhotoError, match="RAW"):
        IsoNet().iso(raw())
    with pytest.raises(PhotoError, match="64 pixels"):
        IsoNet().iso(photo(63, 200))


def test_siamese_places_are_spread_over_the_photo():
    assert list(places(photo(512, 600))) == [(0, 0), (0, 256), (256, 0), (256, 256)]
    wide = Photo(np.zeros((2048, 2560, 3), np.uint8), "developed", "p", "")
    chosen = list(places(wide))
    assert len(chosen) == len(set(chosen)) == 40
    assert {row for row, _ in chosen} == set(range(0, 2048, 256))


def test_siamese_compares_averages_place_by_place(weights):
    matcher = SiameseMatcher()
    sets = [[photo(256, 520, seed) for seed in seeds] for seeds in ((1, 2, 3), (4,))]
    vectors = []
    for taken in sets:
        photos = matcher.start()
        for each in taken:
            photos.add(each)
        vectors.append(photos.finish())
    assert vectors[0].shape == (2, 1024)
    by_hand = np.mean([residual_crops(each) for each in sets[0]], axis=0)
    part = task_of("siamese", weights).module.eval()
    with torch.no_grad():
        own = part.features(torch.from_numpy(by_hand)).numpy()
        other = part.features(torch.from_numpy(residual_crops(sets[1][0]))).numpy()
        scores = part.similarity(torch.from_numpy(own), torch.from_numpy(other)).numpy()
    np.testing.assert_allclose(vectors[0], own, atol=1e-4)
    assert matcher.score(*vectors) == pytest.approx(float(scores.mean()), abs=1e-5)
    assert matcher.score(*vectors) == matcher.score(*vectors[::-1])
    with pytest.raises(ValueError, match="two sizes"):
        matcher.score(vectors[0], vectors[1][:1])


def test_a_signature_is_that_of_the_centre_on_even_offsets(weights):
    """Of 140x150 pixels 116x116 are seen: from row 12 = (140 - 116) / 2 and column 16, not 17."""
    taken = [photo(140, 150, seed) for seed in (1, 2)]
    photos = SignatureMatcher().start()
    for each in taken:
        photos.add(each)
    centres = np.stack([each.pixels[12:128, 16:132].transpose(2, 0, 1) for each in taken])
    with torch.no_grad():
        signature = task_of("signature-similarity", weights).module.eval().signature
        expected = signature(torch.from_numpy(centres).float() / 255).mean(dim=0)
    np.testing.assert_allclose(photos.finish(), expected[None], atol=1e-5)
    assert expected.std() > 0.01


@pytest.mark.parametrize("side", [116, 118, 120, 122, 124])
def test_validation_of_signatures_sees_what_is_seen_in_use(side):
    """With sides of 118 and 122 the middle would begin at an odd pixel."""
    scenes = np.stack([photo(side, side, seed).pixels for seed in (1, 2)])
    for seen, seed in zip(signature_similarity._centre(scenes, 116), (1, 2), strict=True):
        np.testing.assert_array_equal(seen, photo(side, side, seed).cropped(116).pixels)


def test_signatures_are_compared_in_both_orders(weights):
    matcher = SignatureMatcher()
    vectors = []
    for seed in (1, 2):
        photos = matcher.start()
        photos.add(photo(140, 150, seed))
        vectors.append(photos.finish())
    assert vectors[0].shape == (1, 1024)
    one, other = (torch.from_numpy(vector) for vector in vectors)
    with torch.no_grad():
        similarity = task_of("signature-similarity", weights).module.similarity
        expected = (similarity(one, other) + similarity(other, one)) / 2
    assert matcher.score(*vectors) == pytest.approx(float(expected), abs=1e-6)
    assert matcher.score(*vectors) == pytest.approx(matcher.score(*vectors[::-1]), abs=1e-7)


def test_the_classifier_averages_its_patches(weights, photos):
    classifier = PatchClassifier()
    assert classifier.cameras == ("left", "right")
    read = read_photo(photos / "left" / "001.jpg")
    network = TrainedNetwork("patch-classifier", "patch-classifier")
    patches = patches_of(read.cropped(96).pixels)
    assert patches.shape == (9, 3, 32, 32)
    middle = read.cropped(96).pixels[32:64, 64:96].transpose(2, 0, 1) / 255
    np.testing.assert_allclose(patches[5], middle, atol=1e-7)
    found = classifier.probabilities(read)
    np.testing.assert_allclose(found, network.run(patches=patches).mean(axis=0), atol=1e-6)
    assert found.sum() == pytest.approx(1)


def test_isonet_takes_the_median_of_its_patches(weights, capsys, photos):
    estimator = IsoNet()
    taken = photo(150, 200)
    network = task_of("isonet", weights).module.eval()
    corners = [(row, column) for row in (0, 64) for column in (0, 64, 128)]
    patches = [taken.pixels[r : r + 64, c : c + 64].transpose(2, 0, 1) / 255 for r, c in corners]
    with torch.no_grad():
        expected = network(torch.from_numpy(np.stack(patches)).float()).numpy()
    found = estimator.metric_map(taken, 64).values
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-4)
    overlapping = estimator.metric_map(taken).values
    assert overlapping.shape == (3, 5)
    np.testing.assert_array_equal(overlapping[::2, ::2], found)
    assert estimator.iso(taken) == pytest.approx(100 * 2 ** np.median(overlapping))
    assert run_program(["systems", "iso", "--json", str(photos / "left")]) == 0
    told = json.loads(capsys.readouterr().out)["photos"]
    assert [each["photo"] for each in told] == ["001.jpg", "002.jpg", "003.jpg"]
    for each in told:
        read = read_photo(photos / "left" / each["photo"])
        assert each["stated"] == read.iso
        assert each["estimated"] == pytest.approx(estimator.iso(read), abs=0.1)


def test_isonet_refuses_photos_that_do_not_say_their_iso(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    for number in range(12):
        path = tmp_path / "photos" / f"camera{number // 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIGS["isonet"]))
    command = ["isonet", "--config", str(path), "--photos", str(tmp_path / "photos")]
    done = CliRunner().invoke(train, [*command, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "a photo of camera0 does not say its ISO" in done.output


def listed(capsys):
    assert run_program(["systems", "list", "--json"]) == 0
    return {each["id"]: each for each in json.loads(capsys.readouterr().out)["systems"]}


def test_trained_systems_are_listed_as_ready(weights, capsys):
    found = listed(capsys)
    assert all(found[system]["available"] for system in TRAINABLE)


@pytest.mark.usefixtures("no_weights")
def test_systems_that_are_not_trained_say_so(capsys, photos):
    found = listed(capsys)
    for system in TRAINABLE:
        assert f"run `grainseal train {system} --out DIR`" in found[system]["missing"]
        folders = ["--references", str(photos), "--probes", str(photos)]
        files = [str(photos / "left")] if found[system]["kind"] == "estimator" else folders
        assert run_program([*found[system]["use"].split(), *files]) == 2
        assert found[system]["missing"] in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--extractor", "csi-cnn", "--crop", "160"],
        ["--matcher", "siamese"],
        ["--matcher", "siamese", "--transform", "jpeg75"],
        ["--matcher", "signature-similarity", "--crop", "160"],
        ["--matcher", "patch-classifier"],
    ],
)
def test_evaluate_takes_every_kind_of_system(weights, photos, capsys, options):
    folders = ["--references", str(photos), "--probes", str(photos)]
    assert run_program(["evaluate", *folders, "--json", "-", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (2 * 3, 9)
    assert 0 <= found["auc"] <= 1
    assert (found["extractor"] is None) == ("--matcher" in options)


def test_set_matchers_compare_groups_of_photos(weights, photos, capsys):
    """Three photos a folder: one group of two each; then that group with the third photo."""
    folders = ["--references", str(photos), "--probes", str(photos), "--matcher", "siamese"]
    assert run_program(["evaluate", *folders, "--json", "-", "--probe-photos", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["references"], found["probes"]) == (2, 2)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (0, 1)
    sizes = ["--probe-photos", "2", "--reference-photos", "1", "--transform", "jpeg75"]
    assert run_program(["evaluate", *folders, "--json", "-", *sizes]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (2, 6)


def test_evaluate_refuses_what_does_not_go_together(weights, photos, tmp_path, capsys):
    folders = ["--references", str(photos), "--probes", str(photos)]
    matcher = [*folders, "--matcher", "siamese"]
    assert run_program(["evaluate", *matcher, "--extractor", "wavelet"]) == 2
    assert "leave out --extractor" in capsys.readouterr().err
    assert run_program(["evaluate", *matcher, "--transform", "half"]) == 2
    assert "no --transform half" in capsys.readouterr().err
    (tmp_path / "unknown").symlink_to(photos / "left")
    folders = ["--references", str(tmp_path), "--probes", str(tmp_path)]
    assert run_program(["evaluate", *folders, "--matcher", "patch-classifier"]) == 2
    assert "knows the cameras left, right, not unknown" in capsys.readouterr().err


def test_damaged_weights_are_refused(trained, tmp_path, monkeypatch, capsys):
    for path in trained.glob("dncnn.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "dncnn.onnx").open("ab") as file:
        file.write(b"x")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert "not the file of its manifest" in listed(capsys)["dncnn"]["missing"]
    with pytest.raises(ValueError, match="grainseal train dncnn"):
        get_extractor("dncnn")


def test_a_folder_keeps_to_one_configuration_and_its_photos(trained, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(CONFIGS["dncnn"] | {"seed": 2}))
    done = CliRunner().invoke(train, ["dncnn", "--config", str(path), "--out", str(trained)])
    assert done.exit_code == 1
    assert "another configuration" in done.output


def test_photos_that_do_not_do_are_named(photos, tmp_path):
    path = tmp_path / "c.json"
    command = ["patch-classifier", "--config", str(path), "--photos", str(photos), "--out"]
    path.write_text(json.dumps(CONFIGS["patch-classifier"] | {"photos": 7}))
    done = CliRunner().invoke(train, [*command, str(tmp_path / "few")])
    assert "left has 3 photos, the configuration takes 7" in done.output
    path.write_text(json.dumps(CONFIGS["patch-classifier"] | {"side": 512}))
    done = CliRunner().invoke(train, [*command, str(tmp_path / "small")])
    assert "smaller than the crop of 512" in done.output


@pytest.mark.parametrize(
    ("system", "entry", "message"),
    [
        ("dncnn", {"system": "siamese"}, "of siamese, not of dncnn"),
        ("dncnn", {"batch": 0}, "batch must be a whole number, 1 or more, not 0"),
        ("dncnn", {"cameras": "160"}, "cameras must be a whole number, from 1 to 10000, not '160'"),
        ("dncnn", {"photos": 2.5}, "photos must be a whole number"),
        ("dncnn", {"flats": True}, "flats must be a whole number"),
        ("siamese", {"side": "256"}, "side must be a whole number"),
        ("dncnn", {"side": 65}, "side must be even"),
        ("dncnn", {"side": 48}, "side must be a whole number, 50 or more"),
        ("csi-cnn", {"cameras": 1}, "cameras must be a whole number, from 2 to"),
        ("csi-cnn", {"flats": 0}, "flats must be a whole number, 1 or more"),
        ("csi-cnn", {"side": 158}, "side must be a whole number, 160 or more"),
        ("csi-cnn", {"validation_cameras": 1}, "validation_cameras must be 0, or 2 or more"),
        ("siamese", {"validation_photos": 1}, "validation_photos must be a whole number, 2 or"),
        ("patch-classifier", {"cameras": 1}, "cameras must be a whole number, from 2 to"),
        ("signature-similarity", {"side": 114, "crop": 114}, "crop must be a whole number, 116 or"),
        ("signature-similarity", {"batch": 4}, "batch must be a whole number, 8 or more"),
        ("isonet", {"seed": 1000}, "seed must be a whole number, from 0 to 999, not 1000"),
        ("isonet", {"seed": -1}, "seed must be a whole number, from 0 to 999, not -1"),
        ("isonet", {"cameras": 10_001}, "cameras must be a whole number, from 1 to 10000"),
        ("dncnn", {"stages": [stage(steps=0)]}, "stages are a list"),
        ("dncnn", {"stages": [stage(steps="2")]}, "stages are a list"),
        ("dncnn", {"stages": [stage(name=1)]}, "stages are a list"),
        ("dncnn", {"stages": [stage(learning_rate="0.1")]}, "learning_rate above 0"),
        ("dncnn", {"stages": [stage(learning_rate=float("nan"))]}, "learning_rate above 0"),
        ("dncnn", {"crop": 65}, "larger than side 64"),
        ("dncnn", {"stages": []}, "stages are a list"),
        ("dncnn", {"colour": 1}, "no system's configuration"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(tmp_path, system, entry, message):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIGS[system] | entry))
    with pytest.raises(ConfigError, match=message):
        read_system_config(path, system)


@pytest.mark.parametrize(
    ("system", "entries"),
    [
        ("csi-cnn", {"cameras": 2, "flats": 1, "side": 160, "batch": 2}),
        ("dncnn", {"cameras": 1, "validation_cameras": 1, "side": 50, "crop": 2, "batch": 1}),
        ("siamese", {"cameras": 2, "validation_photos": 2, "batch": 2}),
        ("patch-classifier", {"cameras": 2, "photos": 1, "side": 32, "batch": 1}),
        ("isonet", {"cameras": 1, "validation_cameras": 1, "photos": 1, "side": 64, "batch": 1}),
        ("signature-similarity", {"cameras": 2, "validation_photos": 2, "side": 116, "batch": 8}),
    ],
)
def test_the_smallest_numbers_do(tmp_path, system, entries):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIGS[system] | entries | {"seed": 999}))
    command = [system, "--config", str(path), "--out", str(tmp_path), "--threads", "1"]
    done = CliRunner().invoke(train, command)
    assert done.exit_code == 0, done.output
    for manifest in tmp_path.glob(f"{system}*.json"):
        scores = json.loads(manifest.read_text())["scores"]
        assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize(
    ("system", "entry", "message"),
    [
        ("dncnn", {"stages": [{"name": "x", "steps": 1, "learning_rate": 1}]}, "no stage x"),
        ("siamese", {"crop": 64}, "crop of 128"),
        ("patch-classifier", {"crop": 16}, "crop of 32"),
        ("isonet", {"crop": 32}, "crop of 64"),
        ("signature-similarity", {"batch": 10}, "4 divides"),
    ],
)
def test_tasks_refuse_numbers_that_are_not_their_papers(trained, tmp_path, system, entry, message):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIGS[system] | entry))
    config = read_system_config(path, system)
    sets = [
        load_photos(trained / system / name, config, name == "validation", None, False, 1)
        for name in ("training", "validation")
    ]
    with pytest.raises(ConfigError, match=message):
        TASKS[system](config, *sets, 1)
