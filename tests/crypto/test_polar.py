"""Polar codes against their definition, and the decoder against trying everything."""

import numpy as np
import pytest

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.polar import PolarCode, polarisation_weights, transformed

RNG = np.random.default_rng(1)


def all_messages(bits: int) -> np.ndarray:
    return (np.arange(2**bits)[:, None] >> np.arange(bits) & 1).astype(np.uint8)


def log_likelihoods(codewords: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Of each codeword, from ln P(0)/P(1) of each bit."""
    return -np.logaddexp(0, -(1 - 2.0 * codewords) * ratios).sum(axis=-1)


def test_the_transform_is_the_kronecker_power():
    kernel = np.array([[1, 0], [1, 1]])
    matrix = np.array([[1]])
    for _ in range(4):
        matrix = np.kron(matrix, kernel)
    words = RNG.integers(0, 2, (20, 16), np.uint8)
    np.testing.assert_array_equal(transformed(words), words @ matrix % 2)
    np.testing.assert_array_equal(transformed(transformed(words)), words)


@pytest.mark.parametrize("length", [2, 64, 1024, 2**14])
def test_weights_put_no_two_positions_level(length):
    """So the order is the same on every machine, whatever its last bits of 2^(1/4)."""
    weights = np.sort(polarisation_weights(length))
    assert np.diff(weights).min() > 1e-5


def test_weights_are_those_of_the_paper():
    beta = 2**0.25
    expected = [0, 1, beta, 1 + beta, beta**2, 1 + beta**2, beta + beta**2, 1 + beta + beta**2]
    np.testing.assert_allclose(polarisation_weights(8), expected)


def test_messages_come_back_out_of_codewords():
    code = PolarCode(64, 20)
    messages = RNG.integers(0, 2, (50, 20), np.uint8)
    np.testing.assert_array_equal(code.message_of(code.encode(messages)), messages)


@pytest.mark.parametrize(("length", "bits"), [(8, 3), (16, 5), (32, 7)])
def test_a_full_list_is_every_codeword_by_likelihood(length, bits):
    """With room for all paths the decoder is exact: order and differences of likelihoods."""
    code = PolarCode(length, bits)
    everything = code.encode(all_messages(bits))
    for _ in range(20):
        ratios = RNG.normal(0, 2, length)
        found, metrics = code.decode(ratios[None], 2**bits)
        likelihoods = log_likelihoods(everything, ratios)
        best = np.argsort(-likelihoods)
        np.testing.assert_array_equal(found[0], everything[best])
        np.testing.assert_allclose(-metrics[0], likelihoods[best], atol=1e-9)


def test_rows_are_decoded_independently():
    code = PolarCode(64, 16)
    ratios = RNG.normal(0, 1, (7, 64))
    together = code.decode(ratios, 4)[0]
    alone = [code.decode(row[None], 4)[0][0] for row in ratios]
    np.testing.assert_array_equal(together, alone)


def test_longer_lists_find_more():
    """At a noise where one path often loses the codeword (deviation 1, rate 1/2)."""
    code = PolarCode(128, 64)
    messages = RNG.integers(0, 2, (200, 64), np.uint8)
    sent = code.encode(messages)
    ratios = 2 * (1 - 2.0 * sent + RNG.normal(0, 0.9, sent.shape)) / 0.81
    found = [
        int((code.decode(ratios, size)[0] == sent[:, None]).all(axis=2).any(axis=1).sum())
        for size in (1, 8)
    ]
    assert found[0] + 10 < found[1] <= 200


def test_what_is_no_code_is_refused():
    for length, bits in ((12, 3), (0, 1), (16, 0), (16, 17)):
        with pytest.raises(MisuseError):
            PolarCode(length, bits)
    with pytest.raises(MisuseError):
        PolarCode(16, 4).decode(np.zeros((1, 8)), 4)
    with pytest.raises(MisuseError):
        PolarCode(16, 4).decode(np.zeros((1, 16)), 0)
