"""`grainseal reproduce`: the papers' layouts with ours beside them, on a few small photos."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grainseal.client.reproduction import csi_cnn, eurecom, platforms
from grainseal.client.reproduction import dresden as matrix
from grainseal.client.reproduction.layout import Cell, Line, Matrix, Reproduction, as_text
from grainseal.client.reproduction.photos import (
    Camera,
    PhotoSet,
    Wanted,
    shots_by_camera,
    simulated,
)
from grainseal.client.reproduction.tables import TABLES
from grainseal.client.reproduction.work import Settings
from grainseal.models.bootstrap import share_interval_over_cameras
from grainseal.models.copies import platform_copy, reencoded
from grainseal.models.extractor import Observation, get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo, read_photo
from grainseal.models.reference.espn import enhanced
from grainseal.models.reference.photonecf import VARIABLE as PHOTONECF
from grainseal.models.reference.published import csi_cnn as wang
from grainseal.models.reference.published.eurecom import LI, LUKAS
from grainseal.models.reference.rspn import plain_residual
from grainseal.models.reference.weights import VARIABLE
from grainseal.models.simulator.dataset import DatasetSpec, write_camera
from grainseal.models.simulator.series import (
    CAMERAS_PER_SEED,
    SEEDS,
    SIBLINGS,
    SeriesCamera,
    training_camera,
    unseen_camera,
    validation_camera,
)

ROOT = Path(__file__).resolve().parents[2]
SIDE = 256
LARGE = 320  # of which half is enough for the wavelet


@pytest.fixture(autouse=True)
def _little(monkeypatch, tmp_path):
    """Few photos of a camera, and no weights but those that are shipped."""
    monkeypatch.setattr(eurecom.published, "BACKGROUNDS", 2)
    monkeypatch.setattr(eurecom, "_SCENES", 2)
    for name, value in (("_FLATS", 2), ("_TABLE_2_SCENES", 2), ("_TABLE_3_SCENES", 2)):
        monkeypatch.setattr(csi_cnn, name, value)
    monkeypatch.setattr("grainseal.models.reference.weights.WEIGHTS", tmp_path)
    for variable in (VARIABLE, PHOTONECF):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def wavelet_everywhere(monkeypatch):
    """The wavelet in the place of networks: the same layout, and columns that must agree."""
    monkeypatch.setattr(csi_cnn, "extractor_named", lambda _: get_extractor("wavelet"))


class Told:
    """In the place of a network: it knows the camera by the photo's name, and `said` what to say.

    That is the true pattern of the camera number `said`(number of the photo's camera).
    """

    def __init__(self, name, said, side):
        self.name, self._said, self._side = name, said, side

    def source(self, _kind):
        return self.name

    def observe(self, photo):
        number = int(photo.name.split(",")[0].removeprefix("camera "))
        yield Observation(photo.plane(0), true_pattern(self._said(number), self._side))


def true_pattern(number, side):
    return SeriesCamera(number, side).individual.prnu_pattern.astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Three cameras of one model with flat photos, scenes, and a platform's copies of these."""
    root = tmp_path_factory.mktemp("data")
    spec = DatasetSpec(cameras=3, photos=2, flats=2, width=352, height=LARGE, seed=72)
    for index in range(3):
        write_camera(root, spec, index)
    (root / "natFBH").symlink_to(root / "natural")
    return root


def reproduced(program, table, *options, side=SIDE):
    assert program("reproduce", table, "--side", side, *options, "--json", "-") == 0, program.err
    return program.json


def figures(found, side):
    return [cell[side] for line in found["lines"] for cell in line["cells"] if "ours" in cell]


def test_table_1_has_every_figure_of_the_paper_beside_ours(program):
    assert program("reproduce", "eurecom-1", "--cameras", 2, "--side", SIDE) == 0, program.err
    lines = program.out.splitlines()
    assert lines[0].startswith("ours: simulated photos, 2 cameras, 4 scenes and 4 even photos")
    for method in (LUKAS, LI):
        (row,) = (line for line in lines if line.startswith(method.name))
        for figure in (method.eer, method.auc, method.recognition_rate):
            assert re.search(rf"{figure:.4f} / [01]\.\d{{4}}", row), row
    assert "what differs:" in lines


def test_ours_is_what_the_photos_give(program):
    found = reproduced(program, "eurecom-1", "--cameras", 3)
    photos = simulated(Wanted(3, 2, 2), SIDE)
    wavelet = get_extractor("wavelet")
    references, probes = (
        [
            [plain_residual(shot.photo(), wavelet) for shot in shots]
            for shots in (getattr(camera, kind) for camera in photos.cameras)
        ]
        for kind in ("flats", "scenes")
    )
    scores = [
        [ncc(np.mean(one, axis=0), probe) for one in references]
        for camera in probes
        for probe in camera
    ]
    lukas = found["lines"][0]["cells"]
    assert lukas[1]["ours"] == pytest.approx(wins(scores, 2))
    assert lukas[2]["ours"] == pytest.approx(recognised(scores, 2))


def wins(scores, each):
    """How often a probe is nearer to its own camera; `each` probes (rows) of a camera (columns)."""
    own = np.repeat(np.eye(len(scores[0]), dtype=bool), each, axis=0)
    genuine, impostor = (np.array(scores)[chosen] for chosen in (own, ~own))
    return np.mean(np.greater.outer(genuine, impostor))


def recognised(scores, each):
    return np.mean([np.argmax(row) == at // each for at, row in enumerate(scores)])


@dataclass(frozen=True)
class Noise:
    """A photo of noise with a faint pattern in it."""

    camera: int
    number: int

    def photo(self):
        faint = np.random.default_rng(self.camera).normal(0, 0.4, (160, 160, 1))
        noise = np.random.default_rng([self.camera, self.number]).normal(128, 8, (160, 160, 3))
        return Photo(np.rint(noise + faint).astype(np.uint8), "developed", str(self), str(self))


def test_li_enhances_the_photo_that_is_asked_about_and_not_the_reference(monkeypatch):
    cameras = tuple(
        Camera(str(at), (Noise(at, 0), Noise(at, 1)), tuple(Noise(at, 2 + n) for n in range(4)))
        for at in range(4)
    )
    monkeypatch.setattr(eurecom, "photo_set", lambda *_: PhotoSet("noise", cameras))
    found = eurecom.table_1(Settings(None, None, 160, lambda *_: None))
    wavelet = get_extractor("wavelet")
    plain = [
        np.mean([plain_residual(shot.photo(), wavelet) for shot in camera.flats], axis=0)
        for camera in cameras
    ]
    seen = [plain_residual(shot.photo(), wavelet) for camera in cameras for shot in camera.scenes]

    def scores(of_reference, of_probe):
        return [[ncc(of_reference(one), of_probe(probe)) for one in plain] for probe in seen]

    lukas, li = scores(np.asarray, np.asarray), scores(np.asarray, enhanced)
    for line, expected in zip(found.lines, (lukas, li), strict=True):
        _, auc, rank1 = line.cells
        assert auc.ours == pytest.approx(wins(expected, 4))
        assert rank1.ours == pytest.approx(recognised(expected, 4))
    wrong = scores(enhanced, np.asarray)
    assert len({wins(each, 4) for each in (lukas, li, wrong)}) == 3


def test_photos_of_a_folder(program, data):
    found = reproduced(program, "eurecom-1", "--data", data)
    assert found["photos"] == f"{data}, 3 cameras, 6 scenes and 6 even photos, centre 256x256"
    assert all(0 <= ours <= 1 for ours in figures(found, "ours"))


@pytest.mark.usefixtures("wavelet_everywhere")
def test_table_2_of_csi_cnn_is_a_matrix_of_means(program):
    found = reproduced(program, "csi-cnn-2")
    assert figures(found, "published") == [
        figure
        for row, own in zip(wang.CORRELATIONS, wang.WAVELET, strict=True)
        for figure in (*row, own)
    ]
    ours = np.reshape(figures(found, "ours"), (5, 6))
    assert np.allclose(ours[:, 5], np.diagonal(ours))
    assert np.array_equal(ours[:, :5].argmax(axis=1), np.arange(5))
    camera = simulated(Wanted(5, 2, 2, siblings=False), SIDE).cameras[1]
    wavelet = get_extractor("wavelet")
    pattern = estimate((shot.photo() for shot in camera.flats), wavelet).values
    residuals = [plain_residual(shot.photo(), wavelet) for shot in camera.scenes]
    assert ours[1, 1] == pytest.approx(np.mean([ncc(pattern, each) for each in residuals]))


def test_table_2_of_csi_cnn_has_the_network_first_and_the_wavelet_last(program, monkeypatch):
    monkeypatch.setattr(csi_cnn, "_FLATS", 1)
    monkeypatch.setattr(csi_cnn, "_TABLE_2_SCENES", 1)
    monkeypatch.setattr(csi_cnn, "extractor_named", lambda name: Told(name, int, SIDE))
    ours = np.reshape(figures(reproduced(program, "csi-cnn-2"), "ours"), (5, 6))
    cameras = simulated(Wanted(5, 1, 1, siblings=False), SIDE).cameras
    wavelet = get_extractor("wavelet")
    prints = [estimate([camera.flats[0].photo()], wavelet).values for camera in cameras]
    patterns = [true_pattern(unseen_camera(2 * at), SIDE) for at in range(5)]
    expected = [[ncc(one, other) for other in prints] for one in patterns]
    np.testing.assert_allclose(ours[:, :5], expected, atol=1e-6)
    own = ncc(prints[0], plain_residual(cameras[0].scenes[0].photo(), wavelet))
    assert ours[0, 5] == pytest.approx(own, abs=1e-6)
    assert abs(own - expected[0][0]) > 0.01


def test_table_3_of_csi_cnn_has_each_system_in_its_column(program, monkeypatch):
    """One network always says the first camera, the other always the wrong one of two."""
    monkeypatch.setattr(csi_cnn, "_FLATS", 1)
    monkeypatch.setattr(csi_cnn, "_TABLE_3_SCENES", 1)
    found = {
        "csi-cnn": Told("csi-cnn", lambda _: unseen_camera(0), LARGE),
        "wavelet": get_extractor("wavelet"),
        "dncnn": Told("dncnn", lambda number: number ^ 1, LARGE),
    }
    assert unseen_camera(0) ^ 1 == unseen_camera(1)
    monkeypatch.setattr(csi_cnn, "extractor_named", found.__getitem__)
    lines = reproduced(program, "csi-cnn-3", "--cameras", 2, side=LARGE)["lines"]
    assert {(line["cells"][0]["ours"], line["cells"][2]["ours"]) for line in lines} == {(0.5, 0)}
    mild = next(line for line in lines if line["labels"][1] == "Twitter")
    assert mild["cells"][1]["ours"] == 1


@pytest.mark.usefixtures("wavelet_everywhere")
def test_table_2_of_csi_cnn_counts_the_photos_that_a_folder_has(program, data, tmp_path):
    for kind in ("flat", "natural"):
        for camera in ("camera_001", "camera_002"):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / camera).symlink_to(data / kind / camera)
    few = tmp_path / "natural" / "camera_002"
    few.unlink()
    few.mkdir()
    (one, *_) = sorted((data / "natural" / "camera_002").iterdir())
    (few / one.name).symlink_to(one)
    found = reproduced(program, "csi-cnn-2", "--data", tmp_path)
    assert found["measured"] == ["Means of 1 to 2 photos of each camera, 200 in the paper."]
    (prints,) = (text for text in found["differs"] if text.startswith("Fingerprints"))
    assert "of 2 photos of each camera, all even" in prints
    assert "about 100" in prints


@pytest.mark.usefixtures("wavelet_everywhere")
def test_table_3_of_csi_cnn_has_a_row_for_every_data_set_and_platform(program, data):
    found = reproduced(program, "csi-cnn-3", "--data", data, side=LARGE)
    published = [(r.dataset, r.platform, r.csi_cnn, r.wavelet, r.dncnn) for r in wang.TABLE_3]
    assert [
        (*line["labels"], *(cell["published"] for cell in line["cells"])) for line in found["lines"]
    ] == published
    for line in found["lines"]:  # one extractor under three names
        assert len({cell["ours"] for cell in line["cells"]}) == 1
    (copies,) = (text for text in found["differs"] if "copies are simulated" in text)
    assert "Facebook" not in copies  # whose own copies are there
    assert all(name in copies for name in ("Twitter", "WeiBo", "Instagram", "WeChat"))


@pytest.mark.usefixtures("wavelet_everywhere")
def test_copies_that_are_too_small_are_an_error(program):
    assert program("reproduce", "csi-cnn-3", "--cameras", 2, "--side", SIDE) == 2
    assert "choose a larger --side" in program.err


def test_own_copies_lie_on_the_photos_they_were_made_of(data):
    """A copy that nothing happened to has the residual of the photo, up to the crop's border."""
    shots = shots_by_camera(data, ("natFBH",), SIDE)["camera_001"]
    wavelet = get_extractor("wavelet")
    placed = platforms._on_frame(shots[0], shots[0], SIDE, wavelet)
    inside = np.s_[32:-32, 32:-32]
    direct = plain_residual(shots[0].photo(), wavelet)
    assert ncc(placed[inside].copy(), direct[inside].copy()) > 0.95


@pytest.mark.usefixtures("wavelet_everywhere")
@pytest.mark.parametrize("reduced", [1, 0.75])
def test_turned_copies_are_an_error_and_count_once_they_are_turned_back(
    program, data, tmp_path, reduced
):
    for kind in ("flat", "natural"):
        (tmp_path / kind).symlink_to(data / kind)
    copy = tmp_path / "natFBH" / "camera_001" / "copy.png"
    copy.parent.mkdir(parents=True)
    (original, *_) = sorted((data / "natural" / "camera_001").iterdir())
    upright = platform_copy(read_photo(original), reduced, 95).pixels
    for turns in (1, 3):
        Image.fromarray(np.rot90(upright, turns)).save(copy)
        command = ("reproduce", "csi-cnn-3", "--data", tmp_path, "--side", LARGE)
        assert program(*command) == 2
        assert "copy.png is turned by a quarter" in program.err
        assert "turn its pixels back" in program.err
    Image.fromarray(upright).save(copy)
    found = reproduced(program, "csi-cnn-3", "--data", tmp_path, side=LARGE)
    (facebook, *_) = (line for line in found["lines"] if "Facebook" in line["labels"])
    assert [cell["ours"] for cell in facebook["cells"]] == [1, 1, 1]
    assert "Photos: Twitter 6, Facebook 1, Instagram 6" in found["measured"][0]
    assert any("own copies are taken to lie" in text for text in found["differs"])


def test_a_platform_that_keeps_the_size_only_compresses():
    photo = simulated(Wanted(2, 1), SIDE).cameras[0].scenes[0].photo()
    kept, small = platform_copy(photo, 1, 75), platform_copy(photo, 0.75, 75)
    assert np.array_equal(kept.pixels, reencoded(photo, 75).pixels)
    assert small.shape == (192, 192)


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        ("eurecom-2", "grainseal train siamese"),
        ("eurecom-closed", "grainseal train patch-classifier"),
        ("csi-cnn-2", "grainseal train csi-cnn"),
        ("csi-cnn-3", "grainseal train csi-cnn"),
        ("dresden-matrix", "grainseal train signature-similarity"),
        ("photonecf-single", "grainseal train import-photonecf"),
    ],
)
def test_missing_weights_are_an_error_that_says_what_to_do(program, table, remedy):
    assert program("reproduce", table) == 2
    assert remedy in program.err
    assert program.out == ""


