"""The session's state machine, and the checks with which every submit and finish begins.

A session is one use of one nonce. All its transitions are in one table; the store makes each of
them by one conditional update, so of two calls that attempt the same one only one succeeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from grainseal.crypto.transcript import SessionContext

from .authority import NONCE_BYTES, Authority
from .errors import Reason, Refused
from .idempotency import Write, reference_of, remember
from .store.store import Transaction
from .store.tables import SessionRow

# Purpose of the authentication that earns a renewal, and of the enrolment that it pays for.
PURPOSE_RENEW = "renew"
# Likewise of the authentication that earns a claim, and of the claim.
PURPOSE_CLAIM = "claim"


class Kind(str, Enum):
    """What a session is for."""

    ENROLLMENT = "enrollment"
    AUTHENTICATION = "authentication"
    KEY_ENROLLMENT = "key-enrollment"
    KEY_AUTHENTICATION = "key-authentication"
    REQUEST = "request"
    REGISTRATION = "registration"
    CLAIM = "claim"


class State(str, Enum):
    """How far a session has come."""

    BEGUN = "begun"
    SUBMITTED = "submitted"
    DECIDED = "decided"


class Event(str, Enum):
    """What moves a session on."""

    SUBMIT = "submit"
    FINISH = "finish"


TRANSITIONS: Mapping[tuple[Kind, State, Event], State] = MappingProxyType(
    {
        (Kind.ENROLLMENT, State.BEGUN, Event.SUBMIT): State.SUBMITTED,
        (Kind.ENROLLMENT, State.SUBMITTED, Event.FINISH): State.DECIDED,
        (Kind.AUTHENTICATION, State.BEGUN, Event.SUBMIT): State.SUBMITTED,
        (Kind.AUTHENTICATION, State.SUBMITTED, Event.FINISH): State.DECIDED,
        (Kind.REGISTRATION, State.BEGUN, Event.SUBMIT): State.SUBMITTED,
        (Kind.REGISTRATION, State.SUBMITTED, Event.FINISH): State.DECIDED,
        (Kind.CLAIM, State.BEGUN, Event.SUBMIT): State.SUBMITTED,
        (Kind.CLAIM, State.SUBMITTED, Event.FINISH): State.DECIDED,
        (Kind.KEY_ENROLLMENT, State.BEGUN, Event.FINISH): State.DECIDED,
        (Kind.KEY_AUTHENTICATION, State.BEGUN, Event.FINISH): State.DECIDED,
        (Kind.REQUEST, State.BEGUN, Event.FINISH): State.DECIDED,
    }
)


@dataclass(frozen=True)
class Terms:
    """What a new session binds, beyond what the server adds: nonce, service key and expiry.

    `issuer` to `renewed_enrollment_id` say what an enrolment rests on: a ticket, or a renewal
    token and what it renews. `claims`: `ClaimParameters.as_json` of the claim template that comes
    with it. `upload_limit`: bytes that the session may upload, None if it takes no upload. `grade`:
    of a registration. `claim_token_id`: what a claim rests on.
    """

    kind: Kind
    audience: str
    enrollment_id: str
    subject: str
    purpose: str
    profile: str
    device_key: bytes
    issuer: str | None = None
    ticket_hash: bytes | None = None
    renewal_token_id: str | None = None
    renewed_enrollment_id: str | None = None
    claims: dict[str, Any] | None = None
    upload_limit: int | None = None
    grade: str | None = None
    claim_token_id: str | None = None


def begun_by(tx: Transaction, write: Write) -> SessionRow | None:
    """The session that this very write began before, or None."""
    reference = reference_of(tx, write)
    return None if reference is None else tx.sessions.find(reference)


def begin_session(tx: Transaction, authority: Authority, write: Write, terms: Terms) -> SessionRow:
    """A new session with a fresh nonce; the write is remembered."""
    now = authority.clock()
    session = SessionRow(
        session_id=authority.new_id(),
        state=State.BEGUN,
        nonce=authority.random(NONCE_BYTES),
        service_key=authority.keys.public,
        expires_at=int(now) + authority.config.session_lifetime,
        **vars(terms),
    )
    tx.sessions.add(session)
    remember(tx, write, session.session_id, now)
    return session


def context_of(session: SessionRow) -> SessionContext:
    """The part of a session that every transcript begins with."""
    return SessionContext(
        nonce=session.nonce,
        service_key=session.service_key,
        audience=session.audience,
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        purpose=session.purpose,
        profile=session.profile,
        expires_at=session.expires_at,
    )


def move(tx: Transaction, session: SessionRow, event: Event, accepted: bool | None = None) -> None:
    """S5, P6, F6, D8, R5, X10, X18, Y9, Y17, Q7, Q17: make a transition, and note an outcome; once.

    `Refused` (SESSION_USED) if it was made already.
    """
    before = State(session.state)
    after = next_state(Kind(session.kind), before, event)
    if not tx.sessions.move(session.session_id, before, after, accepted):
        raise used()


def next_state(kind: Kind, state: State, event: Event) -> State:
    """Where an event leads; `Refused` (SESSION_USED) if the table has no such transition."""
    found = TRANSITIONS.get((kind, state, event))
    if found is None:
        raise used()
    return found


def used() -> Refused:
    """The refusal of a session that has moved on."""
    return Refused(Reason.SESSION_USED, "the session is not in the state for this call: begin anew")


def check_known(session: SessionRow | None, kind: Kind) -> SessionRow:
    """S1, F1, P1, D1, X4, X12, Y2, Y11, Q2, Q8, Q12: the session exists and is of this kind."""
    if session is None or session.kind != kind:
        raise Refused(Reason.SESSION_UNKNOWN, "no such session: begin anew")
    return session


def check_in_time(session: SessionRow, now: float) -> None:
    """S2, F2, P2, D2, U2, X5, X13, Y3, Y12, Q3, Q9, Q13: the session has not expired."""
    if now >= session.expires_at:
        raise Refused(Reason.SESSION_EXPIRED, "the session has expired: begin anew")
