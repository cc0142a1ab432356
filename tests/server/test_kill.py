"""kill -9 of the server in the middle of enrolments and authentications, and a restart."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from tests.server.device import TestDevice, new_key, noisy, random_code, reason_of
from tests.server.process import ServeProcess

from grainseal.crypto.checkpoint import parse_verifier_key, verify_checkpoint
from grainseal.crypto.entries import parse_enrollment_entry
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit, verify_logged
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import admin
from grainseal.server.store.store import Store

CLIENTS = 3
AUTHENTICATIONS = 4
KILLS = 3
PATIENCE = 60.0  # seconds


class StubbornDevice(TestDevice):
    """Sends every write again, same key and same request, until it is answered."""

    def __init__(self, servers, code):
        super().__init__(servers.current.connection, code)
        self._servers = servers
        self.openings = []  # (opening, decision), for asking again

    def insist(self, call, *arguments, **named):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return call(*arguments, **named)
            except (grpc.RpcError, ValueError) as error:  # ValueError: the channel was closed
                if isinstance(error, grpc.RpcError) and error.code() not in (
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.CANCELLED,
                ):
                    raise
                assert time.monotonic() < deadline
                time.sleep(0.05)
                self.connection = self._servers.current.connection

    def enroll_stubbornly(self, ticket):
        key = new_key()
        session = self.insist(lambda: self.begin_enrollment(ticket, key=key))
        request = self.template_request(session)
        sums = self.insist(lambda: self.submit_template(request))
        opening = self.opening(session, sums)
        self.enrollment_id = self.insist(lambda: self.finish_enrollment(opening)).enrollment_id
        return opening

    def authenticate_stubbornly(self, code, audience):
        key = new_key()
        session = self.insist(lambda: self.begin(audience, key=key))
        request = self.probe_request(session, self.encrypt(code))
        sums = self.insist(lambda: self.submit_probe(request))
        opening = self.opening(session, sums)
        decision = self.insist(lambda: self.finish(opening))
        self.openings.append((opening, decision))
        return decision


class Servers:
    """One data folder, one server at a time."""

    def __init__(self, data):
        self.data, self.killed = data, []
        self.current = self._start()

    def kill_and_restart(self):
        before = self.current
        before.kill()
        self.killed.append(before)
        self.current = self._start()

    def _start(self):
        return ServeProcess(self.data, "--allow-testing-profiles", "--workers", "2")


@pytest.fixture
def servers(tmp_path):
    servers = Servers(tmp_path / "data")
    yield servers
    assert servers.current.stop() == 0


def test_kill_and_restart_lose_and_double_nothing(servers):
    admin.add_relying_party(servers.data, "shop")
    rng = np.random.default_rng(3)
    devices = [StubbornDevice(servers, random_code(rng)) for _ in range(CLIENTS)]
    tickets = [admin.issue_ticket(servers.data, f"s{n}").ticket for n in range(CLIENTS)]
    probes = [[noisy(d.code, rng) for _ in range(AUTHENTICATIONS)] for d in devices]
    running = threading.Event()
    running.set()

    def client(device, ticket, codes):
        enrolled, count = device.enroll_stubbornly(ticket), 0
        while running.is_set() or count < AUTHENTICATIONS:
            code = codes[count % AUTHENTICATIONS]
            assert device.authenticate_stubbornly(code, "shop").accepted
            count += 1
        return enrolled, count

    with ThreadPoolExecutor(CLIENTS) as clients:
        each_client = zip(devices, tickets, probes, strict=True)
        done = [clients.submit(client, *arguments) for arguments in each_client]
        try:
            for number in range(KILLS):
                # The first kill falls into the enrolments, the others anywhere.
                time.sleep(0.05 if number == 0 else rng.uniform(0.1, 0.6))
                servers.kill_and_restart()
        finally:
            running.clear()
        results = [each.result(PATIENCE) for each in done]

    _check_store(servers.data, devices, sum(count for _, count in results))
    _check_log(servers.current.connection, servers.data, devices)
    for device, (enrolling, _) in zip(devices, results, strict=True):
        # Decided sessions stay decided: the same opening gives the same token.
        assert device.finish_enrollment(enrolling).enrollment_id == device.enrollment_id
        assert all(device.finish(opening) == decision for opening, decision in device.openings)
        assert len(device.list_enrollments()) == 1
    for server in servers.killed:
        server.wait_for_children()


def _check_store(data, devices, authentications):
    store = Store.open_sqlite(data / "grainseal.db")
    with store.transaction() as tx:
        for device in devices:
            assert tx.enrollments.find(device.enrollment_id).failures_total == 0
            assert tx.enrollments.template(device.enrollment_id) is not None
            assert len(tx.enrollments.of_device(device.signing.public)) == 1
    store.close()
    tokens = [decision.token for device in devices for _, decision in device.openings]
    assert len(tokens) == len(set(tokens)) == authentications


def _check_log(connection, data, devices):
    """As many leaves as enrolments, each at an index of its own and provable."""
    key = parse_verifier_key((data / "log.vkey").read_text())
    note = connection.log.GetCheckpoint(pb.GetCheckpointRequest(), timeout=30).note
    assert verify_checkpoint(note, [key]).size == len(devices)
    receipts = [device.receipt() for device in devices]
    assert {each.index for each in receipts} == set(range(len(devices)))
    for device, each in zip(devices, receipts, strict=True):
        leaf = commit(Kind.ENROLLMENT, Opening(each.salt, each.entry))
        verify_logged(leaf, LogProof(each.index, tuple(each.inclusion), each.checkpoint), [key])
        assert parse_enrollment_entry(each.entry).enrollment_id == device.enrollment_id


def test_kill_during_an_enrolment_leaves_no_half_of_it(servers):
    rng = np.random.default_rng(4)
    device = StubbornDevice(servers, random_code(rng))
    ticket = admin.issue_ticket(servers.data, "alice").ticket
    session = device.begin_enrollment(ticket)
    request = device.template_request(session)
    sums = device.submit_template(request)
    servers.kill_and_restart()
    device.connection = servers.current.connection
    store = Store.open_sqlite(servers.data / "grainseal.db")
    with store.transaction() as tx:
        assert tx.enrollments.find(session.enrollment_id) is None
        assert tx.enrollments.template(session.enrollment_id) is None
        assert tx.log.size() == 0
    store.close()
    assert device.submit_template(request) == sums
    opening = device.opening(session, sums)
    enrolled = device.finish_enrollment(opening)
    servers.kill_and_restart()
    device.connection = servers.current.connection
    assert device.finish_enrollment(opening) == enrolled
    device.enrollment_id = enrolled.enrollment_id
    _check_log(device.connection, servers.data, [device])
    with pytest.raises(grpc.RpcError) as caught:
        device.begin_enrollment(ticket)
    assert reason_of(caught.value) == "TICKET_INVALID"
