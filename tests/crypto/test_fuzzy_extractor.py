"""Keys from codes: they come back, from nothing else, and changed helper data gives none."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.fuzzy_extractor import generate, reproduce
from grainseal.crypto.helper_data import HelperData, enrolment_keys, profile_of
from grainseal.crypto.profiles import FUZZY_PROFILES, FUZZY_TESTING, FuzzyProfile
from grainseal.crypto.sketch import bits_of, codeword_ratios, packed, sketch_of, unpacked
from grainseal.models.codes import code_for, encode, keyed_mask, keyed_order

PROFILE = FUZZY_TESTING
SECRET, SEED = bytes(range(32)), bytes(range(32, 64))
OTHER_SECRET = bytes(range(1, 33))
FRAME, POSITIONS = (512, 512), bytes([0xF0]) * 2048


def code_of(profile: FuzzyProfile, seed: int) -> np.ndarray:
    return (1 - 2 * np.random.default_rng(seed).integers(0, 2, profile.length)).astype(np.int8)


def noisy(profile: FuzzyProfile, code: np.ndarray, error: float, seed: int = 9) -> np.ndarray:
    """Soft decisions of unit noise with about that share of wrong signs."""
    from scipy.stats import norm

    return norm.isf(error) * code + np.random.default_rng(seed).standard_normal(profile.length)


CODE = code_of(PROFILE, 1)


@pytest.fixture(scope="module")
def made() -> tuple[bytes, HelperData]:
    return generate(PROFILE, CODE, SECRET, SEED, FRAME, POSITIONS)


@pytest.mark.parametrize(
    ("name", "error", "bits"),
    [("FUZZY_V1", 0.43, 128), ("FUZZY_MAX_V1", 0.37, 256), ("FUZZY_TESTING", 0.40, 128)],
)
def test_the_key_comes_back_from_noisy_codes(name, error, bits):
    profile = FUZZY_PROFILES[name]
    code = code_of(profile, 2)
    key, helper = generate(profile, code, SECRET, SEED, FRAME, POSITIONS)
    assert len(key) == bits // 8
    for seed in range(3):
        assert reproduce(helper, noisy(profile, code, error, seed), SECRET) == key
        assert reproduce(helper, 1e6 * noisy(profile, code, error, seed), SECRET) == key


def test_nothing_else_gives_a_key(made):
    _, helper = made
    silence = np.zeros(PROFILE.length)
    loud = np.full(PROFILE.length, 1e300)
    strangers = [noisy(PROFILE, code_of(PROFILE, seed), 0.01) for seed in range(2, 8)]
    for soft in (silence, loud, -noisy(PROFILE, CODE, 0.01), *strangers):
        with pytest.raises(VerificationFailed):
            reproduce(helper, soft, SECRET)
    with pytest.raises(VerificationFailed):
        reproduce(helper, noisy(PROFILE, CODE, 0.48), SECRET)


def test_the_code_without_the_device_secret_gives_no_key(made):
    """Helper data and a perfect reading of the camera, even with the box open."""
    _, helper = made
    with pytest.raises(VerificationFailed, match="another device secret"):
        HelperData.from_bytes(helper.to_bytes(SECRET), OTHER_SECRET)
    with pytest.raises(VerificationFailed, match="no key"):
        reproduce(helper, CODE.astype(float), OTHER_SECRET)


def test_every_enrolment_has_its_own_key(made):
    key, _ = made
    again, helper = generate(PROFILE, CODE, SECRET, SEED[::-1], FRAME, POSITIONS)
    assert again != key
    with pytest.raises(VerificationFailed):
        reproduce(replace(helper, seed=SEED), CODE.astype(float), SECRET)


def test_helper_data_survives_its_bytes(made):
    _, helper = made
    data = helper.to_bytes(SECRET)
    assert HelperData.from_bytes(data, SECRET) == helper
    assert profile_of(data) == PROFILE


def test_every_flipped_bit_of_the_file_is_detected(made):
    """All of them, one by one, before any photo is asked for."""
    data = bytearray(made[1].to_bytes(SECRET))
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            with pytest.raises((MalformedMessage, VerificationFailed)):
                HelperData.from_bytes(bytes(data), SECRET)
            data[at] ^= 1 << bit


def test_every_cut_of_the_file_is_detected(made):
    data = made[1].to_bytes(SECRET)
    for length in range(len(data)):
        with pytest.raises((MalformedMessage, VerificationFailed)):
            HelperData.from_bytes(data[:length], SECRET)


@given(
    field=st.sampled_from(["seed", "positions", "sketch", "tag"]),
    at=st.integers(0, 2**20),
    bit=st.integers(0, 7),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_bit_changed_inside_the_box_gives_no_key(made, field, at, bit):
    """By somebody who has the device secret and can seal it again, with the camera at hand."""
    _, helper = made
    value = bytearray(getattr(helper, field))
    value[at % len(value)] ^= 1 << bit
    with pytest.raises(VerificationFailed):
        reproduce(replace(helper, **{field: bytes(value)}), CODE.astype(float), SECRET)


def test_a_changed_frame_or_a_moved_sketch_gives_no_key(made):
    _, helper = made
    other = np.repeat(PROFILE.outer.encode(np.ones(128, np.uint8)), PROFILE.repetition)
    moved = packed(unpacked(helper.sketch, PROFILE.length) ^ other)
    for changed in (replace(helper, frame=(256, 1024)), replace(helper, sketch=moved)):
        with pytest.raises(VerificationFailed):
            reproduce(changed, CODE.astype(float), SECRET)


def test_what_is_no_helper_data_is_refused(made):
    _, helper = made
    short = replace(helper, sketch=helper.sketch[:-1]).to_bytes(SECRET)
    with pytest.raises(MalformedMessage, match="wrong lengths"):
        HelperData.from_bytes(short, SECRET)
    unknown = helper.to_bytes(SECRET).replace(b"FUZZY_TESTING", b"FUZZY_TESTINK")
    with pytest.raises(MalformedMessage, match="unknown profile"):
        profile_of(unknown)
    with pytest.raises(MalformedMessage):
        profile_of(b"a photo")


def test_misuse_is_named(made):
    _, helper = made
    with pytest.raises(MisuseError, match="8192 signs"):
        generate(PROFILE, CODE[:-1], SECRET, SEED, FRAME, POSITIONS)
    with pytest.raises(MisuseError, match="8192 signs"):
        generate(PROFILE, CODE * 0, SECRET, SEED, FRAME, POSITIONS)
    with pytest.raises(MisuseError, match="32 bytes"):
        reproduce(helper, CODE.astype(float), SECRET[:-1])
    with pytest.raises(MisuseError, match="32 bytes"):
        enrolment_keys(PROFILE, SECRET, SEED[:-1])
    with pytest.raises(MisuseError, match="8192 soft"):
        reproduce(helper, np.full(PROFILE.length, np.nan), SECRET)


def readings(count: int) -> list[np.ndarray]:
    """Codes of one camera's bursts: a quarter of the signs differ between any two."""
    rng = np.random.default_rng(5)
    pattern = rng.standard_normal(PROFILE.length)
    return [
        np.where(pattern + rng.standard_normal(PROFILE.length) < 0, -1, 1).astype(np.int8)
        for _ in range(count)
    ]


