"""Health, reflection, TLS, and what a peer is told when something goes wrong."""

import asyncio
import logging
import os
import threading
import time
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.server.device import Connection, new_key, noisy, refused
from tests.server.test_tls import NOW
from tests.server.world import World

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import authentication
from grainseal.server.config import ServerConfig
from grainseal.server.errors import DeadlinePassed, Reason
from grainseal.server.rpc.errors import CODES
from grainseal.server.rpc.messages import write_of
from grainseal.server.tls import development_certificate

SERVICES = tuple(f"grainseal.v1.{n}Service" for n in ("Enrollment", "Authentication", "Log"))


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_health(world, service):
    stub = health_pb2_grpc.HealthStub(world.connection.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection(world):
    stub = reflection_pb2_grpc.ServerReflectionStub(world.connection.channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICES[0]),
    ]
    listed, described = stub.ServerReflectionInfo(iter(asked), timeout=10)
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {*SERVICES, "grpc.health.v1.Health"}
    assert described.file_descriptor_response.file_descriptor_proto


def test_another_authority_s_client_is_not_served(world, tmp_path):
    foreign = development_certificate(tmp_path, "127.0.0.1", NOW).ca_file
    stranger = Connection.to(world.server.address, foreign)
    with pytest.raises(grpc.RpcError) as caught:
        stranger.authentication.GetKeys(pb.GetKeysRequest(), timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    stranger.close()


def test_no_plaintext(world):
    with grpc.insecure_channel(world.server.address) as channel, pytest.raises(grpc.RpcError):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)


@pytest.mark.parametrize(
    "method",
    [
        "EnrollmentService/BeginEnrollment",
        "AuthenticationService/SubmitProbe",
        "LogService/GetInclusionProof",
    ],
)
@pytest.mark.parametrize("raw", [b"\xff" * 9, b"\x0a\xff", b"\x0a\x02\xff\xfe", os.urandom(4096)])
def test_bytes_that_are_no_message_are_malformed(world, method, raw):
    call = world.connection.channel.unary_unary(f"/grainseal.v1.{method}")
    error = refused("MALFORMED", call, raw)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


@contextmanager
def half_open_calls(world, count):
    """Calls of one stranger on one connection that begin and never send their message."""
    stranger = Connection.to(world.server.address, world.server.ca_file)
    over = threading.Event()

    def silence():
        over.wait(60)
        yield from ()

    begin = stranger.channel.stream_unary(f"/{SERVICES[1]}/GetKeys")
    calls = [begin.future(silence()) for _ in range(count)]
    try:
        yield calls
    finally:
        over.set()
        stranger.close()


def keys(world):
    return world.connection.authentication.GetKeys(
        pb.GetKeysRequest(), timeout=20, wait_for_ready=True
    )


def test_one_connection_s_half_open_calls_leave_room_for_others(tmp_path):
    started = World.started(tmp_path, workers=1, max_concurrent_calls=32)
    with started as world, half_open_calls(world, 40):
        for _ in range(10):
            assert keys(world).jwks
            time.sleep(0.1)


def test_half_open_calls_end_with_their_connection(tmp_path):
    bounds = {"max_concurrent_calls": 4, "max_calls_per_connection": 4}
    soon = {"max_connection_age": 1.0, "max_deadline": 1.0}
    started = World.started(tmp_path, workers=1, **bounds, **soon)
    with started as world, half_open_calls(world, 4) as calls:
        assert all(call.exception(timeout=20) for call in calls)
        assert keys(world).jwks


def test_message_over_the_limit_is_refused(world):
    device = world.enrolled()
    session = device.begin_enrollment(world.ticket())
    request = device.template_request(session)
    request.template += bytes(1 << 20)
    with pytest.raises(grpc.RpcError) as caught:
        device.submit_template(request)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_damaged_store_tells_a_peer_nothing(world, caplog):
    party = world.backend()
    device = world.enrolled(party)
    with world.server.service.store.transaction() as tx:
        tx.enrollments.template(device.enrollment_id).template = b"a row that rotted"
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(device.code))
    with caplog.at_level(logging.INFO, "grainseal"):
        error = refused("INTERNAL", device.submit_probe, request)
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "StoredTemplateDamaged at " in caplog.text
    assert "rotted" not in caplog.text


def test_every_reason_has_a_code():
    assert set(CODES) == set(Reason)


def test_nothing_begins_after_the_deadline(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(device.code))
    late = authentication.submit(
        world.server.service,
        time.monotonic() - 1,
        write_of(request),
        session.session_id,
        request.probe,
        request.signature,
    )
    with pytest.raises(DeadlinePassed):
        asyncio.run(late)
    with world.server.service.store.transaction() as tx:
        assert tx.sessions.find(session.session_id).state == "begun"
    # The same request, in time.
    assert device.submit_probe(request)


def test_logs_have_outcomes_and_no_secrets(world, caplog):
    with caplog.at_level(logging.DEBUG, "grainseal"):
        party = world.backend()
        ticket = party.ticket("alice")
        device = world.device()
        device.enroll(ticket)
        session = device.begin(party.name)
        probe = device.encrypt(noisy(device.code, world.rng))
        sums = device.submit_probe(device.probe_request(session, probe))
        opening = device.opening(session, sums)
        token = device.finish(opening).token
        party.verify(token, new_key())
        refused("SESSION_USED", device.finish, device.opening(session, sums))
    for event in ("ticket issued", "enrolled", "authentication", "decision verified"):
        assert f'"event": "{event}"' in caplog.text
    assert '"accepted": true' in caplog.text
    assert "FinishAuthentication refused: SESSION_USED" in caplog.text
    opened = [str(y) for y in opening.opened]
    for secret in (ticket, token, session.nonce.hex(), *opened):
        assert secret not in caplog.text


def test_defaults_refuse_testing_profiles(tmp_path):
    assert not ServerConfig(tmp_path).allow_testing_profiles
