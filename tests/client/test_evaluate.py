"""`grainseal evaluate` on small simulated cameras, and what it says of what it cannot use."""

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grainseal.client.evaluation_plan import plan_evaluation
from grainseal.client.photos import DEFAULT_EXTRACTOR
from grainseal.client.plane_store import PlaneStore
from grainseal.models.copies import copy_estimator, copy_fingerprint, halved, reencoded
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import FingerprintEstimator, estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import PhotoError, read_photo
from grainseal.models.reference import photonecf_selection
from grainseal.models.reference.espn import enhanced
from grainseal.models.reference.rspn import plain_residual
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.models.spectral import weighted

SIDE = 320
AS_THEY_ARE = 0.13  # median NCC of the photos below with their own camera's reference


@pytest.fixture(scope="module")
def flats(tmp_path_factory) -> Path:
    """Three cameras with four even photos each; the last is of another size."""
    root = tmp_path_factory.mktemp("flats")
    for seed, height in ((1, SIDE), (2, SIDE), (3, SIDE + 64)):
        take_burst(VirtualCamera(seed, SIDE, height), 4, root / f"cam{seed}", seed=1)
    return root


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Path:
    """Two more photos of each of them."""
    root = tmp_path_factory.mktemp("later")
    for seed, height in ((1, SIDE), (2, SIDE), (3, SIDE + 64)):
        take_burst(VirtualCamera(seed, SIDE, height), 2, root / f"cam{seed}", seed=2)
    return root


def run(program, references, probes, *options):
    arguments = ["--references", references, "--probes", probes, "--json", "-", *options]
    status = program("evaluate", *arguments)
    assert status == 0, program.err
    return program.json


def copied(source: Path, target: Path, *names: str) -> Path:
    for name in names:
        shutil.copytree(source / name, target / name)
    return target


def single(path, crop=SIDE):
    return estimate([read_photo(path)], get_extractor(DEFAULT_EXTRACTOR), crop).values


def test_references_against_probes(program, flats, later):
    found = run(program, flats, later, "--crop", SIDE)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (6, 12)
    assert (found["cameras"], found["references"], found["probes"]) == (3, 3, 6)
    assert (found["auc"], found["eer"], found["rank1"]) == (1, 0, 1)
    assert found["auc_ci"] == pytest.approx([1, 1])
    assert found["matcher"] == "ncc"
    assert found["genuine_ncc_median"] == pytest.approx(AS_THEY_ARE, rel=0.1)
    assert abs(found["impostor_ncc_mean"]) < 0.02
    assert found["fnmr_at_fmr"] == {"1e-2": None, "1e-3": None, "1e-4": None}
    assert (found["extractor"], found["crop"], found["transform"]) == ("neural", SIDE, "none")
    assert found["reference_photos"] is None
    assert found["seconds_per_photo"] > 0
    assert any("no error was seen" in line for line in found["notes"])
    assert any("only 3 cameras" in line for line in program.err.splitlines())


def test_scores_are_those_of_compare(program, flats, later, tmp_path):
    table = tmp_path / "pairs.csv"
    run(program, flats, later, "--crop", SIDE, "--pairs", table)
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 18
    photos = sorted((flats / "cam1").iterdir())
    reference = estimate(map(read_photo, photos), get_extractor(DEFAULT_EXTRACTOR), SIDE).values
    for row in rows:
        assert row["genuine"] == str(int(row["reference_camera"] == row["probe_camera"]))
        if row["reference_camera"] == "cam1":
            assert row["reference"] == ";".join(path.name for path in photos)
            probe = single(later / row["probe_camera"] / row["probe"])
            assert float(row["ncc"]) == pytest.approx(ncc(reference, probe), abs=1e-5)


def test_same_folder_pairs_every_photo_with_every_other_once(program, flats):
    found = run(program, flats, flats, "--crop", SIDE)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (3 * 6, 3 * 16)
    assert found["reference_photos"] == 1
    assert found["pairs_with_a_common_photo"] == 0
    assert found["rank1"] == 1


def test_groups_of_the_same_folder_never_meet_their_own_photos(program, flats):
    found = run(program, flats, flats, "--crop", SIDE, "--reference-photos", "2")
    # Six references; each against the two other photos of its camera and eight of others.
    assert (found["references"], found["genuine_pairs"], found["impostor_pairs"]) == (6, 12, 48)
    assert found["pairs_with_a_common_photo"] == 12


