"""A committed code's score against a public probe lies in a window; the score stays hidden.

The committed code t, which `signs_proof` has shown to be ±1, goes with one more block of the
prover's: the M = 32 digits e of `window`, and for them the mask m and the h of `signs_relation`.
With challenges ζ and then γ, three equations are one:

    2⟨t, p⟩ - ⟨w, e⟩ = low + high - 1                   (the score is in the window)
    + γ·(Σ e_j·λ_j(ζ) + m·(ζ^32 - 1) = v)                (e is ±1, first half)
    + γ²·(Σ h_j·ζ^j = (v² - 1)/(ζ^32 - 1))                 (second half)

Over the integers nothing wraps around: |2⟨t, p⟩| < 2^29 and Σ w < 2^32, while r has 255 bits.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from ..canonical import Field
from ..errors import MisuseError
from . import linear, signs_relation
from .commitment import Commitment, CommittedCode, commit_block
from .equation import Equation, require
from .fiat_shamir import Transcript
from .field import Scalar, Vector, random_scalar, scalar, small_vector, vector, zeros
from .linear import Block
from .progress import Progress, no_progress
from .window import DIGITS, ScoreWindow
from .wire import ProofReader, ProofWriter, require_length

Probe = npt.NDArray[np.int8]


def prove_score(
    secret: CommittedCode,
    commitment: Commitment,
    probe: Probe,
    window: ScoreWindow,
    statement: bytes,
    progress: Progress = no_progress,
) -> bytes:
    """The proof that the code's score with `probe`, int8 (N,), is in `window`.

    It is bound to `statement`, any bytes. `MisuseError` if the score is not in the window.
    """
    score = int(secret.code.astype(np.int64) @ probe.astype(np.int64))
    digits, mask = small_vector(window.digits(score)), random_scalar()
    writer = ProofWriter(_transcript(commitment, probe, window, statement))
    own = zeros(commitment.block)
    quotient = signs_relation.quotient(digits, mask)
    own[: 2 * DIGITS + 2] = [*digits, mask, *quotient]
    block = Block(own, random_scalar())
    writer.points("digits", [commit_block(block)])
    there = signs_relation.at(writer.transcript.challenge("zeta"), DIGITS)
    writer.scalar("value", there.value(digits, mask))
    gamma = writer.transcript.challenge("gamma")
    weights = _weights(commitment, probe, window, there, gamma)
    linear.prove(writer, [*secret.blocks, block], weights, progress)
    return writer.finished()


def score_equation(
    commitment: Commitment, probe: Probe, window: ScoreWindow, statement: bytes, proof: bytes
) -> Equation:
    """What holds if the score is in the window. `ProofError` for a proof of another form.

    To be settled by `equation.require`, alone or with others. It says nothing unless the
    commitment's code is ±1, which `signs_proof` shows.
    """
    count = len(commitment.points) + 1
    sent = linear.points_sent(count, commitment.block)
    require_length(proof, 1 + sent, 1 + linear.SCALARS_SENT)
    reader = ProofReader(_transcript(commitment, probe, window, statement), proof)
    own = reader.points("digits", 1)
    there = signs_relation.at(reader.transcript.challenge("zeta"), DIGITS)
    value = reader.scalar("value")
    gamma = reader.transcript.challenge("gamma")
    target = scalar(window.low + window.high - 1)
    target = target + gamma * (value + gamma * there.quotient_value(value))
    weights = _weights(commitment, probe, window, there, gamma)
    return linear.read(reader, [*commitment.points, *own], weights, target)


def verify_score(
    commitment: Commitment, probe: Probe, window: ScoreWindow, statement: bytes, proof: bytes
) -> None:
    """`ProofError` unless the committed code's score is proven to be in the window."""
    require([score_equation(commitment, probe, window, statement, proof)])


def _weights(
    commitment: Commitment,
    probe: Probe,
    window: ScoreWindow,
    there: signs_relation.At,
    gamma: Scalar,
) -> list[Vector]:
    code = small_vector(probe)
    own = zeros(commitment.block)
    digits = there.signs * gamma - vector([scalar(weight) for weight in window.weights])
    own[: 2 * DIGITS + 2] = [*digits, there.mask * gamma, *(there.quotient * gamma.square())]
    return [*(code + code).reshape(-1, commitment.block), own]


def _transcript(
    commitment: Commitment, probe: Probe, window: ScoreWindow, statement: bytes
) -> Transcript:
    if probe.shape != (commitment.length,) or probe.dtype != np.int8:
        raise MisuseError(f"a probe for this commitment is {commitment.length} int8")
    said: list[Field] = [
        hashlib.sha256(probe.tobytes()).digest(),
        window.low,
        window.high,
        statement,
    ]
    return Transcript("score", [commitment.encoded, *said])
