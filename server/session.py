"""The session's state machine, and the checks with which every submit and finish begins.

A session is one use of one nonce. All its transitions are in one table; the store makes each of
them by one conditional update, so of two calls that attempt the same one only one succeeds.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from .errors import Reason, Refused
from .store.tables import SessionRow


class Kind(str, Enum):
    """What a session is for."""

    ENROLLMENT = "enrollment"
    AUTHENTICATION = "authentication"
    REQUEST = "request"


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
        (Kind.REQUEST, State.BEGUN, Event.FINISH): State.DECIDED,
    }
)


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
    """S1, F1, P1, D1: the session exists and is of this kind."""
    if session is None or session.kind != kind:
        raise Refused(Reason.SESSION_UNKNOWN, "no such session: begin anew")
    return session


def check_in_time(session: SessionRow, now: float) -> None:
    """S2, F2, P2, D2: the session has not expired."""
    if now >= session.expires_at:
        raise Refused(Reason.SESSION_EXPIRED, "the session has expired: begin anew")
