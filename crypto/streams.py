"""Polynomials in and out of SEAL, whole, through its saved streams.

`tenseal.sealapi` saves and loads by path and reads single coefficients by call. Here a stream
passes through a memory file, and its numbers through numpy. Headers never come from a peer: the
wire carries coefficients and seeds only, and the stream around them is one that this process's own
SEAL wrote, so a message cannot say anything about levels, scales, sizes or NTT forms. Where the
system has no memory files the way leads through a temporary file that only its owner may read.
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard

from .errors import MalformedMessage

SEED_BYTES = 64
_HEADER = struct.Struct("<HBBBBHQ")  # magic, header size, version, compression, reserved, length
_PRNG_TAIL = _HEADER.size + 1 + SEED_BYTES
_NO_COMPRESSION, _ZSTD = 0, 2
# What stands before the parts of a saved key-switching key: header, parameter id, two counts.
KEYS_HEAD = _HEADER.size + 32 + 8 + 8


@contextmanager
def _memory_file() -> Iterator[tuple[int, str]]:
    """A file that is never on a disk where the system offers one: (descriptor, path)."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("grainseal")
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="grainseal-")  # mode 0600
    try:
        yield descriptor, path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            os.unlink(path)  # noqa: PTH108


def saved_stream(thing: Any) -> bytes:
    """SEAL's saved form of a thing, uncompressed."""
    with _memory_file() as (descriptor, path):
        thing.save(path)
        raw = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    magic, header_size, major, minor, compression, reserved, _ = _HEADER.unpack_from(raw)
    body = raw[_HEADER.size :]
    if compression == _ZSTD:
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    length = _HEADER.size + len(body)
    return _HEADER.pack(magic, header_size, major, minor, _NO_COMPRESSION, reserved, length) + body


def load_stream(empty: Any, context: Any, stream: bytes) -> Any:
    """The thing that a saved stream describes, read into an empty one."""
    with _memory_file() as (descriptor, path):
        os.pwrite(descriptor, stream, 0)
        empty.load(context, path)
    return empty


@dataclass(frozen=True)
class SeededForm:
    """A SEAL object whose uniform halves are seeds, and its wire form.

    On the wire, for each of `count` parts: the other half's coefficients as little-endian
    64-bit words, prime by prime, then the 64-byte seed.
    """

    head: bytes
    prefix: bytes
    middle: bytes
    count: int
    primes: tuple[int, ...]
    degree: int

    @property
    def part_size(self) -> int:
        """Bytes of coefficients in one part."""
        return 8 * len(self.primes) * self.degree

    @property
    def wire_size(self) -> int:
        """Bytes of the whole object on the wire."""
        return self.count * (self.part_size + SEED_BYTES)

    @classmethod
    def of_sample(
        cls, stream: bytes, head: int, count: int, primes: tuple[int, ...], degree: int
    ) -> "SeededForm":
        """Learn the stream around the numbers from an object that SEAL saved."""
        part = (len(stream) - head) // count
        prefix_size = part - 8 * len(primes) * degree - _PRNG_TAIL
        first = stream[head : head + part]
        return cls(
            head=stream[:head],
            prefix=first[:prefix_size],
            middle=first[-_PRNG_TAIL:-SEED_BYTES],
            count=count,
            primes=primes,
            degree=degree,
        )

    def to_wire(self, stream: bytes) -> bytes:
        """Coefficients and seeds of a saved stream."""
        step = len(self.prefix) + self.part_size + _PRNG_TAIL
        parts = []
        for start in range(len(self.head), len(stream), step):
            data = start + len(self.prefix)
            parts += [
                stream[data : data + self.part_size],
                stream[start + step - SEED_BYTES : start + step],
            ]
        return b"".join(parts)

    def to_stream(self, wire: bytes, what: str) -> bytes:
        """Saved stream with a peer's numbers in it; `MalformedMessage` if they are out of range."""
        # W1
        if len(wire) != self.wire_size:
            raise MalformedMessage(f"{what} has {len(wire)} bytes, not {self.wire_size}")
        step, out = self.part_size + SEED_BYTES, [self.head]
        for start in range(0, len(wire), step):
            seed_start = start + self.part_size
            part, seed = wire[start:seed_start], wire[seed_start : seed_start + SEED_BYTES]
            self._check_range(part, seed, what)
            out += [self.prefix, part, self.middle, seed]
        return b"".join(out)

    def _check_range(self, part: bytes, seed: bytes, what: str) -> None:
        words = np.frombuffer(part, "<u8").reshape(len(self.primes), self.degree)
        # W2
        if (words >= np.array(self.primes, np.uint64)[:, None]).any():
            raise MalformedMessage(f"{what} has a coefficient outside its modulus")
        # W3
        if not words.any() or not any(seed):
            raise MalformedMessage(f"{what} is transparent: all coefficients or the seed are zero")
