"""The noise budget after each step, as crypto/README.md states it, and honest openings."""

from dataclasses import replace

import numpy as np
import pytest

from grainseal.crypto import claim_masking, masking
from grainseal.crypto.masking import Mask, mask_comparison, unmask_score
from grainseal.crypto.profiles import AUTH_JPEG_V1, CLAIM_MAX_V1, CLAIM_TESTING, CLAIM_V1
from grainseal.crypto.sampling import centred_binomial, ternary, uniform_below
from grainseal.crypto.seal import ring_for


def budgets(device, template, probe, copies=1):
    """Noise budget in bits after M1–M5 by step, worst mask and weights.

    `copies` is how often each block counts: equal blocks add up at least as much as others.
    """
    ring, keys = ring_for(device.profile.ring), device.keys
    product = checks = None
    for t, p in zip(template, probe, strict=True):
        refreshed = masking._refreshed(ring, keys.zero, p)
        product = ring.sum_of(product, ring.times_constant(ring.product(t, refreshed), copies))
        squared = ring.relinearise(ring.minus_one(ring.square(refreshed)), keys.relin)
        deviation = ring.to_ntt(squared)
        for _ in range(copies):
            checks = ring.sum_of(checks, masking._weighted(ring, deviation))
    relinearised = ring.relinearise(product, keys.relin)
    weighted = ring.times_constant(relinearised, device.profile.ring.plain_modulus // 2)
    total = ring.add(weighted, ring.from_ntt(checks))
    steps = {"refreshed": refreshed, "P": relinearised}
    return measured(device, steps | last_steps(device, total))


def last_steps(device, total):
    ring = ring_for(device.profile.ring)
    last = ring.to_last_level(total)
    rerandomised = masking._refreshed(ring, device.keys.last_zero, last)
    return {"R": total, "last level": last, "re-randomised": rerandomised}


def measured(device, steps):
    budget = device.key._secret_ring.noise_budget
    return {name: budget(ciphertext) for name, ciphertext in steps.items()}


def test_noise_budget_holds(production, random_code):
    code = random_code(AUTH_JPEG_V1.length, 1)
    found = budgets(production, production.load(code), production.load(code))
    assert found["refreshed"] >= 70
    assert found["R"] >= 29
    assert found["last level"] >= 29
    # An honest opening is refused with probability at most K·2^-budget, here 2^-23.
    assert found["re-randomised"] >= 25


@pytest.mark.parametrize(("profile", "held"), [(CLAIM_V1, 12), (CLAIM_MAX_V1, 11)])
def test_noise_budget_of_encrypted_comparisons_for_claims(claimant, random_code, profile, held):
    block = claimant.load(random_code(CLAIM_TESTING.length, 5))
    found = budgets(claimant, block, block, profile.blocks)
    assert found["refreshed"] >= 75
    assert found["R"] >= held
    # An honest check of a template is refused with probability at most K·2^-budget.
    assert found["re-randomised"] >= held


@pytest.mark.parametrize("profile", [CLAIM_V1, CLAIM_MAX_V1])
def test_noise_budget_of_public_probes(claimant, random_code, profile):
    """Again with equal blocks, of the largest probes and the largest factor."""
    device, ring = replace(claimant, profile=profile), ring_for(profile.ring)
    code = random_code(CLAIM_TESTING.length, 6)
    template = [ring.to_ntt(claimant.load(code)[0])] * profile.blocks
    probe = np.tile(7 * code, profile.blocks)
    product = claim_masking._product(ring, claimant.keys, template, probe, slice(0, profile.length))
    total = ring.times_constant(product, profile.ring.plain_modulus // 2)
    found = measured(device, {"P": product} | last_steps(device, total))
    assert found["P"] >= 50
    assert found["last level"] >= 24
    assert found["re-randomised"] >= 18


def test_honest_openings_agree_with_the_sums(production, random_code):
    template, probe = random_code(AUTH_JPEG_V1.length, 2), random_code(AUTH_JPEG_V1.length, 3)
    loaded = production.load(template), production.load(probe)
    expected = int(template.astype(int) @ probe.astype(int))
    for _ in range(20):
        sums, masks = mask_comparison(production.profile, production.keys, *loaded)
        assert unmask_score(production.profile, masks, production.key.open(sums)) == expected


def test_masks_are_fresh_for_every_sum(production, random_code):
    code = production.load(random_code(AUTH_JPEG_V1.length, 4))
    masks: list[Mask] = []
    for _ in range(5):
        masks += mask_comparison(production.profile, production.keys, code, code)[1]
    assert len({m.factor for m in masks}) >= 14  # 15 of a million: one collision is 1e-4
    assert all(m.factor != 0 for m in masks)


def test_sampling_is_uniform_and_of_the_stated_spread():
    t = AUTH_JPEG_V1.ring.plain_modulus
    values = uniform_below(t, 200_000)
    assert values.max() < t
    counts = np.histogram(values, bins=50, range=(0, t))[0]
    assert ((counts - 4000) ** 2 / 4000).sum() < 110  # 49 degrees of freedom, p = 1e-6
    signs = np.bincount(ternary(90_000) + 1)
    assert (np.abs(signs - 30_000) < 900).all()
    noise = centred_binomial(100_000)
    assert abs(noise.mean()) < 0.06
    assert abs(noise.std() - np.sqrt(10.5)) < 0.05
    assert np.abs(noise).max() <= 21
