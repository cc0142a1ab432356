"""Attempt caps against a running server, parallel sessions included."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tests.server.device import noisy, reason_of, refused, retry_after

from grainseal.proto.v1 import grainseal_pb2 as pb

LIE = [1, 2, 3]


def submitted(device, audience, count):
    """Sessions that each await an opening."""
    probe = device.encrypt(device.code)
    sessions = [device.begin(audience) for _ in range(count)]
    return [(s, device.submit_probe(device.probe_request(s, probe))) for s in sessions]


def test_sixth_failure_in_a_row_waits(world):
    party = world.backend()
    device = world.enrolled(party)
    # Begun before the lock, so that the lock is met at each step.
    begun = device.begin(party.name)
    *pending, last = submitted(device, party.name, 6)
    for session, sums in pending:
        assert not device.finish(device.opening(session, sums, opened=LIE)).accepted
    error = refused("LOCKED", device.begin, party.name)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 25 <= retry_after(error) <= 30
    refused("LOCKED", device.finish, device.opening(*last, opened=LIE))
    probe = device.encrypt(noisy(device.code, world.rng))
    refused("LOCKED", device.submit_probe, device.probe_request(begun, probe))
    with world.clock.moved(31):
        assert device.authenticate(noisy(device.code, world.rng), party.name).accepted
    assert device.list_enrollments()[0].state == pb.ENROLLMENT_STATE_ACTIVE


def test_parallel_sessions_do_not_exceed_the_cap(world):
    party = world.backend()
    device = world.enrolled(party)
    openings = [
        device.opening(session, sums, opened=LIE)
        for session, sums in submitted(device, party.name, 12)
    ]

    def outcome(opening):
        try:
            return device.finish(opening).accepted
        except grpc.RpcError as error:
            return reason_of(error)

    with ThreadPoolExecutor(12) as clients:
        outcomes = list(clients.map(outcome, openings))
    assert outcomes.count(False) == 5
    assert outcomes.count("LOCKED") == 7


def test_fifty_failures_disable_the_enrolment_and_its_owner_may_still_revoke_it(world):
    party = world.backend()
    device = world.enrolled(party)
    with world.server.service.store.transaction() as tx:
        tx.enrollments.count_attempts(device.enrollment_id, in_row=0, total=49, locked_until=0)
    [(session, sums)] = submitted(device, party.name, 1)
    assert not device.finish(device.opening(session, sums, opened=LIE)).accepted
    refused("ENROLLMENT_UNKNOWN", device.begin, party.name)
    assert device.list_enrollments()[0].state == pb.ENROLLMENT_STATE_DISABLED
    with world.server.service.store.transaction() as tx:
        assert tx.enrollments.template(device.enrollment_id) is None
    assert device.revoke().state == pb.ENROLLMENT_STATE_REVOKED


def test_acceptance_ends_the_row(world):
    party = world.backend()
    device = world.enrolled(party)
    for _ in range(2):
        for session, sums in submitted(device, party.name, 4):
            assert not device.finish(device.opening(session, sums, opened=LIE)).accepted
        assert device.authenticate(noisy(device.code, world.rng), party.name).accepted
    with world.server.service.store.transaction() as tx:
        row = tx.enrollments.find(device.enrollment_id)
    assert (row.failures_in_row, row.failures_total) == (0, 8)


def test_unsigned_attempts_do_not_count(world):
    party = world.backend()
    device, stranger = world.enrolled(party), world.enrolled(party)
    for session, sums in submitted(device, party.name, 6):
        opening = stranger.opening(session, sums, opened=LIE)
        error = refused("SIGNATURE_INVALID", device.finish, opening)
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert device.authenticate(noisy(device.code, world.rng), party.name).accepted


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signature_of_another_length_is_malformed(world, length):
    party = world.backend()
    device = world.enrolled(party)
    [(session, sums)] = submitted(device, party.name, 1)
    opening = device.opening(session, sums)
    opening.signature = bytes(length)
    refused("MALFORMED", device.finish, opening)