@pytest.mark.parametrize("table", ["eurecom-closed", "dresden-matrix"])
def test_a_side_for_networks_that_have_their_own_is_an_error(program, table):
    assert program("reproduce", table, "--side", SIDE) == 2
    assert "leave out --side" in program.err


def test_wrong_names_and_folders_are_errors_that_say_what_to_do(program, data, tmp_path):
    assert program("reproduce", "eurecom-3") == 2
    assert all(table in program.err for table in TABLES)
    assert program("reproduce", "eurecom-1", "--data", tmp_path) == 2
    assert "natural" in program.err
    assert "grainseal dataset" in program.err
    (tmp_path / "natural").symlink_to(data / "natural")
    assert program("reproduce", "eurecom-1", "--data", tmp_path) == 2
    assert "flat" in program.err
    assert program("reproduce", "eurecom-1", "--data", data) == 2  # 512 pixels are wanted
    assert "smaller --side" in program.err
    assert program("reproduce", "eurecom-1", "--side", 257) == 2
    assert "257 is odd" in program.err


def test_the_layout_says_where_there_is_nothing_to_compare():
    found = Reproduction(
        "t", "some photos", "a paper", ("", "a", "b"),
        (Line(("row",), (Cell(None, 0.5, (0.4, 0.6), 2), "4+4")),),
        ("n",), ("all",), (Matrix("own", ("x", "y"), np.array([[1, 0], [0.26, 0.94]])),),
    )  # fmt: skip
    lines = as_text(found).splitlines()
    assert "row  - / 0.50 [0.40, 0.60]  4+4" in lines
    assert lines[3].split() == ["a,", "paper", "/", "ours", "b"]
    assert "# ·" in lines
    assert "3 9" in lines


