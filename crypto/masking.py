"""The server's side of the masked opening: two encrypted codes to an answer that tells nothing.

For an encrypted template t and probe p of ±1 the server forms, for k = 1…K,

    R_k = a_k·P + Σ_b r_{k,b}∘S_b,    P = Σ_b T_b∘P_b,    S_b = P_b∘P_b − 1,

with a_k uniform in Z_t^* and r_{k,b} uniform in Z_t per slot. The constant coefficient of a
plaintext is n⁻¹ times the sum of its slots, so R_k's is n⁻¹·a_k·⟨t, p⟩ when every slot of the
probe is ±1, and uniform otherwise. At enrolment there is no P and the template takes the probe's
place: the sum must be zero. Before any of this the probe is refreshed with a random multiple of
an encryption of zero, or a holder of the secret key could choose noise that makes S_b vanish for
slots other than ±1. The steps are numbered as in docs/PROTOCOL.md, "The answer".
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .errors import MalformedMessage, MisuseError, VerificationFailed
from .profiles import CodeProfile
from .sampling import centred_binomial, ternary, uniform_below
from .seal import Ciphertext, RelinKeys, Ring, Words, ring_for


@dataclass(frozen=True)
class PublicKeys:
    """What a device publishes for one template: wire forms of both keys."""

    relin_key: bytes
    zero_key: bytes


@dataclass(frozen=True)
class Mask:
    """What the server must remember of one masked sum: the factor a and round(t·U/q0) mod t."""

    factor: int
    offset: int


@dataclass(frozen=True)
class MaskedSum:
    """One answer: c1 (n words, little-endian) and the masked constant coefficient of c0."""

    c1: bytes
    c0: int


# The sums of one answer, and their masks in the same order.
Answer: TypeAlias = tuple[list[MaskedSum], list[Mask]]


@dataclass(frozen=True)
class LoadedKeys:
    """A device's public keys, validated and expanded; worth keeping between verifications."""

    relin: RelinKeys
    zero: Ciphertext  # an encryption of zero in NTT form,
    last_zero: Ciphertext  # and the same at the last level

    @classmethod
    def from_wire(cls, profile: CodeProfile, keys: PublicKeys) -> "LoadedKeys":
        """Expanded keys; `MalformedMessage` if either is not of the seeded form."""
        ring = ring_for(profile.ring)
        zero = ring.ciphertext(keys.zero_key, "zero-key")
        last_zero = ring.to_ntt(ring.to_last_level(zero))
        return cls(ring.relin_keys(keys.relin_key), ring.to_ntt(zero), last_zero)


def load_code(profile: CodeProfile, wire: bytes) -> list[Ciphertext]:
    """Ciphertexts of one encrypted code, block by block; `MalformedMessage` if they are not."""
    ring = ring_for(profile.ring)
    size = ring.fresh_form.wire_size
    if len(wire) != profile.blocks * size:
        raise MalformedMessage(
            f"encrypted code has {len(wire)} bytes; {profile.name} takes {profile.blocks * size}"
        )
    return [ring.ciphertext(wire[i : i + size]) for i in range(0, len(wire), size)]


def mask_comparison(
    profile: CodeProfile,
    keys: LoadedKeys,
    template: Sequence[Ciphertext],
    probe: Sequence[Ciphertext],
    openings: int | None = None,
) -> Answer:
    """K masked sums of ⟨template, probe⟩ and what is needed to unmask them.

    `openings` takes the place of the profile's K. Memory does not grow with the number of blocks.
    """
    ring = ring_for(profile.ring)
    count = profile.openings if openings is None else openings
    check_blocks(profile, template)
    check_blocks(profile, probe)
    product: Ciphertext = None
    checks: list[Ciphertext] = [None] * count
    for t, p in zip(template, probe, strict=True):
        # M1
        refreshed = _refreshed(ring, keys.zero, p)
        # M2
        product = ring.sum_of(product, ring.product(t, refreshed))
        checks = _add_checks(ring, keys, checks, refreshed)
    relinearised = ring.relinearise(product, keys.relin)
    # M3: the factors; the weights are in _add_checks
    factors = fresh_factors(ring, count)
    products = [ring.times_constant(relinearised, factor) for factor in factors]
    sums = [ring.add(p, ring.from_ntt(c)) for p, c in zip(products, checks, strict=True)]
    return answers(ring, keys, factors, sums)


def mask_template_check(
    profile: CodeProfile, keys: LoadedKeys, template: Sequence[Ciphertext]
) -> Answer:
    """K masked sums that are zero exactly when every slot of the template is ±1."""
    ring = ring_for(profile.ring)
    check_blocks(profile, template)
    checks: list[Ciphertext] = [None] * profile.openings
    for block in template:
        # M1
        checks = _add_checks(ring, keys, checks, _refreshed(ring, keys.zero, block))
    sums = [ring.from_ntt(check) for check in checks]
    return answers(ring, keys, [0] * profile.openings, sums)


def _add_checks(
    ring: Ring, keys: LoadedKeys, checks: Sequence[Ciphertext | None], block: Ciphertext
) -> list[Ciphertext]:
    """Σ_b r_{k,b}∘S_b for k = 1…K in NTT form, one block longer."""
    # M2
    deviation = ring.to_ntt(ring.relinearise(ring.minus_one(ring.square(block)), keys.relin))
    # M3: the weights
    return [ring.sum_of(each, _weighted(ring, deviation)) for each in checks]


