"""`grainseal simulate`: a new folder that `grainseal evaluate` takes as it is."""

import json


def simulated(program, out, *options):
    sizes = ["--width", "320", "--height", "320"]
    status = program("simulate", "--out", out, *sizes, "--json", *options)
    assert status == 0, program.err
    return program.json


def test_simulated_folders_can_be_evaluated(program, tmp_path):
    out = tmp_path / "new"
    said = simulated(program, out, "--cameras", "2", "--photos", "1", "--flat", "3", "--seed", "5")
    assert (said["cameras"], said["photos"]) == (2, 8)
    assert said["photos_per_second"] > 0
    assert json.loads((out / "cameras.json").read_text())["specification"]["seed"] == 5
    command = said["evaluate"].split()
    assert command[0] == "grainseal"
    assert program(*command[1:], "--json", "-") == 0, program.err
    assert (program.json["genuine_pairs"], program.json["impostor_pairs"]) == (2, 2)
    assert program.json["auc"] >= 0.5


def test_raw_siblings(program, tmp_path):
    options = ("--cameras", "2", "--photos", "2", "--raw", "--siblings")
    simulated(program, tmp_path, *options)
    assert len(list(tmp_path.glob("camera_*/*.dng"))) == 4
    told = json.loads((tmp_path / "cameras.json").read_text())["cameras"]
    assert told[0]["conditions"] == told[1]["conditions"]
    folders = ["--references", tmp_path, "--probes", tmp_path, "--json", "-"]
    assert program("evaluate", *folders) == 0, program.err
    assert (program.json["genuine_pairs"], program.json["impostor_pairs"]) == (2, 4)
    assert program("evaluate", *folders, "--transform", "half") == 2
    assert "RAW" in program.err


def test_a_folder_with_something_in_it_is_left_alone(program, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    assert program("simulate", "--out", tmp_path, "--cameras", "1", "--photos", "1") == 2
    assert "not empty" in program.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_impossible_wishes_are_refused(program, tmp_path):
    out = ["--out", tmp_path / "new"]
    assert program("simulate", *out, "--width", "321") == 2
    assert "even" in program.err
    assert program("simulate", *out, "--raw", "--longest-side", "400") == 2
    assert "RAW" in program.err
    for number in ("nan", "inf"):
        assert program("simulate", *out, "--smooth", number) == 2
        assert "not a finite number" in program.err
    assert not (tmp_path / "new").exists()
