"""A claim proof's file: that the code committed to in the log matches a photo, for anybody.

Checking it takes the photo, the log's key and the enrolment's public positions: no service, no
network. docs/PROTOCOL.md, "Zero-knowledge claim proof".

- O1 the file is a claim proof: its members, and no others, each once and of its form
- O2 the receipt in it passes L1-L5 and is of an enrolment
- O3 the enrolled claim template has this commitment, and these positions
- O4 it was made for this photo, by this enrolment's device key, after the enrolment
- O5 the window, widened by how the carried probe differs from one's own, lies in the profile's
- O6 both proofs hold: the committed code is ±1, and its score is in the window
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .checkpoint import VerifierKey
from .claim_proof_statement import ClaimProofStatement, check_proof_statement
from .claim_template import ClaimTemplateFacts
from .entries import EnrollmentEntry
from .errors import MalformedMessage, MisuseError, VerificationFailed
from .proof.commitment import Commitment, parse_commitment
from .proof.equation import require
from .proof.packing import unpack_probe
from .proof.score_proof import Probe, score_equation
from .proof.signs_proof import signs_equation
from .proof.window import ScoreWindow
from .receipts import Receipt, verify_receipt
from .strict_json import load, plain, record_of

FORMAT = "grainseal-claim-proof/1"
MAX_CLAIM_PROOF_BYTES = 1 << 22
# A carried probe may differ from a verifier's by so many steps in all: proven windows are narrower
# by it than the profile's.
MARGIN_SHARE = 1024


@dataclass(frozen=True)
class ClaimProof:
    """What the file says. `commitment`: its canonical bytes. `receipt`: the file, as text.

    `signs`, `score`: the proofs. `low` and `high`: the window. `probe`: the prover's, packed.
    """

    format: str
    statement: ClaimProofStatement
    template: ClaimTemplateFacts
    commitment: bytes
    signs: bytes
    low: int
    high: int
    probe: bytes
    score: bytes
    receipt: str

    def to_json(self) -> str:
        """The file's content."""
        return json.dumps(plain(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Seen:
    """What a verifier has itself: the photo's SHA-256, the positions' bytes as uploaded, the probe

    that it cut from the photo with them, and the window of the profile for that probe.
    """

    photo_sha256: bytes
    positions: bytes
    probe: Probe
    window: ScoreWindow


def window_to_prove(accepted: ScoreWindow, length: int) -> ScoreWindow:
    """The window that a claim proof of a code of N = `length` is about."""
    return accepted.narrowed(length // MARGIN_SHARE)


def parse_claim_proof(data: bytes) -> ClaimProof:
    """O1: the claim proof of its file; `MalformedMessage` if it is none. Nothing is verified."""
    content = load(data, MAX_CLAIM_PROOF_BYTES, "a claim proof")
    proof = record_of(ClaimProof, content, "a claim proof")
    if proof.format != FORMAT:
        raise MalformedMessage(f"the claim proof's format is not {FORMAT!r}")
    check_proof_statement(proof.statement)
    return proof


def verify_claim_proof(proof: ClaimProof, keys: Sequence[VerifierKey], seen: Seen) -> Receipt:
    """O2-O6; the enrolment's receipt, which says who claims. `keys`: of the log.

    `MalformedMessage` or `VerificationFailed` (`ProofError` for O6) say what is wrong.
    """
    # O2
    found = verify_receipt(proof.receipt.encode(), keys)
    if not found.valid or found.receipt is None:
        raise VerificationFailed(f"the enrolment is not proven to be logged: {found.problem}")
    entry = found.receipt.entry
    if not isinstance(entry, EnrollmentEntry):
        raise VerificationFailed("the receipt is not of an enrolment")
    _require_template(proof, entry, seen.positions)
    _require_statement(proof.statement, entry, seen.photo_sha256)
    commitment, probe, window = _claimed(proof, seen)
    # O6
    require(
        [
            signs_equation(commitment, signs_statement(entry), proof.signs),
            score_equation(commitment, probe, window, proof.statement.encoded, proof.score),
        ]
    )
    return found.receipt


def signs_statement(entry: EnrollmentEntry) -> bytes:
    """What the signs proof of an enrolment is bound to: its claim template's hash."""
    return entry.claim_template_sha256


def _require_template(proof: ClaimProof, entry: EnrollmentEntry, positions: bytes) -> None:
    # O3
    if proof.template.sha256 != entry.claim_template_sha256:
        raise VerificationFailed("the enrolment has another claim template")
    if hashlib.sha256(proof.commitment).digest() != proof.template.commitment_sha256:
        raise VerificationFailed("the enrolled claim template has another commitment, or none")
    if hashlib.sha256(positions).digest() != proof.template.positions_sha256:
        raise VerificationFailed("the enrolled claim template has other positions")


def _require_statement(
    statement: ClaimProofStatement, entry: EnrollmentEntry, photo_sha256: bytes
) -> None:
    # O4
    if statement.photo_sha256 != photo_sha256:
        raise VerificationFailed("the claim proof is of another photo")
    claimant = statement.enrollment_id, statement.device_key
    if claimant != (entry.enrollment_id, entry.device_key):
        raise VerificationFailed("the claim proof is of another claimant than the receipt")
    if statement.made_at < entry.created_at:
        raise VerificationFailed("the claim proof is older than the enrolment")


def _claimed(proof: ClaimProof, seen: Seen) -> tuple[Commitment, Probe, ScoreWindow]:
    commitment, probe = parse_commitment(proof.commitment), unpack_probe(proof.probe)
    try:
        window = ScoreWindow(proof.low, proof.high)
    except MisuseError as error:
        raise MalformedMessage(f"not a claim proof: {error}") from None
    if not probe.size == seen.probe.size == commitment.length:
        raise VerificationFailed("code, carried probe and the photo's probe differ in length")
    # O5
    distance = int(np.abs(probe.astype(np.int64) - seen.probe).sum())
    if not window.lies_in(seen.window, distance):
        raise VerificationFailed(
            "what is proven is not a match of this photo: the window is wider than the profile's, "
            f"or its probe differs too much (by {distance} steps)"
        )
    return commitment, probe, window