def fresh_factors(ring: Ring, count: int) -> list[int]:
    """a_k of M3 and M8, uniform in Z_t^*."""
    if count < 1:
        raise MisuseError(f"an answer has at least one sum, not {count}")
    return [1 + secrets.randbelow(ring.parameters.plain_modulus - 1) for _ in range(count)]


def answers(
    ring: Ring, keys: LoadedKeys, factors: Sequence[int], sums: Iterable[Ciphertext]
) -> Answer:
    """M4–M7 for each R_k, which are in coefficient form; their factors go into the masks."""
    masked, masks = [], []
    for factor, total in zip(factors, sums, strict=True):
        # M4
        one, offset = _rerandomise(ring, keys.last_zero, ring.to_last_level(total))
        masked.append(one)
        masks.append(Mask(factor, offset))
    return masked, masks


def check_blocks(profile: CodeProfile, code: Sequence[Ciphertext], ntt: bool = False) -> None:
    """`MisuseError` unless the ciphertexts are the profile's blocks, in NTT form or not."""
    if len(code) != profile.blocks or any(block.is_ntt_form() != ntt for block in code):
        form = "load_claim_template" if ntt else "load_code"
        raise MisuseError(f"{profile.blocks} blocks of {profile.name}, by {form}, are needed")


def _weighted(ring: Ring, deviation: Ciphertext) -> Ciphertext:
    # Uniform coefficients mod t are uniform slots mod t: the slots are an invertible transform.
    p = ring.parameters
    weights = ring.polynomial(uniform_below(p.plain_modulus, p.degree))
    return ring.times_plain(deviation, ring.plain_to_ntt(weights, deviation))


def _refreshed(ring: Ring, zero_key: Ciphertext, ciphertext: Ciphertext) -> Ciphertext:
    """The same plaintext, + u·zero-key of its level with u uniform ternary."""
    u = ring.plain_to_ntt(ring.signed_polynomial(ternary(ring.parameters.degree)), zero_key)
    return ring.add(ciphertext, ring.from_ntt(ring.times_plain(zero_key, u)))


def _rerandomise(ring: Ring, zero_key: Ciphertext, total: Ciphertext) -> tuple[MaskedSum, int]:
    """One sum at the last level, + u·zero-key + e, and U on c0's constant coefficient."""
    p, q0 = ring.parameters, ring.parameters.last_prime
    # M5: the noise e is added to the words below
    words = ring.last_level_words(_refreshed(ring, zero_key, total))
    # M6
    mask = secrets.randbelow(q0)
    c0 = (int(words[0, 0]) + int(centred_binomial(1)[0]) + mask) % q0
    # M7
    return MaskedSum(_add_noise(words[1], q0), c0), rounded(mask, p.plain_modulus, q0)


def _add_noise(words: Words, q0: int) -> bytes:
    noise = (centred_binomial(words.size) % q0).astype(np.uint64)
    return ((words + noise) % np.uint64(q0)).astype("<u8").tobytes()


def rounded(x: int, t: int, q0: int) -> int:
    """round(t·x/q0) mod t for x in [0, q0)."""
    return (2 * t * x + q0) // (2 * q0) % t


def unmask_score(profile: CodeProfile, masks: Sequence[Mask], opened: Sequence[int]) -> int:
    """Score ⟨t, p⟩ of two codes of ±1 from the opened sums.

    `VerificationFailed` unless all sums give one integer of the right parity in [−N, N].
    """
    score = unmask_sum(profile, masks, opened, profile.length)
    if (score - profile.length) % 2:
        raise VerificationFailed("the opened sums give no possible score")
    return score


def unmask_sum(
    profile: CodeProfile, masks: Sequence[Mask], opened: Sequence[int], bound: int
) -> int:
    """⟨t, p⟩ from the opened sums of one answer.

    `VerificationFailed` unless all of them give one integer in [−`bound`, `bound`], where the
    bound is Σ|p|; `MisuseError` for a bound that the plaintext modulus cannot hold.
    """
    t, n = profile.ring.plain_modulus, profile.ring.degree
    if not (0 <= bound <= t // 2 and masks):
        raise MisuseError(f"a sum needs its masks and a bound of at most {t // 2}, not {bound}")
    scores = {
        _centred((y - mask.offset) * n * pow(mask.factor, -1, t), t)
        for mask, y in zip(masks, _checked(profile, masks, opened), strict=True)
    }
    score = scores.pop()
    if scores:
        raise VerificationFailed("the opened sums contradict each other")
    if abs(score) > bound:
        raise VerificationFailed("the opened sums give no possible score")
    return score


def check_template(profile: CodeProfile, masks: Sequence[Mask], opened: Sequence[int]) -> None:
    """`VerificationFailed` unless the opened sums show that the template is all ±1."""
    values = _checked(profile, masks, opened)
    if any(mask.offset != y for mask, y in zip(masks, values, strict=True)):
        raise VerificationFailed("the template has a slot that is not ±1, or its opening is false")


def _checked(profile: CodeProfile, masks: Sequence[Mask], opened: Sequence[int]) -> Sequence[int]:
    t = profile.ring.plain_modulus
    if len(opened) != len(masks) or any(not 0 <= y < t for y in opened):
        raise MalformedMessage(f"an opening is {len(masks)} integers in [0, {t})")
    return opened


def _centred(value: int, modulus: int) -> int:
    value %= modulus
    return value - modulus if value > modulus // 2 else value
