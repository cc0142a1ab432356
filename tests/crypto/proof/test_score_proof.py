"""A score in the window can be proven without telling it; forgeries are refused, one test each."""

import random
from dataclasses import replace

import numpy as np
import pytest
from tests.crypto.proof.cases import (
    BLOCK,
    STATEMENT,
    Unchecked,
    commit_any,
    draw,
    on_curve_outside_the_group,
    score_of,
)

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.proof.commitment import commit
from grainseal.crypto.proof.curve import Point, encode_point
from grainseal.crypto.proof.equation import require
from grainseal.crypto.proof.errors import Fault, ProofError
from grainseal.crypto.proof.field import ORDER
from grainseal.crypto.proof.score_proof import prove_score, score_equation, verify_score
from grainseal.crypto.proof.signs_proof import prove_signs, signs_equation, verify_signs
from grainseal.crypto.proof.window import DIGITS, ScoreWindow


def refused(case, *, fault=Fault.FALSE, **changed):
    """The fault for which the case's proof is refused with something changed."""
    shown = {"statement": STATEMENT, **changed}
    with pytest.raises(ProofError) as error:
        verify_score(
            shown.get("commitment", case.commitment),
            shown.get("probe", case.probe),
            shown.get("window", case.window),
            shown["statement"],
            shown.get("proof", case.proof),
        )
    assert error.value.fault is fault


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_an_honest_score_passes_and_its_proof_is_short(blocks):
    secret, probe = draw(10 + blocks, blocks)
    score, commitment, seen = score_of(secret, probe), commit(secret), []
    window = ScoreWindow(score - 5, score + 1)
    proof = prove_score(
        secret, commitment, probe, window, STATEMENT, lambda *step: seen.append(step)
    )
    verify_score(commitment, probe, window, STATEMENT, proof)
    assert len(proof) == 48 * (2 * blocks + 3 + 2 * 7) + 3 * 32
    assert {name: total for name, _, total in seen} == {"multiply": blocks + 2, "fold": 7}


@pytest.mark.parametrize("size", [1, 7, 127])
def test_any_probe_of_small_integers_can_be_used(size, case):
    probe = case.secret.code * np.int8(size)
    probe[:2] = [-128, 0]
    score = score_of(case.secret, probe)
    window = ScoreWindow(score, score + 1)
    proof = prove_score(case.secret, case.commitment, probe, window, STATEMENT)
    verify_score(case.commitment, probe, window, STATEMENT, proof)


def test_another_photo(case):
    probe = case.probe.copy()
    probe[0] += 1 if probe[0] < 7 else -1
    refused(case, probe=probe)


def test_another_cameras_commitment(case):
    refused(case, commitment=commit(draw(2)[0]))


def test_a_changed_threshold(case):
    low, high = case.window.low, case.window.high
    for changed in ((low - 1, high), (low + 1, high), (low, high + 1)):
        refused(case, window=ScoreWindow(*changed))


def test_replayed_to_another_claimant(case):
    refused(case, statement=b"photo, somebody else, purpose, time")


def test_cut_off_or_longer(case):
    for proof in (case.proof[:-1], case.proof[:-32], case.proof + b"\0", b"", case.proof * 2):
        refused(case, proof=proof, fault=Fault.LENGTH)


def test_a_point_outside_the_group_in_every_place(case):
    bad, points = on_curve_outside_the_group(), _point_places(case.proof)
    for place in points:
        proof = case.proof[:place] + bad + case.proof[place + 48 :]
        refused(case, proof=proof, fault=Fault.POINT)


def test_the_identity_in_every_place(case):
    bad = encode_point(Point.identity())
    for place in _point_places(case.proof):
        proof = case.proof[:place] + bad + case.proof[place + 48 :]
        refused(case, proof=proof, fault=Fault.POINT)


def test_a_scalar_that_is_not_reduced(case):
    value = int.from_bytes(case.proof[-32:], "big")
    proof = case.proof[:-32] + (value + ORDER).to_bytes(33, "big")[-32:]
    refused(case, proof=proof, fault=Fault.SCALAR if value + ORDER < 1 << 256 else Fault.FALSE)


