"""Codes: features, reliability, keyed signs; reproducible on any platform."""

import hashlib
import hmac

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from grainseal.models.codes import (
    CODES,
    CodeError,
    CodeSpec,
    band_pass,
    block_sums,
    code_for,
    encode,
    features,
    keyed_mask,
    keyed_order,
    require_frame,
    require_same_frame,
    select_positions,
)
from grainseal.models.fingerprint import Fingerprint

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
TESTING = code_for("TESTING")
SMALL = CodeSpec("SMALL", "developed", "wavelet", length=4, step=2, band=None)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_block_sums_drop_incomplete_blocks():
    values = np.arange(35, dtype=np.float32).reshape(5, 7)
    np.testing.assert_array_equal(block_sums(values, 2), [[16, 24, 32], [72, 80, 88]])


def test_every_code_has_the_published_length():
    lengths = {name: spec.length for name, spec in CODES.items()}
    assert lengths == {
        "AUTH_JPEG_V1": 16_384,
        "AUTH_JPEG_V2": 16_384,
        "AUTH_RAW_V1": 16_384,
        "TESTING": 8_192,
        "TESTING_V2": 8_192,
        "FUZZY_V1": 16_384,
        "FUZZY_MAX_V1": 32_768,
        "FUZZY_TESTING": 8_192,
    }


def test_positions_are_the_strongest_ascending_and_stable():
    strengths = np.array([1, -5, 2, 5, -2, 0, 2], np.float32)
    assert select_positions(strengths, SMALL).tolist() == [1, 2, 3, 4]
    assert select_positions(strengths, SMALL).dtype == np.uint32


def test_encoding_follows_the_specification_step_by_step():
    """An independent reading of the module's text, bit by bit."""
    spec = CodeSpec("SMALL", "developed", "wavelet", length=13, step=2, band=None)
    values = noise(40)
    values[5] = 0
    positions = np.arange(0, 39, 3, dtype=np.uint32)

    def stream(purpose, length):
        label = b"grainseal/code/v1/SMALL/" + purpose
        key = hmac.digest(KEY, label, hashlib.sha256)
        return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(length))

    mask_bytes, words = stream(b"mask", 2), stream(b"permutation", 13 * 8)
    masked = [
        (1 if values[p] >= 0 else -1) * (-1 if mask_bytes[i // 8] >> (i % 8) & 1 else 1)
        for i, p in enumerate(positions)
    ]
    word = [int.from_bytes(words[8 * i : 8 * i + 8], "little") for i in range(13)]
    expected = [masked[i] for i in sorted(range(13), key=lambda i: (word[i], i))]
    code = encode(values, positions, spec, KEY)
    assert code.tolist() == expected
    assert code.dtype == np.int8


def test_zero_counts_as_plus():
    spec = SMALL
    zeros, positions = np.zeros(9, np.float32), np.arange(4, dtype=np.uint32)
    np.testing.assert_array_equal(
        encode(zeros, positions, spec, KEY), encode(zeros + 1, positions, spec, KEY)
    )
    np.testing.assert_array_equal(
        encode(-zeros, positions, spec, KEY), encode(zeros, positions, spec, KEY)
    )


def test_codes_of_one_camera_under_two_keys_are_unrelated():
    values = noise(TESTING.feature_count((512, 512)))
    positions = select_positions(values, TESTING)
    one, other = (encode(values, positions, TESTING, key).astype(int) for key in (KEY, OTHER_KEY))
    assert int(one @ one) == TESTING.length
    assert abs(int(one @ other)) < 5 * TESTING.length**0.5
    assert abs(int(one.sum())) < 5 * TESTING.length**0.5


def test_the_key_does_not_change_the_score():
    enrolled = noise(TESTING.feature_count((512, 512)))
    probe = enrolled + 3 * noise(enrolled.size, seed=1)
    positions = select_positions(enrolled, TESTING)

    def score(key):
        a, b = (encode(x, positions, TESTING, key).astype(int) for x in (enrolled, probe))
        return int(a @ b)

    assert score(KEY) == score(OTHER_KEY) > 5.5 * TESTING.length**0.5


def test_mask_is_balanced_and_order_a_permutation():
    for spec in CODES.values():
        assert set(np.unique(keyed_mask(spec, KEY)).tolist()) == {-1, 1}
        assert abs(int(keyed_mask(spec, KEY).sum(dtype=int))) < 5 * spec.length**0.5
        np.testing.assert_array_equal(np.sort(keyed_order(spec, KEY)), np.arange(spec.length))


def test_two_codes_draw_different_keystreams():
    a, b = keyed_order(code_for("AUTH_JPEG_V1"), KEY), keyed_order(code_for("AUTH_RAW_V1"), KEY)
    assert np.mean(a == b) < 0.01


def test_raw_features_are_white_and_only_of_the_band():
    spec = code_for("AUTH_RAW_V1")
    found = features(Fingerprint(noise((1024, 1536)), "raw", 1), spec).reshape(128, 192)
    power = np.abs(np.fft.rfft2(found)) ** 2
    quarters = [power[:, start : start + 24].mean() for start in (1, 25, 49, 72)]
    assert max(quarters) < 1.2 * min(quarters)
    smooth = band_pass(noise((1024, 1536)), 0.0, 0.3)
    none = features(Fingerprint(smooth, "raw", 1), spec)
    assert np.abs(none).max() < 1e-5


def test_wrong_inputs_are_refused_with_what_to_do():
    developed = Fingerprint(noise((512, 512)), "developed", 1)
    with pytest.raises(CodeError, match="raw photos, not developed"):
        features(developed, code_for("AUTH_RAW_V1"))
    with pytest.raises(CodeError, match=r"at least 16384 blocks of 16x16.* 4\.2 megapixels"):
        features(developed, code_for("AUTH_JPEG_V1"))
    with pytest.raises(
        CodeError, match="choose one of AUTH_JPEG_V1, AUTH_JPEG_V2, AUTH_RAW_V1, FUZZY"
    ):
        code_for("AUTH")
    with pytest.raises(CodeError, match="too small"):
        require_frame((300, 300), TESTING)
    with pytest.raises(CodeError, match="rotated"):
        require_same_frame((400, 300), (300, 400))
    with pytest.raises(CodeError, match="full size"):
        require_same_frame((400, 300), (800, 600))
    values = features(developed, TESTING)
    positions = select_positions(values, TESTING)
    with pytest.raises(CodeError, match="32 bytes"):
        encode(values, positions, TESTING, KEY[:16])
    with pytest.raises(CodeError, match="needs 8192 positions"):
        encode(values, positions[:-1], TESTING, KEY)
    with pytest.raises(CodeError, match="outside the frame"):
        encode(values[:9000], positions, TESTING, KEY)
    with pytest.raises(CodeError, match="needs 8192 features"):
        select_positions(values[:100], TESTING)
