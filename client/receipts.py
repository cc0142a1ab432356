"""What the service says of an enrolment's place in the log, made into a receipt; pure."""

from grainseal.crypto.checkpoint import parse_checkpoint, parse_note
from grainseal.crypto.entries import parse_enrollment_entry
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit, require_counted
from grainseal.crypto.merkle import verify_inclusion
from grainseal.crypto.receipts import Receipt
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import UntrustedService
from .vault_state import StoredEnrollment


def checked_receipt(answer: pb.Receipt, enrolled: StoredEnrollment, device_key: bytes) -> Receipt:
    """C8: the receipt of this very enrolment, whole; `UntrustedService` otherwise.

    The log's signature is not looked at: that takes a key which the service must not choose.
    """
    try:
        receipt = _receipt(answer)
        checkpoint = parse_checkpoint(parse_note(answer.checkpoint).text)
        require_counted(answer.index, checkpoint)
        verify_inclusion(
            receipt.leaf.hash, answer.index, checkpoint.size, answer.inclusion, checkpoint.root
        )
    except (MalformedMessage, VerificationFailed, ValueError) as error:
        raise UntrustedService(f"the service's receipt is none: {error}") from None
    entry = receipt.entry
    said = (entry.enrollment_id, entry.subject, entry.profile, entry.device_key)
    if said != (enrolled.enrollment_id, enrolled.subject, enrolled.profile, device_key):
        raise UntrustedService("the service's receipt is of another enrolment than this vault's")
    return receipt


def _receipt(answer: pb.Receipt) -> Receipt:
    if answer.kind != Kind.ENROLLMENT.value:
        raise MalformedMessage(f"it is of kind {answer.kind!r}")
    opening = Opening(answer.salt, answer.entry)
    leaf = commit(Kind.ENROLLMENT, opening)
    proof = LogProof(answer.index, tuple(answer.inclusion), answer.checkpoint)
    return Receipt(parse_enrollment_entry(answer.entry), answer.salt, leaf.commitment, proof)
