"""The benchmark of simulated cameras: what it simulates, and what its figures mean."""

import numpy as np
import pytest
from bench.camera_photos import (
    CAMERA_SEED,
    MODEL_SEED,
    SHOT_SEED,
    SHOTS_PER_CAMERA,
    conditions,
    developed_centre,
    photographs,
)
from bench.cameras import Plan, measured
from bench.figures import AUC, EER, SEPARATION, figures, separation

from grainseal.models.evaluation import Ranking, among
from grainseal.models.simulator.camera import RawFrame
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import develop
from grainseal.models.simulator.writers import compressed


def test_the_centre_is_that_of_the_whole_photo():
    """A frame of noise, in every model's pipeline: nothing of the rest reaches the centre."""
    pixels = np.random.default_rng(1).integers(256, 4096, (320, 320)).astype(np.uint16)
    frame = RawFrame(pixels, "", "", 100)
    for model in range(6):
        settings = conditions(model)
        picture = develop(frame, settings.development, DEMOSAICING[settings.demosaicing])
        whole = compressed(picture, settings.quality)
        assert np.array_equal(developed_centre(frame, settings, 64), whole[128:192, 128:192])


def test_siblings_share_all_but_their_pattern_and_no_seed_is_in_training():
    one, other = (photographs(0, camera, 1, 64, 32)[0].raw for camera in (0, 1))
    assert not np.array_equal(one.pixels, other.pixels)
    assert {conditions(model).model for model in range(20)}.isdisjoint(
        {f"Family {number}" for number in range(12)}
    )
    assert len({conditions(model).quality for model in range(20)}) > 5
    plan = Plan()
    assert plan.cameras >= 60
    assert plan.models <= CAMERA_SEED - MODEL_SEED
    assert plan.cameras * SHOTS_PER_CAMERA <= SHOT_SEED
    assert max(plan.raw, plan.developed) <= SHOTS_PER_CAMERA
    # Training numbers its shots from 100,000 per seed and from 10,000,000; scenes add a million.
    assert min(MODEL_SEED, CAMERA_SEED, SHOT_SEED) > 2 * 10_000_000


def test_figures_of_scores_that_are_worked_out_by_hand():
    genuine = np.array([True] * 4 + [False] * 4)
    scores = np.array([1.0, 3.0, 5.0, 9.0, -1.0, -1.0, 1.0, 1.0])
    curve = Ranking(scores, genuine).curve()
    assert separation(curve) == pytest.approx(np.median(scores[:4]) / scores[4:].std())
    odd = Ranking(np.append(scores, 4.5), np.append(genuine, True)).curve()
    assert separation(odd) == pytest.approx(4.5)
    weighted = Ranking(scores, genuine).curve(np.array([0, 3, 1, 0, 1, 1, 1, 1.0]))
    assert separation(weighted) == pytest.approx(3)


def test_a_difference_is_drawn_in_pairs():
    rng = np.random.default_rng(2)
    cameras = np.repeat(np.arange(12), 3)
    same = cameras[:, None] == cameras
    noise = rng.normal(0, 1, same.shape)
    ours, theirs = (figures(among(noise + shift * same, cameras)) for shift in (2.0, 1.0))
    more = (ours - theirs)[AUC]
    assert more.value == pytest.approx(ours[AUC].value - theirs[AUC].value)
    assert more.interval.low > 0  # though the two intervals overlap
    assert ours[AUC].interval.low < theirs[AUC].interval.high
    assert (ours - theirs)[EER].value < 0
    assert f"{more:+.2f}".startswith("+0.")
    assert ours[SEPARATION].value > theirs[SEPARATION].value


def test_a_small_run_has_every_table_and_says_what_is_missing(monkeypatch):
    monkeypatch.setattr("bench.cameras.everyone", lambda: ("wavelet", "unheard-of"))
    plan = Plan(models=2, siblings=2, raw=2, developed=2, side=384, centre=192, windows=(96,))
    table = measured(plan)
    values = {(row.section.split(", ")[1], row.name): row.value for row in table}
    assert len({row.section for row in table}) == 3
    assert values["RAW 384x384", "genuine, impostor pairs"] == "4, 24"
    assert values["RAW its middle 96x96", "genuine, impostor pairs"] == "4, 24"
    assert 0 <= float(values["JPEG 192x192", "wavelet: AUC"].split()[0]) <= 1
    assert "unheard-of: AUC" not in {row.name for row in table}
    assert "no extractor" in values["JPEG 192x192", "unheard-of"]
