"""The enrolment ceremony: a camera's encrypted template under a subject (docs/PROTOCOL.md).

begin: a ticket or a renewal token becomes a session. submit: an encrypted template becomes masked
sums that are zero if every slot is ±1. finish: their opening becomes an enrolment.
"""

import hashlib
from dataclasses import dataclass

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import MaskedSum, check_template
from grainseal.crypto.tokens import verify_decision
from grainseal.crypto.transcript import template_transcript

from . import log
from .authority import Authority, check_signature
from .device_keys import require_usable_key
from .errors import Reason, Refused
from .exchange import Exchange, Opening, check_opening, consume, end, keep_answer, kept_answer
from .homomorphic import Upload, answer_upload, check_upload
from .idempotency import Write, reference_of, remember
from .service import NO_DEADLINE, Service
from .session import (
    PURPOSE_RENEW,
    Kind,
    Terms,
    begin_session,
    begun_by,
    check_in_time,
    check_known,
    context_of,
)
from .standing import active
from .store.enrollments import EnrollmentState
from .store.store import Transaction
from .store.tables import EnrollmentRow, SessionRow, TemplateRow

PURPOSE_ENROLL = "enroll"


@dataclass(frozen=True)
class EnrollmentRequest:
    """What a device asks for: exactly one of `ticket` and `renewal_token` is not empty."""

    ticket: str
    renewal_token: str
    profile: str
    device_key: bytes


@dataclass(frozen=True)
class Accepted:
    """A submission whose signature is true: its answer if one was kept, else what is to be done."""

    profile: str
    answer: list[MaskedSum] | None
    consumed: bool


