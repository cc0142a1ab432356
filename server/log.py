"""The transparency log: every enrolment's leaf, the log's signed state, proofs and receipts.

docs/PROTOCOL.md, "The log". A leaf is appended in the transaction that makes its enrolment, so
neither is ever there without the other. The checkpoint is signed when somebody asks: the same tree
gives the same bytes, and nothing has to be kept in step.
"""

import hashlib
from dataclasses import dataclass

from grainseal.crypto import merkle
from grainseal.crypto.checkpoint import Checkpoint, sign_checkpoint
from grainseal.crypto.entries import EnrollmentEntry
from grainseal.crypto.leaves import SALT_BYTES, Kind, LogProof, Opening, commit

from .authority import Authority
from .errors import Reason, Refused
from .store.store import Transaction
from .store.tables import EnrollmentRow, TemplateRow


@dataclass(frozen=True)
class EnrollmentReceipt:
    """What opens an enrolment's leaf, and the proof that the log has that leaf."""

    opening: Opening
    proof: LogProof


def append_enrollment(
    tx: Transaction, authority: Authority, enrollment: EnrollmentRow, template: TemplateRow
) -> None:
    """F6: the enrolment's leaf, and beside the enrolment what opens it."""
    entry = _entry(enrollment, template)
    opening = Opening(authority.random(SALT_BYTES), entry.encoded)
    index = tx.log.append(commit(Kind.ENROLLMENT, opening))
    tx.log.add_opening(enrollment.enrollment_id, index, opening)


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


def receipt(tx: Transaction, authority: Authority, enrollment_id: str) -> EnrollmentReceipt:
    """An enrolment's receipt, its proof leading to the log as it is now."""
    row = tx.log.opening(enrollment_id)
    if row is None:
        message = "the log has nothing to show for this enrolment: renew it to have it logged"
        raise Refused(Reason.NOT_LOGGED, message)
    size = tx.log.size()
    inclusion = merkle.inclusion_proof(row.leaf_index, size, tx.log)
    proof = LogProof(row.leaf_index, inclusion, _checkpoint(tx, authority, size))
    return EnrollmentReceipt(Opening(row.salt, row.entry), proof)


def _checkpoint(tx: Transaction, authority: Authority, size: int) -> bytes:
    signer = authority.keys.log
    root = merkle.read_frontier(size, tx.log).root
    return sign_checkpoint(Checkpoint(signer.name, size, root), [signer])


def _entry(enrollment: EnrollmentRow, template: TemplateRow) -> EnrollmentEntry:
    return EnrollmentEntry(
        enrollment_id=enrollment.enrollment_id,
        subject=enrollment.subject,
        issuer=enrollment.issuer,
        profile=enrollment.profile,
        device_key=enrollment.device_key,
        template_sha256=_sha256(template.template),
        relin_key_sha256=_sha256(template.relin_key),
        zero_key_sha256=_sha256(template.zero_key),
        claim_template_sha256=b"",
        created_at=enrollment.created_at,
    )


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