def test_flipped_bits(case):
    rng = random.Random(0)
    places = {*range(4), *(rng.randrange(8 * len(case.proof)) for _ in range(150))}
    for place in places:
        proof = bytearray(case.proof)
        proof[place // 8] ^= 1 << place % 8
        with pytest.raises(ProofError):
            verify_score(case.commitment, case.probe, case.window, STATEMENT, bytes(proof))


def test_nonsense_of_the_right_length(case):
    rng = random.Random(1)
    for _ in range(20):
        with pytest.raises(ProofError):
            verify_score(
                case.commitment, case.probe, case.window, STATEMENT, rng.randbytes(len(case.proof))
            )


def test_exchanged_parts_of_two_true_proofs(case):
    other = prove_score(case.secret, case.commitment, case.probe, case.window, STATEMENT)
    for place in (48, 80, 128, 368, 400, len(other) - 32):
        refused(case, proof=case.proof[:place] + other[place:])


def test_a_score_outside_is_not_proven_by_an_honest_prover(case):
    window = ScoreWindow(case.score + 1, case.score + 9)
    with pytest.raises(MisuseError, match="not in this window"):
        prove_score(case.secret, case.commitment, case.probe, window, STATEMENT)


class Lying(ScoreWindow):
    """A window whose digits are those that a liar would like."""

    def digits(self, score):
        return np.array(self.wanted, np.int8)


@pytest.mark.parametrize("how", ["of another score", "not signs"])
def test_a_score_outside_is_not_proven_by_a_liar(case, how):
    """True digits of a false score leave the sum wrong; digits that make up for it are not ±1."""
    window = Lying(case.score + 60, case.score + 61 + 60)
    assert window.weights[:3] == [30, 15, 8]
    digits = np.full(DIGITS, -1)
    if how == "not signs":
        digits[:1] = -1 - 2 * 2  # 30·(-5 + 1)/2 = -60: low - 60 is the score
        total = window.low + sum(
            w * (e + 1) // 2 for w, e in zip(window.weights, digits, strict=True)
        )
        assert total == case.score
    object.__setattr__(window, "wanted", digits.tolist())
    proof = prove_score(case.secret, case.commitment, case.probe, window, STATEMENT)
    refused(case, window=ScoreWindow(window.low, window.high), proof=proof)


def test_a_slot_outside_signs_buys_a_score_and_fails_its_other_proof(case):
    """The score's proof speaks of whatever was committed to: the signs' proof is what stops it."""
    code = case.secret.code.copy()
    code[np.argmax(np.abs(case.probe))] = 100
    secret = Unchecked(code, case.secret.seed, BLOCK)
    commitment, score = commit_any(secret), score_of(secret, case.probe)
    window = ScoreWindow(abs(score), abs(score) + 1)
    probe = case.probe if score > 0 else -case.probe
    proof = prove_score(secret, commitment, probe, window, STATEMENT)
    verify_score(commitment, probe, window, STATEMENT, proof)
    signs = prove_signs(secret, commitment, STATEMENT)
    with pytest.raises(ProofError):
        verify_signs(commitment, STATEMENT, signs)
    with pytest.raises(ProofError):
        require(
            [
                score_equation(commitment, probe, window, STATEMENT, proof),
                signs_equation(commitment, STATEMENT, signs),
            ]
        )


def test_a_secret_that_does_not_open_the_commitment(case):
    window = ScoreWindow(0, 2**32)
    for secret in (draw(2)[0], replace(case.secret, seed=b"\7" * 32)):
        probe = case.probe * np.int8(np.sign(score_of(secret, case.probe)))
        proof = prove_score(secret, case.commitment, probe, window, STATEMENT)
        refused(case, proof=proof, probe=probe, window=window)


def test_many_proofs_at_once(case):
    """One multi-exponentiation settles proofs of all kinds and sizes, and finds a false one."""
    secret, probe = draw(5)
    secret = replace(secret, block=2 * BLOCK)
    commitment, score = commit(secret), score_of(secret, probe)
    window = ScoreWindow(score, score + 9)
    proof = prove_score(secret, commitment, probe, window, b"other")
    equations = [
        score_equation(case.commitment, case.probe, case.window, STATEMENT, case.proof),
        signs_equation(case.commitment, STATEMENT, case.signs),
        score_equation(commitment, probe, window, b"other", proof),
    ]
    require(equations)
    false = score_equation(commitment, probe, window, b"changed", proof)
    for position in range(4):
        with pytest.raises(ProofError):
            require([*equations[:position], false, *equations[position:]])
    # two errors that cancel without weights do not with them
    up = replace(equations[0], value=equations[0].value + equations[0].scalars[0])
    down = replace(equations[0], value=equations[0].value - equations[0].scalars[0])
    with pytest.raises(ProofError):
        require([up, down])


@pytest.mark.parametrize(
    "probe", [np.ones(3, np.int8), np.ones(2 * BLOCK, np.int16), np.ones((2, BLOCK), np.int8)]
)
def test_probes_that_are_none(case, probe):
    with pytest.raises(MisuseError, match="a probe for this commitment"):
        verify_score(case.commitment, probe, case.window, STATEMENT, case.proof)


def _point_places(proof):
    """Where points begin: digits, then after one scalar 1 + 5 of the fold, then rounds."""
    rounds = 2 * 7
    first = [0, *(80 + 48 * i for i in range(6))]
    start = 80 + 48 * 6 + 32
    places = [*first, *(start + 48 * i for i in range(rounds))]
    assert places[-1] + 48 + 32 == len(proof)
    return places
