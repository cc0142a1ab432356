"""Match statistics against direct formulas, and the null model against simulation."""

import math

import numpy as np
import pytest
from scipy import ndimage, stats

from grainseal.models.fingerprint import Fingerprint
from grainseal.models.matching import (
    MatchError,
    compare,
    effective_samples,
    hamming,
    hamming_false_match,
    ncc,
    ncc_false_match,
    pce,
    pce_false_match,
    pce_search,
)


def noise(shape=(64, 96), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def direct_pce(a, b, shift=(0, 0), radius=5):
    """Textbook: every circular shift by hand."""
    a, b = (x.astype(np.float64) - x.mean() for x in (a, b))
    height, width = a.shape
    peak = float((a * np.roll(b, shift, (0, 1))).sum())
    energy, count = 0.0, 0
    for row in range(height):
        for column in range(width):
            y = min((row - shift[0]) % height, (shift[0] - row) % height)
            x = min((column - shift[1]) % width, (shift[1] - column) % width)
            if y * y + x * x > radius**2:
                energy += float((a * np.roll(b, (row, column), (0, 1))).sum()) ** 2
                count += 1
    return math.copysign(peak**2 / (energy / count), peak)


def test_ncc_is_pearson_and_signed():
    a, b = noise(), noise(seed=1) + 0.3 * noise()
    assert ncc(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-6)
    assert ncc(a, -a) == pytest.approx(-1)
    assert ncc(a, 3 * a + 5) == pytest.approx(1)
    assert ncc(a, np.ones_like(a)) == 0


def test_pce_equals_the_direct_sum():
    a, b = noise((20, 24)), noise((20, 24), seed=1) + 0.5 * noise((20, 24))
    assert pce(a, b) == pytest.approx(direct_pce(a, b), rel=1e-3)
    assert pce(a, -b) == pytest.approx(-pce(a, b), rel=1e-3)


@pytest.mark.parametrize("shift", [(0, 0), (63, 95), (5, 0), (30, 40), (62, 1)])
def test_search_finds_a_shift_anywhere_with_the_same_ratio(shift):
    """The mask wraps, so a peak at the border counts exactly like one in the middle."""
    b = ndimage.gaussian_filter(noise(), 1, mode="wrap") + 0.05 * noise(seed=1)
    peak = pce_search(np.roll(b, shift, (0, 1)), b)
    assert (peak.row, peak.column) == shift
    assert peak.pce == pytest.approx(pce(b, b), rel=1e-3)
    assert peak.false_match_probability < 1e-9


def test_searching_costs_probability():
    assert pce_false_match(30, shifts=10**6) == pytest.approx(1e6 * pce_false_match(30), rel=0.05)
    assert pce_false_match(-4) == pytest.approx(stats.norm.sf(-2))
    assert pce_false_match(0, shifts=10**6) == pytest.approx(1)


def test_hamming_counts_places():
    a = np.array([1, -1, 1, 1], np.int8)
    assert hamming(a, a) == 0
    assert hamming(a, np.array([1, 1, 1, -1], np.int8)) == 0.5
    assert hamming_false_match(0.25, 16) == pytest.approx(stats.norm.sf(2))


def test_probability_is_the_normal_tail():
    assert ncc_false_match(0.1, 2500) == pytest.approx(stats.norm.sf(5))
    assert ncc_false_match(-0.1, 100) == pytest.approx(stats.norm.sf(-1))


def test_white_noise_is_all_independent():
    assert effective_samples(noise((256, 256)), noise((256, 256), 1)) > 0.95 * 256**2


@pytest.mark.parametrize("colour", [0.0, 0.8, 1.5])
def test_null_scores_have_the_stated_spread_whatever_the_colour(colour):
    """500 unrelated pairs: NCC * sqrt(N_eff) and the PCE's signed root are standard normal."""
    shape, pairs = (48, 64), 500
    rng = np.random.default_rng(4)
    scores, roots = [], []
    for _ in range(pairs):
        a, b = rng.normal(size=(2, *shape)).astype(np.float32)
        if colour:
            a, b = (ndimage.gaussian_filter(x, colour, mode="wrap") for x in (a, b))
        scores.append(ncc(a, b) * math.sqrt(effective_samples(a, b)))
        value = pce(a, b)
        roots.append(math.copysign(math.sqrt(abs(value)), value))
    assert np.std(scores) == pytest.approx(1, abs=0.12)
    assert np.std(roots) == pytest.approx(1, abs=0.12)


def test_compare_refuses_what_cannot_be_compared():
    values = noise()
    developed = Fingerprint(values, "developed", 1)
    with pytest.raises(MatchError, match="kind"):
        compare(developed, Fingerprint(values, "raw", 1))
    with pytest.raises(MatchError, match="photos of one size"):
        compare(developed, Fingerprint(values[:32], "developed", 1))
    with pytest.raises(MatchError, match="empty"):
        ncc(values[:0], values[:0])


def test_uniform_pictures_are_not_compared():
    blank = Fingerprint(np.zeros((64, 64), np.float32), "developed", 1)
    noise = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    with pytest.raises(MatchError, match="no sensor noise"):
        compare(blank, Fingerprint(noise, "developed", 1))


def test_a_rotated_side_is_named_so():
    tall = Fingerprint(np.ones((8, 4), np.float32), "developed", 1)
    wide = Fingerprint(np.ones((4, 8), np.float32), "developed", 1)
    with pytest.raises(MatchError, match="4x8 pixels, the other 8x4: one was rotated"):
        compare(tall, wide)
