"""What a verifier is left with: a sum of multiples of points that must be the identity.

Many equations are settled by one multi-exponentiation: each is multiplied by a random number of
128 bits, so a false one among them survives with probability 2^-128 (Bellare, Garay and Rabin,
"Fast batch verification", 1998).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .curve import Point, is_identity, multiexp
from .errors import Fault, ProofError
from .field import ZERO, Scalar, Vector, scalar, zeros
from .generators import generators


@dataclass(frozen=True)
class Equation:
    """⟨code, G⟩ + value·Q + blinding·H + Σ scalarᵢ·pointᵢ = 0, over the pinned generators."""

    code: Vector
    value: Scalar
    blinding: Scalar
    points: Sequence[Point]
    scalars: Vector


def require(equations: Sequence[Equation]) -> None:
    """`ProofError` unless all of them hold (but for 2^-128)."""
    length = max(each.code.size for each in equations)
    code, value, blinding = zeros(length), ZERO, ZERO
    points: list[Point] = []
    scalars: list[Scalar] = []
    for each in equations:
        weight = scalar(1 + secrets.randbelow(1 << 128))
        padded = np.concatenate([each.code * weight, zeros(length - each.code.size)])
        code = code + padded
        value = value + each.value * weight
        blinding = blinding + each.blinding * weight
        points += each.points
        scalars += (each.scalars * weight).tolist()
    base = generators(length)
    total = multiexp(
        [*base.code, base.value, base.blinding, *points],
        [*code.tolist(), value, blinding, *scalars],
    )
    # J6
    if not is_identity(total):
        raise ProofError(Fault.FALSE, "the proof does not prove this")
