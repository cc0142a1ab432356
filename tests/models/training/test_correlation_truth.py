"""The truth that the correlation predictor is fitted to, and the fit."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="`grainseal train` needs it")

from grainseal.models.correlation_features import CLASSIC, ISO, NOISE, block_features
from grainseal.models.correlation_prediction import design
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo
from grainseal.models.simulator.iso_series import ISOS, iso_series
from grainseal.models.training import correlation_predictor
from grainseal.models.training.correlation_predictor import (
    Plan,
    even_case,
    fit_predictor,
    scene_case,
    with_true_iso,
    write_predictor,
)
from grainseal.models.training.correlation_truth import measured

SEED = 46_000_000


def photos(pictures) -> list[Photo]:
    return [Photo(each, "developed", "simulated", "") for each in pictures]


@pytest.fixture(scope="module")
def series():
    return iso_series(SEED, 256, 24)


def test_the_truth_does_not_depend_on_how_many_flats_there_are(series):
    """What a few flats lack of the pattern is made up for: many flats give the same."""
    scenes, flats = photos(series.flats[:2]), photos(series.flats[2:])
    extractor = get_extractor("wavelet")
    few, many = (measured(scenes, flats[:count], extractor) for count in (4, 22))
    assert few.whole == pytest.approx(many.whole, rel=0.1)
    plain = ncc(estimate(scenes[:1], extractor).values, estimate(flats[:4], extractor).values)
    assert few.whole[0] > 1.15 * plain
    # Two photos correlate by the product of what each has with the pattern.
    assert few.pairs[0, 1] == pytest.approx(few.whole[0] * few.whole[1], rel=0.15)
    assert few.blocks.shape == (2, 2, 2)
    assert few.blocks.mean() == pytest.approx(few.whole.mean(), rel=0.05)


def test_photos_without_a_common_pattern_have_no_truth(series):
    rng = np.random.default_rng(5)
    noise = photos(rng.integers(90, 110, (2, 256, 256, 3)).astype(np.uint8))
    noise[1] = Photo(200 - noise[0].pixels, "developed", "negative", "")
    with pytest.raises(ValueError, match="no pattern in common"):
        measured(noise, noise, get_extractor("wavelet"))


def test_a_series_has_every_iso_and_more_noise_the_higher_it_is(series):
    assert series.isos == ISOS
    assert len(series.scenes) == len(ISOS)
    again = iso_series(SEED, 256)
    assert all(np.array_equal(a, b) for a, b in zip(series.scenes, again.scenes, strict=True))
    assert not np.array_equal(again.scenes[0], iso_series(SEED + 1, 256).scenes[0])


def test_a_fit_is_that_of_its_cameras_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(correlation_predictor, "EXTRACTORS", ("wavelet",))
    plan = Plan(cameras=2, validation_cameras=1, flats=4, side=256)
    told = []
    made = fit_predictor(plan, None, tmp_path, "command", "commit", lambda: told.append(1))
    assert len(told) == 3
    assert {fit.features for fit in made.fits} == {CLASSIC, (*CLASSIC, NOISE)}
    kept = sorted(tmp_path.glob("*.npz"))
    assert len(kept) == 6  # scenes and even photos
    times = [path.stat().st_mtime_ns for path in kept]
    assert fit_predictor(plan, None, tmp_path, "command", "commit", lambda: None) == made
    assert [path.stat().st_mtime_ns for path in kept] == times
    # Residuals of least squares are orthogonal to every feature.
    cameras = [iso_series(45_000_000 + n, 256, 4) for n in range(2)]
    cases = [make(each, None, ("wavelet",)) for each in cameras for make in (scene_case, even_case)]
    fit = next(f for f in made.fits if f.source == "wavelet" and f.features == CLASSIC)
    features = np.concatenate([f.chosen(CLASSIC) for case in cases for f in case.features])
    truth = np.concatenate([case.truths["wavelet"].blocks.ravel() for case in cases])
    left = truth - design(features) @ np.array(fit.coefficients)
    assert design(features).T @ left == pytest.approx(np.zeros(15), abs=1e-6)
    [told] = {tuple(f.chosen((ISO,)).ravel()) for f in with_true_iso(cases[0]).features[4:]}
    assert set(told) == {4.0}  # 1600
    assert write_predictor(tmp_path, made).name == "correlation-predictor.json"
    assert block_features(cases[0].photos[0]).values == pytest.approx(cases[0].features[0].values)
