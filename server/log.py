"""The transparency log: leaves of enrolments and registrations, signed state, proofs, receipts.

docs/PROTOCOL.md, "The log". A leaf is appended in the transaction that makes what it is for, so
neither is ever there without the other. The checkpoint is signed when somebody asks: the same tree
gives the same bytes, and nothing has to be kept in step.
"""

import hashlib
from dataclasses import dataclass

from grainseal.crypto import merkle
from grainseal.crypto.checkpoint import Checkpoint, sign_checkpoint
from grainseal.crypto.entries import EnrollmentEntry, KeyEnrollmentEntry, RegistrationEntry
from grainseal.crypto.leaves import SALT_BYTES, Kind, LogProof, Opening, commit

from .authority import Authority
from .errors import Reason, Refused
from .store.store import Transaction
from .store.tables import EnrollmentRow, RegistrationRow, TemplateRow


@dataclass(frozen=True)
class LeafReceipt:
    """What opens a leaf, and the proof that the log has that leaf."""

    kind: Kind
    opening: Opening
    proof: LogProof


def append_enrollment(
    tx: Transaction,
    authority: Authority,
    enrollment: EnrollmentRow,
    template: TemplateRow,
    claim_template_sha256: bytes = b"",
) -> None:
    """F6: the enrolment's leaf, and beside the enrolment what opens it.

    `claim_template_sha256`: empty if there is no claim template.
    """
    entry = _entry(enrollment, template, claim_template_sha256)
    append_entry(tx, authority, enrollment.enrollment_id, entry)


def append_entry(
    tx: Transaction,
    authority: Authority,
    enrollment_id: str,
    entry: EnrollmentEntry | KeyEnrollmentEntry,
) -> None:
    """F6, Q7: an enrolment's leaf by its entry, and beside the enrolment what opens it."""
    opening = Opening(authority.random(SALT_BYTES), entry.encoded)
    index = tx.log.append(commit(Kind.ENROLLMENT, opening))
    tx.log.add_opening(enrollment_id, index, opening)


def append_registration(
    tx: Transaction, authority: Authority, entry: RegistrationEntry
) -> tuple[int, Opening]:
    """X18: the registration's leaf: its index, and what opens it to be kept beside it."""
    opening = Opening(authority.random(SALT_BYTES), entry.encoded)
    return tx.log.append(commit(Kind.REGISTRATION, opening)), opening


def checkpoint(tx: Transaction, authority: Authority) -> bytes:
    """GetCheckpoint: the signed note of the log as it is now."""
    return _checkpoint(tx, authority, tx.log.size())


def inclusion_proof(
    tx: Transaction, _authority: Authority, leaf: int | bytes, size: int
) -> tuple[int, tuple[bytes, ...]]:
    """GetInclusionProof: index of the leaf (given by index or hash), and its proof."""
    # G1: the leaf is in the log, and in its first `size` leaves
    index = tx.log.index_of(leaf) if isinstance(leaf, bytes) else leaf
    if index is None:
        raise Refused(Reason.LEAF_UNKNOWN, "the log has no leaf of that hash")
    present = tx.log.size()
    if not index < size <= present:
        message = f"no leaf {index} in a tree of {size}: the log has {present} leaves"
        raise Refused(Reason.LOG_RANGE, message)
    return index, merkle.inclusion_proof(index, size, tx.log)


def consistency_proof(
    tx: Transaction, _authority: Authority, old: int, new: int
) -> tuple[bytes, ...]:
    """GetConsistencyProof: the tree of `new` leaves begins with that of `old`."""
    # G2: the sizes are in order and not beyond the log
    present = tx.log.size()
    if not old <= new <= present:
        message = f"no proof from {old} to {new} leaves: the log has {present}"
        raise Refused(Reason.LOG_RANGE, message)
    return merkle.consistency_proof(old, new, tx.log)


def receipt(tx: Transaction, authority: Authority, enrollment_id: str) -> LeafReceipt:
    """An enrolment's receipt, its proof leading to the log as it is now."""
    row = tx.log.opening(enrollment_id)
    if row is None:
        message = "the log has nothing to show for this enrolment: renew it to have it logged"
        raise Refused(Reason.NOT_LOGGED, message)
    proof = _proof(tx, authority, row.leaf_index)
    return LeafReceipt(Kind.ENROLLMENT, Opening(row.salt, row.entry), proof)


def registration_receipt(
    tx: Transaction, authority: Authority, row: RegistrationRow
) -> LeafReceipt:
    """A registration's receipt, its proof leading to the log as it is now."""
    proof = _proof(tx, authority, row.leaf_index)
    return LeafReceipt(Kind.REGISTRATION, Opening(row.salt, row.entry), proof)


def _proof(tx: Transaction, authority: Authority, index: int) -> LogProof:
    size = tx.log.size()
    inclusion = merkle.inclusion_proof(index, size, tx.log)
    return LogProof(index, inclusion, _checkpoint(tx, authority, size))


def _checkpoint(tx: Transaction, authority: Authority, size: int) -> bytes:
    signer = authority.keys.log
    root = merkle.read_frontier(size, tx.log).root
    return sign_checkpoint(Checkpoint(signer.name, size, root), [signer])


def _entry(
    enrollment: EnrollmentRow, template: TemplateRow, claim_template_sha256: bytes
) -> EnrollmentEntry:
    return EnrollmentEntry(
        enrollment_id=enrollment.enrollment_id,
        subject=enrollment.subject,
        issuer=enrollment.issuer,
        profile=enrollment.profile,
        device_key=enrollment.device_key,
        template_sha256=_sha256(template.template),
        relin_key_sha256=_sha256(template.relin_key),
        zero_key_sha256=_sha256(template.zero_key),
        claim_template_sha256=claim_template_sha256,
        created_at=enrollment.created_at,
    )


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
