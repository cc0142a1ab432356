"""The one argument: what it proves, why it has two challenges, and that it tells nothing."""

import numpy as np
import pytest
from tests.crypto.proof.cases import BLOCK, STATEMENT

from grainseal.crypto.proof import inner_product, linear
from grainseal.crypto.proof.commitment import Commitment, commit_block
from grainseal.crypto.proof.curve import multiexp
from grainseal.crypto.proof.equation import require
from grainseal.crypto.proof.errors import Fault, ProofError
from grainseal.crypto.proof.fiat_shamir import Transcript
from grainseal.crypto.proof.field import ONE, powers, random_scalar, random_vector, scalar
from grainseal.crypto.proof.generators import generators
from grainseal.crypto.proof.linear import Block
from grainseal.crypto.proof.score_proof import score_equation
from grainseal.crypto.proof.window import ScoreWindow
from grainseal.crypto.proof.wire import ProofReader, ProofWriter

LENGTH = 8


def blocks(count, length=LENGTH):
    return [Block(random_vector(length), random_scalar()) for _ in range(count)]


def value_of(secret, weights):
    total = scalar(0)
    for block, weight in zip(secret, weights, strict=True):
        total = total + block.values.dot(weight)
    return total


def proven(secret, weights):
    writer = ProofWriter(Transcript("test", []))
    linear.prove(writer, secret, weights)
    return writer.finished()


def equation(proof, points, weights, value, kind="test"):
    return linear.read(ProofReader(Transcript(kind, []), proof), points, weights, value)


@pytest.mark.parametrize(("count", "length"), [(1, 8), (2, 8), (3, 8), (7, 8), (2, 64), (1, 2048)])
def test_what_is_true_of_all_blocks_together(count, length):
    """2,048 takes eleven rounds: generators are folded twice, and once not again."""
    secret, weights = blocks(count, length), [random_vector(length) for _ in range(count)]
    points, value = [commit_block(block) for block in secret], value_of(secret, weights)
    proof = proven(secret, weights)
    assert len(proof) == 48 * linear.points_sent(count, length) + 32 * linear.SCALARS_SENT
    require([equation(proof, points, weights, value)])
    moved = [weights[0] + ONE, *weights[1:]]
    other = [points[0] + generators(length).code[0], *points[1:]]
    for wrong in (
        equation(proof, points, weights, value + ONE),
        equation(proof, points, moved, value),
        equation(proof, other, weights, value),
        equation(proof, points, weights, value, kind="other"),
    ):
        with pytest.raises(ProofError) as refused:
            require([wrong])
        assert refused.value.fault is Fault.FALSE


class Chosen(Transcript):
    """A verifier whose challenges are known beforehand: the simulator's, or a careless one's."""

    def __init__(self, challenges):
        super().__init__("chosen", [])
        self.challenges = challenges

    def challenge(self, label):
        return self.challenges.get(label) or super().challenge(label)


@pytest.mark.parametrize("y", [1, None])
def test_a_commitment_with_a_value_of_its_own_needs_the_second_challenge(y):
    """With y known beforehand a part s·Q of the last block would stand for a false value."""
    secret, weights = blocks(2), [random_vector(LENGTH) for _ in range(2)]
    off = random_scalar()
    points = [commit_block(block) for block in secret]
    points[1] = points[1] - generators(LENGTH).value * off
    challenges = {} if y is None else {"y": scalar(y)}
    writer = ProofWriter(Chosen(challenges))
    linear.prove(writer, secret, weights)
    reader = ProofReader(Chosen(challenges), writer.finished())
    claimed = linear.read(reader, points, weights, value_of(secret, weights) + off)
    if y == 1:
        require([claimed])
    else:
        with pytest.raises(ProofError):
            require([claimed])


def simulated_linear(writer, points, weights, value, challenges):
    """`linear.prove` without blocks: everything drawn, one coefficient's commitment solved for."""
    length, count = weights[0].size, len(points)
    base = generators(length)
    z, blinding, y = random_vector(length), random_scalar(), challenges["y"]
    hiding = multiexp([*base.code, base.blinding], random_vector(length + 1))
    known = [j for j in range(2 * count) if j != count]
    drawn = [base.value * random_scalar() + base.blinding * random_scalar() for _ in known[1:]]
    at = powers(challenges["x"], 2 * count)
    folded = linear._folded_weights(weights, at)
    behind = multiexp([*base.code, base.value, base.blinding], [*z, y * z.dot(folded), blinding])
    rest = multiexp(
        [hiding, *points, base.value, *drawn],
        [*at[: count + 1], y * value * at[count], *(y * at[known[1:]])],
    )
    writer.points("hiding block", [hiding])
    writer.points("coefficients", [(behind - rest) * y.inverse(), *drawn])
    for name in "xy":
        writer.transcript.challenge(name)
    writer.scalar("blinding", blinding)
    inner_product.prove(writer, base.code, base.value * y, z, folded)


def test_who_chooses_the_challenges_needs_no_code(monkeypatch):
    """The simulator of README.md: an accepted conversation about a commitment that nobody opened.

    It knows no code at all, so such conversations tell nothing of one.
    """
    base = generators(BLOCK)
    everything = [*base.code, base.value, base.blinding]
    commitment = Commitment(
        BLOCK, tuple(multiexp(everything, random_vector(BLOCK + 2)) for _ in range(2))
    )
    challenges = {name: random_scalar() for name in ("zeta", "gamma", "x", "y")}
    window, probe = ScoreWindow(10**6, 10**6 + 7), np.ones(2 * BLOCK, np.int8)
    monkeypatch.setattr(
        "grainseal.crypto.proof.score_proof._transcript", lambda *_: Chosen(challenges)
    )
    read_linear, asked = linear.read, []

    def recording(reader, points, weights, value):
        asked[:] = weights, value
        return read_linear(reader, points, weights, value)

    writer = ProofWriter(Chosen(challenges))
    own = multiexp(everything, random_vector(BLOCK + 2))
    writer.points("digits", [own])
    writer.scalar("value", random_scalar())
    head = writer.finished()
    # what the verifier will ask of the linear argument, from the verifier itself
    monkeypatch.setattr(linear, "read", recording)
    size = 48 * (1 + linear.points_sent(3, BLOCK)) + 32 * (1 + linear.SCALARS_SENT)
    with pytest.raises(ProofError):
        score_equation(commitment, probe, window, STATEMENT, head + bytes(size - len(head)))
    for name in ("zeta", "gamma"):
        writer.transcript.challenge(name)
    simulated_linear(writer, [*commitment.points, own], *asked, challenges)
    require([score_equation(commitment, probe, window, STATEMENT, writer.finished())])
