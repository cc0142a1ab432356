"""Whatever the probe, the answer tells its receiver nothing: attacks on M1–M7 of docs/PROTOCOL.md.

The first test shows that the attack is real: on sums without M5 and M6 it reads the mask. The
others run it, and its variants, on what the server sends.
"""

import secrets
from fractions import Fraction

import numpy as np
import pytest

from grainseal.crypto import claim_masking, masking
from grainseal.crypto.claim_masking import load_claim_template, mask_probe
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import LoadedKeys, PublicKeys, mask_comparison
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING, TESTING
from grainseal.crypto.seal import ring_for
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.streams import saved_stream

Q0, T, N = TESTING.ring.last_prime, TESTING.ring.plain_modulus, TESTING.ring.degree


@pytest.fixture
def template(device, random_code):
    return device.load(random_code(TESTING.length, 1))


def without_c1(device, code):
    """An encryption of the code with c1 = 0: no wire form has it, so it is forged in memory."""
    ring = ring_for(TESTING.ring)
    loaded = device.load(code)[0]
    plain = ring.product(loaded, loaded)  # any ciphertext to borrow a stream from
    relinearised = ring.relinearise(plain, device.keys.relin)
    stream = bytearray(saved_stream(relinearised))
    primes, size = TESTING.ring.data_primes, 16 * N
    stream[-2 * size :] = b"\0" * (2 * size)
    # c0 = round(q/t)·m in the coefficient basis, from a plaintext of the code's slots
    import tenseal.sealapi as sealapi

    encoder, encoded = sealapi.BatchEncoder(ring.context), sealapi.Plaintext()
    encoder.encode(code.astype(int).tolist(), encoded)
    words = [encoded.data(i) for i in range(encoded.coeff_count())]
    q = primes[0] * primes[1]
    scaled = [(q * m + T // 2) // T for m in words]
    c0 = np.array([[v % p for v in scaled] for p in primes], np.uint64)
    stream[-2 * size : -size] = c0.astype("<u8").tobytes()
    return ring._load(sealapi.Ciphertext(), bytes(stream))


def read_factor(known_c1, answer_c1):
    """The a with answer = a·known at every coefficient, or None."""
    candidates = set()
    for k, a in zip(known_c1[:8], answer_c1[:8], strict=True):
        candidates.add(int(a) * pow(int(k), -1, Q0) % Q0)
    return candidates.pop() if len(candidates) == 1 and min(candidates) < T else None


def sum_without_protection(device, template, probe, factor):
    """R_k after M4, and the product's c1 at the same level."""
    ring = ring_for(TESTING.ring)
    product = ring.relinearise(ring.product(template[0], probe), device.keys.relin)
    return ring, product, ring.times_constant(product, factor)


def test_the_attack_works_on_unprotected_sums(device, template, random_code):
    probe = without_c1(device, random_code(TESTING.length, 2))
    factor = 1 + secrets.randbelow(T - 1)
    _, product, weighted = sum_without_protection(device, template, probe, factor)
    known = np.frombuffer(saved_stream(product)[-16 * N :], "<u8")
    seen = np.frombuffer(saved_stream(weighted)[-16 * N :], "<u8")
    assert read_factor(known, seen) == factor


def test_the_attack_fails_after_rerandomisation(device, template, random_code):
    """The very sum that leaks, once it has gone through M5 and M6."""
    probe = without_c1(device, random_code(TESTING.length, 2))
    factor = 1 + secrets.randbelow(T - 1)
    ring, product, weighted = sum_without_protection(device, template, probe, factor)
    known = ring.last_level_words(ring.to_last_level(product))[1]
    masked, _ = masking._rerandomise(ring, device.keys.last_zero, ring.to_last_level(weighted))
    seen = np.frombuffer(masked.c1, "<u8")
    assert read_factor(known, seen) is None
    rest = [(int(s) - factor * int(k)) % Q0 for s, k in zip(seen, known, strict=True)]
    near_zero = sum(min(r, Q0 - r) < Q0 // 1000 for r in rest)
    assert near_zero < 60  # by chance 16 of 8192; all of them if the factor fitted


def nearest(known, seen, q):
    """The small a for which seen − a·known is smallest modulo q: Lagrange's reduction."""
    u, v = (1, known), (0, q)
    while True:
        if u[0] ** 2 + u[1] ** 2 > v[0] ** 2 + v[1] ** 2:
            u, v = v, u
        times = (2 * (u[0] * v[0] + u[1] * v[1]) // (u[0] ** 2 + u[1] ** 2) + 1) // 2
        if times == 0:
            break
        v = (v[0] - times * u[0], v[1] - times * u[1])
    determinant = u[0] * v[1] - u[1] * v[0]
    i, j = (round(Fraction(x * seen, determinant)) for x in (-v[0], u[0]))
    return i * u[0] + j * v[0]


def read_claim_factor(known_c1, seen_c1):
    """As `read_factor`, of sums that were switched to the last level: a's multiple is rounded."""
    p = CLAIM_TESTING.ring
    found = {
        nearest(int(k), int(s), p.last_prime) % p.plain_modulus
        for k, s in zip(known_c1[:8], seen_c1[:8], strict=True)
    }
    return found.pop() if len(found) == 1 else None


@pytest.fixture
def public_sum(claimant, random_code):
    """A template with a public probe, P and its c1 at the last level: the device knows it all."""
    ring, profile = ring_for(CLAIM_TESTING.ring), CLAIM_TESTING
    wire = claimant.key.encrypt(random_code(profile.length, 3))
    template = load_claim_template(profile, wire)
    probe = np.random.default_rng(5).integers(-7, 8, profile.length).astype(np.int8)
    whole = slice(0, profile.length)
    product = claim_masking._product(ring, claimant.keys, template, probe, whole)
    known = ring.last_level_words(ring.to_last_level(product))[1]
    return template, probe, product, known


def test_the_attack_works_on_unprotected_sums_of_public_probes(public_sum):
    ring, (_, _, product, known) = ring_for(CLAIM_TESTING.ring), public_sum
    for _ in range(3):
        factor = 1 + secrets.randbelow(CLAIM_TESTING.ring.plain_modulus - 1)
        weighted = ring.to_last_level(ring.times_constant(product, factor))
        seen = ring.last_level_words(weighted)[1]
        assert read_claim_factor(known, seen) == factor


def test_the_attack_fails_on_answers_to_public_probes(claimant, public_sum):
    template, probe, _, known = public_sum
    q0, t = CLAIM_TESTING.ring.last_prime, CLAIM_TESTING.ring.plain_modulus
    sums, masks = mask_probe(CLAIM_TESTING, claimant.keys, template, probe, 2)
    for masked, mask in zip(sums, masks, strict=True):
        seen = np.frombuffer(masked.c1, "<u8")
        assert read_claim_factor(known, seen) is None
        factor = mask.factor - t if mask.factor > t // 2 else mask.factor
        rest = [(int(s) - factor * int(k)) % q0 for s, k in zip(seen, known, strict=True)]
        near_zero = sum(min(r, q0 - r) < q0 // 1000 for r in rest)
        assert near_zero < 80  # by chance 33 of 16384; all of them if the factor fitted


def test_c1_carries_fresh_noise(device, template, monkeypatch):
    """M5's e: what is left of c1 when everything else is known has its spread and no more."""
    ring = ring_for(TESTING.ring)
    known = np.random.default_rng(4).integers(-1, 2, N)
    monkeypatch.setattr(masking, "ternary", lambda _: known)
    total = ring.to_last_level(ring.relinearise(ring.square(template[0]), device.keys.relin))
    without = ring.last_level_words(masking._refreshed(ring, device.keys.last_zero, total))[1]
    for _ in range(2):
        masked, _ = masking._rerandomise(ring, device.keys.last_zero, total)
        noise = np.frombuffer(masked.c1, "<u8").astype(object) - without.astype(object)
        noise = np.array([(e + Q0 // 2) % Q0 - Q0 // 2 for e in noise], float)
        assert 3.0 < noise.std() < 3.5
        assert np.abs(noise).max() <= 21


def test_c0_is_masked(device, template):
    """M6's U: the same question again and again gets numbers from all of [0, q0)."""
    c0 = [
        s.c0
        for _ in range(10)
        for s in mask_comparison(TESTING, device.keys, template, template)[0]
    ]
    counts = np.histogram(np.array(c0, float) / Q0, bins=3, range=(0, 1))[0]
    assert (counts >= 2).all()  # of 30 in three thirds; fewer than 2 in one has p = 3e-4
    opened = [device.key.open(mask_comparison(TESTING, device.keys, template, template)[0])]
    assert len(set(opened[0])) == TESTING.openings


def test_a_zero_key_that_is_not_seeded_cannot_be_sent(device):
    ring, keys = ring_for(TESTING.ring), device.key.public_keys()
    full = keys.zero_key[:-64] + b"\0" * (8 * N)  # c0 and a c1 of the device's choice
    stream = ring.fresh_form.to_stream(keys.zero_key, "zero-key")
    for forged in (full, stream, keys.zero_key[:-64] + b"\0" * 64):
        with pytest.raises(MalformedMessage):
            LoadedKeys.from_wire(TESTING, PublicKeys(keys.relin_key, forged))


def noisy(device, code, bits):
    """A probe whose c0 carries noise of so many bits: still a valid wire form."""
    wire = bytearray(device.key.encrypt(code))
    noise = np.random.default_rng(3).integers(0, 1 << bits, N, np.uint64)
    for i, prime in enumerate(TESTING.ring.data_primes):
        words = np.frombuffer(bytes(wire[8 * N * i : 8 * N * (i + 1)]), "<u8")
        wire[8 * N * i : 8 * N * (i + 1)] = ((words + noise) % np.uint64(prime)).tobytes()
    return masking.load_code(TESTING, bytes(wire))


@pytest.mark.parametrize("bits", [0, 40, 55, 59])
def test_opened_values_are_uniform_whatever_the_noise(device, template, random_code, bits):
    """What the device opens is uniform and does not follow the masks."""
    probe = noisy(device, random_code(TESTING.length, 2), bits)
    opened, factors = [], []
    for _ in range(20):
        sums, masks = mask_comparison(TESTING, device.keys, template, probe)
        opened += device.key.open(sums)
        factors += [m.factor for m in masks]
    y, a = np.array(opened) / T, np.array(factors) / T
    counts = np.histogram(y, bins=4, range=(0, 1))[0]
    assert ((counts - 15) ** 2 / 15).sum() < 24.3  # chi-square, 3 degrees of freedom, p = 2e-5
    assert abs(np.corrcoef(y, a)[0, 1]) < 0.56  # 60 pairs, p = 1e-5


def test_the_same_question_gets_unrelated_answers(device, template):
    first, _ = mask_comparison(TESTING, device.keys, template, template)
    second, _ = mask_comparison(TESTING, device.keys, template, template)
    words = [np.frombuffer(s.c1, "<u8").astype(float) for s in (*first, *second)]
    correlation = np.corrcoef(words) - np.eye(6)
    assert np.abs(correlation).max() < 6 / np.sqrt(N)
    assert len({s.c0 for s in (*first, *second)}) == 6


def test_keys_differ_between_devices():
    assert HomomorphicKey(TESTING).secret() != HomomorphicKey(TESTING).secret()
    assert SigningKey().seed != SigningKey().seed
