"""Make the proofs' test vectors anew: `python tests/vectors/generate_proofs.py`.

Run it when the protocol changes, never to make a failing test pass. What blinds a proof is drawn
afresh, so proofs differ from run to run; code, probe and seed are formulas.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from grainseal.crypto.claim_proof_statement import ClaimProofStatement, ProofPlacement
from grainseal.crypto.proof import score_proof, signs_proof
from grainseal.crypto.proof.commitment import CommittedCode, commit
from grainseal.crypto.proof.curve import Point, encode_point
from grainseal.crypto.proof.fiat_shamir import Transcript
from grainseal.crypto.proof.field import ORDER, encode_scalar
from grainseal.crypto.proof.generators import generators
from grainseal.crypto.proof.window import ScoreWindow

FOLDER = Path(__file__).parent / "proof"
BLOCK, BLOCKS = 128, 2


def formula_code(length: int) -> np.ndarray:
    """Signs of hashed numbers, int8 (N,)."""
    hashed = np.arange(length, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    return np.where(hashed >> np.uint64(31), -1, 1).astype(np.int8)


def formula_probe(code: np.ndarray) -> np.ndarray:
    """Hashed numbers from -5 to 5, two towards the code, int8 (N,) within ±7."""
    index = np.arange(code.size, dtype=np.uint64) + np.uint64(7)
    hashed = index * np.uint64(2246822519) % np.uint64(2**32) >> np.uint64(8)
    return ((hashed % np.uint64(11)).astype(np.int8) - np.int8(5) + 2 * code).astype(np.int8)


def challenges_of(work: Callable[[], Any]) -> tuple[Any, list[dict[str, str]]]:
    """What `work` gives, and the challenges that it drew."""
    seen: list[dict[str, str]] = []
    draw = Transcript.challenge

    def recorded(self: Transcript, label: str) -> Any:
        value = draw(self, label)
        seen.append({"label": label, "value": encode_scalar(value).hex()})
        return value

    with mock.patch.object(Transcript, "challenge", recorded):
        return work(), seen


def replaced(proof: bytes, place: int, part: bytes) -> str:
    """The proof with something else at a place."""
    return (proof[:place] + part + proof[place + len(part) :]).hex()


def bad_proofs(proof: bytes, first_round: int) -> list[dict[str, str]]:
    """Proofs that are refused, each with the fault for which it is."""
    outside = bytearray((1).to_bytes(48, "big"))
    while True:  # the first x above 0 with a point on the curve
        outside[0] |= 0x80
        try:
            point = Point.from_compressed_bytes_unchecked(bytes(outside))
        except ValueError:
            outside = bytearray((outside[-1] + 1).to_bytes(48, "big"))
            continue
        break
    if point.is_in_subgroup():
        raise SystemExit("the small point is one of the group")
    identity = encode_point(Point.identity())
    another = encode_point(Point())
    cases = {
        "cut off by a byte": (proof[:-1].hex(), "length"),
        "a byte too long": ((proof + b"\0").hex(), "length"),
        "the first point outside the group": (replaced(proof, 0, bytes(outside)), "point"),
        "a round's point outside the group": (
            replaced(proof, first_round, bytes(outside)),
            "point",
        ),
        "the first point the identity": (replaced(proof, 0, identity), "point"),
        "a round's point the identity": (replaced(proof, first_round, identity), "point"),
        "the last scalar is the order": (
            replaced(proof, len(proof) - 32, ORDER.to_bytes(32, "big")),
            "scalar",
        ),
        "a round's point another": (replaced(proof, first_round, another), "false"),
        "the last scalar another": (
            replaced(proof, len(proof) - 32, (1).to_bytes(32, "big")),
            "false",
        ),
    }
    return [{"name": n, "proof": p, "fault": f} for n, (p, f) in cases.items()]


def main() -> None:
    """Write the folder."""
    FOLDER.mkdir(exist_ok=True)
    code = formula_code(BLOCK * BLOCKS)
    probe, base = formula_probe(code), generators(BLOCK)
    secret = CommittedCode(code, bytes(range(32)), BLOCK)
    commitment, score = commit(secret), int(code.astype(int) @ probe.astype(int))
    placement = ProofPlacement(("0.66489", "0.66490"), ("-0.5", "12.0"), 1, True)
    statement = ClaimProofStatement(
        *(bytes(range(32, 64)), "enrolment-1", bytes(range(64, 96)), "licence", 1_800_000_000),
        placement,
    )
    _write(
        "commitment",
        {
            "block": BLOCK,
            "code": np.packbits(code < 0).tobytes().hex(),
            "seed": secret.seed.hex(),
            "generators": {
                "code 0": encode_point(base.code[0]).hex(),
                "code 127": encode_point(base.code[127]).hex(),
                "value": encode_point(base.value).hex(),
                "blinding": encode_point(base.blinding).hex(),
            },
            "commitment": commitment.encoded.hex(),
            "sha256": commitment.sha256.hex(),
        },
    )
    enrolled = b"a claim template's hash, 32 bytes"[:32]
    signs = signs_proof.prove_signs(secret, commitment, enrolled)
    _, drawn = challenges_of(lambda: signs_proof.verify_signs(commitment, enrolled, signs))
    rounds = 48 * (BLOCKS + 1 + 1 + 4 * BLOCKS + 1) + 64
    _write(
        "signs",
        {
            "statement": enrolled.hex(),
            "proof": signs.hex(),
            "challenges": drawn,
            "refused": bad_proofs(signs, rounds),
        },
    )
    window = ScoreWindow(score - 77, score + 500)
    proof = score_proof.prove_score(secret, commitment, probe, window, statement.encoded)
    _, drawn = challenges_of(
        lambda: score_proof.verify_score(commitment, probe, window, statement.encoded, proof)
    )
    rounds = 48 * (2 + 2 * BLOCKS + 1) + 64
    _write(
        "score",
        {
            "probe": probe.tobytes().hex(),
            "low": window.low,
            "high": window.high,
            "digit_weights": window.weights,
            "statement": statement.encoded.hex(),
            "proof": proof.hex(),
            "challenges": drawn,
            "refused": bad_proofs(proof, rounds),
            "refused_for": other_statements(code, statement, window),
        },
    )


def other_statements(
    code: np.ndarray, statement: ClaimProofStatement, window: ScoreWindow
) -> list[dict[str, object]]:
    """What the true score proof is refused for when it is shown for something else."""
    other_code = CommittedCode(np.roll(code, 1), bytes(range(32)), BLOCK)
    other_probe = formula_probe(code)
    other_probe[100] -= np.sign(other_probe[100]) or 1
    fields = dict(statement.__dict__)
    statements = {
        "another photo's hash": {"photo_sha256": bytes(32)},
        "another enrolment": {"enrollment_id": "enrolment-2"},
        "another device": {"device_key": bytes(32)},
        "another purpose": {"purpose": "takedown"},
        "another time": {"made_at": 1_800_000_001},
        "another place on the frame": {"placement": replace(statement.placement, turns=3)},
    }
    return [
        {"name": "another camera's commitment", "commitment": commit(other_code).encoded.hex()},
        {"name": "another photo's probe", "probe": other_probe.tobytes().hex()},
        {"name": "a lower threshold", "low": window.low - 1},
        {"name": "a higher threshold", "low": window.low + 1},
        {"name": "another upper end", "high": window.high + 1},
        *(
            {"name": name, "statement": ClaimProofStatement(**{**fields, **new}).encoded.hex()}
            for name, new in statements.items()
        ),
    ]


def _write(name: str, content: dict[str, object]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
