"""Between protobuf messages and what the ceremonies take and give."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from grainseal.crypto.masking import MaskedSum
from grainseal.crypto.profiles import Scheme, needs_reenrolment, scheme_of
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server.errors import Reason, Refused
from grainseal.server.exchange import Opening
from grainseal.server.idempotency import Write
from grainseal.server.log import LeafReceipt
from grainseal.server.store.enrollments import EnrollmentState
from grainseal.server.store.tables import DecisionRow, EnrollmentRow, SessionRow

# More than any profile opens. The signature comes before the exact number (F3, D3), and a message
# of a megabyte has room for a million integers to make a transcript of.
MAX_OPENED = 32

STATES: Mapping[str, pb.EnrollmentState] = MappingProxyType(
    {
        EnrollmentState.ACTIVE: pb.ENROLLMENT_STATE_ACTIVE,
        EnrollmentState.REPLACED: pb.ENROLLMENT_STATE_REPLACED,
        EnrollmentState.REVOKED: pb.ENROLLMENT_STATE_REVOKED,
        EnrollmentState.DISABLED: pb.ENROLLMENT_STATE_DISABLED,
    }
)


SCHEMES: Mapping[Scheme, pb.Scheme] = MappingProxyType(
    {
        Scheme.HOMOMORPHIC: pb.SCHEME_HOMOMORPHIC,
        Scheme.FUZZY_EXTRACTOR: pb.SCHEME_FUZZY_EXTRACTOR,
    }
)


def write_of(request: Any) -> Write:
    """The write that a request is; its scope is its type, of which each method has its own.

    `SignedRequest` and `Opening` serve several methods, and a session is for one of them.
    """
    whole = request.SerializeToString(deterministic=True)
    scope = type(request).__name__
    return Write(scope, request.idempotency_key, hashlib.sha256(whole).digest())


def session_message(row: SessionRow) -> pb.Session:
    """What a device is told of its session."""
    return pb.Session(
        session_id=row.session_id,
        nonce=row.nonce,
        service_key=row.service_key,
        audience=row.audience,
        enrollment_id=row.enrollment_id,
        subject=row.subject,
        purpose=row.purpose,
        profile=row.profile,
        expires_at=row.expires_at,
    )


def sums_message(sums: Sequence[MaskedSum]) -> pb.MaskedSums:
    """An answer."""
    return pb.MaskedSums(sums=[pb.MaskedSum(c1=each.c1, c0=each.c0) for each in sums])


def opening_of(message: pb.Opening) -> Opening:
    """A device's opening of an answer; `Refused` (MALFORMED) if it is far too long."""
    if len(message.opened) > MAX_OPENED:
        raise Refused(Reason.MALFORMED, f"no opening has more than {MAX_OPENED} integers")
    return Opening(message.session_id, tuple(message.opened), message.signature)


def scheme_from(said: int) -> Scheme:
    """The scheme that a device asks for; `Refused` (MALFORMED) for one that is none."""
    if said == pb.SCHEME_UNSPECIFIED:
        return Scheme.HOMOMORPHIC
    for scheme, known in SCHEMES.items():
        if said == known:
            return scheme
    raise Refused(Reason.MALFORMED, f"this service knows no scheme {said}")


def enrollment_message(row: EnrollmentRow, state: str | None = None) -> pb.Enrollment:
    """An enrolment, in its present state unless another is given."""
    return pb.Enrollment(
        enrollment_id=row.enrollment_id,
        subject=row.subject,
        profile=row.profile,
        state=STATES[state or row.state],
        created_at=row.created_at,
        needs_reenrollment=needs_reenrolment(row.profile),
        scheme=SCHEMES[scheme_of(row.profile)],
    )


def receipt_message(receipt: LeafReceipt) -> pb.Receipt:
    """What a device is told of a leaf of its own."""
    return pb.Receipt(
        kind=receipt.kind.value,
        salt=receipt.opening.salt,
        entry=receipt.opening.entry,
        index=receipt.proof.index,
        inclusion=receipt.proof.inclusion,
        checkpoint=receipt.proof.checkpoint,
    )


def verified_message(row: DecisionRow) -> pb.VerifiedDecision:
    """A decision, as a relying party is told it."""
    return pb.VerifiedDecision(
        subject=row.subject,
        enrolled_by=row.enrolled_by,
        audience=row.audience,
        purpose=row.purpose,
        enrollment_id=row.enrollment_id,
        profile=row.profile,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
