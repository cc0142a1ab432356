"""A claim proof's file: that the code committed to in the log matches a photo, for anybody.

Checking it takes the photo and the log's key: no service, no network. What only the photo can say,
its probe, a verifier cuts itself (`see`). docs/PROTOCOL.md, "Zero-knowledge claim proof".

- O1 the file is a claim proof: its members, and no others, each once and of its form
- O2 the receipt in it passes L1-L5 and is of an enrolment
- O3 the enrolled claim template has this commitment, and these positions
- O4 it was made for this photo, by this enrolment's device key, after the enrolment
- O5 the positions meet the quotas, and the photo lies on the frame as the statement says
- O6 the window, widened by how the carried probe differs from one's own, lies in the profile's
- O7 the committed code is ±1
- O8 its score is in the window
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from .checkpoint import VerifierKey
from .claim_proof_statement import ClaimProofStatement, check_proof_statement
from .claim_template import ClaimTemplateFacts
from .entries import EnrollmentEntry
from .errors import MalformedMessage, MisuseError, VerificationFailed
from .proof.commitment import Commitment, parse_commitment
from .proof.packing import unpack_probe
from .proof.score_proof import Probe, verify_score
from .proof.signs_proof import verify_signs
from .proof.window import ScoreWindow
from .receipts import NotMade, Receipt, Step, recorded, verify_receipt
from .strict_json import load, plain, record_of

FORMAT = "grainseal-claim-proof/1"
# Largest are the positions, a bit for each feature: 20 million on the largest frame, in hexadecimal
MAX_CLAIM_PROOF_BYTES = 1 << 23
# A carried probe may differ from a verifier's by so many steps in all: proven windows are narrower
# by it than the profile's.
MARGIN_SHARE = 1024
PROOF_CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "O1": "the file is a claim proof",
        "O2": "the log has the enrolment",
        "O3": "the enrolment's leaf has this commitment and these positions",
        "O4": "it is of this photo and this claimant",
        "O5": "the photo can be laid and read as stated",
        "O6": "the proven window is a match of this photo",
        "O7": "the committed code is signs",
        "O8": "its score is in the window",
    }
)


@dataclass(frozen=True)
class ClaimProof:
    """What the file says. `commitment`: its canonical bytes. `receipt`: the file, as text.

    `positions`: the bitmap. `signs`, `score`: the proofs. `low` and `high`: the window. `probe`:
    the prover's, packed.
    """

    format: str
    statement: ClaimProofStatement
    template: ClaimTemplateFacts
    positions: bytes
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
    """What a verifier's own look at the photo gives: the probe at the proof's positions, int8 (N,),

    and the scores that are a match for it.
    """

    probe: Probe
    window: ScoreWindow


@dataclass(frozen=True)
class ProofVerification:
    """The checks in order, up to the first that failed; what the file says, once it is read.

    `receipt`: the enrolment's, if O2 passed. `distance`: steps between the two probes.
    """

    steps: tuple[Step, ...]
    proof: ClaimProof | None
    receipt: Receipt | None
    distance: int | None

    @property
    def valid(self) -> bool:
        """Whether every check was made and passed."""
        return len(self.steps) == len(PROOF_CHECKS) and self.problem is None

    @property
    def problem(self) -> str | None:
        """Why it is not valid."""
        return self.steps[-1].problem

    @property
    def failed(self) -> str | None:
        """The check that it does not pass."""
        return None if self.valid else self.steps[-1].check

    @property
    def not_made(self) -> tuple[NotMade, ...]:
        """The checks after the one that failed."""
        why = "an earlier check failed"
        left = list(PROOF_CHECKS.items())[len(self.steps) :]
        return tuple(NotMade(check, what, why) for check, what in left)


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


def verify_claim_proof(
    data: bytes,
    keys: Sequence[VerifierKey],
    photo_sha256: bytes,
    see: Callable[[ClaimProof], Seen],
) -> ProofVerification:
    """O1-O8 of a file, for a photo by the SHA-256 of its file; `keys`: of the log.

    `see` makes O5, `MalformedMessage` or `VerificationFailed` if it fails: it is called when
    everything that it needs is known to be the enrolled one's. `MisuseError` without keys.
    """
    steps: list[Step] = []
    proof = receipt = distance = None
    try:
        with recorded(steps, "O1", PROOF_CHECKS):
            proof = parse_claim_proof(data)
        with recorded(steps, "O2", PROOF_CHECKS):
            receipt, entry = _logged(proof, keys)
        with recorded(steps, "O3", PROOF_CHECKS):
            _require_template(proof, entry)
        with recorded(steps, "O4", PROOF_CHECKS):
            _require_statement(proof.statement, entry, photo_sha256)
        with recorded(steps, "O5", PROOF_CHECKS):
            seen = see(proof)
        with recorded(steps, "O6", PROOF_CHECKS):
            claimed = _claimed(proof)
            distance = _require_match(claimed, seen)
        commitment, said = claimed.commitment, proof.statement.encoded
        with recorded(steps, "O7", PROOF_CHECKS):
            verify_signs(commitment, signs_statement(entry), proof.signs)
        with recorded(steps, "O8", PROOF_CHECKS):
            verify_score(commitment, claimed.probe, claimed.window, said, proof.score)
    except (MalformedMessage, VerificationFailed):
        pass  # the last step says it
    return ProofVerification(tuple(steps), proof, receipt, distance)


def signs_statement(entry: EnrollmentEntry) -> bytes:
    """What the signs proof of an enrolment is bound to: its claim template's hash."""
    return entry.claim_template_sha256