def test_two_enrolments_of_one_camera_look_like_two_cameras():
    """Without the device secret: 200 pairs of boxes, half of them of the same camera."""

    def box(code: np.ndarray, number: int) -> np.ndarray:
        seed = number.to_bytes(32, "big")
        data = generate(PROFILE, code, SECRET, seed, FRAME, POSITIONS)[1].to_bytes(SECRET)
        start = data.index(seed) + 36
        return np.unpackbits(np.frombuffer(data[start:], np.uint8))

    same, strangers = readings(101), [code_of(PROFILE, seed) for seed in range(50, 151)]
    scores = []
    for codes, first in ((same, 0), (strangers, 1000)):
        boxes = [box(code, first + number) for number, code in enumerate(codes)]
        size = boxes[0].size
        differing = np.array([np.sum(a != b) for a, b in pairwise(boxes)])
        scores.append((differing - size / 2) / (size / 4) ** 0.5)
    linked, unlinked = scores
    # Means of 100 scores are N(0, .1) each, if the boxes are random; five deviations.
    assert abs(linked.mean()) < 0.5
    assert abs(unlinked.mean()) < 0.5
    assert max(np.abs(linked).max(), np.abs(unlinked).max()) < 5


def test_with_the_device_secret_only_the_keyed_order_keeps_two_sketches_apart():
    """The attack that separate transforms are for: it works on one order and fails on two.

    The sum of two sketches of one camera is a noisy codeword of the sum of their messages if both
    put the code in one order.
    """
    first, second = readings(2)
    a, b = (np.random.default_rng(s).integers(0, 2, 128, np.uint8) for s in (7, 8))
    truth = PROFILE.outer.encode(a ^ b)
    order = np.random.default_rng(6).permutation(PROFILE.length)

    def related(one: bytes, other: np.ndarray) -> bool:
        difference = unpacked(one, PROFILE.length) ^ other
        ratios = codeword_ratios(PROFILE, difference, np.ones(PROFILE.length))
        return bool((PROFILE.outer.decode(ratios[None], 32)[0][0] == truth).all(axis=1).any())

    one = sketch_of(PROFILE, first, a)
    same_order = unpacked(sketch_of(PROFILE, second, b), PROFILE.length)
    assert related(one, same_order)
    # The attacker knows the second order, and puts the bits back into the first one's.
    own_order = unpacked(sketch_of(PROFILE, second[order], b), PROFILE.length)
    back = np.empty_like(own_order)
    back[order] = own_order
    assert not related(one, back)


