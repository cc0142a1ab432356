"""A device commits to its claim code, block by block.

    C_b = ⟨t_b, G⟩ + r_b·H      (Pedersen 1991, for vectors)

All blocks under one set of generators. The r_b are uniform, so the commitments tell nothing of t,
ever; that they open to no other t rests on discrete logarithms. They are derived from one seed.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from ..canonical import canonical, fields_of
from ..errors import MalformedMessage, MisuseError
from .curve import POINT_BYTES, Point, decode_point, encode_point, signed_sum
from .errors import ProofError
from .field import Scalar, reduced, small_vector
from .generators import MAX_BLOCK, generators
from .linear import Block

SEED_BYTES: Final = 32
MIN_BLOCK: Final = 128
"""Symbols in the smallest block: `score_proof` needs 66 for its own."""
MAX_BLOCKS: Final = 64
_USUAL_BLOCKS: Final = 16
_TAG: Final = "code-commitment"
_LENGTH_BYTES: Final = 8

Signs = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Commitment:
    """What is public of a committed code: symbols in a block, and the blocks' commitments."""

    block: int
    points: tuple[Point, ...]

    @property
    def length(self) -> int:
        """N, symbols of the code."""
        return self.block * len(self.points)

    @property
    def encoded(self) -> bytes:
        """Its canonical bytes: the block's length, the points one after the other."""
        return canonical(_TAG, [self.block, b"".join(map(encode_point, self.points))])

    @property
    def sha256(self) -> bytes:
        """32 bytes: what is logged of it."""
        return hashlib.sha256(self.encoded).digest()


@dataclass(frozen=True, eq=False)
class CommittedCode:
    """What opens a commitment: the code int8 (N,) of ±1, and the seed of its blinding. Secret."""

    code: Signs = field(repr=False)
    seed: bytes = field(repr=False)
    block: int

    def __post_init__(self) -> None:
        check_shape(self.code.size, self.block)
        if self.code.dtype != np.int8 or self.code.ndim != 1 or (np.abs(self.code) != 1).any():
            raise MisuseError("a code to commit to is a vector of int8, each +1 or -1")
        if len(self.seed) != SEED_BYTES:
            raise MisuseError(f"the seed of a commitment has {SEED_BYTES} bytes")

    @property
    def blocks(self) -> list[Block]:
        """The code as the proofs take it."""
        parts = self.code.reshape(-1, self.block)
        return [Block(small_vector(p), _blinding(self.seed, b)) for b, p in enumerate(parts)]


def usual_block(length: int) -> int:
    """Symbols in a block of a claim code of `length`, a power of two.

    Folding a block costs its length, products of blocks their number: at 2^18 with 16 about alike.
    """
    return min(max(length // _USUAL_BLOCKS, MIN_BLOCK), MAX_BLOCK)


def commit(secret: CommittedCode) -> Commitment:
    """The commitment to a code; about 0.02 s for each block of 16,384."""
    base, parts = generators(secret.block), secret.code.reshape(-1, secret.block)
    points = [
        signed_sum(base.code, part) + base.blinding * _blinding(secret.seed, number)
        for number, part in enumerate(parts)
    ]
    return Commitment(secret.block, tuple(points))


def commit_block(block: Block) -> Point:
    """A block's commitment."""
    return block.commitment(generators(block.values.size))


def parse_commitment(data: bytes) -> Commitment:
    """The commitment of its canonical bytes; `MalformedMessage` if they are none."""
    fields = fields_of(_TAG, data)
    if len(fields) != 2 or len(fields[0]) != _LENGTH_BYTES or len(fields[1]) % POINT_BYTES:
        raise MalformedMessage("a commitment has the length of its blocks, and whole points")
    points = [fields[1][i : i + POINT_BYTES] for i in range(0, len(fields[1]), POINT_BYTES)]
    block = int.from_bytes(fields[0], "big")
    try:
        check_shape(block * len(points), block)
        return Commitment(block, tuple(map(decode_point, points)))
    except (MisuseError, ProofError) as error:
        raise MalformedMessage(f"not a commitment: {error}") from None


def check_shape(length: int, block: int) -> None:
    """J1: `MisuseError` unless a code of that length goes in blocks of that length."""
    sizes = all(size > 0 and size & (size - 1) == 0 for size in (length, block))
    if not sizes or not MIN_BLOCK <= block <= MAX_BLOCK or not 1 <= length // block <= MAX_BLOCKS:
        raise MisuseError(
            f"a code is 1 to {MAX_BLOCKS} blocks of {MIN_BLOCK} to {MAX_BLOCK} symbols, "
            "all powers of two"
        )


def _blinding(seed: bytes, index: int) -> Scalar:
    return reduced(hashlib.sha512(canonical("code-blinding", [seed, index])).digest())
