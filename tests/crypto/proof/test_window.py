"""A window's digits can say every score inside and no other."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.proof.window import DIGITS, ScoreWindow, window_of
from grainseal.models.claim_code import CLAIMS
from grainseal.models.claims import ProbeSize, score_of


@pytest.mark.parametrize("width", range(1, 70))
def test_digits_reach_the_window_and_nothing_else(width):
    window = ScoreWindow(1000, 1000 + width)
    weights = [each for each in window.weights if each]
    sums = {
        (window.low + window.high - 1 + sum(e * w for e, w in zip(signs, weights, strict=True)))
        for signs in product((-1, 1), repeat=len(weights))
    }
    assert sums == {2 * score for score in range(window.low, window.high)}


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32), st.randoms(use_true_random=False))
def test_digits_of_a_score(low, width, random):
    window = ScoreWindow(low, min(low + width, 2**32))
    score = random.randrange(window.low, window.high)
    digits = window.digits(score)
    assert len(window.weights) == digits.size == DIGITS
    assert set(digits.tolist()) <= {-1, 1}
    assert 2 * score - int(np.dot(window.weights, digits)) == window.low + window.high - 1


@pytest.mark.parametrize("score", [9, 20, -10])
def test_a_score_outside_has_no_digits(score):
    with pytest.raises(MisuseError, match="not in this window"):
        ScoreWindow(10, 20).digits(score)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 5), (6, 5), (1, 2**32 + 1)])
def test_windows_that_are_none(low, high):
    with pytest.raises(MisuseError):
        ScoreWindow(low, high)


@settings(deadline=None)
@given(st.integers(1, 720), st.integers(1, 2000), st.integers(16, 2**24))
def test_window_of_z_is_exact(low, width, squares):
    window = window_of(low, low + width, squares)
    for quarters, end in ((low, window.low), (low + width, window.high)):
        limit = Fraction(quarters**2 * squares, 16)
        assert (end - 1) ** 2 < limit <= end**2


def test_a_probe_of_zeros_has_no_window():
    with pytest.raises(MisuseError):
        window_of(17, 720, 0)


@pytest.mark.parametrize("spec", CLAIMS.values(), ids=lambda spec: spec.name)
def test_the_window_of_a_claim_is_the_services(spec):
    """low ≤ z < high of `models.claims` at either end, for a probe of the usual size."""
    squares = 9 * spec.length + 5
    size = ProbeSize(squares, spec.largest_sum)
    window = window_of(round(4 * spec.low), round(4 * spec.high), squares)
    for score in (window.low - 1, window.low, window.high - 1, window.high):
        accepted = spec.low <= score_of(score, size, spec).z < spec.high
        assert accepted == (window.low <= score < window.high)
    narrow = window.narrowed(3)
    assert narrow.lies_in(window, 3)
    assert not narrow.lies_in(window, 4)
