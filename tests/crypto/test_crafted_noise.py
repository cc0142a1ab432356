"""Noise as a weapon: a probe of slots ±3 that the ±1 check would accept without its refreshment.

BFV multiplies phases over the integers: for Y = c0 + c1·s the square has phase t·Y²/q. Honest noise
is small there; a holder of s can choose noise, of a hundred-millionth of a plaintext step, that
the wraps of Y around q amplify until t·Y²/q = q/t modulo q, a sign's square, for any plaintext.
M1 of docs/PROTOCOL.md makes the wraps unpredictable.
"""

import numpy as np
import pytest

from grainseal.crypto import masking
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import (
    check_template,
    load_code,
    mask_comparison,
    mask_template_check,
    unmask_score,
)
from grainseal.crypto.profiles import TESTING
from grainseal.crypto.seal import ring_for
from grainseal.crypto.streams import saved_stream

P = TESTING.ring
N, T = P.degree, P.plain_modulus
Q0, Q1 = P.data_primes
Q = Q0 * Q1
CELL = 280  # bits per coefficient in the integers that multiply polynomials; n·(60q)² has 273
SLOTS = 3


def secret_coefficients(key):
    """The ternary secret key: what c1 = round(q0/t) decrypts to at the last level."""
    import tenseal.sealapi as sealapi

    words = np.zeros((2, N), np.uint64)
    words[1, 0] = Q0 // T
    plain, secret = sealapi.Plaintext(), key._secret_ring
    secret._decryptor.decrypt(ring_for(P).last_level_ciphertext(words), plain)
    values = [plain.data(i) for i in range(plain.coeff_count())] + [0] * (N - plain.coeff_count())
    return [v - T if v > T // 2 else v for v in values]


def packed(values):
    """One integer with a polynomial's coefficients in its cells."""
    size = CELL // 8
    parts = [
        b"".join(max(sign * v, 0).to_bytes(size, "little") for v in values) for sign in (1, -1)
    ]
    positive, negative = (int.from_bytes(part, "little") for part in parts)
    return positive - negative


def multiply(a, b):
    """Product of two integer polynomials modulo X^n + 1, exactly."""
    product = packed(a) * packed(b)
    sign, size = (-1 if product < 0 else 1), CELL // 8
    cells = abs(product).to_bytes(2 * N * size + size, "little")
    values, carry = [], 0
    for i in range(2 * N):
        value = int.from_bytes(cells[i * size : (i + 1) * size], "little") + carry
        carry = int(value >= 1 << (CELL - 1))
        values.append(sign * (value - (carry << CELL)))
    return [values[i] - values[i + N] for i in range(N)]


def integers(words):
    """Coefficients (2, n) modulo q0 and q1 as integers in (−q/2, q/2]."""
    inverse = pow(Q1, -1, Q0)
    values = [y + Q1 * ((x - y) * inverse % Q0) for x, y in zip(*words.tolist(), strict=True)]
    return [v - Q if v > Q // 2 else v for v in values]


def divide(a, b):
    """a/b modulo X^n + 1 for float polynomials, through their values at its complex roots."""
    twist = np.exp(1j * np.pi * np.arange(N) / N)
    return (np.fft.ifft(np.fft.fft(a * twist) / np.fft.fft(b * twist)) / twist).real


def crafted(key, signs):
    """Wire form of a ciphertext of SLOTS·signs whose square has the phase of the signs' square."""
    wire = key._secret_ring.encrypt_slots(signs * SLOTS)
    stream = saved_stream(load_code(TESTING, wire)[0])
    words = np.frombuffer(stream[-4 * 8 * N :], "<u8").reshape(2, 2, N)
    c0, c1 = integers(words[0]), integers(words[1])
    wraps = multiply(c1, secret_coefficients(key))
    for _ in range(6):  # Newton: t·(Y + d)² = q·round(q/t) modulo q²
        phase = [a + b for a, b in zip(c0, wraps, strict=True)]
        error = [T * v for v in multiply(phase, phase)]
        error[0] -= Q * ((Q + T // 2) // T)
        error = [(e + Q * Q // 2) % (Q * Q) - Q * Q // 2 for e in error]
        if max(map(abs, error)) < Q * Q >> 85:
            break
        relative = np.array([e / (Q * Q) for e in error])
        step = -divide(relative, 2 * T * np.array([v / Q for v in phase]))
        c0 = [a + (round(float(d) * 2.0**118) * Q >> 118) for a, d in zip(c0, step, strict=True)]
    else:
        pytest.fail("the crafted noise was not found")
    part = np.array([[v % Q0 for v in c0], [v % Q1 for v in c0]], np.uint64)
    return part.astype("<u8").tobytes() + wire[-64:]


@pytest.fixture(scope="module")
def signs():
    return np.random.default_rng(1).choice(np.array([-1, 1], np.int64), N)


@pytest.fixture(scope="module")
def probe(device, signs):
    return load_code(TESTING, crafted(device.key, signs))


@pytest.fixture
def without_refreshment(monkeypatch, device):
    """M1 left out, M5 in its place."""
    honest = masking._refreshed

    def only_at_the_end(ring, zero, ciphertext):
        return ciphertext if zero is device.keys.zero else honest(ring, zero, ciphertext)

    monkeypatch.setattr(masking, "_refreshed", only_at_the_end)


def believed(device, probe):
    sums, masks = mask_template_check(TESTING, device.keys, probe)
    try:
        check_template(TESTING, masks, device.key.open(sums))
    except VerificationFailed:
        return False
    return True


@pytest.mark.usefixtures("without_refreshment")
def test_without_refreshment_the_attack_works(device, probe, signs):
    assert all(believed(device, probe) for _ in range(5))
    naive = device.encrypt_slots(signs * SLOTS)
    assert not any(believed(device, naive) for _ in range(5))


def test_refreshment_stops_the_attack_on_templates(device, probe):
    assert not any(believed(device, probe) for _ in range(20))


def test_refreshment_stops_the_attack_on_probes(device, probe, signs):
    template = device.load(signs.astype(np.int8))
    for _ in range(20):
        sums, masks = mask_comparison(TESTING, device.keys, template, probe)
        with pytest.raises(VerificationFailed):
            unmask_score(TESTING, masks, device.key.open(sums))


def test_refreshed_sums_of_the_crafted_probe_are_spread_out(device, probe):
    """Not merely wrong: each sum by itself is right no more often than by chance."""
    values = []
    for _ in range(10):
        sums, masks = mask_template_check(TESTING, device.keys, probe)
        opened = device.key.open(sums)
        values += [(y - m.offset) % T for y, m in zip(opened, masks, strict=True)]
    counts = np.histogram(np.array(values) / T, bins=3, range=(0, 1))[0]
    assert len(set(values)) == len(values)
    assert (counts >= 2).all()  # of 30 in three thirds; fewer than 2 in one has p = 3e-4
