"""The ablation of losses: its two new terms by hand, its variants, and that it runs through."""

import numpy as np
import pytest
from bench.losses import Plan, measured, paired

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from bench.loss_pairs import Pairs, take_pairs  # noqa: E402 - after the skip
from bench.loss_terms import RINGS, ring_correlations, triplet_loss  # noqa: E402
from bench.loss_variants import SHIPPED, VARIANTS, Step, without_twins  # noqa: E402

from grainseal.models.training import losses  # noqa: E402
from grainseal.models.training.config import TRIM  # noqa: E402
from grainseal.models.training.data import Batch  # noqa: E402
from grainseal.models.training.network import ResidualNetwork  # noqa: E402

TINY = Plan(
    shots=3,
    validation_shots=3,
    side=160,
    crop=32,
    batch=2,
    steps=2,
    channels=4,
    wide=4,
    depth=1,
    models=2,
    seeds=(1, 2),
)


def test_every_variant_and_seed_has_a_row(capsys):
    rows = {row.name: row.value for row in measured(TINY)}
    seeds = [f"{SHIPPED}, seed {seed}" for seed in TINY.seeds[1:]]
    assert list(rows) == [
        "wavelet",
        "ideal",
        SHIPPED,
        *seeds,
        *(variant.name for variant in VARIANTS[1:]),
    ]
    assert rows["wavelet"].endswith("1.00 of the wavelet's mean")
    assert all("difference" in rows[name] for name in list(rows)[3:])
    assert "with rings of frequency" in " ".join(capsys.readouterr().err.split())


def test_every_variant_asks_for_something_else():
    """Of one network, on one batch; who begins as a denoiser goes on as shipped."""
    rng = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    network = ResidualNetwork(3, channels=4, wide=4, depth=1)
    side = 32 + 2 * TRIM
    planes = torch.rand(4, 3, side, side, generator=rng)
    intensity = planes[:, :, TRIM:-TRIM, TRIM:-TRIM]
    noise = 0.01 * torch.randn(4, 3, 32, 32, generator=rng)
    pattern = torch.randn(4, 32, 32, generator=rng)
    pairs = Pairs(torch.rand(2, 2, 2, 3, 80, 80, generator=rng).numpy(), np.ones((2, 2, 2), "f4"))

    def loss(variant):
        batch = Batch(planes, torch.full((4,), 0.01), intensity, noise, pattern)
        twice = Batch(batch.planes, batch.level, intensity, noise, pattern[:2])
        step = Step(0, twice if variant.twins else batch, pairs)
        return float(variant.loss(network, step).detach())

    found = {variant.name: loss(variant) for variant in VARIANTS}
    (denoiser,) = (variant.name for variant in VARIANTS if variant.denoising)
    assert found.pop(denoiser) == found[SHIPPED]
    assert len({round(value, 4) for value in found.values()}) == len(found)


def test_without_twins_the_patches_alone_are_left():
    planes = torch.arange(4.0).reshape(4, 1, 1, 1)
    batch = Batch(planes, planes.flatten(), planes, planes, planes[:2, 0])
    alone = without_twins(batch)
    for left in (alone.planes, alone.level, alone.intensity, alone.noise, alone.pattern):
        assert left.flatten().tolist() == [0, 1]


def test_triplets_by_hand():
    """Unit fingerprints of two pixels' contrast; the stranger that comes nearest is pushed off."""
    a, b = np.array([1, -1, 0, 0]), np.array([0, 0, 1, -1])
    near_a = 0.8 * a + 0.6 * b  # NCC .8 with a, .6 with b
    anchors = torch.tensor(np.stack([a, b]), dtype=torch.float32).reshape(2, 2, 2)
    positives = torch.tensor(np.stack([near_a, b]), dtype=torch.float32).reshape(2, 2, 2)
    # Camera a: own .8; hardest of a-b 0 and b-near_a .6. Camera b: own 1; hardest of the same two.
    expected = (max(0, 0.05 + 0.6 - 0.8) + max(0, 0.05 + 0.6 - 1)) / 2
    assert float(triplet_loss(anchors, positives)) == pytest.approx(expected, abs=1e-6)
    swapped = positives.flip(0)  # own 0 and .6; strangers 1 and .8 of anchors, 1 and .8 of others
    expected = ((0.05 + 1 - 0) + (0.05 + 1 - 0.6)) / 2
    assert float(triplet_loss(anchors, swapped)) == pytest.approx(expected, abs=1e-6)


