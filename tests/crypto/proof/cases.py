"""A small committed code, a probe that it matches, and the proofs about them."""

from dataclasses import dataclass

import numpy as np

from grainseal.crypto.proof.commitment import Commitment, CommittedCode, commit, commit_block
from grainseal.crypto.proof.score_proof import Probe, prove_score
from grainseal.crypto.proof.signs_proof import prove_signs
from grainseal.crypto.proof.window import ScoreWindow

BLOCK = 128
# The base field's prime, as in RFC 9380, section 8.8.1.
P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
    "1eabfffeb153ffffb9feffffffffaaab",
    16,
)
STATEMENT = b"photo, claimant, purpose, time"


class Unchecked(CommittedCode):
    """Opens a commitment that no honest device would make: any int8."""

    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True)
class Case:
    """One device's code with its proofs; `score` is what they hide."""

    secret: CommittedCode
    commitment: Commitment
    probe: Probe
    score: int
    window: ScoreWindow
    signs: bytes
    proof: bytes


def draw(seed: int, blocks: int = 2) -> tuple[CommittedCode, Probe]:
    """A code, and a probe that correlates with it, as int8 within ±7."""
    rng = np.random.default_rng(seed)
    code = rng.choice(np.array([-1, 1], np.int8), blocks * BLOCK)
    probe = np.clip(np.rint(rng.normal(0, 3, code.size) + code), -7, 7).astype(np.int8)
    return CommittedCode(code, bytes([seed]) * 32, BLOCK), probe


def commit_any(secret: CommittedCode) -> Commitment:
    """What `commit` makes of signs, of any code."""
    return Commitment(secret.block, tuple(map(commit_block, secret.blocks)))


def score_of(secret: CommittedCode, probe: Probe) -> int:
    return int(secret.code.astype(int) @ probe.astype(int))


def on_curve_outside_the_group() -> bytes:
    """x³ + 4 is a square for every other x; of those points one in 2^126 has order r."""
    x = next(x for x in range(1, 99) if pow(x**3 + 4, (P - 1) // 2, P) == 1)
    data = bytearray(x.to_bytes(48, "big"))
    data[0] |= 0x80
    return bytes(data)


def made_case() -> Case:
    secret, probe = draw(1)
    score, commitment = score_of(secret, probe), commit(secret)
    window = ScoreWindow(score - 100, score + 1000)
    return Case(
        secret,
        commitment,
        probe,
        score,
        window,
        prove_signs(secret, commitment, STATEMENT),
        prove_score(secret, commitment, probe, window, STATEMENT),
    )
