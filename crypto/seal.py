"""Microsoft SEAL through `tenseal.sealapi`, and its polynomials in and out as numpy arrays.

The only module that imports tenseal. SEAL's Python surface reads and writes whole objects by
path and single coefficients by call; here whole polynomials pass through SEAL's saved stream in
a memory file. Headers never come from a peer: the wire carries coefficients and seeds only, and
the stream around them is written by this process's own SEAL, so a message cannot say anything
about levels, scales, sizes or NTT forms.
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import tenseal.sealapi as sealapi
import zstandard
from numpy.typing import NDArray

from .errors import MalformedMessage, MisuseError
from .profiles import RingParameters

Ciphertext: TypeAlias = Any  # sealapi has no types
Plaintext: TypeAlias = Any
RelinKeys: TypeAlias = Any
Words = NDArray[np.uint64]

SEED_BYTES = 64
_HEADER = struct.Struct("<HBBBBHQ")  # magic, header size, version, compression, reserved, length
_PRNG_TAIL = _HEADER.size + 1 + SEED_BYTES
_KEYS_HEAD = _HEADER.size + 32 + 8 + 8  # header, parameter id, outer and inner count
_NO_COMPRESSION, _ZSTD = 0, 2


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


class Ring:
    """One BFV parameter set: SEAL's context, and arithmetic that returns new objects."""

    def __init__(self, parameters: RingParameters) -> None:
        self.parameters = parameters
        self.context = _context(parameters)
        self._evaluator = sealapi.Evaluator(self.context)
        self._learn_forms()
        self._one = self.polynomial(np.eye(1, parameters.degree, dtype=np.uint64)[0])

    def _learn_forms(self) -> None:
        p, context = self.parameters, self.context
        key = sealapi.KeyGenerator(context).secret_key()
        encryptor = sealapi.Encryptor(context, key)
        keygen = sealapi.KeyGenerator(context, key)
        fresh = saved_stream(encryptor.encrypt_zero_symmetric())
        last = saved_stream(encryptor.encrypt_zero_symmetric(context.last_parms_id()))
        relin = saved_stream(keygen.create_relin_keys())
        self.fresh_form = SeededForm.of_sample(fresh, 0, 1, p.data_primes, p.degree)
        self.relin_form = SeededForm.of_sample(
            relin, _KEYS_HEAD, len(p.data_primes), p.coefficient_primes, p.degree
        )
        expanded = saved_stream(self._load(sealapi.Ciphertext(), last))
        self._last_prefix = expanded[: len(expanded) - 16 * p.degree]
        encoder, plain = sealapi.BatchEncoder(context), sealapi.Plaintext()
        encoder.encode(list(range(p.degree)), plain)
        stream = saved_stream(plain)
        self._plain_prefix = stream[: len(stream) - 8 * p.degree]

    def _load(self, empty: Any, stream: bytes) -> Any:
        with _memory_file() as (descriptor, path):
            os.pwrite(descriptor, stream, 0)
            empty.load(self.context, path)
        return empty

    def ciphertext(self, wire: bytes, what: str = "ciphertext") -> Ciphertext:
        """Fresh ciphertext from its wire form; `what` it is called in an error."""
        return self._load(sealapi.Ciphertext(), self.fresh_form.to_stream(wire, what))

    def relin_keys(self, wire: bytes) -> RelinKeys:
        """Relinearisation key from its wire form."""
        stream = self.relin_form.to_stream(wire, "relinearisation key")
        return self._load(sealapi.RelinKeys(), stream)

    def polynomial(self, coefficients: Words) -> Plaintext:
        """Plaintext polynomial; `coefficients` (n,) uint64 in [0, t)."""
        words = coefficients.astype("<u8").tobytes()
        return self._load(sealapi.Plaintext(), self._plain_prefix + words)

    def signed_polynomial(self, coefficients: NDArray[np.int64]) -> Plaintext:
        """Plaintext polynomial; `coefficients` (n,) int64 in (−t/2, t/2)."""
        return self.polynomial((coefficients % self.parameters.plain_modulus).astype(np.uint64))

    def product(self, a: Ciphertext, b: Ciphertext) -> Ciphertext:
        """a∘b, slot by slot; three components."""
        out = sealapi.Ciphertext()
        self._evaluator.multiply(a, b, out)
        return out

    def square(self, a: Ciphertext) -> Ciphertext:
        """a∘a, slot by slot; three components."""
        out = sealapi.Ciphertext()
        self._evaluator.square(a, out)
        return out

    def add(self, a: Ciphertext, b: Ciphertext) -> Ciphertext:
        """a + b of equal level and form."""
        out = sealapi.Ciphertext()
        self._evaluator.add(a, b, out)
        return out

    def minus_one(self, a: Ciphertext) -> Ciphertext:
        """a − 1 in every slot."""
        out = sealapi.Ciphertext()
        self._evaluator.sub_plain(a, self._one, out)
        return out

    def relinearise(self, a: Ciphertext, keys: RelinKeys) -> Ciphertext:
        """The same plaintext in two components."""
        out = sealapi.Ciphertext()
        self._evaluator.relinearize(a, keys, out)
        return out

    def to_ntt(self, a: Ciphertext) -> Ciphertext:
        """The same ciphertext in NTT form."""
        out = sealapi.Ciphertext()
        self._evaluator.transform_to_ntt(a, out)
        return out

    def from_ntt(self, a: Ciphertext) -> Ciphertext:
        """The same ciphertext in coefficient form."""
        out = sealapi.Ciphertext()
        self._evaluator.transform_from_ntt(a, out)
        return out

    def plain_to_ntt(self, plain: Plaintext, like: Ciphertext) -> Plaintext:
        """The plaintext in NTT form at the level of `like`."""
        out = sealapi.Plaintext()
        self._evaluator.transform_to_ntt(plain, like.parms_id(), out)
        return out

    def times_plain(self, a: Ciphertext, plain: Plaintext) -> Ciphertext:
        """a times a plaintext, both in NTT form or both in coefficient form."""
        out = sealapi.Ciphertext()
        self._evaluator.multiply_plain(a, plain, out)
        return out

    def to_last_level(self, a: Ciphertext) -> Ciphertext:
        """The same plaintext under the single prime q0."""
        out = sealapi.Ciphertext()
        self._evaluator.mod_switch_to(a, self.context.last_parms_id(), out)
        return out

    def last_level_words(self, a: Ciphertext) -> Words:
        """Coefficients (2, n) in [0, q0) of a two-component ciphertext at the last level."""
        n = self.parameters.degree
        return np.frombuffer(saved_stream(a)[-16 * n :], "<u8").reshape(2, n)

    def last_level_ciphertext(self, words: Words) -> Ciphertext:
        """Inverse of `last_level_words`."""
        return self._load(sealapi.Ciphertext(), self._last_prefix + words.astype("<u8").tobytes())


