"""The benchmark's entropy estimators, on sources whose entropy is known."""

import math

import numpy as np
import pytest
from bench.entropy import markov, most_common_value, pair_deficit, predictor_deficit, t_tuple

RNG = np.random.default_rng(3)
COIN = RNG.integers(0, 2, 200_000, np.uint8)


def chain(stay: float, count: int) -> np.ndarray:
    """A symmetric Markov chain that keeps its bit with probability `stay`."""
    changes = RNG.random(count) >= stay
    return (np.cumsum(changes) % 2).astype(np.uint8)


def test_a_fair_coin_has_nearly_a_bit():
    for estimator in (most_common_value, markov):
        assert 0.98 < estimator(COIN) <= 1
    assert 0.9 < t_tuple(COIN) <= 1


def test_a_bent_coin_has_its_min_entropy():
    bits = (RNG.random(200_000) < 0.75).astype(np.uint8)
    truth = -math.log2(0.75)
    assert most_common_value(bits) == pytest.approx(truth, abs=0.01)
    assert markov(bits) == pytest.approx(truth, abs=0.01)
    assert t_tuple(bits) <= truth


def test_memory_is_seen_where_counting_sees_none():
    bits = chain(0.8, 200_000)
    assert most_common_value(bits) > 0.97
    assert markov(bits) == pytest.approx(-math.log2(0.8), abs=0.02)
    assert t_tuple(bits) < -math.log2(0.8) + 0.02


def test_nothing_is_found_in_independent_signs():
    signs = 1.0 - 2 * COIN.reshape(400, 500)
    signs[RNG.random(signs.shape) < 0.3] = 0
    assert abs(pair_deficit(signs, 4)) < 3e-4
    assert abs(predictor_deficit(signs, 2)) < 5e-4


def test_what_neighbours_share_is_measured():
    """Rows are chains of correlation .1: a sign shares 1 − h(.45) = .00723 bits with the past."""
    stay = 0.55
    signs = 1.0 - 2 * np.array([chain(stay, 500) for _ in range(800)])
    truth = 1 + stay * math.log2(stay) + (1 - stay) * math.log2(1 - stay)
    assert pair_deficit(signs, 3) == pytest.approx(truth, rel=0.15)
    assert predictor_deficit(signs, 2) == pytest.approx(truth, rel=0.15)
