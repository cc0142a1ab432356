"""Scores of public probes: exact, opened by nobody else, and not to be lied about."""

import secrets
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.crypto.conftest import make_device

from grainseal.crypto import seal
from grainseal.crypto.claim_masking import load_claim_template, mask_probe, mask_tiles
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.masking import (
    Mask,
    check_template,
    load_code,
    mask_comparison,
    mask_template_check,
    unmask_score,
    unmask_sum,
)
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import (
    CLAIM_MAX_V1,
    CLAIM_PROFILES,
    CLAIM_TESTING,
    CLAIM_V1,
    claim_profile_named,
    profile_named,
)

N, T = CLAIM_TESTING.length, CLAIM_TESTING.ring.plain_modulus
few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def random_probe(length, seed):
    """As a photo's: normal with a root mean square of 3, rounded, clipped."""
    values = np.random.default_rng(seed).normal(0, 3, length)
    return np.clip(np.rint(values), -7, 7).astype(np.int8)


def inner(code, probe):
    return int(code.astype(np.int64) @ probe)


def bound(probe):
    return int(np.abs(probe.astype(np.int64)).sum())


def enrolled(device, code):
    return load_claim_template(device.profile, device.key.encrypt(code))


def scored(device, template, probe, openings=2):
    sums, masks = mask_probe(device.profile, device.keys, template, probe, openings)
    opened = device.key.open(sums, openings)
    return unmask_sum(device.profile, masks, opened, bound(probe))


@pytest.fixture(scope="module")
def code():
    return np.random.default_rng(11).choice(np.array([-1, 1], np.int8), N)


@pytest.fixture(scope="module")
def template(claimant, code):
    return enrolled(claimant, code)


# Exact scores


@few
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1), openings=st.integers(1, 3))
def test_score_of_a_public_probe_is_the_plaintext_score(
    claimant, code, template, seed, share, openings
):
    rng = np.random.default_rng(seed)
    probe = np.abs(random_probe(N, seed)) * np.where(rng.random(N) < share, code, -code)
    if probe.any():
        assert scored(claimant, template, probe, openings) == inner(code, probe)


@pytest.mark.parametrize("sign", [-1, 1])
def test_extreme_probes(claimant, code, template, sign):
    probe = (sign * 7 * code).astype(np.int8)
    assert scored(claimant, template, probe) == sign * 7 * N
    one = np.zeros(N, np.int8)
    one[N - 1] = sign
    assert scored(claimant, template, one) == sign * int(code[N - 1])