def test_the_report_draws_matrices(tmp_path):
    pytest.importorskip("matplotlib", reason="pip install grainseal[report]")
    from grainseal.client.report_reproduction import write_reproduction_report

    found = Reproduction(
        "dresden-matrix", "<photos>", "a paper", ("cameras", "accuracy"),
        (Line(("own",), (Cell(0.85, 0.5),)),), (), (), (Matrix("own", ("x", "y"), np.eye(2)),),
    )  # fmt: skip
    text = write_reproduction_report(tmp_path / "report", found).read_text()
    assert "0.8500 / 0.5000" in text
    assert "&lt;photos&gt;" in text
    assert text.count("data:image/svg+xml") == 1


def test_the_threshold_has_the_highest_f1():
    rng = np.random.default_rng(5)
    same, different = (np.round(rng.normal(mean, 1, 40), 1) for mean in (1, 0))

    def f1(threshold):
        right, wrong = (same > threshold).sum(), (different > threshold).sum()
        return 2 * right / (right + wrong + same.size)

    chosen = matrix.best_threshold(same, different)
    assert f1(chosen) == max(f1(t - 0.01) for t in np.concatenate((same, different)))


def test_shares_vary_with_the_cameras_that_are_drawn():
    hits = np.array([True] * 5 + [False] * 5)
    even = share_interval_over_cameras(hits, np.arange(10) // 5)
    assert (even.low, even.high) == (0, 1)
    alone = share_interval_over_cameras(hits, np.zeros(10, int))
    assert (alone.low, alone.high) == (0.5, 0.5)
    assert share_interval_over_cameras(hits[:0], np.zeros(0, int)) is None


def test_no_training_has_the_cameras_that_judge():
    chosen = range(0, 10_000, 99)
    groups = [
        {number for at in chosen for number in numbers(at)}
        for numbers in (
            lambda at: [training_camera(seed, at) for seed in (0, 1, SEEDS - 1)],
            lambda at: [validation_camera(seed, at) for seed in (0, 1, SEEDS - 1)],
            lambda at: [unseen_camera(at)],
        )
    ]
    for unit in (1, SIBLINGS):  # cameras, and their models
        seen = [{number // unit for number in group} for group in groups]
        assert len(set.union(*seen)) == sum(map(len, seen))
    for number in (training_camera, validation_camera):
        for seed, at in ((SEEDS, 0), (-1, 0), (0, CAMERAS_PER_SEED)):
            with pytest.raises(ValueError, match="seeds are below 1000"):
                number(seed, at)
    one, sibling, stranger = (SeriesCamera(unseen_camera(at), 64) for at in (0, 1, 2))
    assert one.conditions == sibling.conditions != stranger.conditions
    assert not np.array_equal(one.individual.prnu_pattern, sibling.individual.prnu_pattern)
    assert not np.array_equal(one.photo(0), one.photo(0, flat=True))


def test_published_figures_are_typed_once():
    """Those of the papers' methods stand in one file of models/reference/published/ alone."""
    folder = ROOT / "models" / "reference" / "published"
    texts = [(folder / name).read_text() for name in ("eurecom.py", "photonecf.py")]
    figures = {each for text in texts for each in re.findall(r"0\.\d{4,}", text)}
    assert len(figures) == 9
    for name in ("client", "models", "bench", "server", "crypto"):
        for path in (ROOT / name).rglob("*.py"):
            if path.parent != folder:
                assert not [each for each in figures if each in path.read_text()], path