def test_references_are_made_of_groups(flats):
    def groups(size):
        plan = plan_evaluation(flats, flats, size)
        return [len(sample.paths) for sample in plan.references if sample.camera == "cam1"], plan

    assert groups(1)[0] == [1, 1, 1, 1]
    assert groups(2)[0] == [2, 2]
    assert groups(4)[0] == [4]
    three, plan = groups(3)
    assert three == [3]
    assert "cam1: 1 photos left over after groups of 3" in plan.notes
    five, plan = groups(5)
    assert five == [4]
    assert "cam1: a reference of 4 photos only, not 5" in plan.notes


def test_probes_are_made_of_groups(program, flats, later, tmp_path):
    """Both photos of a camera are one probe, and its score is that of their fingerprint."""
    table = tmp_path / "pairs.csv"
    options = ["--probe-photos", "2", "--extractor", "wavelet", "--pairs", table]
    found = run(program, flats, later, *options)
    assert (found["references"], found["probes"], found["probe_photos"]) == (3, 3, 2)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (3, 2)
    wavelet = get_extractor("wavelet")
    row = next(csv.DictReader(table.open()))
    assert row["probe"] == ";".join(sorted(path.name for path in (later / "cam1").iterdir()))
    sides = [
        estimate([read_photo(folder / "cam1" / name) for name in row[side].split(";")], wavelet)
        for folder, side in ((flats, "reference"), (later, "probe"))
    ]
    expected = ncc(sides[0].values, sides[1].values)
    assert float(row["ncc"]) == pytest.approx(expected, abs=1e-5)


def test_groups_of_the_same_folder_are_paired_once_and_share_no_photo(program, flats, tmp_path):
    table = tmp_path / "pairs.csv"
    options = ["--probe-photos", "2", "--extractor", "wavelet", "--crop", SIDE, "--pairs", table]
    found = run(program, flats, flats, *options)
    # Two groups of each of three cameras.
    assert (found["references"], found["probes"]) == (6, 6)
    assert (found["reference_photos"], found["probe_photos"]) == (2, 2)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (3, 12)
    assert found["pairs_with_a_common_photo"] == 0
    sides = [
        tuple(
            frozenset((row[f"{side}_camera"], name) for name in row[side].split(";"))
            for side in ("reference", "probe")
        )
        for row in csv.DictReader(table.open())
    ]
    assert all(not one & other for one, other in sides)
    assert len({frozenset(pair) for pair in sides}) == 15


def test_groups_of_two_sizes_of_the_same_folder_never_meet_their_own_photos(flats):
    plan = plan_evaluation(flats, flats, 1, 2)
    assert not plan.paired_among_themselves
    assert [len(plan.references), len(plan.probes)] == [12, 6]
    plan = plan_evaluation(flats, flats, 2, 3)
    assert [len(sample.paths) for sample in plan.probes] == [3, 3, 3]
    assert "cam1: 1 photos left over after groups of 3" in plan.notes
    plan = plan_evaluation(flats, flats, None, 6)
    assert plan.paired_among_themselves
    assert plan.notes == [f"cam{i}: a probe of 4 photos only, not 6" for i in (1, 2, 3)]


def test_without_a_crop_only_equal_frames_are_compared_and_the_others_counted(
    program, flats, later
):
    found = run(program, flats, later)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (6, 4)
    assert found["pairs_of_unlike_frames"] == 8
    assert any("8 pairs not compared" in line for line in found["notes"])


def test_one_camera_has_no_impostors(program, flats, tmp_path):
    alone = copied(flats, tmp_path, "cam1")
    found = run(program, alone, alone)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (6, 0)
    for name in ("auc", "auc_ci", "eer", "eer_ci", "rank1", "impostor_ncc_mean"):
        assert found[name] is None
    assert found["genuine_ncc_median"] > 0
    assert any("no impostor pairs" in line for line in found["notes"])


def test_folders_without_a_common_name_have_no_genuine_pairs(program, flats, later, tmp_path):
    found = run(program, copied(flats, tmp_path, "cam1"), copied(later, tmp_path / "p", "cam2"))
    assert (found["genuine_pairs"], found["impostor_pairs"], found["auc"]) == (0, 2, None)
    assert any("no genuine pairs" in line for line in found["notes"])


