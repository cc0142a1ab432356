"""The scalar field of BLS12-381 and vectors over it.

A vector is a numpy array of `Scalar` objects: numpy does the loops, arkworks the arithmetic, about
0.15 µs an operation, and multi-exponentiations take the same objects.
"""

import secrets
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from py_arkworks_bls12381 import Scalar as Scalar

from .errors import Fault, ProofError

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""r, the prime order of the group and the number of field elements; r - 1 is a multiple of 2^32."""
SCALAR_BYTES: Final = 32
GENERATOR: Final = 7
"""Of the field's multiplicative group."""
_WIDE_BYTES: Final = 64  # twice as long as r: reduced, it is uniform but for 2^-256

Vector: TypeAlias = npt.NDArray[Any]
"""`Scalar` objects, dtype object."""


def scalar(value: int) -> Scalar:
    """An integer modulo r."""
    # Scalar(int) takes twenty times as long
    return Scalar.from_be_bytes((value % ORDER).to_bytes(SCALAR_BYTES, "big"))


ZERO: Final = scalar(0)
ONE: Final = scalar(1)


def encode_scalar(value: Scalar) -> bytes:
    """32 bytes, big-endian."""
    return bytes(value.to_be_bytes())


def decode_scalar(data: bytes) -> Scalar:
    """The scalar of 32 bytes; `ProofError` unless it is below r."""
    # J4
    try:
        return Scalar.from_be_bytes(data)
    except ValueError:
        raise ProofError(Fault.SCALAR, "a number of the proof is not below the order") from None


def reduced(data: bytes) -> Scalar:
    """64 uniform bytes, big-endian, modulo r."""
    return Scalar.from_be_bytes_mod_order(data)


def random_scalar() -> Scalar:
    """A uniform secret scalar."""
    return reduced(secrets.token_bytes(_WIDE_BYTES))


def random_vector(length: int) -> Vector:
    """Uniform secret scalars."""
    return vector([random_scalar() for _ in range(length)])


def vector(values: list[Scalar]) -> Vector:
    """Scalars as a vector."""
    return np.array(values, object)


def zeros(length: int) -> Vector:
    """Zeros."""
    return np.full(length, ZERO, object)


def small_vector(values: npt.NDArray[np.int8]) -> Vector:
    """An int8 array as a vector."""
    found: Vector = _SMALL[values.view(np.uint8)]
    return found


def powers(base: Scalar, length: int) -> Vector:
    """1, base, base², …; `length` of them."""
    found, step = vector([ONE]), base
    while found.size < length:
        found, step = np.concatenate([found, found * step]), step.square()
    return found[:length]


def inverses(values: Vector) -> Vector:
    """1/v for each v, with one inversion; `ZeroDivisionError` if one is zero."""
    up: Vector = np.multiply.accumulate(values)
    down: Vector = np.multiply.accumulate(values[::-1])[::-1]
    left = np.concatenate([vector([ONE]), up[:-1]])
    right = np.concatenate([down[1:], vector([ONE])])
    found: Vector = left * right * up[-1].inverse()
    return found


def root_of_unity(order: int) -> int:
    """7^((r - 1)/order) modulo r, of that multiplicative order, a power of two up to 2^32."""
    return pow(GENERATOR, (ORDER - 1) // order, ORDER)


def transform(values: Vector, root: int) -> Vector:
    """Values of the polynomial with these coefficients at root⁰, root¹, … (Cooley and Tukey 1965).

    The length is a power of two and `root` of that multiplicative order; with 1/root instead, and
    divided by the length, it is the inverse.
    """
    length, bits = values.size, values.size.bit_length() - 1
    # numpy's axes are the bits of an index: reversed, they give bit-reversed order
    parts = values.reshape((2,) * bits).transpose().reshape(length, 1)
    while len(parts) > 1:
        even, odd = parts[0::2], parts[1::2]
        half = even.shape[1]
        odd = odd * powers(scalar(pow(root, length // (2 * half), ORDER)), half)
        parts = np.concatenate([even + odd, even - odd], axis=1)
    turned: Vector = parts[0]
    return turned


_SMALL: Final = vector([scalar(value) for value in (*range(128), *range(-128, 0))])
