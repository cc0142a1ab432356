"""Tickets, API keys, audiences and the single use of decisions."""

import grpc
import pytest
from tests.server.device import Backend, new_key, noisy, refused

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import admin
from grainseal.server.errors import Reason, Refused


def test_ticket_works_once(world):
    party = world.backend()
    ticket = party.ticket("alice")
    first, second = world.device(), world.device()
    sessions = [(device, device.begin_enrollment(ticket)) for device in (first, second)]
    openings = [
        device.opening(session, device.submit_template(device.template_request(session)))
        for device, session in sessions
    ]
    enrolled = first.finish_enrollment(openings[0])
    assert enrolled.subject == "alice"
    error = refused("TICKET_INVALID", second.finish_enrollment, openings[1])
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    refused("TICKET_INVALID", world.device().begin_enrollment, ticket)


def test_ticket_expires(world):
    ticket = world.ticket()
    with world.clock.moved(24 * 3600 + 1):
        refused("TICKET_INVALID", world.device().begin_enrollment, ticket)


def test_tickets_are_not_in_the_store(world):
    ticket = world.backend().ticket("alice")
    for file in world.config.data.glob("grainseal.db*"):
        assert ticket.encode() not in file.read_bytes()


def test_calls_of_relying_parties_need_a_key(world):
    stranger = Backend(world.connection, "shop", "no key of anyone's")
    error = refused("API_KEY_INVALID", stranger.ticket, "alice")
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert error.details() == "the API key is not one of this service's relying parties"
    refused("API_KEY_INVALID", stranger.verify, "token")


def test_a_call_without_any_key_is_told_that_it_takes_one(world):
    request = pb.VerifyDecisionRequest(token="token", idempotency_key=new_key())
    error = refused("API_KEY_INVALID", world.connection.authentication.VerifyDecision, request)
    assert error.details() == "this call takes a relying party's API key"


# Empty, too long, blank at an end; control, direction and line characters; not in normal form C or
# KC; drawn as nothing (joiner, fillers, vowels, variation selectors).
UNCLEAR = (
    *("", "a" * 257, " alice", "ali\nce", "ali\u202ece", "ali\u2028ce", "e\u0301", "ａlice"),
    *("ali\u034fce", "ali\u115fce", "ali\u1160ce", "ali\u17b4ce", "ali\u17b5ce", "ali\u180bce"),
    *("ali\u3164ce", "ali\uffa0ce", "alice\ufe0f", "alice\U000e0100"),
)


@pytest.mark.parametrize("subject", UNCLEAR, ids=ascii)
def test_subjects_read_the_same_for_everyone(world, subject):
    with pytest.raises(Refused) as caught:
        admin.issue_ticket(world.config.data, subject)
    assert caught.value.reason is Reason.MALFORMED


def test_relying_party_s_call_with_an_unclear_subject_is_refused(world):
    refused("MALFORMED", world.backend().ticket, "ali\u3164ce")


def test_subject_in_any_script(world):
    assert world.device().begin_enrollment(world.backend().ticket("Zoë 王")).subject == "Zoë 王"


# "gr\u0430inseal" has a Cyrillic letter.
@pytest.mark.parametrize(
    "name",
    [
        *("", "two\nlines", "shop ", "shop\n", "gr\u0430inseal", "grain\u034fseal", "a" * 65),
        *("grainseal", "Grainseal", "GRAINSEAL"),
    ],
    ids=ascii,
)
def test_names_that_no_relying_party_may_bear(world, name):
    with pytest.raises(Refused):
        admin.add_relying_party(world.config.data, name)


def test_name_is_taken_once(world):
    party = world.backend()
    with pytest.raises(Refused):
        admin.add_relying_party(world.config.data, party.name)
    with pytest.raises(Refused):
        admin.add_relying_party(world.config.data, party.name.upper())
    assert party.name in admin.list_relying_parties(world.config.data)


@pytest.mark.parametrize("name", ["https://shop.example:8443/login", "a" * 64, "Shop_2"])
def test_names_that_a_relying_party_may_bear(world, name):
    admin.add_relying_party(world.config.data, name)
    assert name in admin.list_relying_parties(world.config.data)


def test_audience_is_registered_and_the_issuer_s_own(world):
    issuer, other = world.backend(), world.backend()
    theirs, operators = world.enrolled(issuer), world.enrolled()
    assert theirs.begin(issuer.name).audience == issuer.name
    error = refused("AUDIENCE_REFUSED", theirs.begin, other.name)
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    for audience in (issuer.name, other.name):
        assert operators.begin(audience).audience == audience
    for audience in ("nobody", "", "grainseal", "x" * 100_000):
        refused("AUDIENCE_REFUSED", operators.begin, audience)
    refused("AUDIENCE_REFUSED", theirs.begin, issuer.name, "renew")
    refused("MALFORMED", theirs.begin, issuer.name, "rule the world")


def test_operator_may_issue_in_a_relying_party_s_name(world):
    party, other = world.backend(), world.backend()
    ticket = admin.issue_ticket(world.config.data, "alice", party.name).ticket
    device = world.device()
    device.enroll(ticket)
    assert device.begin(party.name)
    refused("AUDIENCE_REFUSED", device.begin, other.name)


def test_operator_may_write_a_relying_party_s_name_in_any_case(world):
    party = world.backend()
    assert party.name.upper() != party.name
    device = world.device()
    device.enroll(admin.issue_ticket(world.config.data, "alice", party.name.upper()).ticket)
    assert device.begin(party.name).audience == party.name


def test_audience_in_another_case_is_told_how_it_is_written(world):
    issuer, other = world.backend(), world.backend()
    device = world.enrolled(issuer)
    error = refused("AUDIENCE_REFUSED", device.begin, issuer.name.upper())
    assert error.details() == f"audience {issuer.name.upper()!r} is written {issuer.name!r}"
    # Of others' names it learns nothing.
    error = refused("AUDIENCE_REFUSED", device.begin, other.name.upper())
    assert error.details() == f"audience {other.name.upper()!r} is not one for this enrolment"


def test_decision_is_for_its_audience_in_time_and_once(world):
    party, other = world.backend(), world.backend()
    device = world.enrolled()
    token = device.authenticate(noisy(device.code, world.rng), party.name).token
    refused("TOKEN_INVALID", other.verify, token)
    with world.clock.moved(121):
        refused("TOKEN_INVALID", party.verify, token)
    forged = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    refused("TOKEN_INVALID", party.verify, forged)
    assert party.verify(token).enrollment_id == device.enrollment_id
    error = refused("TOKEN_INVALID", party.verify, token)
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("token", ["", "a.b.c", "e30.e30.e30", "🔑"])
def test_token_that_is_none_is_malformed(world, token):
    refused("MALFORMED", world.backend().verify, token)


def test_renewal_token_is_not_for_relying_parties(world):
    device = world.enrolled()
    refused("TOKEN_INVALID", world.backend().verify, device.renewal_token())