def test_what_cannot_be_used_is_named(program, flats, later, tmp_path):
    probes = copied(later, tmp_path, "cam1", "cam2", "cam3")
    (probes / "cam1" / "broken.jpg").write_bytes(b"no photo at all")
    (probes / "empty").mkdir()
    shutil.copy(next((flats / "cam2").iterdir()), probes / "cam2" / "again.jpg")
    Image.new("RGB", (SIDE, SIDE)).save(probes / "cam2" / "black.png")
    found = run(program, flats, probes, "--crop", SIDE)
    assert (found["photos_left_out"], found["probes"]) == (2, 7)
    assert any("cam2: left out: no sensor noise" in line for line in found["notes"])
    assert any("cam1: left out: broken.jpg" in line for line in found["notes"])
    assert "empty: no photos in this folder" in found["notes"]
    assert found["pairs_with_a_common_photo"] == 1  # the copy is in its camera's reference


def test_what_is_read_twice_is_counted_once(program, flats, tmp_path):
    photos = copied(flats, tmp_path, "cam1", "cam2")
    (photos / "cam1" / "broken.jpg").write_bytes(b"no photo at all")
    found = run(program, photos, photos, "--transform", "jpeg90")
    assert (found["photos_left_out"], found["genuine_pairs"]) == (1, 12)


def test_photos_of_several_sizes_in_one_folder_are_noticed(program, flats, tmp_path):
    mixed = copied(flats, tmp_path, "cam1", "cam2")
    shutil.copy(next((flats / "cam3").iterdir()), mixed / "cam1" / "other.jpg")
    found = run(program, mixed, mixed, "--crop", SIDE)
    assert any("cam1: photos of several sizes (320x320, 320x384)" in n for n in found["notes"])


@pytest.mark.parametrize("transform", ["jpeg90", "jpeg75", "half"])
def test_copies_still_match(program, flats, later, transform):
    found = run(program, flats, later, "--crop", SIDE, "--transform", transform)
    assert found["transform"] == transform
    assert found["auc"] == 1
    assert 0.01 < found["genuine_ncc_median"] < 1.05 * AS_THEY_ARE


def test_copies_among_themselves_are_one_side_of_each_pair(program, flats):
    found = run(program, flats, flats, "--crop", SIDE, "--transform", "half")
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (18, 48)
    assert (found["references"], found["probes"]) == (12, 12)
    assert found["auc"] > 0.9


@pytest.mark.parametrize("transform", ["jpeg75", "half"])
def test_copies_of_several_photos_tell_more_than_one(later, transform):
    """The copies are changed one by one; what they share lies on the photos' grid."""
    photos = [read_photo(path) for path in sorted((later / "cam3").iterdir())]
    extractor = get_extractor("wavelet")
    truth = VirtualCamera(3, SIDE, SIDE + 64).prnu_pattern[32 : 32 + SIDE]
    both = copy_estimator(transform, extractor, SIDE, FingerprintEstimator)
    for photo in photos:
        both.add(photo)
    found = both.finish()
    assert found.photos == 2
    singles = [copy_fingerprint(photo, transform, extractor, SIDE) for photo in photos]
    alike = [ncc(each.values, truth) for each in (found, *singles)]
    assert alike[0] > 1.1 * max(alike[1:])
    if transform == "jpeg75":
        copies = [reencoded(photo, 75) for photo in photos]
        np.testing.assert_array_equal(found.values, estimate(copies, extractor, SIDE).values)


def test_copies_of_photos_of_two_sizes_are_not_joined(flats):
    small, large = (read_photo(next((flats / name).iterdir())) for name in ("cam1", "cam3"))
    for crop in (None, SIDE):
        halves = copy_estimator("half", get_extractor("wavelet"), crop, FingerprintEstimator)
        with pytest.raises(PhotoError, match="at least one"):
            halves.finish()
        halves.add(small)
        with pytest.raises(PhotoError, match="from one camera"):
            halves.add(large)


def test_a_photo_whose_copy_is_refused_is_not_the_first(flats):
    small, large = (read_photo(next((flats / name).iterdir())) for name in ("cam1", "cam3"))
    extractor = get_extractor("wavelet")
    halves = copy_estimator("half", extractor, None, FingerprintEstimator)
    with pytest.raises(PhotoError, match="160 pixels a side"):
        halves.add(small.cropped(32))
    with pytest.raises(PhotoError, match="at least one"):
        halves.finish()
    halves.add(large)
    alone = copy_fingerprint(large, "half", extractor, None)
    np.testing.assert_array_equal(halves.finish().values, alone.values)


