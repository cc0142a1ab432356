"""The generators of all commitments: hashed to the curve, so that nobody knows relations.

RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_. Hashing all of them takes seconds, so they are kept
in the user's cache folder; what is read from there must have the digest that stands below.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..canonical import canonical
from .curve import Point

MAX_BLOCK: Final = 1 << 14
"""Symbols in the largest block."""
DOMAIN: Final = b"grainseal/v1/generators/BLS12381G1_XMD:SHA-256_SSWU_RO_"
DIGEST: Final = "abd5f239dcdf8e6807cfdfb574554185618519af1ef0afbed623846c4ff31400"
"""SHA-256 of the 2^14 code generators, each as x ‖ y, 48 bytes big-endian each."""
_XY_BYTES: Final = 96
_DIRECT: Final = 512  # up to here hashing is faster than anybody would notice


@dataclass(frozen=True)
class Generators:
    """`code`: one for each symbol of a block. `value`: for single numbers. `blinding`: hides."""

    code: tuple[Point, ...]
    value: Point
    blinding: Point


@lru_cache(maxsize=4)
def generators(length: int) -> Generators:
    """Those of blocks of `length` symbols; shorter blocks take the first ones of longer."""
    code = derived(length) if length <= _DIRECT else _all()[:length]
    return Generators(code, hashed("value", 0), hashed("blinding", 0))


def hashed(name: str, index: int) -> Point:
    """The generator of that name and index."""
    return Point.hash_to_curve(canonical("generator", [name, index]), DOMAIN)


def derived(length: int) -> tuple[Point, ...]:
    """The first code generators, from the hash: about 0.25 ms each."""
    return tuple(hashed("code", index) for index in range(length))


def cache_file() -> Path:
    """Where the code generators are kept; GRAINSEAL_CACHE or XDG_CACHE_HOME name the folder."""
    named = os.environ.get("GRAINSEAL_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    if named:
        folder = Path(named)
    else:
        folder = (Path(base) if base else Path("~/.cache").expanduser()) / "grainseal"
    return folder / f"generators-{DIGEST[:16]}.bin"


@lru_cache(maxsize=1)
def _all() -> tuple[Point, ...]:
    data = b""
    with suppress(OSError, RuntimeError):  # the latter where nobody has a home
        data = cache_file().read_bytes()
    if hashlib.sha256(data).hexdigest() == DIGEST:
        parts = (data[at : at + _XY_BYTES] for at in range(0, len(data), _XY_BYTES))
        # unchecked: the digest says that these are the points that were hashed to the group
        return tuple(Point.from_xy_bytes_unchecked_be(part) for part in parts)
    points = derived(MAX_BLOCK)
    data = b"".join(bytes(point.to_xy_bytes_be()) for point in points)
    if hashlib.sha256(data).hexdigest() != DIGEST:
        raise RuntimeError("this machine hashes to other generators than the pinned ones")
    with suppress(OSError, RuntimeError):
        _write(cache_file(), data)
    return points


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
