"""A committed code has ±1 everywhere: made once, at enrolment.

`signs_relation` for the whole code, M = N: the coefficients h_0 … h_{N-1} go in blocks like the
code's own, h_N and the mask m in one more. The two equations at ζ become one with a challenge γ:

    γ·(Σ_j s_j·λ_j(ζ) + m·(ζ^N - 1)) + Σ_j h_j·ζ^j = γ·v + (v² - 1)/(ζ^N - 1).
"""

import numpy as np

from . import linear, signs_relation
from .commitment import Commitment, CommittedCode, commit_block
from .equation import Equation, require
from .fiat_shamir import Transcript
from .field import Scalar, Vector, random_scalar, zeros
from .linear import Block
from .progress import Progress, no_progress
from .wire import ProofReader, ProofWriter, require_length


def prove_signs(
    secret: CommittedCode,
    commitment: Commitment,
    statement: bytes,
    progress: Progress = no_progress,
) -> bytes:
    """The proof, bound to `statement`; at N = 2^18 about 15 s."""
    writer = ProofWriter(_transcript(commitment, statement))
    blocks, size = secret.blocks, commitment.block
    mask, signs = random_scalar(), np.concatenate([block.values for block in blocks])
    coefficients = signs_relation.quotient(signs, mask)
    tail = zeros(size)
    tail[:2] = coefficients[-1], mask
    for part in [*coefficients[:-1].reshape(-1, size), tail]:
        blocks.append(Block(part, random_scalar()))
    count = len(commitment.points)
    points = []
    for done, block in enumerate(blocks[count:], start=1):
        points.append(commit_block(block))
        progress("commit", done, count + 1)
    writer.points("quotient", points)
    there = signs_relation.at(writer.transcript.challenge("zeta"), commitment.length)
    value = there.value(signs, mask)
    writer.scalar("value", value)
    gamma = writer.transcript.challenge("gamma")
    linear.prove(writer, blocks, _weights(there, gamma, size), progress)
    return writer.finished()


def signs_equation(commitment: Commitment, statement: bytes, proof: bytes) -> Equation:
    """What holds if the committed code is ±1 everywhere. `ProofError` for a proof of another form.

    To be settled by `equation.require`, alone or with others.
    """
    count, size = len(commitment.points), commitment.block
    sent = linear.points_sent(2 * count + 1, size)
    require_length(proof, count + 1 + sent, 1 + linear.SCALARS_SENT)
    reader = ProofReader(_transcript(commitment, statement), proof)
    quotient = reader.points("quotient", count + 1)
    there = signs_relation.at(reader.transcript.challenge("zeta"), commitment.length)
    value = reader.scalar("value")
    gamma = reader.transcript.challenge("gamma")
    target = gamma * value + there.quotient_value(value)
    points = [*commitment.points, *quotient]
    return linear.read(reader, points, _weights(there, gamma, size), target)


def verify_signs(commitment: Commitment, statement: bytes, proof: bytes) -> None:
    """`ProofError` unless the committed code is proven to be ±1 everywhere."""
    require([signs_equation(commitment, statement, proof)])


def _weights(there: signs_relation.At, gamma: Scalar, size: int) -> list[Vector]:
    tail = zeros(size)
    tail[:2] = there.quotient[-1], there.mask * gamma
    code = (there.signs * gamma).reshape(-1, size)
    return [*code, *there.quotient[:-1].reshape(-1, size), tail]


def _transcript(commitment: Commitment, statement: bytes) -> Transcript:
    return Transcript("signs", [commitment.encoded, statement])