@dataclass(frozen=True)
class _Claimed:
    commitment: Commitment
    probe: Probe
    window: ScoreWindow


def _logged(proof: ClaimProof, keys: Sequence[VerifierKey]) -> tuple[Receipt, EnrollmentEntry]:
    found = verify_receipt(proof.receipt.encode(), keys)
    if not found.valid or found.receipt is None:
        why = f"{found.steps[-1].check}: {found.problem}"
        raise VerificationFailed(f"the enrolment is not proven to be logged: {why}")
    entry = found.receipt.entry
    if not isinstance(entry, EnrollmentEntry):
        raise VerificationFailed("the receipt is not of an enrolment")
    return found.receipt, entry


def _require_template(proof: ClaimProof, entry: EnrollmentEntry) -> None:
    if proof.template.sha256 != entry.claim_template_sha256:
        raise VerificationFailed("the enrolment has another claim template")
    if hashlib.sha256(proof.commitment).digest() != proof.template.commitment_sha256:
        raise VerificationFailed("the enrolled claim template has another commitment, or none")
    if hashlib.sha256(proof.positions).digest() != proof.template.positions_sha256:
        raise VerificationFailed("the enrolled claim template has other positions")


def _require_statement(
    statement: ClaimProofStatement, entry: EnrollmentEntry, photo_sha256: bytes
) -> None:
    if statement.photo_sha256 != photo_sha256:
        raise VerificationFailed("the claim proof is of another photo")
    claimant = statement.enrollment_id, statement.device_key
    if claimant != (entry.enrollment_id, entry.device_key):
        raise VerificationFailed("the claim proof is of another claimant than the receipt")
    if statement.made_at < entry.created_at:
        raise VerificationFailed("the claim proof is older than the enrolment")


def _claimed(proof: ClaimProof) -> _Claimed:
    commitment, probe = parse_commitment(proof.commitment), unpack_probe(proof.probe)
    try:
        return _Claimed(commitment, probe, ScoreWindow(proof.low, proof.high))
    except MisuseError as error:
        raise MalformedMessage(f"not a claim proof: {error}") from None


def _require_match(claimed: _Claimed, seen: Seen) -> int:
    if not claimed.probe.size == seen.probe.size == claimed.commitment.length:
        raise VerificationFailed("code, carried probe and the photo's probe differ in length")
    distance = int(np.abs(claimed.probe.astype(np.int64) - seen.probe).sum())
    if not claimed.window.lies_in(seen.window, distance):
        raise VerificationFailed(
            "what is proven is not a match of this photo: the window is wider than the profile's, "
            f"or its probe differs too much (by {distance} steps)"
        )
    return distance
