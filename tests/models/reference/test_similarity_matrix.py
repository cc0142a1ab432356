"""Algorithm 1 of the signature paper, on signatures whose answers are known."""

import numpy as np
import pytest

from grainseal.models.reference.signature_similarity import (
    PAIRS,
    matrix_accuracy,
    similarity_matrix,
)

PLUS, MINUS = np.ones((1, 1), np.float32), -np.ones((1, 1), np.float32)


def score(one, other):
    """1 for the same sign, else 0."""
    return float((1 + one[0, 0] * other[0, 0]) / 2)


def test_cameras_that_are_told_apart_give_the_identity():
    asked = []

    def counted(one, other):
        asked.append((one, other))
        return score(one, other)

    matrix = similarity_matrix([[PLUS] * 3, [MINUS] * 2], counted)
    np.testing.assert_array_equal(matrix, np.eye(2))
    assert matrix_accuracy(matrix) == 1
    assert len(asked) == 4 * PAIRS


def test_shares_are_those_of_the_pairs_that_are_alike():
    """The second camera's two photos are never alike; one in two of them is like the first's."""
    matrix = similarity_matrix([[PLUS], [PLUS, MINUS]], score, pairs=400)
    assert matrix[0, 0] == 1  # its only photo meets itself
    assert matrix[1, 1] == 0
    for share in (matrix[0, 1], matrix[1, 0]):
        assert share == pytest.approx(0.5, abs=0.1)
    by_hand = (1 + 0 + (1 - matrix[0, 1]) + (1 - matrix[1, 0])) / 4
    assert matrix_accuracy(matrix) == pytest.approx(by_hand)


def test_a_score_at_the_threshold_is_not_above_it():
    always = similarity_matrix([[PLUS]], lambda *_: 0.99, pairs=3)
    above = similarity_matrix([[PLUS]], lambda *_: 0.991, pairs=3)
    assert (always[0, 0], above[0, 0]) == (0, 1)


def test_the_draws_are_the_seed_s():
    cameras = [[PLUS, MINUS], [PLUS, MINUS, MINUS]]
    one, again, other = (similarity_matrix(cameras, score, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
