"""What an enrolment rests on: a ticket, or a renewal token and the enrolment that it renews."""

import hashlib
from dataclasses import dataclass

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.profiles import Scheme
from grainseal.crypto.tokens import verify_decision

from .authority import Authority
from .claim_upload import ClaimParameters
from .errors import Reason, Refused
from .session import PURPOSE_RENEW, Kind, Terms
from .standing import active
from .store.enrollments import EnrollmentState
from .store.store import Transaction
from .store.tables import SessionRow

PURPOSE_ENROLL = "enroll"


@dataclass(frozen=True)
class EnrollmentRequest:
    """What a device asks for: exactly one of `ticket` and `renewal_token` is not empty.

    `claims`: of the claim template that it will upload, if any.
    """

    ticket: str
    renewal_token: str
    profile: str
    device_key: bytes
    claims: ClaimParameters | None = None
    scheme: Scheme = Scheme.HOMOMORPHIC

    @property
    def kind(self) -> Kind:
        """What its session is for."""
        if self.scheme is Scheme.FUZZY_EXTRACTOR:
            return Kind.KEY_ENROLLMENT
        return Kind.ENROLLMENT


def terms_of(tx: Transaction, authority: Authority, request: EnrollmentRequest) -> Terms:
    """B4, B5: the terms of a session that rests on the request's ticket or token."""
    if bool(request.ticket) == bool(request.renewal_token):
        raise Refused(Reason.MALFORMED, "an enrolment rests on a ticket or on a renewal token")
    warrant = _ticketed if request.ticket else _renewing
    return warrant(tx, authority, request)


def ticket_hash(ticket: str) -> bytes:
    """What is stored of a ticket."""
    return hashlib.sha256(ticket.encode()).digest()


def _ticketed(tx: Transaction, authority: Authority, request: EnrollmentRequest) -> Terms:
    # B4: the ticket exists, is unused and in time; it names subject and issuer
    ticket = tx.warrants.ticket(ticket_hash(request.ticket))
    if ticket is None or ticket.used or authority.clock() >= ticket.expires_at:
        raise _ticket_refused()
    return Terms(
        kind=request.kind,
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
        kind=request.kind,
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


def use_warrant(tx: Transaction, session: SessionRow) -> None:
    """F6, Q7: the ticket or token is used up, and the renewed enrolment replaced."""
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
