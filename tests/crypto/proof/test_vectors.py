"""The proofs' vectors: this verifier accepts and refuses them, and so does one in plain integers.

The second is docs/PROTOCOL.md word by word; of the library it takes points and their sums only.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from py_arkworks_bls12381 import G1Point, Scalar

from grainseal.crypto.proof.commitment import CommittedCode, commit, parse_commitment
from grainseal.crypto.proof.errors import ProofError
from grainseal.crypto.proof.score_proof import verify_score
from grainseal.crypto.proof.signs_proof import verify_signs
from grainseal.crypto.proof.window import ScoreWindow

FOLDER = Path(__file__).parents[2] / "vectors" / "proof"
COMMITMENT, SIGNS, SCORE = (
    json.loads((FOLDER / f"{name}.json").read_text()) for name in ("commitment", "signs", "score")
)
R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
N_BLOCK = COMMITMENT["block"]


def show_score(**changed):
    shown = {**SCORE, "commitment": COMMITMENT["commitment"], **changed}
    verify_score(
        parse_commitment(bytes.fromhex(shown["commitment"])),
        np.frombuffer(bytes.fromhex(shown["probe"]), np.int8),
        ScoreWindow(shown["low"], shown["high"]),
        bytes.fromhex(shown["statement"]),
        bytes.fromhex(shown["proof"]),
    )


def show_signs(proof):
    commitment = parse_commitment(bytes.fromhex(COMMITMENT["commitment"]))
    verify_signs(commitment, bytes.fromhex(SIGNS["statement"]), bytes.fromhex(proof))


def test_the_commitment_is_made_again():
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(COMMITMENT["code"]), np.uint8))
    code = np.where(bits, -1, 1).astype(np.int8)
    made = commit(CommittedCode(code, bytes.fromhex(COMMITMENT["seed"]), N_BLOCK))
    assert made.encoded.hex() == COMMITMENT["commitment"]
    assert made.sha256.hex() == COMMITMENT["sha256"]


def test_the_true_ones_pass():
    show_signs(SIGNS["proof"])
    show_score()


@pytest.mark.parametrize("bad", SIGNS["refused"], ids=lambda bad: bad["name"])
def test_bad_signs_proofs(bad):
    with pytest.raises(ProofError) as refused:
        show_signs(bad["proof"])
    assert refused.value.fault == bad["fault"]


@pytest.mark.parametrize("bad", SCORE["refused"], ids=lambda bad: bad["name"])
def test_bad_score_proofs(bad):
    with pytest.raises(ProofError) as refused:
        show_score(proof=bad["proof"])
    assert refused.value.fault == bad["fault"]


@pytest.mark.parametrize("other", SCORE["refused_for"], ids=lambda other: other["name"])
def test_the_score_proof_is_for_one_claim_only(other):
    with pytest.raises(ProofError, match="does not prove"):
        show_score(**{name: value for name, value in other.items() if name != "name"})


# --- in plain integers ---


def framed(tag, *fields):
    data = [f if isinstance(f, bytes) else f.to_bytes(8, "big") for f in fields]
    return b"grainseal/v1/" + tag + b"\0" + b"".join(len(f).to_bytes(4, "big") + f for f in data)


def times(point, number):
    return point * Scalar.from_be_bytes((number % R).to_bytes(32, "big"))


class Conversation:
    """A proof being read, with the transcript that it makes."""

    def __init__(self, kind, fields, proof):
        self.state = hashlib.sha256(framed(b"proof-start", kind, *fields)).digest()
        self.rest, self.challenges = proof, []

    def take(self, label, size):
        data, self.rest = self.rest[:size], self.rest[size:]
        self.state = hashlib.sha256(framed(b"proof-absorb", self.state, label, data)).digest()
        return data

    def points(self, label, count):
        data = self.take(label, 48 * count)
        return [G1Point.from_compressed_bytes(data[48 * i : 48 * i + 48]) for i in range(count)]

    def scalar(self, label):
        return int.from_bytes(self.take(label, 32), "big")

    def challenge(self, label):
        digest = hashlib.sha512(framed(b"proof-challenge", self.state, label)).digest()
        self.take(label, 0)
        value = 1 + int.from_bytes(digest, "big") % (R - 1)
        self.challenges.append({"label": label.decode(), "value": value.to_bytes(32, "big").hex()})
        return value


def generator(name, index):
    domain = b"grainseal/v1/generators/BLS12381G1_XMD:SHA-256_SSWU_RO_"
    return G1Point.hash_to_curve(framed(b"generator", name, index), domain)


def linear_holds(talk, commitments, weights, value):
    """The linear argument, folding generators and weights round by round."""
    k, n = len(commitments), len(weights[0])
    q, h = generator(b"value", 0), generator(b"blinding", 0)
    (p,) = talk.points(b"hiding block", 1)
    coefficients = talk.points(b"coefficients", 2 * k - 1)
    x, y = talk.challenge(b"x"), talk.challenge(b"y")
    for i, commitment in enumerate(commitments, start=1):
        p = p + times(commitment, pow(x, i, R))
    places = [j for j in range(2 * k) if j != k]
    for j, coefficient in zip(places, coefficients, strict=True):
        p = p + times(coefficient, y * pow(x, j, R))
    p = p + times(q, y * value * pow(x, k, R)) - times(h, talk.scalar(b"blinding"))
    w = [sum(weights[i][s] * pow(x, k - 1 - i, R) for i in range(k)) % R for s in range(n)]
    g = [generator(b"code", i) for i in range(n)]
    while n > 1:
        n //= 2
        left, right = talk.points(b"round", 2)
        c = talk.challenge(b"c")
        p = left + times(p, c) + times(right, c * c)
        w = [(c * a + b) % R for a, b in zip(w[:n], w[n:], strict=True)]
        g = [times(a, c) + b for a, b in zip(g[:n], g[n:], strict=True)]
    z = talk.scalar(b"last")
    assert talk.rest == b""
    return p == times(g[0], z) + times(q, z * w[0] * y)


def lagrange(zeta, m):
    root = pow(7, (R - 1) // m, R)
    vanishing = pow(zeta, m, R) - 1
    roots = [pow(root, j, R) for j in range(m)]
    return [w * vanishing * pow(m * (zeta - w), -1, R) % R for w in roots]


def commitment_points():
    data = bytes.fromhex(COMMITMENT["commitment"])
    points = data[len(framed(b"code-commitment", N_BLOCK)) + 4 :]
    assert framed(b"code-commitment", N_BLOCK, points) == data
    return [G1Point.from_compressed_bytes(points[i : i + 48]) for i in range(0, len(points), 48)]


def blocks_of(values):
    return [values[i : i + N_BLOCK] for i in range(0, len(values), N_BLOCK)]


def test_signs_by_hand():
    code = commitment_points()
    length = N_BLOCK * len(code)
    fields = bytes.fromhex(COMMITMENT["commitment"]), bytes.fromhex(SIGNS["statement"])
    talk = Conversation(b"signs", fields, bytes.fromhex(SIGNS["proof"]))
    quotient = talk.points(b"quotient", len(code) + 1)
    zeta = talk.challenge(b"zeta")
    v, gamma = talk.scalar(b"value"), talk.challenge(b"gamma")
    vanishing = pow(zeta, length, R) - 1
    weights = [
        *blocks_of([gamma * each % R for each in lagrange(zeta, length)]),
        *blocks_of([pow(zeta, j, R) for j in range(length)]),
        [pow(zeta, length, R), gamma * vanishing % R, *[0] * (N_BLOCK - 2)],
    ]
    target = gamma * v + (v * v - 1) * pow(vanishing, -1, R)
    assert linear_holds(talk, [*code, *quotient], weights, target)
    assert talk.challenges == SIGNS["challenges"]


def test_score_by_hand():
    code, probe = commitment_points(), bytes.fromhex(SCORE["probe"])
    low, high, m = SCORE["low"], SCORE["high"], SCORE["high"] - 1 - SCORE["low"]
    digit_weights = []
    while m:
        digit_weights.append((m + 1) // 2)
        m //= 2
    digit_weights += [0] * (32 - len(digit_weights))
    assert digit_weights == SCORE["digit_weights"]
    statement = bytes.fromhex(SCORE["statement"])
    fields = (
        bytes.fromhex(COMMITMENT["commitment"]),
        hashlib.sha256(probe).digest(),
        low,
        high,
        statement,
    )
    talk = Conversation(b"score", fields, bytes.fromhex(SCORE["proof"]))
    own = talk.points(b"digits", 1)
    zeta = talk.challenge(b"zeta")
    v, gamma = talk.scalar(b"value"), talk.challenge(b"gamma")
    vanishing, at = pow(zeta, 32, R) - 1, lagrange(zeta, 32)
    mine = [
        *((gamma * a - w) % R for a, w in zip(at, digit_weights, strict=True)),
        gamma * vanishing % R,
        *(gamma * gamma * pow(zeta, j, R) % R for j in range(33)),
    ]
    doubled = [2 * (byte - 256 if byte > 127 else byte) % R for byte in probe]
    weights = [*blocks_of(doubled), mine + [0] * (N_BLOCK - len(mine))]
    target = low + high - 1 + gamma * v + gamma**2 * (v * v - 1) * pow(vanishing, -1, R)
    assert linear_holds(talk, [*code, *own], weights, target)
    assert talk.challenges == SCORE["challenges"]


def test_generators_of_the_vectors():
    for name, point in COMMITMENT["generators"].items():
        kind, _, index = name.partition(" ")
        assert generator(kind.encode(), int(index or 0)).to_compressed_bytes().hex() == point
