"""A vector behind P = ⟨z, G⟩ + ⟨z, w⟩·Q for public w, shown in logarithmic size.

Each round halves everything (Bootle et al. 2016; Bünz et al., "Bulletproofs", 2018, section 3; in
this form for a public w Attema and Cramer 2020, protocol 4). With lo and hi the halves:

    L = ⟨z_lo, G_hi⟩ + ⟨z_lo, w_hi⟩·Q,   R = ⟨z_hi, G_lo⟩ + ⟨z_hi, w_lo⟩·Q,   challenge c,
    z ← z_lo + c·z_hi,   G ← c·G_lo + G_hi,   w ← c·w_lo + w_hi,   P ← L + c·P + c²·R.

It hides nothing of z and need not: `linear` gives it a z that is uniform.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .curve import Point, multiexp
from .field import ONE, Scalar, Vector, vector
from .progress import Progress, no_progress
from .wire import ProofReader, ProofWriter


@dataclass(frozen=True)
class Folded:
    """What remains: factor·P + Σ scalarᵢ·pointᵢ = last·(⟨spread, G⟩ + ⟨spread, w⟩·Q)."""

    factor: Scalar
    points: list[Point]
    scalars: list[Scalar]
    last: Scalar
    spread: Vector


def rounds_of(length: int) -> int:
    """Rounds for a vector of that length, a power of two; each sends two points."""
    return length.bit_length() - 1


def prove(
    writer: ProofWriter,
    code: Sequence[Point],
    value: Point,
    values: Vector,
    weights: Vector,
    progress: Progress = no_progress,
) -> None:
    """Show `values` behind P to who knows `weights`; `code` and `value` are G and Q."""
    rounds = rounds_of(values.size)
    for done in range(1, rounds + 1):
        half = values.size // 2
        low, high, weights_low, weights_high = *_halves(values), *_halves(weights)
        left = multiexp([*code[half:], value], [*low, low.dot(weights_high)])
        right = multiexp([*code[:half], value], [*high, high.dot(weights_low)])
        writer.points("round", [left, right])
        c = writer.transcript.challenge("c")
        values, weights = low + high * c, weights_low * c + weights_high
        code = [a * c + b for a, b in zip(code[:half], code[half:], strict=True)]
        progress("fold", done, rounds)
    writer.scalar("last", values[0])


def read(reader: ProofReader, length: int) -> Folded:
    """The verifier's side of it."""
    sent: list[Point] = []
    challenges: list[Scalar] = []
    for _ in range(rounds_of(length)):
        sent += reader.points("round", 2)
        challenges.append(reader.transcript.challenge("c"))
    spread, factor = vector([ONE]), ONE
    scalars: list[Scalar] = []
    for c in reversed(challenges):
        scalars = [factor, factor * c.square(), *scalars]
        spread, factor = np.concatenate([spread * c, spread]), factor * c
    return Folded(factor, sent, scalars, reader.scalar("last"), spread)


def _halves(values: Vector) -> tuple[Vector, Vector]:
    half = values.size // 2
    return values[:half], values[half:]
