"""The session's transition table."""

import itertools

import pytest

from grainseal.server.errors import Reason, Refused
from grainseal.server.session import TRANSITIONS, Event, Kind, State, next_state


@pytest.mark.parametrize(
    ("kind", "state", "event"), [*itertools.product(Kind, State, Event)], ids=str
)
def test_only_the_table_s_transitions_exist(kind, state, event):
    allowed = {
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
    if (kind, state, event) in allowed:
        assert next_state(kind, state, event) is allowed[kind, state, event]
    else:
        with pytest.raises(Refused) as caught:
            next_state(kind, state, event)
        assert caught.value.reason is Reason.SESSION_USED


def test_no_state_is_visited_twice():
    order = list(State)
    for (_, before, _), after in TRANSITIONS.items():
        assert order.index(after) > order.index(before)
