"""Encrypted score = plaintext score, exactly; and what the opener and the server each see."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.masking import (
    Mask,
    MaskedSum,
    check_template,
    mask_comparison,
    mask_template_check,
    rounded,
    unmask_score,
)
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1, TESTING
from grainseal.crypto.seal import ring_for

few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def codes_with_agreement(length, agreement, seed):
    rng = np.random.default_rng(seed)
    template = rng.choice(np.array([-1, 1], np.int8), length)
    flips = rng.permutation(length) < length - agreement
    return template, np.where(flips, -template, template).astype(np.int8)


@few
@given(agreement=st.integers(0, AUTH_JPEG_V1.length), seed=st.integers(0, 2**32))
@pytest.mark.parametrize("which", ["device", "production"])
def test_encrypted_score_is_the_plaintext_score(request, which, agreement, seed):
    device = request.getfixturevalue(which)
    n = device.profile.length
    template, probe = codes_with_agreement(n, agreement % (n + 1), seed)
    sums, masks = mask_comparison(
        device.profile, device.keys, device.load(template), device.load(probe)
    )
    score = unmask_score(device.profile, masks, device.key.open(sums))
    assert score == int(template.astype(int) @ probe.astype(int))


def test_honest_template_passes_its_check(production, random_code):
    template = production.load(random_code(production.profile.length, 1))
    sums, masks = mask_template_check(production.profile, production.keys, template)
    check_template(production.profile, masks, production.key.open(sums))


@pytest.mark.parametrize("value", [0, 2, -3, 50])
def test_one_slot_that_is_not_a_sign_is_refused(device, random_code, value):
    slots = random_code(TESTING.length, 2).astype(np.int64)
    template = device.load(slots.astype(np.int8))
    slots[1234] = value
    crooked = device.encrypt_slots(slots)
    sums, masks = mask_template_check(TESTING, device.keys, crooked)
    with pytest.raises(VerificationFailed, match="not ±1"):
        check_template(TESTING, masks, device.key.open(sums))
    sums, masks = mask_comparison(TESTING, device.keys, template, crooked)
    with pytest.raises(VerificationFailed):
        unmask_score(TESTING, masks, device.key.open(sums))


@pytest.mark.parametrize("factor", [2, 50, -50, 1 << 15])
def test_scaled_probe_is_refused(device, random_code, factor):
    template = random_code(TESTING.length, 3)
    scaled = device.encrypt_slots(template.astype(np.int64) * factor)
    sums, masks = mask_comparison(TESTING, device.keys, device.load(template), scaled)
    with pytest.raises(VerificationFailed):
        unmask_score(TESTING, masks, device.key.open(sums))


def unmasked(masks, opened):
    """What the sums say before a factor is taken off."""
    t = TESTING.ring.plain_modulus
    return [(y - mask.offset) % t for mask, y in zip(masks, opened, strict=True)]


def test_weights_are_fresh_for_every_sum_and_answer(device, random_code):
    """One wrong slot shows its weight: shared or known weights would repeat (M3)."""
    slots = random_code(TESTING.length, 21).astype(np.int64)
    slots[1234] = 3
    crooked = device.encrypt_slots(slots)
    seen = []
    for _ in range(3):
        sums, masks = mask_template_check(TESTING, device.keys, crooked)
        seen += unmasked(masks, device.key.open(sums))
    assert len(set(seen)) == 9  # of a million values: a repetition has p = 4e-5


def test_two_wrong_slots_do_not_cancel(device, random_code):
    """Weights differ from slot to slot: deviations of +8 and −8 are not one weight times zero."""
    slots = random_code(TESTING.length, 22).astype(np.int64)
    t = TESTING.ring.plain_modulus
    root = next(r for r in range(2, t) if pow(r, 2, t) == t - 7)  # r² − 1 = −8
    slots[5], slots[6] = 3, root if root < t // 2 else root - t
    sums, masks = mask_template_check(TESTING, device.keys, device.encrypt_slots(slots))
    with pytest.raises(VerificationFailed):
        check_template(TESTING, masks, device.key.open(sums))


def test_opener_that_scales_every_sum_is_refused(device, random_code):
    """Without U (M6) one constant on all sums would scale the score to any wish."""
    t = TESTING.ring.plain_modulus
    template, probe = random_code(TESTING.length, 23), random_code(TESTING.length, 24)
    true = int(template.astype(int) @ probe.astype(int))
    scale = 2000 * pow(true, -1, t) % t
    sums, masks = mask_comparison(TESTING, device.keys, device.load(template), device.load(probe))
    opened = device.key.open(sums)
    with pytest.raises(VerificationFailed):
        unmask_score(TESTING, masks, [y * scale % t for y in opened])
    # and it would have been believed: the same on sums whose masks are taken off
    bare = [Mask(mask.factor, 0) for mask in masks]
    assert unmask_score(TESTING, bare, [y * scale % t for y in unmasked(masks, opened)]) == 2000


@few
@given(shifts=st.lists(st.integers(0, TESTING.ring.plain_modulus - 1), min_size=3, max_size=3))
def test_lying_opener_is_refused(device, random_code, shifts):
    template, probe = random_code(TESTING.length, 4), random_code(TESTING.length, 5)
    sums, masks = mask_comparison(TESTING, device.keys, device.load(template), device.load(probe))
    opened = device.key.open(sums)
    lie = [(y + d) % TESTING.ring.plain_modulus for y, d in zip(opened, shifts, strict=True)]
    if lie == opened:
        return
    with pytest.raises(VerificationFailed):
        unmask_score(TESTING, masks, lie)


def test_a_lie_about_one_sum_is_refused_at_enrolment(device, random_code):
    sums, masks = mask_template_check(TESTING, device.keys, device.load(random_code(8192, 6)))
    opened = device.key.open(sums)
    for k in range(TESTING.openings):
        lie = [*opened[:k], (opened[k] + 1) % TESTING.ring.plain_modulus, *opened[k + 1 :]]
        with pytest.raises(VerificationFailed):
            check_template(TESTING, masks, lie)


@pytest.mark.parametrize("opened", [[], [0, 0], [0, 0, 0, 0], [0, 0, 1032193], [-1, 0, 0]])
def test_malformed_openings_are_named_so(opened):
    masks = [Mask(1, 0)] * 3
    with pytest.raises(MalformedMessage, match="an opening is 3 integers"):
        unmask_score(TESTING, masks, opened)
    with pytest.raises(MalformedMessage):
        check_template(TESTING, masks, opened)


def test_score_must_be_possible():
    # 3·n⁻¹-type sums that agree with each other yet are no inner product of two codes
    t, n = TESTING.ring.plain_modulus, TESTING.ring.degree
    masks = [Mask(a, 0) for a in (1, 2, 3)]
    for impossible in (1, TESTING.length + 2, -TESTING.length - 2):
        opened = [a * impossible * pow(n, -1, t) % t for a in (1, 2, 3)]
        with pytest.raises(VerificationFailed, match="no possible score"):
            unmask_score(TESTING, masks, opened)


def test_another_device_key_opens_nothing(device, random_code):
    stranger = HomomorphicKey(TESTING)
    code = device.load(random_code(8192, 7))
    sums, masks = mask_comparison(TESTING, device.keys, code, code)
    with pytest.raises(VerificationFailed):
        unmask_score(TESTING, masks, stranger.open(sums))


def test_key_survives_storage(device, random_code):
    code = device.load(random_code(8192, 8))
    sums, masks = mask_comparison(TESTING, device.keys, code, code)
    again = HomomorphicKey(TESTING, device.key.secret())
    assert unmask_score(TESTING, masks, again.open(sums)) == TESTING.length


def test_rounding_matches_the_decryptor(device):
    """SEAL's decryption of (x, c1) is round(t·x'/q0) as `rounded` computes it with integers."""
    q0, t, n = TESTING.ring.last_prime, TESTING.ring.plain_modulus, TESTING.ring.degree
    rng = np.random.default_rng(9)
    ring = ring_for(TESTING.ring)
    secret_ring = device.key._secret_ring
    words = np.zeros((2, n), np.uint64)
    words[1] = rng.integers(0, q0, n, np.uint64)
    base = secret_ring.constant_coefficient(ring.last_level_ciphertext(words))
    for x in [int(v) for v in rng.integers(0, q0, 50, np.uint64)]:
        words[0, 0] = x
        got = secret_ring.constant_coefficient(ring.last_level_ciphertext(words))
        # both roundings and the base's are within one of each other
        assert (got - base - rounded(x, t, q0) + 1) % t <= 2


def test_misuse_is_named(device):
    with pytest.raises(MisuseError, match="8192 times ±1"):
        device.key.encrypt(np.zeros(8192, np.int8))
    with pytest.raises(MisuseError, match="8192 times ±1"):
        device.key.encrypt(np.ones(100, np.int8))
    with pytest.raises(MisuseError, match="not a homomorphic secret key"):
        HomomorphicKey(TESTING, b"nonsense")


@pytest.mark.parametrize(
    "sums",
    [
        [],
        [MaskedSum(b"\0" * 65536, 0)] * 3,
        [MaskedSum(b"\1" * 65535, 0)] * 3,
        [MaskedSum(b"\xff" * 65536, 0)] * 3,
        [MaskedSum(b"\1" * 65536, TESTING.ring.last_prime)] * 3,
    ],
)
def test_device_refuses_malformed_sums(device, sums):
    with pytest.raises(MalformedMessage):
        device.key.open(sums)
