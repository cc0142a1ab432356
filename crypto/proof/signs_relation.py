"""Numbers that are all ±1, as linear equations about commitments.

The M numbers s_j are values of a polynomial f of degree below M at the M-th roots of unity ω^j.
They are all ±1 exactly if f² - 1 is divisible by X^M - 1, which vanishes there and nowhere else. A
secret random m makes of f the polynomial g = f + m·(X^M - 1), with the same values at the roots and
a uniform one everywhere else. So the prover commits to s, m and the M + 1 coefficients of

    h = (g² - 1)/(X^M - 1) = (f² - 1)/(X^M - 1) + 2m·f + m²·(X^M - 1)

and at a challenge ζ tells v = g(ζ): all that remains is that g(ζ) = v and h(ζ)·(ζ^M - 1) = v² - 1,
which is linear in what was committed to. This is how polynomial proof systems since PLONK
(Gabizon, Williamson and Ciobotaru 2019) check and hide; no powers of a secret are needed for it.
"""

from dataclasses import dataclass
from typing import Final

from .errors import Fault, ProofError
from .field import (
    GENERATOR,
    ONE,
    ORDER,
    Scalar,
    Vector,
    inverses,
    powers,
    root_of_unity,
    scalar,
    transform,
    zeros,
)

_COSET: Final = scalar(GENERATOR)  # times a root of unity never one itself


@dataclass(frozen=True)
class At:
    """The relation at ζ: what s and m are multiplied by for g(ζ), and h's coefficients for h(ζ)."""

    signs: Vector
    mask: Scalar
    quotient: Vector

    def value(self, signs: Vector, mask: Scalar) -> Scalar:
        """v = g(ζ)."""
        found: Scalar = signs.dot(self.signs) + mask * self.mask
        return found

    def quotient_value(self, value: Scalar) -> Scalar:
        """h(ζ), if s are ±1 and g(ζ) is `value`."""
        return (value.square() - ONE) / self.mask


def quotient(signs: Vector, mask: Scalar) -> Vector:
    """Coefficients of h, (M + 1,), for M numbers that are ±1."""
    size = signs.size
    root = root_of_unity(size)
    f = transform(signs, pow(root, -1, ORDER)) * scalar(pow(size, -1, ORDER))
    # f² - 1 and X^M - 1 are divided where neither vanishes: at 7·ω^j, where X^M is 7^M throughout
    there = transform(f * powers(_COSET, size), root)
    divided = (there * there - ONE) * scalar(pow(pow(GENERATOR, size, ORDER) - 1, -1, ORDER))
    back = transform(divided, pow(root, -1, ORDER)) * scalar(pow(size, -1, ORDER))
    found = zeros(size + 1)
    found[:size] = back * powers(_COSET.inverse(), size) + f * (mask + mask)
    found[0] = found[0] - mask.square()
    found[size] = mask.square()
    return found


def at(zeta: Scalar, size: int) -> At:
    """The relation of M = `size` numbers at ζ. `ProofError` for a ζ that is a root of unity."""
    mask = zeta.pow(scalar(size)) - ONE
    # J5
    if mask.is_zero():
        raise ProofError(Fault.FALSE, "a challenge fell on a root of unity: make another proof")
    roots = powers(scalar(root_of_unity(size)), size)
    # Lagrange's basis at ζ: ω^j·(ζ^M - 1)/(M·(ζ - ω^j))
    signs = roots * inverses(-roots + zeta) * (mask / scalar(size))
    return At(signs, mask, powers(zeta, size + 1))
