"""How many submitted sessions one device key or one ticket may hold at a time."""

import grpc
from tests.server.device import TestDevice, noisy, refused, retry_after

from grainseal.crypto.signing import SigningKey
from grainseal.server.exchange import MAX_SUBMITTED


def test_device_key_holds_so_many_submitted_sessions(world):
    party = world.backend()
    device, another = world.enrolled(party), world.enrolled(party)
    probe = device.encrypt(noisy(device.code, world.rng))

    def submit():
        session = device.begin(party.name)
        return session, device.submit_probe(device.probe_request(session, probe))

    (session, sums), *_ = [submit() for _ in range(MAX_SUBMITTED)]
    error = refused("TOO_MANY_SESSIONS", submit)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 0 < retry_after(error) <= 300
    # Others are served, an end makes room for one, and time for all.
    assert another.authenticate(noisy(another.code, world.rng), party.name).accepted
    assert device.finish(device.opening(session, sums)).accepted
    submit()
    refused("TOO_MANY_SESSIONS", submit)
    with world.clock.moved(301):
        submit()


def test_refused_session_can_be_submitted_when_there_is_room(world):
    party = world.backend()
    device = world.enrolled(party)
    probe = device.encrypt(noisy(device.code, world.rng))
    waiting = [device.begin(party.name) for _ in range(MAX_SUBMITTED + 1)]
    requests = [device.probe_request(session, probe) for session in waiting]
    answers = [device.submit_probe(request) for request in requests[:-1]]
    refused("TOO_MANY_SESSIONS", device.submit_probe, requests[-1])
    # What was submitted can be asked for again, with the same key.
    assert device.submit_probe(requests[0]) == answers[0]
    device.finish(device.opening(waiting[0], answers[0]))
    assert device.submit_probe(requests[-1])


def test_ticket_holds_so_many_submitted_sessions_whatever_the_device_keys(world):
    ticket, holder = world.ticket(), world.device()

    def submit():
        fresh = TestDevice(world.connection, holder.code)
        fresh.homomorphic, fresh.signing = holder.homomorphic, SigningKey()
        fresh.submit_template(fresh.template_request(fresh.begin_enrollment(ticket)))

    for _ in range(MAX_SUBMITTED):
        submit()
    refused("TOO_MANY_SESSIONS", submit)
    assert world.enrolled().enrollment_id
