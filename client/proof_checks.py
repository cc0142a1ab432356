"""Verify a claim proof with the photo and the log's key: no service, and no trust in it.

What `crypto.claim_proof` cannot do, for it knows no photos, is here: O5, and the probe and window
that O6 compares with. docs/PROTOCOL.md, "Zero-knowledge claim proof".
"""

from collections.abc import Sequence

from grainseal.crypto.checkpoint import VerifierKey
from grainseal.crypto.claim_proof import ClaimProof, ProofVerification, Seen, verify_claim_proof
from grainseal.crypto.errors import MisuseError, VerificationFailed
from grainseal.models.alignment import AlignmentError
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import CodeError
from grainseal.models.photo import Photo, PhotoError

from .proof_probe import (
    accepted_window,
    enrolled_positions,
    placement_said,
    probe_of,
    require_place,
)


def verify_proof(data: bytes, keys: Sequence[VerifierKey], photo: Photo) -> ProofVerification:
    """O1-O8 of a proof's file for a developed photo; `keys`: of the log.

    `MisuseError` without keys.
    """
    sha256 = bytes.fromhex(photo.sha256)
    return verify_claim_proof(data, keys, sha256, lambda proof: _seen(proof, photo))


def _seen(proof: ClaimProof, photo: Photo) -> Seen:
    # O5
    facts, placement = proof.template, placement_said(proof.statement.placement)
    frame = facts.height, facts.width
    try:
        spec = claim_for(facts.profile)
        require_place(placement, photo.shape, frame)  # before any work on the photo
        positions = enrolled_positions(proof.positions, frame, spec)
        probe = probe_of(photo, placement, positions, frame, spec, facts.seed)
        return Seen(probe, accepted_window(probe, placement, photo.shape, frame, spec))
    except (AlignmentError, CodeError, PhotoError, MisuseError) as error:
        raise VerificationFailed(str(error)) from None