def test_copies_are_made_of_the_whole_photo_and_lie_where_it_lay(flats):
    photo = read_photo(next((flats / "cam3").iterdir()))
    assert (photo.shape, halved(photo).shape) == ((SIDE + 64, SIDE), (192, 160))
    worse = [np.abs(reencoded(photo, q).pixels.astype(int) - photo.pixels).mean() for q in (90, 60)]
    assert 0 < worse[0] < worse[1]
    extractor = get_extractor(DEFAULT_EXTRACTOR)
    truth = VirtualCamera(3, SIDE, SIDE + 64).prnu_pattern
    for crop in (None, 320):
        values = copy_fingerprint(photo, "half", extractor, crop).values
        pattern = truth if crop is None else truth[32 : 32 + SIDE]
        shifts = {
            (row, column): ncc(values, np.roll(pattern, (row, column), (0, 1)))
            for row in (-1, 0, 1)
            for column in (-1, 0, 1)
        }
        assert max(shifts, key=shifts.get) == (0, 0)
        assert shifts[0, 0] > 0.03
    frame = take_burst(VirtualCamera(1, SIDE, SIDE), 1, flats.parent / "raw", raw=True)
    with pytest.raises(PhotoError, match="RAW"):
        copy_fingerprint(read_photo(frame[0]), "jpeg75", extractor, None)


def test_fingerprints_on_disk_give_the_same_scores():
    rng = np.random.default_rng(0)
    planes = [rng.normal(3, 1, (20, 30)).astype(np.float32) for _ in range(5)]
    with PlaneStore(limit=2 * planes[0].nbytes) as mixed, PlaneStore() as memory:
        for store in (mixed, memory):
            assert [store.add(plane) for plane in planes] == [0, 1, 2, 3, 4]
            assert store.add(np.ones((20, 30), np.float32)) is None
        found = [store.nccs([0, 3], [1, 2, 4], 600) for store in (mixed, memory)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-7)
    assert found[0][1, 2] == pytest.approx(ncc(planes[3], planes[4]), abs=1e-6)


def test_wrong_input_is_one_line(program, flats, tmp_path):
    empty = tmp_path / "empty"
    (empty / "cam").mkdir(parents=True)
    bare = tmp_path / "bare"
    bare.mkdir()
    for references, probes, options, said in (
        (bare, flats, (), "no folders in"),
        (flats, empty, (), "no photos in the folders"),
        (flats, tmp_path / "none", (), "does not exist"),
        (flats, flats, ("--extractor", "nonsense"), "choose one of"),
        (flats, flats, ("--crop", "4096"), "smaller than the crop of 4096"),
        (flats, flats, ("--crop", "321"), "odd"),
        (flats, flats, ("--probe-photos", "0"), "0 is not in the range"),
        (flats, flats, ("--transform", "quarter"), "quarter"),
        (flats, flats, ("--json", tmp_path / "no" / "file.json"), "cannot write"),
    ):
        status = program("evaluate", "--references", references, "--probes", probes, *options)
        assert status == 2
        assert said in program.err.splitlines()[-1], program.err


def test_weighted_matcher_scores_weighted_fingerprints(program, flats, later):
    """Of the first reference and probe in the folders; the figures say which statistic it was."""
    options = ["--crop", SIDE, "--reference-photos", "1", "--matcher", "weighted"]
    assert run(program, flats, later, *options)["matcher"] == "weighted"
    arguments = ["--references", flats, "--probes", later, *options, "--pairs", "-"]
    assert program("evaluate", *arguments) == 0
    row = next(csv.DictReader(io.StringIO(program.out)))
    sides = [
        weighted(single(folder / row[f"{side}_camera"] / row[side]))
        for folder, side in ((flats, "reference"), (later, "probe"))
    ]
    assert float(row["ncc"]) == pytest.approx(ncc(*sides), abs=1e-5)
    assert program("evaluate", *arguments, "--matcher", "none") == 2
    assert "weighted" in program.err


@pytest.mark.parametrize("matcher", ["signs", "bright", "bright-weighted"])
def test_signs_and_brightest_patches_score_by_hand(program, flats, later, monkeypatch, matcher):
    """Patches of 32 pixels instead of 128, so that there are 100 of them to choose 64 from."""
    monkeypatch.setattr(photonecf_selection, "SIDE", 32)
    options = ["--crop", SIDE, "--extractor", "wavelet", "--matcher", matcher, "--pairs", "-"]
    assert program("evaluate", "--references", flats, "--probes", later, *options) == 0
    row = next(csv.DictReader(io.StringIO(program.out)))
    wavelet = get_extractor("wavelet")
    paths = sorted((flats / row["reference_camera"]).iterdir())
    reference = estimate(map(read_photo, paths), wavelet, SIDE).values
    photo = read_photo(later / row["probe_camera"] / row["probe"]).cropped(SIDE)
    probe = estimate([photo], wavelet).values.copy()
    if matcher == "signs":
        reference, probe = (np.where(side >= 0, 1.0, -1.0) for side in (reference, probe))
    else:
        patches = {
            (top, left): photo.pixels[top : top + 32, left : left + 32].mean()
            for top in range(0, SIDE, 32)
            for left in range(0, SIDE, 32)
        }
        ranked = sorted(patches, key=patches.__getitem__, reverse=True)
        for place, (top, left) in enumerate(ranked):
            weight = patches[top, left] / patches[ranked[0]] if "weighted" in matcher else 1
            probe[top : top + 32, left : left + 32] *= weight if place < 64 else 0
    assert float(row["ncc"]) == pytest.approx(ncc(reference, probe), abs=1e-6)