def solutions(matrix: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    """All x with matrix·x = right over GF(2), of a system that has few: Gaussian elimination."""
    rows = np.concatenate([matrix, right[:, None]], axis=1)
    unknowns, pivots = matrix.shape[1], []
    for column in range(unknowns):
        found = np.flatnonzero(rows[len(pivots) :, column])
        if not found.size:
            continue
        here = len(pivots)
        rows[[here, here + found[0]]] = rows[[here + found[0], here]]
        others = np.flatnonzero(rows[:, column])
        rows[others[others != here]] ^= rows[here]
        pivots.append(column)
    free = [column for column in range(unknowns) if column not in pivots]
    assert len(free) <= 4
    assert not rows[len(pivots) :, -1].any(), "there is no solution"
    answers = []
    for number in range(2 ** len(free)):
        x = np.zeros(unknowns, np.uint8)
        x[free] = [number >> bit & 1 for bit in range(len(free))]
        x[pivots] = rows[: len(pivots), -1] ^ (rows[: len(pivots), free] @ x[free] & 1)
        answers.append(x)
    return answers


def test_two_keys_of_the_same_photos_give_both_away():
    """Why no photo may make two keys: with the device secret, no camera, seconds of algebra.

    Taken back into one order, the two sketches differ by a sum of two codewords, without noise: as
    many equations as the code has signs, for twice the bits of a message.
    """
    spec = code_for(PROFILE.name)
    signs = np.random.default_rng(11).standard_normal(PROFILE.length).astype(np.float32)
    everything = np.arange(PROFILE.length, dtype=np.uint32)
    generator = PROFILE.outer.encode(np.eye(PROFILE.message_bits, dtype=np.uint8))
    keys, helpers, sketches, columns = [], [], [], []
    for seed in (SEED, SEED[::-1]):
        code_key = enrolment_keys(PROFILE, SECRET, seed).code_key
        code = encode(signs, everything, spec, code_key)
        key, helper = generate(PROFILE, code, SECRET, seed, FRAME, POSITIONS)
        keys.append(key)
        helpers.append(helper)
        # What the thief of vault and key files has: seeds and sketches, so the keyed orders too.
        order = keyed_order(spec, code_key)
        sketches.append(np.empty(PROFILE.length, np.uint8))
        sketches[-1][order] = unpacked(helper.sketch, PROFILE.length)
        sketches[-1] ^= bits_of(keyed_mask(spec, code_key))
        columns.append(np.empty((PROFILE.length, PROFILE.message_bits), np.uint8))
        columns[-1][order] = np.repeat(generator, PROFILE.repetition, axis=1).T
    assert keys[0] != keys[1]
    stolen = []
    for messages in solutions(np.concatenate(columns, axis=1), sketches[0] ^ sketches[1]):
        found = sketches[0] ^ columns[0] @ messages[: PROFILE.message_bits] & 1
        features = (1 - 2.0 * found).astype(np.float32)
        for helper in helpers:
            code_key = enrolment_keys(PROFILE, SECRET, helper.seed).code_key
            code = encode(features, everything, spec, code_key)
            with suppress(VerificationFailed):
                stolen.append(reproduce(helper, code.astype(float), SECRET))
    assert stolen == keys