def begin(
    tx: Transaction, authority: Authority, write: Write, request: EnrollmentRequest
) -> SessionRow:
    """BeginEnrollment."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # B2: the profile is known, and not one for tests
    authority.profile(request.profile)
    # B3: the device key is an Ed25519 public key, not of small order
    require_usable_key(request.device_key)
    if bool(request.ticket) == bool(request.renewal_token):
        raise Refused(Reason.MALFORMED, "an enrolment rests on a ticket or on a renewal token")
    warrant = _ticketed if request.ticket else _renewing
    return begin_session(tx, authority, write, warrant(tx, authority, request))


def ticket_hash(ticket: str) -> bytes:
    """What is stored of a ticket."""
    return hashlib.sha256(ticket.encode()).digest()


def _ticketed(tx: Transaction, authority: Authority, request: EnrollmentRequest) -> Terms:
    # B4: the ticket exists, is unused and in time; it names subject and issuer
    ticket = tx.warrants.ticket(ticket_hash(request.ticket))
    if ticket is None or ticket.used or authority.clock() >= ticket.expires_at:
        raise _ticket_refused()
    return Terms(
        kind=Kind.ENROLLMENT,
        audience=authority.config.service_name,
        enrollment_id=authority.new_id(),
        subject=ticket.subject,
        purpose=PURPOSE_ENROLL,
        profile=request.profile,
        device_key=request.device_key,
        issuer=ticket.issuer,
        ticket_hash=ticket.ticket_hash,
    )


def _renewing(tx: Transaction, authority: Authority, request: EnrollmentRequest) -> Terms:
    # B5: the token passes T1–T5 for audience `grainseal` and purpose `renew`, is unused, its
    # enrolment is active, and the device key is that enrolment's own
    audience, now = authority.config.service_name, authority.clock()
    try:
        token = verify_decision(request.renewal_token, authority.keys.trusted, audience, now)
    except VerificationFailed:
        raise _token_refused() from None
    decision = tx.warrants.decision(token.token_id)
    if token.purpose != PURPOSE_RENEW or decision is None or decision.used:
        raise _token_refused()
    enrollment = active(tx, token.enrollment_id)
    if enrollment.device_key != request.device_key:
        raise _token_refused()
    return Terms(
        kind=Kind.ENROLLMENT,
        audience=audience,
        enrollment_id=authority.new_id(),
        subject=enrollment.subject,
        purpose=PURPOSE_RENEW,
        profile=request.profile,
        device_key=enrollment.device_key,
        issuer=enrollment.issuer,
        renewal_token_id=token.token_id,
        renewed_enrollment_id=enrollment.enrollment_id,
    )


async def submit(
    service: Service,
    deadline: float,
    write: Write,
    session_id: str,
    upload: Upload,
    signature: bytes,
) -> list[MaskedSum]:
    """SubmitTemplate. `deadline`: of `time.monotonic`."""
    # S1–S3
    accepted = await service.transact(deadline, accept, write, session_id, upload, signature)
    if accepted.answer is not None:
        return accepted.answer
    if not accepted.consumed:
        # S4: template and keys pass W1–W3
        await service.workers.run(deadline, check_upload, accepted.profile, upload)
        # S5: BEGUN → SUBMITTED
        await service.transact(deadline, consume, write, session_id)
    # S6: the answer
    answer = await service.workers.run(deadline, answer_upload, accepted.profile, upload)
    return await service.transact(NO_DEADLINE, keep_answer, session_id, answer, upload)


def accept(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    upload: Upload,
    signature: bytes,
) -> Accepted:
    """S1–S3 of SubmitTemplate."""
    consumed = reference_of(tx, write) is not None
    # S1: the session exists and is of this kind
    session = check_known(tx.sessions.find(session_id), Kind.ENROLLMENT)
    # S2: it has not expired
    check_in_time(session, authority.clock())
    # S3: the device's signature of the template transcript is true
    transcript = template_transcript(context_of(session), upload.template, upload.keys)
    check_signature(session.device_key, transcript, signature)
    return Accepted(session.profile, kept_answer(tx, session) if consumed else None, consumed)


def finish(
    tx: Transaction, authority: Authority, write: Write, opening: Opening
) -> EnrollmentRow | None:
    """FinishEnrollment: the new enrolment, or None if its template was refused (F5)."""
    if reference_of(tx, write) is not None:
        return _outcome(tx, opening.session_id)
    now = authority.clock()
    # F1–F4
    exchange = check_opening(tx, opening, Kind.ENROLLMENT, now)
    # F5: all K sums are zero once unmasked. A session has one opening, true or not.
    try:
        check_template(exchange.profile, exchange.masks, opening.opened)
    except VerificationFailed:
        end(tx, exchange.session, accepted=False)
        enrollment = None
    else:
        # F6
        enrollment = _enrol(tx, authority, exchange)
    remember(tx, write, opening.session_id, now)
    return enrollment


def _outcome(tx: Transaction, session_id: str) -> EnrollmentRow | None:
    session = check_known(tx.sessions.find(session_id), Kind.ENROLLMENT)
    return tx.enrollments.find(session.enrollment_id) if session.accepted else None


def _enrol(tx: Transaction, authority: Authority, exchange: Exchange) -> EnrollmentRow:
    session = exchange.session
    template = _template(session.enrollment_id, exchange)
    end(tx, session, accepted=True)
    _use_warrant(tx, session)
    enrollment = EnrollmentRow(
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        issuer=session.issuer,
        profile=session.profile,
        device_key=session.device_key,
        state=EnrollmentState.ACTIVE,
        created_at=int(authority.clock()),
    )
    tx.enrollments.add(enrollment, template)
    log.append_enrollment(tx, authority, enrollment, template)
    return enrollment


def _template(enrollment_id: str, exchange: Exchange) -> TemplateRow:
    row = exchange.row
    return TemplateRow(
        enrollment_id=enrollment_id,
        template=row.template,
        relin_key=row.relin_key,
        zero_key=row.zero_key,
    )


def _use_warrant(tx: Transaction, session: SessionRow) -> None:
    # Of two sessions that rest on one ticket or token, the second fails here and is undone.
    if session.ticket_hash is not None and not tx.warrants.use_ticket(session.ticket_hash):
        raise _ticket_refused()
    if session.renewal_token_id is not None and not tx.warrants.use_token(session.renewal_token_id):
        raise _token_refused()
    renewed = session.renewed_enrollment_id
    if renewed is not None and not tx.enrollments.retire(renewed, EnrollmentState.REPLACED):
        raise _token_refused()


def _ticket_refused() -> Refused:
    message = "the ticket is unknown, used or expired: ask for another one"
    return Refused(Reason.TICKET_INVALID, message)


def _token_refused() -> Refused:
    message = "no renewal token of this device, in time and unused: authenticate to renew"
    return Refused(Reason.TOKEN_INVALID, message)
