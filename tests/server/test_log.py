"""The log through the wire: a leaf for every enrolment, proofs, receipts; and its store."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from sqlalchemy import event
from tests.server.device import Connection, TestDevice, random_code, refused
from tests.server.test_store import downgraded, enrollment
from tests.server.world import World

from grainseal.crypto.checkpoint import parse_verifier_key, verify_checkpoint
from grainseal.crypto.entries import parse_enrollment_entry
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit, verify_logged
from grainseal.crypto.merkle import (
    EMPTY_ROOT,
    Node,
    inclusion_proof,
    read_frontier,
    verify_consistency,
    verify_inclusion,
)
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import log
from grainseal.server.authority import Authority
from grainseal.server.config import ServerConfig
from grainseal.server.keys import load_keys
from grainseal.server.store.store import Store

DEADLINE = {"timeout": 30}


def key_of(world):
    return parse_verifier_key((world.config.data / "log.vkey").read_text())


def now(world):
    note = world.connection.log.GetCheckpoint(pb.GetCheckpointRequest(), **DEADLINE).note
    return verify_checkpoint(note, [key_of(world)])


def leaf_of(receipt):
    return commit(Kind.ENROLLMENT, Opening(receipt.salt, receipt.entry))


def check_receipt(world, receipt):
    proof = LogProof(receipt.index, tuple(receipt.inclusion), receipt.checkpoint)
    return verify_logged(leaf_of(receipt), proof, [key_of(world)])


def inclusion(world, size, **leaf):
    request = pb.GetInclusionProofRequest(size=size, **leaf)
    return world.connection.log.GetInclusionProof(request, **DEADLINE)


def consistency(world, old, new):
    request = pb.GetConsistencyProofRequest(old_size=old, new_size=new)
    return world.connection.log.GetConsistencyProof(request, **DEADLINE).hashes


def test_every_enrolment_and_renewal_has_one_leaf(world):
    before = now(world)
    device = world.enrolled()
    first = device.receipt()
    assert now(world).size == before.size + 1 == first.index + 1
    assert check_receipt(world, first) == now(world)
    renewed = device.renew(random_code(world.rng))
    second = device.receipt()
    assert now(world).size == before.size + 2
    assert check_receipt(world, second).size == before.size + 2
    assert parse_enrollment_entry(second.entry).enrollment_id == renewed.enrollment_id
    # The replaced one keeps its receipt, now of a larger tree.
    device.enrollment_id = parse_enrollment_entry(first.entry).enrollment_id
    again = device.receipt()
    assert (again.salt, again.entry, again.index) == (first.salt, first.entry, first.index)
    assert check_receipt(world, again).size == before.size + 2


def test_the_entry_says_what_was_enrolled(world):
    party, device = world.backend(), world.device()
    session = device.begin_enrollment(party.ticket("ann"))
    request = device.template_request(session)
    opening = device.opening(session, device.submit_template(request))
    enrolled = device.finish_enrollment(opening)
    device.enrollment_id = enrolled.enrollment_id
    entry = parse_enrollment_entry(device.receipt().entry)
    assert (entry.enrollment_id, entry.subject) == (enrolled.enrollment_id, "ann")
    assert (entry.issuer, entry.profile) == (party.name, "TESTING")
    assert entry.device_key == device.signing.public
    sent = [request.template, request.relin_key, request.zero_key]
    logged = [entry.template_sha256, entry.relin_key_sha256, entry.zero_key_sha256]
    assert logged == [hashlib.sha256(each).digest() for each in sent]
    assert (entry.claim_template_sha256, entry.created_at) == (b"", enrolled.created_at)
    # A retry of the last request is no second enrolment and no second leaf.
    size = now(world).size
    assert device.finish_enrollment(opening) == enrolled
    assert now(world).size == size


def test_a_refused_template_has_no_leaf(world):
    device = world.device()
    session = device.begin_enrollment(world.ticket())
    sums = device.submit_template(device.template_request(session))
    opened = device.open(sums)
    size = now(world).size
    lie = device.opening(session, sums, opened=[opened[0] ^ 1, *opened[1:]])
    refused("TEMPLATE_REFUSED", device.finish_enrollment, lie)
    assert now(world).size == size


def test_proofs_through_the_wire(world):
    devices = [world.enrolled() for _ in range(3)]
    receipts = [device.receipt() for device in devices]
    last = now(world)
    for receipt in receipts:
        leaf = leaf_of(receipt)
        for asked in ({"index": receipt.index}, {"leaf_hash": leaf.hash}):
            answer = inclusion(world, last.size, **asked)
            assert answer.index == receipt.index
            verify_inclusion(leaf.hash, answer.index, last.size, answer.hashes, last.root)
        then = verify_checkpoint(receipt.checkpoint, [key_of(world)])
        proof = consistency(world, then.size, last.size)
        verify_consistency(then.size, last.size, proof, then.root, last.root)
        answer = inclusion(world, receipt.index + 1, index=receipt.index)  # of an older tree
        with pytest.raises(VerificationFailed):
            verify_inclusion(leaf.hash, receipt.index, receipt.index + 1, answer.hashes, b"\1" * 32)
    assert not consistency(world, 0, last.size)
    assert not consistency(world, last.size, last.size)


def test_proofs_that_there_are_not(world):
    world.enrolled()
    size = now(world).size
    for index, of in ((size, size), (0, size + 1), (0, 0), (2**64 - 1, 2**64 - 1)):
        error = refused("LOG_RANGE", inclusion, world, of, index=index)
        assert error.code() == grpc.StatusCode.OUT_OF_RANGE
    for old, new in ((size, size + 1), (size, size - 1), (2**64 - 1, 2**64 - 1)):
        refused("LOG_RANGE", consistency, world, old, new)
    for unknown in (b"x" * 32, b"", b"y" * 1000):
        refused("LEAF_UNKNOWN", inclusion, world, size, leaf_hash=unknown)
    refused("MALFORMED", inclusion, world, size)


def test_a_receipt_takes_the_device_s_signature_and_its_purpose(world):
    device, other = world.enrolled(), world.enrolled()
    refused("SIGNATURE_INVALID", other.receipt, device.enrollment_id)
    listing = device.signed_request(device.begin_request("list"))
    refused("SESSION_UNKNOWN", world.connection.enrollment.GetReceipt, listing)
    request = device.signed_request(device.begin_request("receipt"))
    refused("SESSION_UNKNOWN", world.connection.enrollment.RevokeEnrollment, request)
    first = world.connection.enrollment.GetReceipt(request, **DEADLINE)
    assert world.connection.enrollment.GetReceipt(request, **DEADLINE) == first  # a retry
    fresh = replace_key(request)
    refused("SESSION_USED", world.connection.enrollment.GetReceipt, fresh)
    device.revoke()
    assert device.receipt().index == first.index  # what was logged was logged


def replace_key(request):
    changed = pb.SignedRequest()
    changed.CopyFrom(request)
    changed.idempotency_key = b"another key of mine"
    return changed


def test_concurrent_enrolments_have_distinct_provable_indices(world):
    before, clients = now(world).size, 6
    tickets = [world.ticket() for _ in range(clients)]
    codes = [random_code(world.rng) for _ in range(clients)]

    def client(number):
        connection = Connection.to(world.server.address, world.server.ca_file)
        device = TestDevice(connection, codes[number])
        device.enroll(tickets[number])
        receipt = device.receipt()
        connection.close()
        return receipt

    with ThreadPoolExecutor(clients) as pool:
        receipts = list(pool.map(client, range(clients)))
    assert {each.index for each in receipts} == set(range(before, before + clients))
    for each in receipts:
        check_receipt(world, each)
    assert now(world).size == before + clients


# The store ---------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    store = Store.open_sqlite(tmp_path / "test.db")
    yield store
    store.close()


@pytest.fixture
def authority(tmp_path):
    return Authority(ServerConfig(tmp_path), load_keys(tmp_path))


def enrol(store, authority, number):
    row, template = enrollment(number)
    with store.transaction() as tx:
        tx.enrollments.add(row, template)
        log.append_enrollment(tx, authority, row, template)


def root_of(store):
    with store.transaction() as tx:
        return read_frontier(tx.log.size(), tx.log).root


def test_a_new_log_is_empty(store, authority):
    with store.transaction() as tx:
        checkpoint = verify_checkpoint(log.checkpoint(tx, authority), [authority.keys.log.verifier])
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)


def test_enrolment_and_leaf_are_there_together_or_not_at_all(store, authority):
    enrol(store, authority, 0)
    before = root_of(store)

    def interrupted():
        with store.transaction() as tx:
            row, template = enrollment(1)
            tx.enrollments.add(row, template)
            log.append_enrollment(tx, authority, row, template)
            assert tx.log.size() == 2
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert root_of(store) == before
    with store.transaction() as tx:
        assert tx.log.size() == 1
        assert tx.enrollments.find("enrollment-1") is None
        assert tx.log.opening("enrollment-1") is None
    enrol(store, authority, 1)
    assert root_of(store) != before


def test_appends_of_two_processes_stores_take_turns(store, authority, tmp_path):
    other = Store.open_sqlite(tmp_path / "test.db")
    threads = [
        threading.Thread(target=enrol, args=(each, authority, number))
        for number, each in enumerate((store, other) * 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    with store.transaction() as tx:
        assert tx.log.size() == 16
        rows = [tx.log.opening(f"enrollment-{number}") for number in range(16)]
        assert {row.leaf_index for row in rows} == set(range(16))
        root = read_frontier(16, tx.log).root
        for row in rows:
            leaf = commit(Kind.ENROLLMENT, Opening(row.salt, row.entry))
            proof = inclusion_proof(row.leaf_index, 16, tx.log)
            verify_inclusion(leaf.hash, row.leaf_index, 16, proof, root)


def test_erasing_what_opens_a_leaf_leaves_the_log_whole(store, authority, tmp_path):
    for number in range(5):
        enrol(store, authority, number)
    before = root_of(store)
    with store.transaction() as tx:
        row = tx.log.opening("enrollment-2")
        leaf = commit(Kind.ENROLLMENT, Opening(row.salt, row.entry))
        assert tx.log.erase_opening("enrollment-2")
        assert not tx.log.erase_opening("enrollment-2")
    store.purge(now=0, retention=0)
    assert root_of(store) == before
    with store.transaction() as tx:
        assert tx.log.index_of(leaf.hash) == 2
        verify_inclusion(leaf.hash, 2, 5, inclusion_proof(2, 5, tx.log), before)
        assert log.receipt(tx, authority, "enrollment-1").proof.index == 1
    refusal = not_logged(store, authority, "enrollment-2")
    assert "renew it" in refusal
    for file in tmp_path.glob("test.db*"):
        assert row.salt not in file.read_bytes()
        assert row.entry not in file.read_bytes()


def not_logged(store, authority, enrollment_id):
    with store.transaction() as tx, pytest.raises(log.Refused) as caught:
        log.receipt(tx, authority, enrollment_id)
    assert caught.value.reason is log.Reason.NOT_LOGGED
    return str(caught.value)


def test_a_proof_s_hashes_are_looked_up_and_not_searched_for(store):
    """What a proof costs must not grow with the log: no statement walks through a table."""
    asked = []

    def remember(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", remember)
    with store.transaction() as tx:
        tx.log.read([Node(0, 1), Node(5, 7), Node(40, 0)])
        tx.log.index_of(b"h" * 32)
        tx.log.size()
    event.remove(store._engine, "before_cursor_execute", remember)
    queries = [each for each in asked if each[0].startswith("SELECT")]
    assert len(queries) == 3
    with store._engine.connect() as connection:
        for statement, parameters in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in plan]
            assert any(step.startswith("SEARCH") for step in steps)
            assert not any(step.startswith("SCAN") for step in steps)


def test_the_log_itself_names_nobody(store, authority):
    row, template = enrollment(0, subject="a name that is not to be found")
    with store.transaction() as tx:
        tx.enrollments.add(row, template)
        log.append_enrollment(tx, authority, row, template)
    with store._engine.connect() as connection:
        for table in ("log_head", "log_leaves", "log_nodes"):
            stored = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert stored
            assert "a name" not in str(stored)
            assert row.enrollment_id not in str(stored)


def test_a_hash_that_is_missing_is_not_made_up(world, tmp_path):
    with World.started(tmp_path / "data", workers=1) as mine:
        device = mine.enrolled()
        with mine.server.service.store._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM log_nodes")
        error = refused("INTERNAL", device.receipt)
        assert error.details() == "internal error"


def test_enrolments_older_than_the_log_are_unlogged_until_renewed(tmp_path):
    data = tmp_path / "data"
    with World.started(data, workers=1) as old:
        device = old.enrolled()
    downgraded(data / "grainseal.db", "0001")
    with World.started(data, workers=1) as world:
        assert now(world).size == 0
        device.connection = world.connection
        error = refused("NOT_LOGGED", device.receipt)
        assert error.code() == grpc.StatusCode.NOT_FOUND
        assert "renew it" in error.details()
        device.renew(random_code(world.rng))
        receipt = device.receipt()
        assert receipt.index == 0
        assert check_receipt(world, receipt).size == 1