class SecretRing:
    """A ring with its secret key: what only the device can do."""

    def __init__(self, ring: Ring, secret: bytes | None = None) -> None:
        self.ring = ring
        if secret is None:
            self._key = sealapi.KeyGenerator(ring.context).secret_key()
        else:
            try:
                self._key = ring._load(sealapi.SecretKey(), secret)
            except (RuntimeError, ValueError) as error:
                raise MisuseError(f"not a homomorphic secret key: {error}") from None
        self._encryptor = sealapi.Encryptor(ring.context, self._key)
        self._decryptor = sealapi.Decryptor(ring.context, self._key)
        self._encoder = sealapi.BatchEncoder(ring.context)

    def secret(self) -> bytes:
        """The secret key, to be stored encrypted."""
        return saved_stream(self._key)

    def encrypt_slots(self, slots: NDArray[np.int64]) -> bytes:
        """Wire form of a seeded encryption; `slots` (n,) int64 in (−t/2, t/2)."""
        plain = sealapi.Plaintext()
        self._encoder.encode(slots.tolist(), plain)
        return self.ring.fresh_form.to_wire(saved_stream(self._encryptor.encrypt_symmetric(plain)))

    def zero_key(self) -> bytes:
        """Wire form of a seeded encryption of zero."""
        zero = self._encryptor.encrypt_zero_symmetric()
        return self.ring.fresh_form.to_wire(saved_stream(zero))

    def relin_key(self) -> bytes:
        """Wire form of a seeded relinearisation key."""
        keys = sealapi.KeyGenerator(self.ring.context, self._key).create_relin_keys()
        return self.ring.relin_form.to_wire(saved_stream(keys))

    def constant_coefficient(self, ciphertext: Ciphertext) -> int:
        """Constant coefficient in [0, t) of what the ciphertext decrypts to."""
        plain = sealapi.Plaintext()
        self._decryptor.decrypt(ciphertext, plain)
        return int(plain.data(0)) if plain.coeff_count() else 0

    def noise_budget(self, ciphertext: Ciphertext) -> int:
        """SEAL's invariant noise budget in bits, for analysis and tests."""
        return int(self._decryptor.invariant_noise_budget(ciphertext))


def _context(p: RingParameters) -> Any:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(p.degree)
    parameters.set_coeff_modulus([sealapi.Modulus(prime) for prime in p.coefficient_primes])
    parameters.set_plain_modulus(p.plain_modulus)
    context = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
    if not context.parameters_set():
        raise MisuseError(f"BFV parameters refused: {context.parameters_error_message()}")
    return context


@lru_cache(maxsize=4)
def ring_for(parameters: RingParameters) -> Ring:
    """The process's one ring for a parameter set."""
    return Ring(parameters)
