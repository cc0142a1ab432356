"""A code that is ±1 everywhere can be proven to be, and no other."""

from itertools import pairwise

import numpy as np
import pytest
from tests.crypto.proof.cases import (
    BLOCK,
    STATEMENT,
    Unchecked,
    commit_any,
    draw,
    on_curve_outside_the_group,
)

from grainseal.crypto.errors import MalformedMessage, MisuseError
from grainseal.crypto.proof import signs_relation
from grainseal.crypto.proof.commitment import (
    Commitment,
    CommittedCode,
    check_shape,
    commit,
    parse_commitment,
    usual_block,
)
from grainseal.crypto.proof.curve import Point, encode_point
from grainseal.crypto.proof.errors import Fault, ProofError
from grainseal.crypto.proof.field import (
    ONE,
    powers,
    random_scalar,
    root_of_unity,
    scalar,
    small_vector,
)
from grainseal.crypto.proof.signs_proof import prove_signs, verify_signs


def test_quotient_by_its_definition():
    """g² - 1 = h·(X^M - 1) at a random place, with g interpolated by Lagrange's formula."""
    signs, mask = small_vector(np.array([1, -1, -1, 1, 1, 1, -1, 1], np.int8)), random_scalar()
    h = signs_relation.quotient(signs, mask)
    place = random_scalar()
    roots = [scalar(pow(root_of_unity(8), j)) for j in range(8)]
    value = mask * (place.pow(scalar(8)) - ONE)
    for j, root in enumerate(roots):
        term = signs[j]
        for other in roots[:j] + roots[j + 1 :]:
            term = term * (place - other) / (root - other)
        value = value + term
    there = signs_relation.at(place, 8)
    assert there.value(signs, mask) == value
    assert h.dot(powers(place, 9)) * (place.pow(scalar(8)) - ONE) == value.square() - ONE
    assert there.quotient_value(value) == h.dot(there.quotient)


def test_a_challenge_on_a_root_of_unity_is_refused():
    with pytest.raises(ProofError, match="root of unity"):
        signs_relation.at(scalar(root_of_unity(8)), 8)


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_an_honest_code_passes_and_its_proof_is_short(blocks):
    secret, _ = draw(blocks, blocks)
    commitment, seen = commit(secret), []
    proof = prove_signs(secret, commitment, STATEMENT, lambda *step: seen.append(step))
    verify_signs(commitment, STATEMENT, proof)
    assert len(proof) == 48 * (5 * blocks + 3 + 2 * 7) + 3 * 32
    stages = {name: total for name, _, total in seen}
    assert stages == {"commit": blocks + 1, "multiply": 2 * blocks + 2, "fold": 7}
    for name, total in stages.items():
        assert [done for each, done, _ in seen if each == name] == list(range(1, total + 1))


def test_two_proofs_of_one_code_share_nothing(case):
    other = prove_signs(case.secret, case.commitment, STATEMENT)
    parts = [{p[i : i + 32] for i in range(len(p) - 31)} for p in (other, case.signs)]
    assert not parts[0] & parts[1]


@pytest.mark.parametrize("value", [0, 3, -2, 127])
def test_a_slot_outside_signs_is_refused(value):
    honest, _ = draw(1)
    code = honest.code.copy()
    code[77] = value
    secret = Unchecked(code, honest.seed, BLOCK)
    commitment = commit_any(secret)
    with pytest.raises(ProofError) as refused:
        verify_signs(commitment, STATEMENT, prove_signs(secret, commitment, STATEMENT))
    assert refused.value.fault is Fault.FALSE


def test_the_proof_is_of_this_commitment_and_statement(case):
    verify_signs(case.commitment, STATEMENT, case.signs)
    swapped = Commitment(BLOCK, case.commitment.points[::-1])
    for commitment, statement in ((swapped, STATEMENT), (case.commitment, b"another enrolment")):
        with pytest.raises(ProofError, match="does not prove"):
            verify_signs(commitment, statement, case.signs)


@pytest.mark.parametrize(
    ("length", "block"), [(2**8, 128), (2**14, 2**10), (2**18, 2**14), (2**20, 2**14)]
)
def test_a_usual_block(length, block):
    assert usual_block(length) == block
    check_shape(length, block)


def test_a_commitment_hides_and_depends_on_everything():
    secret, _ = draw(3)
    known = commit(secret).sha256
    assert commit_any(secret).sha256 == known
    flipped = secret.code.copy()
    flipped[0] *= -1
    others = [
        CommittedCode(flipped, secret.seed, BLOCK),
        CommittedCode(secret.code, b"\7" * 32, BLOCK),
        CommittedCode(secret.code, secret.seed, 2 * BLOCK),
    ]
    assert len({known, *(commit(each).sha256 for each in others)}) == 4
    blindings = [int(block.blinding) for block in secret.blocks]
    assert all(a != b for a, b in pairwise(blindings))


def test_a_commitment_by_hand(case):
    points = b"".join(map(encode_point, case.commitment.points))
    assert case.commitment.encoded == (
        b"grainseal/v1/code-commitment\0"
        + b"\0\0\0\x08"
        + BLOCK.to_bytes(8, "big")
        + len(points).to_bytes(4, "big")
        + points
    )
    assert parse_commitment(case.commitment.encoded) == case.commitment


def test_commitments_that_are_none(case):
    good = case.commitment.encoded
    point = encode_point(case.commitment.points[0])
    bad = [
        good[:-1],
        good + b"\0",
        good.replace(BLOCK.to_bytes(8, "big"), (BLOCK + 1).to_bytes(8, "big")),
        good.replace(BLOCK.to_bytes(8, "big"), (64).to_bytes(8, "big")),
        good.replace(point, on_curve_outside_the_group()),
        good.replace(point, encode_point(Point.identity())),
        Commitment(BLOCK, case.commitment.points[:1] * 3).encoded,
        Commitment(BLOCK, ()).encoded,
        b"",
    ]
    for data in bad:
        with pytest.raises(MalformedMessage):
            parse_commitment(data)


def test_codes_that_cannot_be_committed_to():
    good = np.ones(BLOCK, np.int8)
    zero, three = good.copy(), good[: BLOCK - 1]
    zero[5] = 0
    for code, seed in (
        (zero, bytes(32)),
        (three, bytes(32)),
        (good.astype(np.int16), bytes(32)),
        (good.reshape(2, -1), bytes(32)),
        (good, bytes(31)),
        (np.ones(128 * BLOCK, np.int8), bytes(32)),
    ):
        with pytest.raises(MisuseError):
            CommittedCode(code, seed, BLOCK)
