"""Signed requests that need no photo: list a device's enrolments, revoke one, ask for a receipt.

The device key suffices for them: whoever holds it may always take an enrolment away, also when
failed attempts have locked or disabled it.
"""

from grainseal.crypto.transcript import request_transcript

from . import log
from .authority import Authority, check_signature
from .errors import Reason, Refused
from .idempotency import Write, reference_of, remember
from .log import LeafReceipt
from .session import (
    Event,
    Kind,
    State,
    Terms,
    begin_session,
    begun_by,
    check_in_time,
    check_known,
    context_of,
    move,
    next_state,
)
from .standing import unknown
from .store.enrollments import EnrollmentState
from .store.store import Transaction
from .store.tables import EnrollmentRow, SessionRow

PURPOSE_LIST = "list"
PURPOSE_REVOKE = "revoke"
PURPOSE_RECEIPT = "receipt"
PURPOSES = (PURPOSE_LIST, PURPOSE_REVOKE, PURPOSE_RECEIPT)
REVOCABLE = (EnrollmentState.ACTIVE, EnrollmentState.DISABLED)


def begin(
    tx: Transaction, authority: Authority, write: Write, enrollment_id: str, purpose: str
) -> SessionRow:
    """BeginRequest."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # R1: the enrolment exists (it need not be active), the purpose is list, revoke or receipt
    if purpose not in PURPOSES:
        raise Refused(Reason.MALFORMED, f"purpose {purpose!r} is none of {', '.join(PURPOSES)}")
    enrollment = tx.enrollments.find(enrollment_id)
    if enrollment is None:
        raise unknown()
    terms = Terms(
        kind=Kind.REQUEST,
        audience=authority.config.service_name,
        enrollment_id=enrollment_id,
        subject=enrollment.subject,
        purpose=purpose,
        profile=enrollment.profile,
        device_key=enrollment.device_key,
    )
    return begin_session(tx, authority, write, terms)


def list_enrollments(
    tx: Transaction, authority: Authority, write: Write, session_id: str, signature: bytes
) -> list[EnrollmentRow]:
    """ListEnrollments: all enrolments of the same device key, oldest first."""
    session = _finish(tx, authority, write, session_id, signature, PURPOSE_LIST)
    return tx.enrollments.of_device(session.device_key)


def revoke(
    tx: Transaction, authority: Authority, write: Write, session_id: str, signature: bytes
) -> EnrollmentRow:
    """RevokeEnrollment: the session's own enrolment ends; its template and keys are deleted."""
    replayed = reference_of(tx, write) is not None
    session = _finish(tx, authority, write, session_id, signature, PURPOSE_REVOKE)
    revoked = EnrollmentState.REVOKED
    if not replayed and not tx.enrollments.retire(session.enrollment_id, revoked, REVOCABLE):
        raise unknown()
    enrollment = tx.enrollments.find(session.enrollment_id)
    if enrollment is None:
        raise unknown()
    return enrollment


def get_receipt(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    signature: bytes,
    registration_id: str = "",
) -> LeafReceipt:
    """GetReceipt: what opens a leaf, and where it is: of the session's own enrolment, or of a
    registration that the same device made, also under an enrolment before."""
    session = _finish(tx, authority, write, session_id, signature, PURPOSE_RECEIPT)
    # R6: enrolment or registration is in the log, and what opens its leaf was not erased
    if not registration_id:
        return log.receipt(tx, authority, session.enrollment_id)
    row = tx.registrations.find(registration_id)
    if row is None or row.device_key != session.device_key:
        message = "no such registration of this device, or it was erased"
        raise Refused(Reason.REGISTRATION_UNKNOWN, message)
    return log.registration_receipt(tx, authority, row)


def _finish(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    signature: bytes,
    purpose: str,
) -> SessionRow:
    # R2: the session exists, is of this kind and purpose, and BEGUN
    session = check_known(tx.sessions.find(session_id), Kind.REQUEST)
    if session.purpose != purpose:
        raise Refused(Reason.SESSION_UNKNOWN, f"the session is not for {purpose}: begin anew")
    if reference_of(tx, write) is not None:
        return session
    next_state(Kind.REQUEST, State(session.state), Event.FINISH)
    # R3: it has not expired
    now = authority.clock()
    check_in_time(session, now)
    # R4: the signature of the request transcript is true for the enrolment's device key
    check_signature(session.device_key, request_transcript(context_of(session)), signature)
    # R5: BEGUN → DECIDED
    move(tx, session, Event.FINISH)
    remember(tx, write, session_id, now)
    return session
