"""Committed blocks satisfy a public linear equation: Σ ⟨aᵢ, wᵢ⟩ = v, shown as if they were one.

For K committed blocks and K public weights, and a random block a₀ = u that hides them,

    A(X) = Σ_{i=0}^{K} aᵢ·X^i,   W(X) = Σ_{i=1}^{K} wᵢ·X^(K-i),   ⟨A(X), W(X)⟩ = Σ_{j<2K} c_j·X^j,

and the equation says c_K = v. The prover commits to u and to the other 2K - 1 coefficients; at a
challenge x all is one block z = A(x), uniform thanks to u, and `inner_product` shows that
⟨z, W(x)⟩ is what the coefficients say. A second challenge y keeps the part of values apart: a
committed block could have one of its own.

Polynomials of blocks are those of Groth ("Linear algebra with sub-linear zero-knowledge
arguments", 2009), a hiding block before compression is the compressed Σ-protocol of Attema and
Cramer ("Compressed Σ-protocol theory", 2020).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np

from . import inner_product
from .curve import Point, multiexp
from .equation import Equation
from .field import ZERO, Scalar, Vector, powers, random_scalar, random_vector, vector
from .generators import Generators, generators
from .progress import Progress, no_progress
from .wire import ProofReader, ProofWriter

Term = TypeVar("Term", Vector, Scalar)


@dataclass(frozen=True)
class Block:
    """A committed block: its symbols (n,), and the number that blinds its commitment."""

    values: Vector = field(repr=False)
    blinding: Scalar = field(repr=False)

    def commitment(self, base: Generators) -> Point:
        """⟨values, G⟩ + blinding·H."""
        return multiexp([*base.code, base.blinding], [*self.values, self.blinding])


def points_sent(blocks: int, length: int) -> int:
    """Points in a proof about so many blocks of this length; there are 2 scalars with them."""
    return 2 * blocks + 2 * inner_product.rounds_of(length)


SCALARS_SENT = 2


def prove(
    writer: ProofWriter,
    blocks: Sequence[Block],
    weights: Sequence[Vector],
    progress: Progress = no_progress,
) -> None:
    """Show that Σ ⟨blocks, weights⟩ is what it is.

    Commitments, v and all that the weights depend on must have been absorbed.
    """
    length, count = weights[0].size, len(blocks)
    base = generators(length)
    hidden = [Block(random_vector(length), random_scalar()), *blocks]
    writer.points("hiding block", [hidden[0].commitment(base)])
    coefficients = _products(hidden, weights, progress)
    blindings = [random_scalar() for _ in coefficients]
    known = [j for j in range(2 * count) if j != count]
    commitments = [base.value * coefficients[j] + base.blinding * blindings[j] for j in known]
    writer.points("coefficients", commitments)
    x, y = (writer.transcript.challenge(name) for name in "xy")
    at = powers(x, 2 * count)
    folded = _sum(each.values * power for each, power in zip(hidden, at, strict=False))
    blinding = _sum(each.blinding * power for each, power in zip(hidden, at, strict=False))
    blinding = blinding + y * _sum(blindings[j] * at[j] for j in known)
    writer.scalar("blinding", blinding)
    folded_weights = _folded_weights(weights, at)
    inner_product.prove(writer, base.code, base.value * y, folded, folded_weights, progress)


def read(
    reader: ProofReader, commitments: Sequence[Point], weights: Sequence[Vector], value: Scalar
) -> Equation:
    """The verifier's side: the equation that holds if Σ ⟨blocks, weights⟩ = value."""
    length, count = weights[0].size, len(commitments)
    hiding = reader.points("hiding block", 1)
    coefficients = reader.points("coefficients", 2 * count - 1)
    x, y = (reader.transcript.challenge(name) for name in "xy")
    blinding = reader.scalar("blinding")
    at, known = powers(x, 2 * count), [j for j in range(2 * count) if j != count]
    rest = inner_product.read(reader, length)
    inner = rest.spread.dot(_folded_weights(weights, at)) * rest.last
    outer = np.concatenate([at[: count + 1], at[known] * y]) * rest.factor
    return Equation(
        code=rest.spread * -rest.last,
        value=y * (rest.factor * value * at[count] - inner),
        blinding=-(rest.factor * blinding),
        points=[*hiding, *commitments, *coefficients, *rest.points],
        scalars=np.concatenate([outer, vector(rest.scalars)]),
    )


def _products(
    hidden: Sequence[Block], weights: Sequence[Vector], progress: Progress
) -> list[Scalar]:
    """The coefficients c_0 … c_{2K-1}."""
    count = len(weights)
    found = [ZERO] * (2 * count)
    for i, block in enumerate(hidden):
        for k, weight in enumerate(weights, start=1):
            found[i + count - k] += block.values.dot(weight)
        progress("multiply", i + 1, count + 1)
    return found


def _folded_weights(weights: Sequence[Vector], at: Vector) -> Vector:
    """W(x)."""
    return _sum(each * power for each, power in zip(weights[::-1], at, strict=False))


def _sum(terms: Iterable[Term]) -> Term:
    return reduce(add, terms)
