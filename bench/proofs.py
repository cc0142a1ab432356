"""What a zero-knowledge claim proof costs by length of block and code: one core's time, bytes.

And of real photos, where there are some.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench import proof_photos
from bench.table import Row
from grainseal.crypto.proof import generators
from grainseal.crypto.proof.commitment import Commitment, CommittedCode, commit
from grainseal.crypto.proof.equation import require
from grainseal.crypto.proof.score_proof import Probe, prove_score, score_equation
from grainseal.crypto.proof.signs_proof import prove_signs, signs_equation
from grainseal.crypto.proof.window import window_of

SECTION = "zero-knowledge proofs, CPU seconds"
STATEMENT = b"a benchmark's statement"
BLOCKS = (1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14)
CODES = (1 << 15, 1 << 16, 1 << 17, 1 << 18)
QUICK_BLOCKS = (1 << 10, 1 << 12)
# The window of CLAIM_V1, in quarters of z.
LOW, HIGH = 17, 720
Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """Seconds to prove and to verify, bytes."""

    prove: float
    verify: float
    size: int


ONE_BLOCK = Limits(15, 2, 3_000)
LONGEST = Limits(20, 3, 10_000)
SIGNS = Limits(300, 3, 10_000)


def rows(quick: bool = False) -> list[Row]:
    """The cost curve: one block of growing length, then growing codes in blocks of 16,384."""
    if quick:
        return [row for block in QUICK_BLOCKS for row in _curve(block, block)]
    found = _generators()
    for block in BLOCKS:
        limits = ONE_BLOCK if block == generators.MAX_BLOCK else None
        found += _curve(block, block, limits)
    for length in CODES:
        longest = length == CODES[-1]
        found += _curve(
            generators.MAX_BLOCK, length, LONGEST if longest else None, SIGNS if longest else None
        )
    return found + proof_photos.rows()


def _generators() -> list[Row]:
    hashing, _ = _timed(lambda: generators.derived(1 << 10))
    generators.generators(generators.MAX_BLOCK)  # so that there is a cache file
    reading, _ = _timed(generators._all.__wrapped__)
    return [
        Row(SECTION, "hashing 16,384 generators, once (from 1,024)", f"{16 * hashing:.1f} s"),
        Row(SECTION, "reading them from the cache", f"{reading * 1e3:.0f} ms"),
    ]


def _curve(
    block: int, length: int, limits: Limits | None = None, signs_limits: Limits | None = None
) -> list[Row]:
    secret, probe = _drawn(block, length)
    generators.generators(block)
    committing, commitment = _timed(lambda: commit(secret))
    found = [_row(block, length, "commit", committing, None)]
    found += _score(secret, commitment, probe, limits)
    return found + _signs(secret, commitment, signs_limits)


def _score(
    secret: CommittedCode, commitment: Commitment, probe: Probe, limits: Limits | None
) -> list[Row]:
    window = window_of(LOW, HIGH, int(np.square(probe, dtype=np.int64).sum()))
    making, proof = _timed(lambda: prove_score(secret, commitment, probe, window, STATEMENT))
    checking, _ = _timed(
        lambda: require([score_equation(commitment, probe, window, STATEMENT, proof)])
    )
    return _rows(commitment, "score", making, checking, len(proof), limits)


def _signs(secret: CommittedCode, commitment: Commitment, limits: Limits | None) -> list[Row]:
    making, proof = _timed(lambda: prove_signs(secret, commitment, STATEMENT))
    checking, _ = _timed(lambda: require([signs_equation(commitment, STATEMENT, proof)]))
    return _rows(commitment, "signs", making, checking, len(proof), limits)


def _rows(
    commitment: Commitment,
    what: str,
    making: float,
    checking: float,
    size: int,
    limits: Limits | None,
) -> list[Row]:
    block, length = commitment.block, commitment.length
    return [
        _row(block, length, f"{what}: prove", making, limits and limits.prove),
        _row(block, length, f"{what}: verify", checking, limits and limits.verify),
        _row(block, length, f"{what}: bytes", size, limits and limits.size),
    ]


def _row(block: int, length: int, what: str, value: float, limit: float | None) -> Row:
    form = "{:,.0f}" if isinstance(value, int) else "{:.2f} s"
    held = "" if limit is None else f"<= {limit:,}"
    ok = None if limit is None else value <= limit
    blocks = f"{length // block} x {block:,}"
    return Row(SECTION, f"{blocks}, {what}", form.format(value), held, ok)


def _drawn(block: int, length: int) -> tuple[CommittedCode, Probe]:
    """A code, and a probe of root mean square 3 that scores z of about 12."""
    rng = np.random.default_rng(length + block)
    code = rng.choice(np.array([-1, 1], np.int8), length)
    raw = rng.normal(0, 3, length) + 3 * 12 / np.sqrt(length) * code
    return CommittedCode(code, bytes(32), block), np.clip(np.rint(raw), -7, 7).astype(np.int8)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    # Of this process, all threads added up: a busy machine does not change it much.
    start = time.process_time()
    result = work()
    return time.process_time() - start, result
