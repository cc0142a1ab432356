"""The same key with the same request gets the same answer; with another, a conflict."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tests.server.device import new_key, noisy, refused
from tests.server.world import World

from grainseal.proto.v1 import grainseal_pb2 as pb


def test_begin_gives_the_same_session(world):
    party = world.backend()
    device, ticket = world.enrolled(party), world.ticket()
    key = new_key()
    assert device.begin(party.name, key=key) == device.begin(party.name, key=key)
    assert device.begin_request("list", key=key) == device.begin_request("list", key=key)
    enrolling = device.begin_enrollment(ticket, key=key)
    assert enrolling == device.begin_enrollment(ticket, key=key)
    error = refused("IDEMPOTENCY_CONFLICT", device.begin, "grainseal", "renew", key=key)
    assert error.code() == grpc.StatusCode.ALREADY_EXISTS
    refused("IDEMPOTENCY_CONFLICT", device.begin_request, "revoke", key=key)
    refused("IDEMPOTENCY_CONFLICT", device.begin_enrollment, world.ticket(), key=key)


@pytest.mark.parametrize("length", [0, 15, 65])
def test_keys_have_16_to_64_bytes(world, length):
    device = world.enrolled()
    request = pb.BeginRequestRequest(
        enrollment_id=device.enrollment_id, purpose="list", idempotency_key=bytes(length)
    )
    refused("MALFORMED", world.connection.enrollment.BeginRequest, request)


def test_submitted_probe_is_answered_with_the_same_sums(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    request = device.probe_request(session, probe)
    sums = device.submit_probe(request)
    assert device.submit_probe(request) == sums
    refused("SESSION_USED", device.submit_probe, device.probe_request(session, probe))
    another = device.encrypt(noisy(device.code, world.rng))
    same_key = device.probe_request(session, another, key=request.idempotency_key)
    refused("IDEMPOTENCY_CONFLICT", device.submit_probe, same_key)
    assert device.finish(device.opening(session, sums)).accepted
    # The answer is deleted with the session's end.
    refused("SESSION_USED", device.submit_probe, request)


def test_submitted_template_is_answered_with_the_same_sums(world):
    device = world.device()
    session = device.begin_enrollment(world.ticket())
    request = device.template_request(session)
    sums = device.submit_template(request)
    assert device.submit_template(request) == sums
    refused("SESSION_USED", device.submit_template, device.template_request(session))
    request.signature = os.urandom(64)
    refused("IDEMPOTENCY_CONFLICT", device.submit_template, request)


def test_answer_lost_with_its_process_is_computed_once_more(world):
    """As after a kill between the nonce's use and the answer: SUBMITTED with nothing kept."""
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(noisy(device.code, world.rng)))
    lost = device.submit_probe(request)
    with world.server.service.store.transaction() as tx:
        tx.sessions.delete_exchange(session.session_id)
    refused("SESSION_USED", device.finish, device.opening(session, lost))
    sums = device.submit_probe(request)
    assert sums != lost
    assert device.finish(device.opening(session, sums)).accepted


def test_decision_is_told_again_with_the_same_token(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    sums = device.submit_probe(device.probe_request(session, probe))
    opening = device.opening(session, sums)
    first = device.finish(opening)
    assert first.accepted
    with world.clock.moved(3600):
        assert device.finish(opening) == first
    refused("SESSION_USED", device.finish, device.opening(session, sums))
    lie = device.opening(session, sums, opened=[1, 2, 3], key=opening.idempotency_key)
    refused("IDEMPOTENCY_CONFLICT", device.finish, lie)


def test_rejection_told_again_counts_once(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    sums = device.submit_probe(device.probe_request(session, device.encrypt(device.code)))
    opening = device.opening(session, sums, opened=[1, 2, 3])
    assert not any(device.finish(opening).accepted for _ in range(7))
    with world.server.service.store.transaction() as tx:
        assert tx.enrollments.find(device.enrollment_id).failures_total == 1


def test_enrolment_told_again_is_one_enrolment(world):
    device = world.device()
    session = device.begin_enrollment(world.ticket())
    sums = device.submit_template(device.template_request(session))
    opening = device.opening(session, sums)
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(device.finish_enrollment, [opening] * 4))
    device.enrollment_id = answers[0].enrollment_id
    assert all(answer == answers[0] for answer in answers)
    assert len(device.list_enrollments()) == 1
    device.revoke()
    assert device.finish_enrollment(opening) == answers[0]


def test_revocation_told_again(world):
    device = world.enrolled()
    request = device.signed_request(device.begin_request("revoke"))
    revoke = world.connection.enrollment.RevokeEnrollment
    assert revoke(request) == revoke(request)
    again = device.signed_request(pb.Session(session_id=request.session_id))
    refused("SESSION_USED", revoke, again)


def test_ticket_told_again_is_the_same_and_each_party_has_its_own_keys(world):
    one, two, key = world.backend(), world.backend(), new_key()
    ticket = one.ticket("alice", key)
    assert one.ticket("alice", key) == ticket
    assert two.ticket("alice", key) != ticket
    refused("IDEMPOTENCY_CONFLICT", one.ticket, "bob", key)
    assert one.ticket("alice") != ticket


def test_verification_told_again(world):
    party, key = world.backend(), new_key()
    device = world.enrolled(party)
    token = device.authenticate(noisy(device.code, world.rng), party.name).token
    verified = party.verify(token, key)
    assert party.verify(token, key) == verified
    refused("TOKEN_INVALID", party.verify, token)


def test_restart_keeps_sessions_and_decisions(tmp_path):
    with World.started(tmp_path, workers=1) as before:
        party = before.backend("shop")
        device = before.enrolled(party)
        probe = device.encrypt(noisy(device.code, before.rng))
        begun = device.begin(party.name)
        submitted = device.begin(party.name)
        request = device.probe_request(submitted, probe)
        sums = device.submit_probe(request)
        decided = device.begin(party.name)
        opening = device.opening(decided, device.submit_probe(device.probe_request(decided, probe)))
        decision = device.finish(opening)
        ca, jwks = before.server.ca_file.read_bytes(), (tmp_path / "jwks.json").read_bytes()
    with World.started(tmp_path, workers=1) as after:
        assert after.server.ca_file.read_bytes() == ca
        assert (tmp_path / "jwks.json").read_bytes() == jwks
        device.connection = after.connection
        assert device.finish(opening) == decision
        assert device.submit_probe(request) == sums
        assert device.finish(device.opening(submitted, sums)).accepted
        sums = device.submit_probe(device.probe_request(begun, probe))
        assert device.finish(device.opening(begun, sums)).accepted
