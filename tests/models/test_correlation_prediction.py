"""The correlation predictor: its polynomial, what sets of photos come to, and its file."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from grainseal.models.correlation_features import CLASSIC, INTENSITY, NOISE, BlockFeatures
from grainseal.models.correlation_prediction import (
    HIGHEST,
    STEM,
    Fit,
    Predictor,
    design,
    expected_ncc,
    fitted,
    pooled,
    read_predictor,
)
from grainseal.models.extractor import get_extractor
from grainseal.models.manifest import WeightsError
from grainseal.models.matching import ncc


def test_terms_are_one_the_features_and_their_products():
    terms = design(np.array([[2.0, 3.0], [5.0, 7.0]]))
    assert terms.tolist() == [[1, 2, 3, 4, 6, 9], [1, 5, 7, 25, 35, 49]]
    assert design(np.zeros((1, 4))).shape == (1, 15)  # as many as in the paper


def test_least_squares_finds_the_polynomial_that_made_the_correlations():
    rng = np.random.default_rng(1)
    features = rng.uniform(0, 1, (200, 2))
    x, y = features.T
    truth = 0.1 + 0.3 * x - 0.2 * y + 0.05 * x * x + 0.4 * x * y - 0.1 * y * y
    found = fitted(features, truth + rng.normal(0, 1e-6, 200))
    np.testing.assert_allclose(found, [0.1, 0.3, -0.2, 0.05, 0.4, -0.1], atol=1e-4)


def test_a_prediction_is_of_each_block_and_a_correlation():
    fit = Fit("wavelet", "", ("b",), (0.1, 0.2, 0.0))
    values = np.array([[[0.9, 0.0], [0.9, 1.0], [0.9, -3.0], [0.02, 50.0], [0.019, 50.0]]])
    found = fit.predicted(BlockFeatures(values, (INTENSITY, "b")))
    assert found == pytest.approx(np.array([[0.1, 0.3, 0.0, HIGHEST, 0.0]]))


def test_photos_add_up_by_their_ratio_of_signal_to_noise():
    assert pooled([0.3]) == pytest.approx(0.3)
    assert pooled([0.6, 0.6]) == pytest.approx((1.125 / 2.125) ** 0.5)  # .36 / .64 = .5625
    assert pooled([0.0, 0.0]) == 0
    assert expected_ncc([0.6, 0.6], [0.5]) == pytest.approx(0.5 * (1.125 / 2.125) ** 0.5)


def test_expected_ncc_is_that_of_noisy_estimates_of_one_pattern():
    rng = np.random.default_rng(2)
    pattern = rng.standard_normal((600, 600), np.float32)

    def estimate(correlation: float) -> np.ndarray:
        """In units of its noise's variance, so that a sum weighs each as it deserves."""
        ratio = correlation**2 / (1 - correlation**2)
        noise = rng.standard_normal(pattern.shape, np.float32)
        return np.float32(ratio) * (pattern + noise / np.float32(ratio**0.5))

    one = estimate(0.2) + estimate(0.3) + estimate(0.05)
    other = estimate(0.4)
    expected = expected_ncc([0.2, 0.3, 0.05], [0.4])
    assert ncc(one, other) == pytest.approx(expected, abs=4 / 600)
    assert ncc(one, pattern) == pytest.approx(pooled([0.2, 0.3, 0.05]), abs=4 / 600)


def test_shipped_coefficients_are_for_the_shipped_extractors():
    predictor = read_predictor()
    for name in ("neural", "wavelet"):
        source = get_extractor(name).source("developed")
        for choice in (CLASSIC, (*CLASSIC, NOISE)):
            fit = predictor.fit_for(source, choice)
            assert fit is not None
            assert len(fit.coefficients) == design(np.zeros((1, len(choice)))).shape[1]
    assert predictor.fit_for("neural:of other weights", CLASSIC) is None
    assert predictor.fit_for("wavelet", CLASSIC, "another network") is None


def test_a_damaged_file_says_what_to_do(tmp_path):
    with pytest.raises(WeightsError, match="install grainseal again"):
        read_predictor(tmp_path)
    made = Predictor((Fit("wavelet", "", ("a",), (1.0, 2.0, 3.0)),), {}, "train", "1", {"a": 1.0})
    path = tmp_path / f"{STEM}.json"
    path.write_text(json.dumps(asdict(made)))
    assert read_predictor(tmp_path) == made
    path.write_text(path.read_text().replace('"coefficients"', '"numbers"'))
    with pytest.raises(WeightsError, match="damaged"):
        read_predictor(tmp_path)
