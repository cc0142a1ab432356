"""The benchmark of all systems: both protocols, and rows that say what is missing."""

import re

import numpy as np
import pytest
from bench.systems import SET, CameraPhotos, Plan, System, _scored, measured

from grainseal.client.reproduction.photos import Wanted, simulated
from grainseal.models.extractor import get_extractor
from grainseal.models.matching import ncc
from grainseal.models.reference.rspn import plain_residual
from grainseal.models.reference.weights import VARIABLE


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("grainseal.models.reference.weights.WEIGHTS", tmp_path)


def test_a_small_run_has_both_protocols_and_says_what_is_missing():
    systems = (System("siamese", "siamese"), System("rspn", "rspn", "wavelet"))
    table = measured(Plan(cameras=2, side=256), systems, None)
    sections = list(dict.fromkeys(row.section for row in table))
    assert [section.rsplit(";", 1)[1].strip() for section in sections[:2]] == [
        "4 photos against 1",
        "4 photos against 4",
    ]
    values = {(row.section, row.name): row.value for row in table}
    assert values[sections[0], "pairs"] == "8 genuine and 8 impostor pairs"
    assert values[sections[1], "pairs"] == "2 genuine and 2 impostor pairs"
    assert re.match(r"AUC [01]\.\d{3} .*EER .*rank 1 .* s$", values[sections[0], "rspn"])
    assert "grainseal train siamese" in values[sections[0], "siamese"]
    assert "grainseal train patch-classifier" in values["closed set", "patch-classifier"]


def test_scores_are_of_the_average_of_four():
    """Rank 1 of both protocols, worked out photo by photo."""
    shots = [
        [shot.photo() for shot in camera.scenes]
        for camera in simulated(Wanted(3, 2 * SET), 256).cameras
    ]
    cameras = [CameraPhotos(tuple(p[:SET]), tuple(p[SET:]), tuple(p[SET:])) for p in shots]
    (single, together), seconds = _scored(System("rspn", "rspn", "wavelet"), cameras)
    wavelet = get_extractor("wavelet")
    residuals = [[plain_residual(photo, wavelet) for photo in photos] for photos in shots]
    references = [np.mean(own[:SET], axis=0) for own in residuals]

    def right(probe, own):
        return int(np.argmax([ncc(reference, probe) for reference in references])) == own

    ones = [right(each, at) for at, own in enumerate(residuals) for each in own[SET:]]
    sets = [right(np.mean(own[SET:], axis=0), at) for at, own in enumerate(residuals)]
    assert single.rank1 == pytest.approx(np.mean(ones))
    assert together.rank1 == pytest.approx(np.mean(sets))
    assert seconds > 0
