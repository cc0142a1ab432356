"""Perceptual hashes: find photos that look the same among a million, exactly and at once.

The hash is the DCT hash of ImageHash at size 16: luminance at 64x64, its 16x16 lowest frequencies,
one bit for each that says whether it is above their median. Reduction, JPEG, tone and small edits
change few bits; crops change many, which no search by hash of the whole picture finds.

Bytes: the bits row by row, most significant first, as in the hexadecimal text of ImageHash.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from grainseal.models.alignment import turned
from grainseal.models.photo import Photo, PhotoError

SIDE: Final = 16
HASH_BYTES: Final = SIDE * SIDE // 8
# Whole copies of real photos, down to a quarter of the size at JPEG 60, are up to 8 bits away, and
# up to 56 with 2 % cut off at every side. Unrelated photos are 127 apart, standard deviation 9.2,
# none of 252 pairs nearer than 100: a million hold one within 64 by chance in 4 searches of 10^6.
NEAR: Final = 64
# Two photos that two cameras took of one view from one tripod are 46 bits apart.
SAME: Final = 16

_WORDS: Final = HASH_BYTES // 8
_CHUNK: Final = 2**15  # hashes at a time, so that what is counted stays in the cache

Words = npt.NDArray[np.uint64]


class HashError(ValueError):
    """Something that is no perceptual hash."""


@dataclass(frozen=True)
class Near:
    """A hash in the index by its number, in order of addition from 0, and its Hamming distance."""

    number: int
    distance: int


def perceptual_hash(photo: Photo) -> bytes:
    """The 32-byte hash of a developed photo as stored; PhotoError for RAW."""
    return _hash(_picture(photo))


def hash_orientations(photo: Photo) -> Iterator[bytes]:
    """Hashes of the photo as stored, turned by quarter turns, and of its mirror image: eight.

    Look for each: a copy on the web has often been turned, the registered hash has not.
    """
    picture = _picture(photo)
    for mirrored in (False, True):
        for turns in range(4):
            yield _hash(turned(picture, turns, mirrored))


def distance(a: bytes, b: bytes) -> int:
    """Hamming distance in bits, 0..256; HashError unless both have 32 bytes."""
    return int(np.bitwise_count(_words([a]) ^ _words([b])).sum())


class HashIndex:
    """Hashes in memory, 32 bytes each, searched exhaustively: the answer is exact.

    A scan of a million takes a few milliseconds of one core, so nothing cleverer is needed.
    """

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._columns = np.zeros((_WORDS, 0), np.uint64)  # one row for each 64 bits of the hash
        self._count = 0
        self.add(hashes)

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Iterable[bytes]) -> None:
        """Append hashes of 32 bytes; none are added if one is malformed (HashError)."""
        added = _words(hashes)
        count = self._count + added.shape[1]
        if count > self._columns.shape[1]:
            grown = np.zeros((_WORDS, max(count, 2 * self._columns.shape[1])), np.uint64)
            grown[:, : self._count] = self._columns[:, : self._count]
            self._columns = grown
        self._columns[:, self._count : count] = added
        self._count = count

    def search(self, wanted: bytes, within: int = NEAR) -> list[Near]:
        """Every hash at most `within` bits away, the nearest first, then in order of addition."""
        query = _words([wanted])
        hits = []
        for first in range(0, self._count, _CHUNK):
            chunk = self._columns[:, first : min(first + _CHUNK, self._count)]
            apart = np.bitwise_count(chunk ^ query).sum(axis=0, dtype=np.uint16)
            near = np.flatnonzero(apart <= within)
            hits += [Near(first + int(i), int(apart[i])) for i in near]
        return sorted(hits, key=lambda hit: hit.distance)


def _words(hashes: Iterable[bytes]) -> Words:
    """uint64 (4, M)."""
    listed = list(hashes)
    if any(len(value) != HASH_BYTES for value in listed):
        raise HashError(f"a perceptual hash has {HASH_BYTES} bytes")
    return np.frombuffer(b"".join(listed), np.uint64).reshape(-1, _WORDS).T


def _picture(photo: Photo) -> npt.NDArray[np.generic]:
    if photo.kind != "developed":
        raise PhotoError(f"{photo.name} is RAW: a perceptual hash is made from its JPEG")
    return photo.pixels


def _hash(pixels: npt.NDArray[np.generic]) -> bytes:
    bits = imagehash.phash(Image.fromarray(pixels), hash_size=SIDE).hash
    return np.packbits(bits).tobytes()
