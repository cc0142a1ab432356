"""What the service says of a leaf's place in the log, made into a receipt; pure.

C8: it is of this vault's own enrolment or registration, and its proof leads to its checkpoint. The
log's signature is not looked at: that takes a key which the service must not choose.
"""

from grainseal.crypto.checkpoint import parse_checkpoint, parse_note
from grainseal.crypto.entries import KeyEnrollmentEntry, RegistrationEntry, entry_of
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit, require_counted
from grainseal.crypto.merkle import verify_inclusion
from grainseal.crypto.receipts import Receipt, verify_statement
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import UntrustedService
from .vault_state import StoredEnrollment


def checked_receipt(answer: pb.Receipt, enrolled: StoredEnrollment, device_key: bytes) -> Receipt:
    """C8: the receipt of this very enrolment, whole; `UntrustedService` otherwise."""
    receipt = _placed(answer, Kind.ENROLLMENT)
    entry = receipt.entry
    by_key = isinstance(entry, KeyEnrollmentEntry) and (entry.helper_sha256, entry.camera_key)
    helper_sha256, camera_key = by_key or (b"", b"")
    said = not isinstance(entry, RegistrationEntry) and (
        entry.enrollment_id,
        entry.subject,
        entry.profile,
        entry.device_key,
        helper_sha256,
    )
    own = (enrolled.enrollment_id, enrolled.subject, enrolled.profile, device_key)
    # A vault of an earlier version has not kept the camera key.
    other_key = enrolled.camera_key and camera_key != enrolled.camera_key
    if said != (*own, enrolled.helper_sha256) or other_key:
        raise UntrustedService("the service's receipt is of another enrolment than this vault's")
    return receipt


def checked_registration_receipt(
    answer: pb.Receipt, device_key: bytes, registration_id: str = ""
) -> Receipt:
    """C8: the receipt of a registration by this device, under whichever of its enrolments.

    That the device once signed the statement is in the receipt itself (L6). `registration_id`:
    the one that was asked for, where one was. What else it has to say is for the caller to compare.
    """
    receipt = _placed(answer, Kind.REGISTRATION)
    entry = receipt.entry
    if not isinstance(entry, RegistrationEntry) or entry.device_key != device_key:
        raise UntrustedService("the service's receipt is of another device's registration")
    if registration_id and entry.registration_id != registration_id:
        raise UntrustedService("the service's receipt is of another registration than asked for")
    try:
        verify_statement(entry)
    except (MalformedMessage, VerificationFailed) as error:
        raise UntrustedService(f"the service's receipt is none: {error}") from None
    return receipt


def _placed(answer: pb.Receipt, kind: Kind) -> Receipt:
    """The receipt of a leaf of this kind, its proof leading to the checkpoint beside it."""
    try:
        receipt = _receipt(answer, kind)
        checkpoint = parse_checkpoint(parse_note(answer.checkpoint).text)
        require_counted(answer.index, checkpoint)
        verify_inclusion(
            receipt.leaf.hash, answer.index, checkpoint.size, answer.inclusion, checkpoint.root
        )
    except (MalformedMessage, VerificationFailed, ValueError) as error:
        raise UntrustedService(f"the service's receipt is none: {error}") from None
    return receipt


def _receipt(answer: pb.Receipt, kind: Kind) -> Receipt:
    if answer.kind != kind.value:
        raise MalformedMessage(f"it is of kind {answer.kind!r}")
    leaf = commit(kind, Opening(answer.salt, answer.entry))
    proof = LogProof(answer.index, tuple(answer.inclusion), answer.checkpoint)
    return Receipt(entry_of(kind, answer.entry), answer.salt, leaf.commitment, proof)
