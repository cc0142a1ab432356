"""Microsoft SEAL through `tenseal.sealapi`: contexts, keys and arithmetic.

The only module that imports tenseal; `streams` is how numbers get in and out.
"""

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import tenseal.sealapi as sealapi
from numpy.typing import NDArray

from .errors import MisuseError
from .profiles import RingParameters
from .streams import KEYS_HEAD, SeededForm, load_stream, saved_stream

Ciphertext: TypeAlias = Any  # sealapi has no types
Plaintext: TypeAlias = Any
RelinKeys: TypeAlias = Any
Words = NDArray[np.uint64]


class Ring:
    """One BFV parameter set: SEAL's context, and arithmetic that returns new objects."""

    def __init__(self, parameters: RingParameters) -> None:
        self.parameters = parameters
        self.context = _context(parameters)
        self._evaluator = sealapi.Evaluator(self.context)
        self._encoder = sealapi.BatchEncoder(self.context)
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
            relin, KEYS_HEAD, len(p.data_primes), p.coefficient_primes, p.degree
        )
        expanded = saved_stream(self._load(sealapi.Ciphertext(), last))
        self._last_prefix = expanded[: len(expanded) - 16 * p.degree]
        stream = saved_stream(self.encode(np.arange(p.degree)))
        self._plain_prefix = stream[: len(stream) - 8 * p.degree]

    def _load(self, empty: Any, stream: bytes) -> Any:
        return load_stream(empty, self.context, stream)

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

    def encode(self, slots: NDArray[np.int64]) -> Plaintext:
        """Plaintext with these slots; `slots` (n,) int64 in (−t/2, t/2)."""
        plain = sealapi.Plaintext()
        self._encoder.encode(slots.tolist(), plain)
        return plain

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

    def sum_of(self, total: Ciphertext | None, term: Ciphertext) -> Ciphertext:
        """total + term of equal level and form; the term where there is no total yet."""
        return term if total is None else self.add(total, term)

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

    def times_constant(self, a: Ciphertext, value: int) -> Ciphertext:
        """value·a in every slot, 0 < value < t; a in coefficient form."""
        coefficients = np.zeros(self.parameters.degree, np.uint64)
        coefficients[0] = value
        return self.times_plain(a, self.polynomial(coefficients))

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

    def secret(self) -> bytes:
        """The secret key, to be stored encrypted."""
        return saved_stream(self._key)

    def encrypt_slots(self, slots: NDArray[np.int64]) -> bytes:
        """Wire form of a seeded encryption; `slots` (n,) int64 in (−t/2, t/2)."""
        encrypted = self._encryptor.encrypt_symmetric(self.ring.encode(slots))
        return self.ring.fresh_form.to_wire(saved_stream(encrypted))

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
