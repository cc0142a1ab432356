"""Error rates against other ways to compute them, and where the answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from grainseal.models.evaluation import (
    Comparisons,
    Ranking,
    auc,
    eer,
    fnmr_at,
    fnmr_at_targets,
    normal_deviates,
    rank1,
)

# Few distinct values, so that ties are common.
TIED = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=25)
SCORES = st.one_of(TIED, st.lists(st.floats(-1, 1, allow_nan=False), min_size=1, max_size=25))


def curve_of(genuine, impostor, weights=None):
    scores = np.array([*genuine, *impostor], float)
    flags = np.arange(scores.size) < len(genuine)
    return Ranking(scores, flags).curve(weights)


def rates_at(threshold, genuine, impostor):
    return np.mean(np.array(impostor) >= threshold), np.mean(np.array(genuine) < threshold)


@given(SCORES, SCORES)
def test_auc_is_the_mann_whitney_statistic(genuine, impostor):
    statistic = mannwhitneyu(genuine, impostor, method="asymptotic").statistic
    expected = statistic / (len(genuine) * len(impostor))
    assert auc(curve_of(genuine, impostor)) == pytest.approx(expected, abs=1e-12)


@given(SCORES, SCORES)
def test_curve_has_the_counted_rates_and_falls(genuine, impostor):
    curve = curve_of(genuine, impostor)
    assert (curve.fmr[0], curve.fnmr[0]) == (0, 1)
    assert (curve.fmr[-1], curve.fnmr[-1]) == pytest.approx((1, 0))
    assert (np.diff(curve.fmr) >= 0).all()
    assert (np.diff(curve.fnmr) <= 0).all()
    for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert (fmr, fnmr) == pytest.approx(rates_at(threshold, genuine, impostor))


@given(SCORES, SCORES)
def test_eer_lies_where_the_counted_rates_cross(genuine, impostor):
    """Between the last threshold with FMR below FNMR and the first one with FMR above."""
    value = eer(curve_of(genuine, impostor))
    thresholds = [np.inf, *sorted({*genuine, *impostor}, reverse=True)]
    rates = [rates_at(threshold, genuine, impostor) for threshold in thresholds]
    after = next(i for i, (fmr, fnmr) in enumerate(rates) if fmr >= fnmr)
    (fmr_before, fnmr_before), (fmr_after, fnmr_after) = rates[after - 1], rates[after]
    assert fmr_before - 1e-12 <= value <= fmr_after + 1e-12
    assert fnmr_after - 1e-12 <= value <= fnmr_before + 1e-12


@given(SCORES, SCORES, st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5]))
def test_fnmr_at_is_the_best_that_no_more_false_matches_allow(genuine, impostor, target):
    thresholds = [np.inf, *genuine, *impostor]
    rates = [rates_at(threshold, genuine, impostor) for threshold in thresholds]
    expected = min(fnmr for fmr, fnmr in rates if fmr <= target)
    assert fnmr_at(curve_of(genuine, impostor), target) == pytest.approx(expected)


@given(TIED, TIED, st.data())
def test_weights_are_repetitions(genuine, impostor, data):
    count = len(genuine) + len(impostor)
    times = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    weighted = curve_of(genuine, impostor, np.array(times, float))
    ours = np.repeat(genuine, times[: len(genuine)])
    theirs = np.repeat(impostor, times[len(genuine) :])
    if not (ours.size and theirs.size):
        assert weighted is None
        return
    plain = curve_of(ours, theirs)
    for measure in (auc, eer, lambda curve: fnmr_at(curve, 0.1)):
        assert measure(weighted) == pytest.approx(measure(plain), abs=1e-12)


@given(SCORES, SCORES)
def test_swapping_the_roles_mirrors_the_rates(genuine, impostor):
    there = curve_of(genuine, impostor)
    back = curve_of([-s for s in impostor], [-s for s in genuine])
    assert auc(back) == pytest.approx(auc(there))
    assert eer(back) == pytest.approx(eer(there))


def test_known_cases():
    perfect = curve_of([2, 3], [0, 1])
    assert (auc(perfect), eer(perfect)) == (1, 0)
    reversed_ = curve_of([0, 1], [2, 3])
    assert (auc(reversed_), eer(reversed_)) == (0, 1)
    all_tied = curve_of([1, 1, 1], [1, 1])
    assert (auc(all_tied), eer(all_tied)) == (0.5, 0.5)
    one_each = curve_of([1], [0])
    assert (auc(one_each), eer(one_each)) == (1, 0)
    identical = curve_of([1, 2, 3], [1, 2, 3])
    assert (auc(identical), eer(identical)) == pytest.approx((0.5, 0.5))


def test_without_pairs_of_both_sorts_there_are_no_rates():
    assert curve_of([1, 2], []) is None
    assert curve_of([], [1, 2]) is None
    assert curve_of([], []) is None


def test_normal_scores_give_the_rates_of_the_formula():
    """Means d apart with unit variance: AUC = Phi(d / sqrt 2), EER = Phi(-d / 2)."""
    rng, distance = np.random.default_rng(0), 2.0
    curve = curve_of(rng.normal(distance, 1, 40_000), rng.normal(0, 1, 40_000))
    assert auc(curve) == pytest.approx(norm.cdf(distance / 2**0.5), abs=0.003)
    assert eer(curve) == pytest.approx(norm.cdf(-distance / 2), abs=0.004)
    assert fnmr_at(curve, 0.01) == pytest.approx(norm.cdf(norm.isf(0.01) - distance), abs=0.015)
    # On normal-deviate axes their DET curve is a straight line of slope -1.
    inside = (curve.fmr > 0.01) & (curve.fmr < 0.5) & (curve.fnmr > 0.01)
    x, y = normal_deviates(curve.fmr[inside]), normal_deviates(curve.fnmr[inside])
    assert np.polyfit(x, y, 1) == pytest.approx([-1, -distance], abs=0.06)


def test_rates_that_the_pairs_cannot_show_are_not_given():
    curve = curve_of([3, 1], np.zeros(100))
    assert fnmr_at_targets(curve, 100) == (0.0, None, None)
    assert fnmr_at_targets(curve, 99) == (None, None, None)
    assert fnmr_at_targets(curve, 10_000) == (0.0, 0.0, 0.0)


def test_rank1_counts_probes_that_find_their_own_camera():
    # Units 0 and 1 are references of cameras 0 and 1; 2 and 3 their probes; 4 has no own reference.
    cameras = np.array([0, 1, 0, 1, 2])
    pairs = Comparisons(
        scores=np.array([0.9, 0.1, 0.5, 0.5, 0.7, 0.1]),
        references=np.array([0, 1, 0, 1, 0, 1]),
        probes=np.array([2, 2, 3, 3, 4, 4]),
        cameras=cameras,
        pools=np.array([1, 1, 0, 0, 0]),
    )
    assert rank1(pairs) == 0.5  # the tie of unit 3 is a miss, unit 4 does not count


def test_rank1_among_themselves_looks_from_both_ends():
    pairs = Comparisons(
        scores=np.array([0.9, 0.1, 0.2]),
        references=np.array([0, 0, 1]),
        probes=np.array([1, 2, 2]),
        cameras=np.array([0, 0, 1]),
        pools=np.zeros(3, int),
        symmetric=True,
    )
    assert rank1(pairs) == 1.0  # units 0 and 1 find each other, 2 has nobody of its own
    alone = Comparisons(np.array([0.5]), np.array([0]), np.array([1]), np.zeros(2), np.zeros(2))
    assert rank1(alone) is None
