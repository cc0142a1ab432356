"""A vector behind P = ⟨z, G⟩ + ⟨z, w⟩·Q for public w, shown in logarithmic size.

Each round halves everything (Bootle et al. 2016; Bünz et al., "Bulletproofs", 2018, section 3; in
this form for a public w Attema and Cramer 2020, protocol 4). With lo and hi the halves:

    L = ⟨z_lo, G_hi⟩ + ⟨z_lo, w_hi⟩·Q,   R = ⟨z_hi, G_lo⟩ + ⟨z_hi, w_lo⟩·Q,   challenge c,
    z ← z_lo + c·z_hi,   G ← c·G_lo + G_hi,   w ← c·w_lo + w_hi,   P ← L + c·P + c²·R.

It hides nothing of z and need not: `linear` gives it a z that is uniform.

To fold a generator costs a multiple of a point, ten times a term of a long multi-exponentiation. So
the prover leaves G as it is for some rounds and weighs its scalars instead; then each generator of
a later round is one multi-exponentiation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .curve import Point, Points, as_points, multiexp
from .field import ONE, Scalar, Vector, vector
from .progress import Progress, no_progress
from .wire import ProofReader, ProofWriter

_UNFOLDED: Final = 5  # rounds: with 3 or 7, a tenth slower at 2^14


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
    rounds, points, spread = rounds_of(values.size), as_points(code), vector([ONE])
    for done in range(1, rounds + 1):
        half = values.size // 2
        low, high, weights_low, weights_high = *_halves(values), *_halves(weights)
        # behind the folded generator i is spread[j] times the generator i of row j
        rows = points.reshape(spread.size, values.size)
        left = _behind(rows[:, half:], spread, low, value, low.dot(weights_high))
        right = _behind(rows[:, :half], spread, high, value, high.dot(weights_low))
        writer.points("round", [left, right])
        c = writer.transcript.challenge("c")
        values, weights = low + high * c, weights_low * c + weights_high
        spread = np.stack([spread * c, spread], axis=1).ravel()
        if done % _UNFOLDED == 0:
            columns = points.reshape(spread.size, half).T
            points, spread = as_points([multiexp(each, spread) for each in columns]), vector([ONE])
        progress("fold", done, rounds)
    writer.scalar("last", values[0])


def _behind(rows: Points, spread: Vector, values: Vector, value: Point, product: Scalar) -> Point:
    """⟨values, folded⟩ + product·Q."""
    scalars = np.multiply.outer(spread, values).ravel()
    return multiexp([*rows.ravel(), value], [*scalars, product])


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