@pytest.mark.parametrize("where", [slice(0, N), slice(3 * N // 16, 5 * N // 16)])
def test_tiles_are_the_sixteenths_and_add_up(claimant, code, template, where):
    """A copy that shows two tiles only has a sum of zero for the others."""
    probe = np.zeros(N, np.int8)
    probe[where] = random_probe(N, 3)[where]
    sums, masks = mask_tiles(CLAIM_TESTING, claimant.keys, template, probe)
    opened = claimant.key.open(sums, 16)
    parts, limits = [], probe.reshape(16, -1)
    for mask, y, part in zip(masks, opened, limits, strict=True):
        parts.append(unmask_sum(CLAIM_TESTING, [mask], [y], bound(part)))
    assert parts == [inner(*pair) for pair in zip(code.reshape(16, -1), limits, strict=True)]
    assert sum(parts) == inner(code, probe)
    assert len({s.c1 for s in sums}) == len({s.c0 for s in sums}) == 16


def test_claim_v1_is_exact(random_code):
    """At 2^18, the size of real claims: sixteen blocks, of which each is a tile."""
    device = make_device(CLAIM_V1)
    code, probe = random_code(CLAIM_V1.length, 1), random_probe(CLAIM_V1.length, 2)
    template = enrolled(device, code)
    assert scored(device, template, probe) == inner(code, probe)
    assert scored(device, template, 7 * code) == 7 * CLAIM_V1.length
    sums, masks = mask_tiles(CLAIM_V1, device.keys, template, probe)
    opened = device.key.open(sums, 16)
    parts = [
        unmask_sum(CLAIM_V1, [m], [y], bound(probe)) for m, y in zip(masks, opened, strict=True)
    ]
    assert parts[5] == inner(code.reshape(16, -1)[5], probe.reshape(16, -1)[5])
    assert sum(parts) == inner(code, probe)
    # a registration's private check: two encrypted codes, one sum
    loaded, other = device.load(code), random_code(CLAIM_V1.length, 3)
    sums, masks = mask_comparison(CLAIM_V1, device.keys, loaded, device.load(other), 1)
    assert unmask_score(CLAIM_V1, masks, device.key.open(sums, 1)) == inner(code, other)
    sums, masks = mask_template_check(CLAIM_V1, device.keys, loaded)
    check_template(CLAIM_V1, masks, device.key.open(sums))


def test_claim_max_v1_is_exact(random_code):
    """At 2^20, where the largest sum comes nearest to t/2 and a tile has four blocks."""
    device = make_device(CLAIM_MAX_V1)
    code = random_code(CLAIM_MAX_V1.length, 1)
    template = enrolled(device, code)
    assert scored(device, template, -7 * code) == -7 * CLAIM_MAX_V1.length
    probe = random_probe(CLAIM_MAX_V1.length, 2)
    sums, masks = mask_tiles(CLAIM_MAX_V1, device.keys, template, probe)
    part = slice(15 * 2**16, 2**20)
    last = unmask_sum(CLAIM_MAX_V1, masks[15:], device.key.open(sums, 16)[15:], bound(probe[part]))
    assert last == inner(code[part], probe[part])


def test_memory_does_not_grow_with_the_blocks(claimant, code, monkeypatch):
    """What lives at once while codes of two and of eight blocks are compared."""
    alive, peak = weakref.WeakSet(), [0]
    make = seal.sealapi.Ciphertext

    def counted():
        made = make()
        alive.add(made)
        peak[0] = max(peak[0], len(alive))
        return made

    block = claimant.load(code)
    monkeypatch.setattr(seal.sealapi, "Ciphertext", counted)

    def peak_of(blocks):
        profile = replace(CLAIM_TESTING, length=blocks * N)
        peak[0] = 0
        mask_comparison(profile, claimant.keys, block * blocks, block * blocks)
        mask_template_check(profile, claimant.keys, block * blocks)
        return peak[0]

    assert 3 < peak_of(2) == peak_of(8)


# Lies


def opened_probe(claimant, template, probe):
    sums, masks = mask_probe(CLAIM_TESTING, claimant.keys, template, probe, 2)
    return claimant.key.open(sums), masks


def test_a_changed_opening_is_refused(claimant, template):
    probe = random_probe(N, 5)
    opened, masks = opened_probe(claimant, template, probe)
    for k in range(2):
        lie = [*opened]
        lie[k] = (lie[k] + 1 + secrets.randbelow(T - 1)) % T
        with pytest.raises(VerificationFailed, match="contradict"):
            unmask_sum(CLAIM_TESTING, masks, lie, bound(probe))


def test_a_consistent_lie_needs_the_factors(claimant, code, template):
    """Who knew the a_k could move the score to any wish; who guesses them is refused."""
    probe = random_probe(N, 6)
    opened, masks = opened_probe(claimant, template, probe)
    wish = bound(probe) // 2
    shift = (wish - inner(code, probe)) * pow(N, -1, T)
    known = [(y + m.factor * shift) % T for y, m in zip(opened, masks, strict=True)]
    assert unmask_sum(CLAIM_TESTING, masks, known, bound(probe)) == wish
    for _ in range(50):
        guess = [1 + secrets.randbelow(T - 1) for _ in opened]
        lie = [(y + a * shift) % T for y, a in zip(opened, guess, strict=True)]
        with pytest.raises(VerificationFailed):
            unmask_sum(CLAIM_TESTING, masks, lie, bound(probe))


def test_scaling_every_sum_is_refused(claimant, code, template):
    probe = random_probe(N, 7)
    opened, masks = opened_probe(claimant, template, probe)
    scale = 20_000 * pow(inner(code, probe), -1, T) % T
    with pytest.raises(VerificationFailed):
        unmask_sum(CLAIM_TESTING, masks, [y * scale % T for y in opened], bound(probe))


@pytest.mark.parametrize("profile", CLAIM_PROFILES.values(), ids=lambda p: p.name)
def test_a_lie_is_believed_as_seldom_as_promised(profile):
    t, largest = profile.ring.plain_modulus, profile.largest_probe * profile.length
    assert t > 2 * largest, "a score must be readable from its residue"
    high = {2**14: 45, 2**18: 180, 2**20: 360}[profile.length]
    window = high * 3 * profile.length**0.5
    assert window / (t - 1) ** profile.openings <= 2**-29
    assert t**-profile.openings <= 2**-49, "a template that is not ±1"


def test_another_key_s_template_gives_no_score(claimant, code):
    stranger = HomomorphicKey(CLAIM_TESTING)
    template = load_claim_template(CLAIM_TESTING, stranger.encrypt(code))
    for _ in range(3):
        with pytest.raises(VerificationFailed):
            scored(claimant, template, (3 * code).astype(np.int8))


def test_the_score_of_codes_is_checked_for_parity_and_range():
    masks = [Mask(1, 0), Mask(2, 0)]
    for score, limit, fits in ((7, 7, True), (-7, 7, True), (8, 7, False), (0, 0, True)):
        opened = [m.factor * score * pow(N, -1, T) % T for m in masks]
        if fits:
            assert unmask_sum(CLAIM_TESTING, masks, opened, limit) == score
        else:
            with pytest.raises(VerificationFailed, match="no possible score"):
                unmask_sum(CLAIM_TESTING, masks, opened, limit)


# Noise of a device's choice in the enrolled template


def half_moduli(key, code):
    """An encryption of the code whose noise is q/2 at the coefficients 0 and n/2."""
    p, wire = CLAIM_TESTING.ring, bytearray(key.encrypt(code))
    half = p.data_primes[0] * p.data_primes[1] // 2
    for i, prime in enumerate(p.data_primes):
        for at in (0, p.degree // 2):
            place = slice(8 * (p.degree * i + at), 8 * (p.degree * i + at) + 8)
            word = (int.from_bytes(wire[place], "little") + half) % prime
            wire[place] = word.to_bytes(8, "little")
    return bytes(wire)


def test_noise_of_half_the_modulus_passes_by_luck_and_moves_no_score(claimant, code):
    """The square of 1 + X^(n/2) is even: the check sees half of t, and an even weight hides it."""
    wire = half_moduli(claimant.key, code)
    loaded, template = load_code(CLAIM_TESTING, wire), load_claim_template(CLAIM_TESTING, wire)
    passed = set()
    for _ in range(60):  # a quarter of them passes: in none of 60 has p = 3e-8
        sums, masks = mask_template_check(CLAIM_TESTING, claimant.keys, loaded)
        try:
            check_template(CLAIM_TESTING, masks, claimant.key.open(sums))
            passed.add(True)
        except VerificationFailed:
            passed.add(False)
        if len(passed) == 2:
            break
    assert passed == {True, False}
    scores = []
    for seed in range(16):
        probe = random_probe(N, seed)
        try:
            scores.append(scored(claimant, template, probe) == inner(code, probe))
        except VerificationFailed:
            continue
    # an even sum of the two coefficients always, an odd one for even factors: 5 of 8
    assert scores
    assert all(scores)


# What the service learns


def test_scores_tell_a_template_by_the_root_of_their_number():
    """J scores of strangers' photos, exact ones: a guess that agrees by √(J/N), z = √J."""
    rng, count = np.random.default_rng(8), 200
    for length in (N, 4 * N):
        template = rng.choice(np.array([-1.0, 1.0]), length)
        probes = rng.normal(0, 3, (count, length)).astype(np.float32)
        scores = probes @ template / np.linalg.norm(probes, axis=1)
        guess = (scores / np.linalg.norm(probes, axis=1)) @ probes
        z = guess @ template / np.linalg.norm(guess)
        assert abs(z - count**0.5) < 3
        quarters = np.round(scores * 4) / 4
        guess = (quarters / np.linalg.norm(probes, axis=1)) @ probes
        assert abs(guess @ template / np.linalg.norm(guess) - z) < 0.2


# Misuse


@pytest.mark.parametrize(
    "probe",
    [
        np.zeros(N, np.int8),
        np.full(N, 8, np.int8),
        np.full(N, -128, np.int8),
        np.ones(N - 1, np.int8),
        np.ones((2, N // 2), np.int8),
        np.ones(N, np.int64),
        np.ones(N, np.float32),
    ],
)
def test_probes_that_are_none(claimant, template, probe):
    with pytest.raises(MisuseError, match="probe"):
        mask_probe(CLAIM_TESTING, claimant.keys, template, probe, 2)
    if probe.any():
        with pytest.raises(MisuseError, match="probe"):
            mask_tiles(CLAIM_TESTING, claimant.keys, template, probe)


def test_misuse_is_named(claimant, code, template):
    probe = random_probe(N, 1)
    coefficients = claimant.load(code)
    for wrong in ([], template * 2, coefficients):
        with pytest.raises(MisuseError, match="1 blocks of CLAIM_TESTING, by load_claim_template"):
            mask_probe(CLAIM_TESTING, claimant.keys, wrong, probe, 2)
    for wrong in ([], coefficients * 2, template):
        with pytest.raises(MisuseError, match="by load_code"):
            mask_comparison(CLAIM_TESTING, claimant.keys, wrong, coefficients)
        with pytest.raises(MisuseError, match="by load_code"):
            mask_template_check(CLAIM_TESTING, claimant.keys, wrong)
    with pytest.raises(MisuseError, match="at least one sum"):
        mask_probe(CLAIM_TESTING, claimant.keys, template, probe, 0)
    with pytest.raises(MisuseError, match="at least one sum"):
        mask_comparison(CLAIM_TESTING, claimant.keys, coefficients, coefficients, 0)
    for masks, limit in (([Mask(1, 0)], T), ([Mask(1, 0)], -1), ([], 5)):
        with pytest.raises(MisuseError, match="bound"):
            unmask_sum(CLAIM_TESTING, masks, [0] * len(masks), limit)


@pytest.mark.parametrize("opened", [[], [1], [1, 2, 3], [1, T], [-1, 0]])
def test_openings_that_are_none(opened):
    with pytest.raises(MalformedMessage, match="an opening is 2 integers"):
        unmask_sum(CLAIM_TESTING, [Mask(1, 0)] * 2, opened, 5)


def test_the_device_opens_as_many_sums_as_it_expects(claimant, template):
    sums, _ = mask_probe(CLAIM_TESTING, claimant.keys, template, random_probe(N, 1), 3)
    assert len(claimant.key.open(sums, 3)) == 3
    for count in (None, 2, 4):
        with pytest.raises(MalformedMessage, match="expected"):
            claimant.key.open(sums, count)


def test_profiles_by_name():
    assert claim_profile_named("CLAIM_V1") is CLAIM_V1
    with pytest.raises(MisuseError, match="CLAIM_MAX_V1"):
        claim_profile_named("AUTH_JPEG_V1")
    with pytest.raises(MisuseError, match="AUTH_JPEG_V1"):
        profile_named("CLAIM_V1")