def wave(down: int, across: int, side: int = 32) -> torch.Tensor:
    row, column = np.indices((side, side))
    return torch.tensor(np.cos(2 * np.pi * (down * row + across * column) / side)).float()[None]


def test_rings_by_hand():
    """Two waves; of the slow one's ring everything is found, of the fast one's .6."""
    slow, fast, wrong = wave(0, 2), wave(12, 12), wave(12, -12)
    truth = 3 * slow + 5 * fast
    estimate = 7 * slow + 0.6 * fast + 0.8 * wrong
    found = ring_correlations(torch.cat((estimate, -estimate)), truth)[0]
    first, last = (int(f / 0.5**0.5 * RINGS) for f in (2 / 32, 12 * 2**0.5 / 32))
    assert first != last
    assert found[first] == pytest.approx(1, abs=1e-5)
    assert found[last] == pytest.approx(0.6, abs=1e-5)


def test_twins_cancel_what_is_not_of_the_pattern_in_every_ring():
    rng = torch.Generator().manual_seed(1)
    scene, truth = torch.randn(2, 1, 64, 64, generator=rng)
    estimates = torch.cat((scene + 0.1 * truth, scene - 0.1 * truth))
    energy = (estimates.square().mean() / truth.square().mean()) ** 0.5
    found = ring_correlations(estimates, truth).numpy()
    np.testing.assert_allclose(found, 0.1 / float(energy), rtol=0.2)


def test_parts_of_the_pattern_loss_add_up():
    """What the shipped recipe asks for, put together from correlations by numpy."""
    rng = torch.Generator().manual_seed(2)
    pattern = torch.randn(2, 16, 16, generator=rng)
    intensity = torch.rand(2, 3, 16, 16, generator=rng) * 0.5
    residual = 0.01 * torch.randn(2, 3, 16, 16, generator=rng)
    fingerprints = losses.single_photo_fingerprint(intensity, residual).numpy()

    def ncc(a, b):
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    whole = np.array([ncc(f, k) for f, k in zip(fingerprints, pattern.numpy(), strict=True)])
    shown = (intensity * pattern[:, None]).numpy()
    planes = np.array([[ncc(residual[n, p], shown[n, p]) for p in range(3)] for n in range(2)])
    common = float(losses.common_share(residual))
    weight = 1 / (np.maximum(whole, 0) + 0.02)
    reached = whole + 0.2 * planes.mean(axis=1)

    def found(**parts):
        wanted = losses.PatternParts(twins=False, **parts)
        return float(losses.pattern_loss(intensity, residual, pattern, wanted))

    assert found() == pytest.approx(common - (weight * reached).mean(), rel=1e-4)
    assert found(common=0) == pytest.approx(-(weight * reached).mean(), rel=1e-4)
    assert found(own_plane=0) == pytest.approx(common - (weight * whole).mean(), rel=1e-4)
    assert found(even=True) == pytest.approx(common - weight.mean() * reached.mean(), rel=1e-4)


def test_what_triplets_are_made_of():
    pairs = take_pairs(1, 64)
    photos = pairs.planes.reshape(8, 3, 64, 64)
    assert len(np.unique(photos.reshape(8, -1), axis=0)) == 8
    assert 0 <= photos.min() < photos.max() <= 1
    assert pairs.level.shape == (1, 4, 2)
    assert pairs.level.min() > 0


def test_differences_are_paired_by_shot():
    """Shots differ far more than recipes do: unpaired, the interval would be a hundred times so."""
    shots = np.random.default_rng(1).normal(0, 1, 64)
    more = np.random.default_rng(2).normal(0.05, 0.01, 64)
    found = paired(shots + more, shots)
    assert found.value == pytest.approx(more.mean())
    half = 1.96 * more.std(ddof=1) / 8
    assert found.interval.low == pytest.approx(more.mean() - half, abs=0.2 * half)
    assert found.interval.high == pytest.approx(more.mean() + half, abs=0.2 * half)
