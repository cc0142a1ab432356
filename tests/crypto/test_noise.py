"""The noise budget after each step, as crypto/README.md states it, and honest openings."""

import numpy as np

from grainseal.crypto import masking
from grainseal.crypto.masking import Mask, mask_comparison, unmask_score
from grainseal.crypto.profiles import AUTH_JPEG_V1
from grainseal.crypto.sampling import centred_binomial, ternary, uniform_below
from grainseal.crypto.seal import ring_for


def budgets(device, template, probe):
    """Step and noise budget in bits, in the order of M1–M5, worst mask and weights."""
    ring, secret = ring_for(device.profile.ring), device.key._secret_ring
    keys = device.keys
    probe = [masking._refreshed(ring, keys.zero, each) for each in probe]
    product = ring.product(template[0], probe[0])
    for t, p in zip(template[1:], probe[1:], strict=True):
        product = ring.add(product, ring.product(t, p))
    relinearised = ring.relinearise(product, keys.relin)
    deviations = [ring.relinearise(ring.minus_one(ring.square(p)), keys.relin) for p in probe]
    t = device.profile.ring.plain_modulus
    weighted = ring.times_plain(relinearised, masking._constant(ring, t // 2))
    total = weighted
    for d in deviations:
        total = ring.add(total, ring.from_ntt(masking._weighted(ring, ring.to_ntt(d))))
    last = ring.to_last_level(total)
    steps = [
        ("refreshed", probe[0]),
        ("product", product),
        ("relinearised", relinearised),
        ("sum R_k", total),
        ("last level", last),
        ("re-randomised", masking._refreshed(ring, keys.last_zero, last)),
    ]
    return [(name, secret.noise_budget(c)) for name, c in steps]


def test_noise_budget_holds(production, random_code):
    code = random_code(AUTH_JPEG_V1.length, 1)
    found = dict(budgets(production, production.load(code), production.load(code)))
    assert found["refreshed"] >= 70
    assert found["sum R_k"] >= 29
    assert found["last level"] >= 29
    # An honest opening is refused with probability at most K·2^-budget, here 2^-23.
    assert found["re-randomised"] >= 25


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
