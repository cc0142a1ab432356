"""`grainseal evaluate-leakage` on very small virtual cameras."""

import pytest

SMALL = ("--size", "320x320", "--cameras", "2", "--photos", "1")


def test_json_and_report_have_the_controls_and_what_they_cannot_say(program, tmp_path):
    pytest.importorskip("matplotlib")
    options = ("--scenes", "flat", "--seed", "3", "--report", tmp_path / "report", "--json", "-")
    assert program("evaluate-leakage", *SMALL, *options) == 0, program.err
    found = program.json
    assert (found["cameras"], found["siblings"], found["photos"]) == (2, 2, [1])
    assert (found["size"], found["scenes"], found["quality"]) == ("320x320", "flat", 92)
    assert found["extractor"] == "wavelet"
    assert found["seconds"] > 0
    raw, jpeg = found["codes"]
    assert (raw["code"], raw["length"], raw["full_length"]) == ("AUTH_RAW_V1", 1400, 16384)
    assert (raw["features"], raw["threshold"]) == (1600, 7.0)
    assert (jpeg["code"], jpeg["length"], jpeg["threshold"]) == ("AUTH_JPEG_V1", 350, 5.5)
    for code in (raw, jpeg):
        points = [(each["source"], each["photos"]) for each in code["points"]]
        assert points == [("owner", 1), ("owner", 4), ("full", 1), ("platform", 1)]
        for point in code["points"]:
            assert 0 <= point["auc_ci"][0] <= point["auc"] <= point["auc_ci"][1] <= 1
            assert point["impostor_pairs"] == 2
            assert point["accepted_share"] == point["accepted"] / 2
            assert point["sigma_min"] == min(point["sigmas"])
            assert point["sigma_max"] == max(point["sigmas"])
    owner = raw["points"][1]
    assert (owner["accepted"], owner["impostors_accepted"], owner["auc"]) == (2, 0, 1)
    assert any("shortened" in line for line in found["notes"])
    assert any("not tried" in line for line in found["notes"])
    page = (tmp_path / "report" / "index.html").read_text()
    assert "data:image/svg+xml" in page
    for shown in ("AUTH_RAW_V1", "AUTH_JPEG_V1", "flat scenes", "2 of 2 owners pass"):
        assert shown in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--photos", "0,1"], "at least one photo"),
        (["--photos", "many"], "1,5,20"),
        (["--size", "321x320"], "odd"),
        (["--size", "200x200"], "too small"),
        (["--size", "large"], "2496x1920"),
        (["--cameras", "1"], "--cameras"),
        (["--scenes", "indoor"], "natural"),
        (["--extractor", "magic"], "wavelet"),
    ],
)
def test_impossible_wishes_are_refused(program, options, said):
    assert program("evaluate-leakage", *options) == 2
    assert said in program.err


def test_a_frame_too_small_for_the_attacker_s_extractor_is_said(program):
    assert program("evaluate-leakage", *SMALL, "--extractor", "wavelet5") == 2
    assert "--size" in program.err
