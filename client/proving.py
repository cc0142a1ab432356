"""Make a claim proof of a copy: from the vault and the enrolment's receipt, without a service.

The copy is laid onto the frame, by its size or by the picture of the original; its probe is cut as
any verifier will cut it; and if the code's score with it is a match, that is proven.
docs/PROTOCOL.md, "Zero-knowledge claim proof".
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.crypto.claim_proof import FORMAT, ClaimProof, window_to_prove
from grainseal.crypto.claim_proof_statement import ClaimProofStatement, check_proof_statement
from grainseal.crypto.claim_template import ClaimTemplateFacts
from grainseal.crypto.entries import EnrollmentEntry
from grainseal.crypto.errors import MalformedMessage, MisuseError
from grainseal.crypto.proof.commitment import CommittedCode, parse_commitment
from grainseal.crypto.proof.packing import pack_probe
from grainseal.crypto.proof.progress import no_progress
from grainseal.crypto.proof.score_proof import Probe, prove_score
from grainseal.crypto.proof.window import ScoreWindow
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.models.alignment import AlignmentError, Placement, uncropped
from grainseal.models.claim_code import claim_for
from grainseal.models.claim_placement import pinned, whole_placements
from grainseal.models.codes import CodeError, require_same_frame
from grainseal.models.photo import PhotoError
from grainseal.models.registration import register

from .claim_openings import claims_of
from .committing import unpacked
from .errors import ClientError, NotProvable, PhotosRefused
from .photos import PhotoFile, Stages, developed_file
from .proof_probe import accepted_window, enrolled_positions, probe_of, said_placement
from .proof_support import proofs_of
from .vault import Vault
from .vault_state import StoredClaims, StoredEnrollment, StoredProofs

PURPOSE: Final = "claim"


@dataclass(frozen=True)
class Asked:
    """What is to be proven: of which copy, laid onto the frame by which original, what for."""

    copy: PhotoFile
    original: PhotoFile | None = None
    purpose: str = PURPOSE


@dataclass(frozen=True)
class Match:
    """A place of the copy in which it matches: the probe cut there, and the window to prove."""

    placement: Placement
    probe: Probe = field(repr=False)
    window: ScoreWindow


def prove_claim(
    vault: Vault,
    copy: str | Path,
    receipt: Receipt,
    *,
    original: str | Path | None = None,
    purpose: str = PURPOSE,
    clock: Callable[[], float] = time.time,
    proving: Stages | None = None,
) -> ClaimProof:
    """A proof that the vault's committed claim code matches `copy`; about 5 s at 2^18 symbols.

    `receipt`: of the vault's enrolment. `original`: the photo that the copy was made from; a
    cropped copy needs it, and it stays here. `purpose`: what the proof is for, which it is bound
    to. `NotProvable` if the copy does not match; `ClientError` if the vault keeps no code for
    proofs, or the receipt is another's.
    """
    enrolled = vault.state.enrollment
    if enrolled is None:
        raise ClientError("this vault has no enrolment: enrol first")
    asked = Asked(
        developed_file(copy, "to prove that it is yours"),
        None if original is None else developed_file(original, "to lay the copy onto it"),
        purpose,
    )
    device = SigningKey(vault.state.device_seed).public
    return prove_copy(enrolled, device, receipt, asked, clock(), proving)


def prove_copy(
    enrolled: StoredEnrollment,
    device_key: bytes,
    receipt: Receipt,
    asked: Asked,
    now: float,
    proving: Stages | None = None,
) -> ClaimProof:
    """`prove_claim` of photos that were read already. `now`: Unix seconds."""
    claims = claims_of(enrolled)
    proofs = proofs_of(claims)
    facts = _facts(claims, proofs)
    entry = _own_entry(receipt, enrolled, device_key, facts)
    commitment = parse_commitment(proofs.commitment)
    secret = CommittedCode(unpacked(proofs.code), proofs.seed, commitment.block)
    match = best_match(asked, claims, secret)
    statement = ClaimProofStatement(
        photo_sha256=asked.copy.sha256,
        enrollment_id=enrolled.enrollment_id,
        device_key=device_key,
        purpose=asked.purpose,
        # the service's clock may be ahead of ours
        made_at=max(int(now), entry.created_at),
        placement=said_placement(match.placement),
    )
    try:
        check_proof_statement(statement)
    except MalformedMessage as error:
        raise ClientError(str(error)) from None
    score = prove_score(
        secret,
        commitment,
        match.probe,
        match.window,
        statement.encoded,
        proving or no_progress,
    )
    return ClaimProof(
        format=FORMAT,
        statement=statement,
        template=facts,
        positions=claims.positions,
        commitment=proofs.commitment,
        signs=proofs.signs,
        low=match.window.low,
        high=match.window.high,
        probe=pack_probe(match.probe),
        score=score,
        receipt=receipt.to_json(),
    )


def best_match(asked: Asked, claims: StoredClaims, secret: CommittedCode) -> Match:
    """The plainest place in which the copy matches; `NotProvable` if there is none."""
    spec, frame, photo = claim_for(claims.profile), claims.frame, asked.copy.photo
    too_good = False
    try:
        positions = enrolled_positions(claims.positions, frame, spec)
        for placement in _placements(asked, frame):
            probe = probe_of(photo, placement, positions, frame, spec, claims.seed)
            accepted = accepted_window(probe, placement, photo.shape, frame, spec)
            window = window_to_prove(accepted, spec.length)
            score = int(secret.code.astype(np.int64) @ probe.astype(np.int64))
            if window.low <= score < window.high:
                return Match(placement, probe, window)
            too_good = too_good or score >= window.high
    except (AlignmentError, CodeError, PhotoError, MisuseError) as error:
        raise PhotosRefused(f"{asked.copy.path}: {error}") from None
    if too_good:
        raise NotProvable(f"{asked.copy.path} was used to enrol: that shows nothing of the camera")
    raise NotProvable(
        f"{asked.copy.path} does not match the enrolled camera clearly enough to be proven: of a "
        "copy that lost the noise, prove the original"
    )


def _placements(asked: Asked, frame: tuple[int, int]) -> list[Placement]:
    """Where the copy may lie, the plainest first; AlignmentError if nowhere."""
    copy = asked.copy.photo
    if asked.original is not None:
        require_same_frame(asked.original.photo.shape, frame)
        return [pinned(register(copy, asked.original.photo))]
    found = whole_placements(copy.shape, frame)
    if not found:
        uncropped(copy.shape, frame)  # says why
    return found


def _facts(claims: StoredClaims, proofs: StoredProofs) -> ClaimTemplateFacts:
    height, width = claims.frame
    return ClaimTemplateFacts(
        profile=claims.profile,
        height=height,
        width=width,
        seed=claims.seed,
        code_sha256=proofs.code_sha256,
        relin_key_sha256=proofs.relin_key_sha256,
        zero_key_sha256=proofs.zero_key_sha256,
        positions_sha256=hashlib.sha256(claims.positions).digest(),
        commitment_sha256=hashlib.sha256(proofs.commitment).digest(),
    )


def _own_entry(
    receipt: Receipt, enrolled: StoredEnrollment, device_key: bytes, facts: ClaimTemplateFacts
) -> EnrollmentEntry:
    entry = receipt.entry
    if not isinstance(entry, EnrollmentEntry):
        raise ClientError("this receipt is of a photo: get the enrolment's with `receipt get`")
    said = entry.enrollment_id, entry.device_key, entry.claim_template_sha256
    if said != (enrolled.enrollment_id, device_key, facts.sha256):
        raise ClientError(
            "this receipt is not of the vault's enrolment as it is now: get it with `receipt get`"
        )
    return entry