def test_for_people_and_into_files(program, flats, later, tmp_path):
    figures = tmp_path / "figures.json"
    options = ["--references", flats, "--probes", later, "--crop", SIDE]
    assert program("evaluate", *options, "--json", figures) == 0
    assert "AUC" in program.out
    assert json.loads(figures.read_text())["genuine_pairs"] == 6
    assert program("evaluate", *options, "--pairs", "-") == 0
    assert len(list(csv.reader(io.StringIO(program.out)))) == 19


def test_report_is_one_page_without_anything_from_elsewhere(program, flats, later, tmp_path):
    shutil.copytree(later, tmp_path / "probes")
    (tmp_path / "probes" / "cam1").rename(tmp_path / "probes" / "<b>$cam")
    run(program, flats, tmp_path / "probes", "--crop", SIDE, "--report", tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Detection error trade-off" in page
    assert "<b>$cam" not in page
    assert "&lt;b&gt;$cam" in page
    assert 'src="http' not in page
    assert page.count("<img") == 3 + 2 * (4 + 4)


def test_report_without_matplotlib_says_how_to_get_it(program, flats, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    options = ["--references", flats, "--probes", flats, "--report", tmp_path / "report"]
    assert program("evaluate", *options) == 2
    assert "grainseal[report]" in program.err


def test_known_rates_of_real_cameras(program, photos_root, tmp_path):
    """23 natural photos of five cameras and three sizes, each with each."""
    for source in (photos_root / "nikon" / "natural", photos_root / "canon"):
        for camera in source.iterdir():
            (tmp_path / camera.name).symlink_to(camera)
    found = run(program, tmp_path, tmp_path, "--crop", "1024")
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (63, 190)
    assert found["auc"] == pytest.approx(0.981, abs=0.02)
    assert found["eer"] == pytest.approx(0.079, abs=0.03)
    assert found["auc_ci"][0] < found["auc"] < found["auc_ci"][1]
    assert found["genuine_ncc_median"] / found["impostor_ncc_sd"] > 6


def test_classical_systems_score_as_their_papers_say(program, flats, later, tmp_path):
    """RSPN: the mean residual against one photo's; ESPN: the same, but the photo's enhanced."""
    photos = sorted((flats / "cam1").iterdir())
    wavelet = get_extractor("wavelet")
    reference = np.mean([plain_residual(read_photo(path), wavelet) for path in photos], axis=0)
    for matcher in ("rspn", "espn"):
        table = tmp_path / f"{matcher}.csv"
        options = ["--extractor", "wavelet", "--matcher", matcher, "--pairs", table]
        assert run(program, flats, later, *options)["matcher"] == matcher
        rows = [row for row in csv.DictReader(table.open()) if row["reference_camera"] == "cam1"]
        assert len(rows) == 4  # the third camera's frames are larger
        for row in rows:
            path = later / row["probe_camera"] / row["probe"]
            residual = plain_residual(read_photo(path), wavelet)
            probe = enhanced(residual) if matcher == "espn" else residual
            assert float(row["ncc"]) == pytest.approx(ncc(reference, probe), abs=1e-6)


def test_an_enhanced_probe_meets_plain_references_of_the_same_folder(program, flats, tmp_path):
    table = tmp_path / "pairs.csv"
    options = ["--extractor", "wavelet", "--matcher", "espn", "--pairs", table]
    found = run(program, flats, flats, *options)
    assert (found["genuine_pairs"], found["impostor_pairs"]) == (3 * 6, 16)
    wavelet = get_extractor("wavelet")
    row = next(csv.DictReader(table.open()))
    first, second = (
        plain_residual(read_photo(flats / row[f"{side}_camera"] / row[side]), wavelet)
        for side in ("reference", "probe")
    )
    assert float(row["ncc"]) == pytest.approx(ncc(first, enhanced(second)), abs=1e-6)
