"""Points of BLS12-381's G1: their encoding, and sums of multiples of them.

Arithmetic by arkworks through py_arkworks_bls12381. A point that comes from outside goes through
`decode_point` and nothing else: the curve has points outside the group of prime order, for which
no argument of ours holds.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from py_arkworks_bls12381 import G1Point as Point

from .errors import Fault, ProofError
from .field import Scalar, Vector

POINT_BYTES: Final = 48

Points: TypeAlias = npt.NDArray[Any]
"""`Point` objects, dtype object."""

__all__ = [
    "POINT_BYTES",
    "Point",
    "Points",
    "as_points",
    "decode_point",
    "encode_point",
    "is_identity",
    "multiexp",
    "signed_sum",
]

_IDENTITY: Final = Point.identity()


def encode_point(point: Point) -> bytes:
    """48 bytes: the compressed form of draft-irtf-cfrg-pairing-friendly-curves-11, appendix C."""
    return bytes(point.to_compressed_bytes())


def decode_point(data: bytes) -> Point:
    """The point of 48 bytes.

    `ProofError` unless they are the one encoding of a point of order r: the identity is refused,
    for no honest prover ever sends it.
    """
    # J3
    try:
        point = Point.from_compressed_bytes(data)
    except ValueError:
        raise ProofError(Fault.POINT, "a point is not on the curve or not of its group") from None
    if is_identity(point) or encode_point(point) != data:
        raise ProofError(Fault.POINT, "a point is the identity, or not in its only encoding")
    return point


def is_identity(point: Point) -> bool:
    """Whether it is the point at infinity."""
    return bool(point == _IDENTITY)


def as_points(points: Iterable[Point]) -> Points:
    """Points as an array."""
    return np.array(list(points), object)


def multiexp(points: Sequence[Point] | Points, scalars: Sequence[Scalar] | Vector) -> Point:
    """Σ scalarᵢ·pointᵢ, for points that were decoded or derived here."""
    if len(points) != len(scalars):
        raise ValueError("a multi-exponentiation takes one scalar for each point")
    return Point.multiexp_unchecked(list(points), list(scalars))


def signed_sum(points: Sequence[Point], signs: npt.NDArray[np.int8]) -> Point:
    """Σ signᵢ·pointᵢ for signs of ±1, int8: additions only, a tenth of `multiexp`'s time."""
    found = as_points(points)
    plus, minus = (found[signs == sign].sum(initial=_IDENTITY) for sign in (1, -1))
    total: Point = plus - minus
    return total
