"""Intervals: what is drawn, whether they cover, and that they know what pairs share."""

import numpy as np
import pytest

from grainseal.models.bootstrap import CameraBootstrap, UnitBootstrap, intervals, replicates
from grainseal.models.evaluation import Comparisons, Ranking, auc, eer


def among_themselves(scores_of, cameras):
    """Every pair of photos once; `cameras` numbers each photo's camera."""
    first, second = np.triu_indices(len(cameras), 1)
    return Comparisons(
        scores=scores_of(first, second),
        references=first,
        probes=second,
        cameras=np.asarray(cameras),
        pools=np.zeros(len(cameras), int),
        symmetric=True,
    )


def normal_world(rng, cameras=12, photos=4, shift=1.5, per_camera=0.0):
    """References and probes with normal scores; `per_camera` is what a camera's pairs share."""
    ids = np.repeat(np.arange(cameras), photos)
    references = np.arange(cameras)
    probes = np.arange(cameras, cameras + ids.size)
    pairs = np.array([(r, p) for r in references for p in probes])
    units = np.concatenate([references, ids])
    genuine = units[pairs[:, 0]] == units[pairs[:, 1]]
    quality = rng.normal(shift, per_camera, cameras)[units[pairs[:, 1]]]
    scores = rng.normal(0, 1, len(pairs)) + genuine * quality
    pools = np.concatenate([np.ones(cameras, int), np.zeros(ids.size, int)])
    return Comparisons(scores, pairs[:, 0], pairs[:, 1], units, pools)


def test_same_seed_same_interval_and_another_seed_another():
    pairs = normal_world(np.random.default_rng(1))
    (one,), (two,), (other,) = (intervals(pairs, (auc,), seed, 200) for seed in (1, 1, 2))
    assert one == two
    assert one != other
    value = auc(Ranking(pairs.scores, pairs.genuine).curve())
    assert one.low < value < one.high


def test_drawn_weights_follow_their_rules():
    """Against a slow replay of the definition: copies of cameras, photos within each copy."""
    cameras = [0, 0, 0, 1, 1, 2]
    pairs = among_themselves(lambda first, _: np.zeros(first.size), cameras)
    for seed in range(30):
        weights = CameraBootstrap(pairs).weights(np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        copies = []
        for camera, times in enumerate(rng.multinomial(3, np.full(3, 1 / 3))):
            units = np.flatnonzero(np.equal(cameras, camera))
            draws = rng.multinomial(units.size, np.full(units.size, 1 / units.size), times)
            copies += [(camera, dict(zip(units, draw, strict=True))) for draw in draws]
        expected = np.zeros(pairs.scores.size)
        for i, (a, b) in enumerate(zip(pairs.references, pairs.probes, strict=True)):
            for k, (camera, mine) in enumerate(copies):
                for j, (other, theirs) in enumerate(copies):
                    if k == j or camera != other:  # two copies of one camera are never paired
                        expected[i] += mine.get(a, 0) * theirs.get(b, 0)
        np.testing.assert_array_equal(weights, expected)


def test_on_average_the_impostors_weigh_what_they_should():
    pairs = normal_world(np.random.default_rng(2), cameras=6)
    bootstrap, rng = CameraBootstrap(pairs), np.random.default_rng(0)
    mean = np.mean([bootstrap.weights(rng) for _ in range(1000)], axis=0)
    # Copies of two cameras: 6 * 5 of 6 * 6 draws are of different ones.
    assert mean[~pairs.genuine].mean() == pytest.approx(5 / 6, rel=0.05)
    assert mean[pairs.genuine].mean() == pytest.approx(1, rel=0.05)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """AUC of normal scores 1.5 apart; each world has new cameras."""
    from scipy.stats import norm

    truth, hits, worlds = norm.cdf(1.5 / (2 + 0.5**2) ** 0.5), 0, 20
    for seed in range(worlds):
        rng = np.random.default_rng([seed, 5])
        pairs = normal_world(rng, cameras=15, photos=2, per_camera=0.5)
        (interval,) = intervals(pairs, (auc,), count=200)
        hits += interval.low <= truth <= interval.high
    assert hits >= 0.8 * worlds


def test_what_photos_of_a_camera_share_widens_the_interval():
    def width(per_camera):
        widths = []
        for seed in range(5):
            pairs = normal_world(np.random.default_rng(seed), per_camera=per_camera, shift=1.0)
            (interval,) = intervals(pairs, (auc,), count=200)
            widths.append(interval.high - interval.low)
        return np.mean(widths)

    assert width(1.5) > 1.3 * width(0.0)


def test_a_paired_difference_is_narrower_than_either():
    rng = np.random.default_rng(3)
    pairs = normal_world(rng, per_camera=1.0)
    better = Comparisons(
        pairs.scores + 0.3 * pairs.genuine + rng.normal(0, 0.1, pairs.scores.size),
        pairs.references,
        pairs.probes,
        pairs.cameras,
        pairs.pools,
    )
    one, two = (replicates(each, (auc,), count=300) for each in (pairs, better))
    assert np.nanstd(two - one) < 0.5 * np.nanstd(one)
    assert np.nanquantile(two - one, 0.025) > 0


def test_one_camera_and_no_errors():
    alone = among_themselves(lambda first, _: np.ones(first.size), [0, 0, 0])
    assert intervals(alone, (auc, eer), count=5) == (None, None)
    perfect = among_themselves(
        lambda first, second: (first // 2 == second // 2).astype(float), [0, 0, 1, 1, 2, 2]
    )
    found = intervals(perfect, (auc, eer), count=100)
    assert [(each.low, each.high) for each in found] == [(1, 1), (0, 0)]
    assert found[0].replicates < 100  # those that drew one camera three times have no impostors


def test_units_are_drawn_whatever_their_camera_and_pools_apart():
    pairs = normal_world(np.random.default_rng(7), cameras=4, photos=3)
    weights = UnitBootstrap(pairs).weights(np.random.default_rng(7))
    drawn = weights.reshape(4, 12)
    assert weights.sum() == 4 * 12  # as many references as there were, times as many probes
    assert np.linalg.matrix_rank(drawn) == 1  # a reference is there as often for every probe
    one, other = (
        replicates(pairs, (auc,), 3, 50, kind) for kind in (UnitBootstrap, CameraBootstrap)
    )
    assert np.isfinite(one).all()
    assert not np.array_equal(one, other)
