"""Receipts and the log from the command line, against real services, honest and rewritten."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.client.program import Program, connection, enrolled
from tests.server.device import Connection, TestDevice, random_code

from grainseal.client import Client, ClientError, ServiceError, UntrustedService, Vault
from grainseal.client.demo_service import LocalService
from grainseal.client.receipts import checked_receipt
from grainseal.client.transport import Transport
from grainseal.client.watching import Seen, look, read_log_keys
from grainseal.crypto.checkpoint import VerifierKey, parse_verifier_key, verify_checkpoint
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.leaves import Kind, Opening, commit
from grainseal.crypto.monitoring import sight
from grainseal.crypto.receipts import verify_receipt
from grainseal.crypto.signing import SigningKey
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import admin
from grainseal.server.store.store import Store

PASSPHRASE = "correct horse"


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)


class TamperedLog:
    """A service of its own whose operator rewrites history. Enrols random codes, no photos."""

    def __init__(self, data: Path) -> None:
        self.data, self._rng = data, np.random.default_rng(5)
        self.local = LocalService(data, "--allow-testing-profiles", "--workers", "1")
        self.local.start()
        self._api_key = admin.add_relying_party(data, "shop")

    @property
    def log_key(self) -> Path:
        return self.data / "log.vkey"

    @property
    def where(self) -> list[object]:
        return ["--server", self.local.address, "--ca", self.local.ca]

    def watched(self, state: Path) -> list[object]:
        return [*self.where, "--log-key", self.log_key, "--state", state]

    def enroll(self, count: int = 1) -> None:
        link = Connection.to(self.local.address, self.local.ca)
        for number in range(count):
            device = TestDevice(link, random_code(self._rng))
            device.enroll(self.local.ticket(f"subject {number}", self._api_key))
        link.close()

    def copied(self, folder: Path) -> "TamperedLog":
        """Another service with the same keys and the same past."""
        self.local.stop()
        shutil.copytree(self.data, folder)
        self.local.start()
        twin = object.__new__(TamperedLog)
        twin.data, twin._rng, twin._api_key = folder, np.random.default_rng(6), self._api_key
        twin.local = LocalService(folder, "--allow-testing-profiles", "--workers", "1")
        twin.local.start()
        return twin

    def rewrite(self, changed: int | None, size: int) -> None:
        """Make a log of so many leaves, one of them another one, every hash consistent with it."""
        self.local.stop()
        store = Store.open_sqlite(self.data / "grainseal.db")
        with store._engine.begin() as sql:
            rows = sql.exec_driver_sql("SELECT commitment FROM log_leaves ORDER BY leaf_index")
            commitments = [bytes(each) for (each,) in rows][:size]
            for table in ("log_openings", "log_leaves", "log_nodes"):
                sql.exec_driver_sql(f"DELETE FROM {table}")
            sql.exec_driver_sql("UPDATE log_head SET size = 0")
        with store.transaction() as tx:
            for index, commitment in enumerate(commitments):
                leaf = commit(Kind.ENROLLMENT, Opening(b"x" * 32, b"never happened"))
                own = type(leaf)(Kind.ENROLLMENT, commitment)
                tx.log.append(leaf if index == changed else own)
        store.close()
        self.local.start()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TamperedLog]:
    """A log that stays honest, shared."""
    made = TamperedLog(tmp_path_factory.mktemp("history") / "service")
    yield made
    made.local.stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TamperedLog]:
    """An empty log."""
    made = TamperedLog(tmp_path / "service")
    yield made
    made.local.stop()


# Receipts ----------------------------------------------------------------------------------------


@pytest.fixture
def receipt_file(program: Program, service, alice, tmp_path: Path) -> Path:
    vault, out = tmp_path / "v", tmp_path / "receipt.json"
    enrolled(program, service, vault, alice.enroll)
    key = service.local.data / "log.vkey"
    line = ["receipt", "get", *connection(service, vault), "--out", out, "--log-key", key]
    assert program(*line) == 0, program.err
    assert "alice of shop as " in program.out
    assert out.stat().st_mode & 0o777 == 0o600
    return out


def test_a_receipt_from_the_service_to_a_third_party(
    program: Program,
    service,
    receipt_file: Path,
) -> None:
    key = (service.local.data / "log.vkey").read_text().strip()
    assert program("receipt", "verify", receipt_file, "--log-key", key) == 0
    lines = program.out.splitlines()
    assert [line[:9] for line in lines[:5]] == [f"L{n} passed" for n in range(1, 6)]
    assert lines[5].startswith("valid: alice of shop as ")
    assert program("receipt", "verify", receipt_file, "--log-key", key, "--json") == 0
    said = program.json
    assert (said["valid"], said["problem"]) == (True, None)
    assert [step["passed"] for step in said["steps"]] == [True] * 5
    assert said["entry"]["subject"] == "alice"
    assert said["log"]["origin"] == "grainseal/log"

    other = VerifierKey("grainseal/log", SigningKey().public)
    assert program("receipt", "verify", receipt_file, "--log-key", other) == 1
    assert "L3 FAILED" in program.out
    assert "L4 not made" in program.out
    assert "not valid: the note is not signed by grainseal/log+" in program.err

    content = json.loads(receipt_file.read_text())
    content["entry"]["subject"] = "mallory"
    receipt_file.write_text(json.dumps(content))
    assert program("receipt", "verify", receipt_file, "--log-key", key, "--json") == 1
    said = program.json
    assert (said["valid"], said["steps"][-1]["check"]) == (False, "L2")
    assert said["problem"] == "the log's leaf commits to another entry"
    assert "entry" not in said


def test_sdk_receipt(service, alice, tmp_path: Path) -> None:
    with (
        Vault.create(tmp_path / "v", PASSPHRASE) as vault,
        Client(service.local.address, service.local.ca, vault) as client,
    ):
        with pytest.raises(ClientError, match="enrol first"):
            client.receipt()
        client.enroll("alice", service.ticket("alice"), alice.enroll, profile="TESTING")
        first = client.receipt()
        client.renew(alice.later)
        second = client.receipt()
    assert second.proof.index > first.proof.index
    assert second.entry.template_sha256 != first.entry.template_sha256
    keys = read_log_keys(str(service.local.data / "log.vkey"))
    for each in (first, second):
        assert verify_receipt(each.to_json().encode(), keys).valid


def test_a_device_takes_no_false_receipt(service, alice, tmp_path: Path) -> None:
    """C8, each of its parts."""
    with (
        Vault.create(tmp_path / "v", PASSPHRASE) as vault,
        Client(service.local.address, service.local.ca, vault) as client,
    ):
        client.enroll("alice", service.ticket("alice"), alice.enroll, profile="TESTING")
        true, stored = client.receipt(), vault.state.enrollment
        device = SigningKey(vault.state.device_seed).public
    assert stored is not None

    def answer(**changes: object) -> pb.Receipt:
        fields = {
            "kind": "enrollment",
            "salt": true.salt,
            "entry": true.entry.encoded,
            "index": true.proof.index,
            "inclusion": true.proof.inclusion,
            "checkpoint": true.proof.checkpoint,
        }
        return pb.Receipt(**{**fields, **changes})

    assert checked_receipt(answer(), stored, device) == true
    for changes, message in (
        ({"kind": "registration"}, "of kind 'registration'"),
        ({"salt": b"short"}, "32 bytes"),
        ({"salt": b"s" * 32}, "does not lead"),
        ({"entry": b"nonsense"}, "not the canonical bytes"),
        ({"index": 1 << 40}, "older than the leaf"),
        ({"inclusion": [*true.proof.inclusion, b"h" * 32]}, "inclusion proof"),
        ({"checkpoint": b""}, "a note is"),
    ):
        with pytest.raises(UntrustedService, match=message):
            checked_receipt(answer(**changes), stored, device)
    with pytest.raises(UntrustedService, match="another enrolment"):
        checked_receipt(answer(), stored, b"k" * 32)


# The log -----------------------------------------------------------------------------------------


def test_an_honest_log_is_followed(program: Program, fresh, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert program("log", "checkpoint", *fresh.where) == 0
    assert program.out.splitlines()[:2] == ["grainseal/log", "0"]
    assert program("log", "verify", *fresh.watched(state)) == 0
    assert program.out == "grainseal/log: 0 leaves, seen first\n"
    fresh.enroll(3)
    assert program("log", "verify", *fresh.watched(state)) == 0
    assert program.out == "grainseal/log: 3 leaves, continues the 0 seen before\n"
    fresh.enroll(2)
    assert program("log", "watch", *fresh.watched(state), "--interval=0", "--count=2") == 0
    assert program.out.splitlines() == [
        "grainseal/log: 5 leaves, continues the 3 seen before",
        "grainseal/log: 5 leaves, continues the 5 seen before",
    ]
    assert program("log", "verify", *fresh.watched(state), "--json") == 0
    said = program.json
    assert (said["valid"], said["size"], said["known"]) == (True, 5, 5)
    # Every checkpoint that was accepted is kept, once, and verifies by itself.
    keys = read_log_keys(str(fresh.log_key))
    notes = [json.loads(line)["note"] for line in state.read_text().splitlines()]
    assert [verify_checkpoint(each.encode(), keys).size for each in notes] == [0, 3, 5]

    assert program("log", "checkpoint", *fresh.where, "--json") == 0
    unverified = program.json
    assert (unverified["size"], unverified["verified"]) == (5, False)
    check = ["log", "checkpoint", *fresh.where, "--json", "--log-key"]
    assert program(*check, fresh.log_key) == 0
    assert program.json == {**unverified, "verified": True}
    assert program(*check, VerifierKey("grainseal/log", SigningKey().public)) == 1
    assert "not signed by" in program.json["reason"]


def alarmed(program: Program, log: TamperedLog, state: Path, alarm: str, message: str) -> None:
    """The monitor raises that alarm, and the evidence convinces whoever has the log's key."""
    before = state.read_text()
    assert program("log", "watch", *log.watched(state), "--interval=0", "--json") == 1
    said = program.json
    assert (said["valid"], said["alarm"]) == (False, alarm)
    assert message in said["reason"]
    assert f"ALARM: {said['reason']}" in program.err
    keys = read_log_keys(str(log.log_key))
    known, shown = (sight(Path(each).read_bytes(), keys).checkpoint for each in said["evidence"])
    assert Path(said["evidence"][0]).parent == state.parent
    assert known.size == 5
    assert known.root != shown.root
    # What was known stays known: the next look says the same.
    assert state.read_text() == before
    assert program("log", "verify", *log.watched(state)) == 1


def test_a_tampered_store_is_detected(program: Program, fresh, tmp_path: Path) -> None:
    """Leaves are taken away, or one is replaced, and every hash is made to fit."""
    states = tmp_path / "seen" / "whole", tmp_path / "seen" / "shortened"
    states[0].parent.mkdir()
    fresh.enroll(5)
    assert program("log", "verify", *fresh.watched(states[0])) == 0
    fresh.rewrite(changed=None, size=3)
    alarmed(program, fresh, states[0], "StaleCheckpoint", "counts 3 leaves, 5 were seen")
    fresh.enroll(2)
    alarmed(program, fresh, states[0], "ForkedLog", "shows two trees of 5 leaves")
    # Somebody who came later has seen these five only.
    assert program("log", "verify", *fresh.watched(states[1])) == 0
    fresh.rewrite(changed=1, size=5)
    alarmed(program, fresh, states[1], "ForkedLog", "shows two trees of 5 leaves")
    fresh.enroll(2)
    alarmed(program, fresh, states[1], "RewrittenLog", "do not begin alike")


def test_a_fork_is_detected(program: Program, fresh, tmp_path: Path) -> None:
    """One log shows two tellings of its future to two people; their notes meet."""
    fresh.enroll(2)
    twin = fresh.copied(tmp_path / "twin")
    try:
        state = tmp_path / "state"
        fresh.enroll(1)
        twin.enroll(2)
        assert program("log", "verify", *fresh.watched(state)) == 0
        assert program("log", "verify", *twin.watched(state)) == 1
        assert "do not begin alike" in program.err
    finally:
        twin.local.stop()


def test_a_log_of_another_key(program: Program, history, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert program("log", "verify", *history.watched(state)) == 0
    other = VerifierKey("grainseal/log", SigningKey().public)
    line = [*history.where, "--log-key", other, "--state", tmp_path / "new", "--json"]
    assert program("log", "watch", *line) == 1
    assert "not signed by" in program.json["reason"]
    assert not (tmp_path / "new").exists()
    line = [*history.where, "--log-key", other, "--state", state]
    assert program("log", "verify", *line) == 2
    assert "no checkpoint of this log" in program.err


def test_watching_survives_a_restart(
    program: Program,
    history,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "state"
    history.enroll(1)
    line = ["log", "watch", *history.watched(state), "--interval=0", "--count=3"]
    asked = []
    true_call = Transport.get_checkpoint

    def sometimes(transport: Transport) -> pb.Checkpoint:
        asked.append(1)
        if len(asked) == 2:
            raise ServiceError("UNAVAILABLE", "cannot reach it")
        return true_call(transport)

    monkeypatch.setattr(Transport, "get_checkpoint", sometimes)
    assert program(*line) == 0
    assert len(program.out.splitlines()) == 2
    assert "cannot reach it; asking again" in program.err
    asked[:] = [1]
    assert program(*line[:-1], "--count=1") == 2


class FalseTransport:
    """A service that proves with what it likes; only its answers are made up."""

    def __init__(self, true: Transport, proof: list[bytes]) -> None:
        self.get_checkpoint, self._proof = true.get_checkpoint, proof

    def get_consistency_proof(self, _: object) -> pb.ConsistencyProof:
        return pb.ConsistencyProof(hashes=self._proof)


def test_proofs_that_are_none(history) -> None:
    keys = read_log_keys(str(history.log_key))
    history.enroll(2)
    with Transport(history.local.address, history.local.ca) as transport:
        known = look(transport, keys, None)
        history.enroll(3)
        old = known.checkpoint.size
        asked = pb.GetConsistencyProofRequest(old_size=old, new_size=old + 3)
        hashes = list(transport.get_consistency_proof(asked).hashes)
        assert look(FalseTransport(transport, hashes), keys, known).checkpoint.size == old + 3
        for wrong in (hashes[:-1], [], [b"short", *hashes[1:]]):
            with pytest.raises(UntrustedService, match="the log's proof is none"):
                look(FalseTransport(transport, wrong), keys, known)
        with pytest.raises(VerificationFailed, match="do not begin alike"):
            look(FalseTransport(transport, [b"x" * 32, *hashes[1:]]), keys, known)


# Files -------------------------------------------------------------------------------------------


def test_a_cut_off_line_of_the_state_is_dropped(tmp_path: Path, history) -> None:
    seen, keys = Seen(tmp_path / "state"), read_log_keys(str(history.log_key))
    with Transport(history.local.address, history.local.ca) as transport:
        first = look(transport, keys, None)
        seen.add(first, 1)
        with seen.path.open("ab") as file:
            file.write(b'{"seen_at": 2, "no')
        assert seen.last(keys) == first
        history.enroll(1)
        second = look(transport, keys, first)
        seen.add(second, 3)
    assert seen.last(keys) == second
    assert [json.loads(line)["seen_at"] for line in seen.path.read_text().splitlines()] == [1, 3]


def test_log_keys(tmp_path: Path) -> None:
    one, two = (VerifierKey("grainseal/log", SigningKey().public) for _ in range(2))
    file = tmp_path / "keys"
    file.write_text(f"{one}\n\n{two}\n{one}\n")
    assert read_log_keys(str(file)) == [one, two]
    assert read_log_keys(f" {one}\n") == [parse_verifier_key(str(one))]
    elsewhere = VerifierKey("another/log", one.public)
    for content, message in (
        ("", "name one log's"),
        ("nonsense", "no verifier key"),
        (f"{one}\n{elsewhere}", "name one log's"),
    ):
        file.write_text(content)
        with pytest.raises(ClientError, match=message):
            read_log_keys(str(file))
    with pytest.raises(ClientError, match="no verifier key"):
        read_log_keys(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["receipt", "verify", "{text}", "--log-key", "nonsense"], "no verifier key"),
        (["receipt", "verify", "/nowhere", "--log-key", "x"], "does not exist"),
        (["receipt", "verify", "{text}"], "Missing option"),
        (["log", "verify", "--server", "127.0.0.1:1"], "Missing option"),
    ],
)
def test_errors_are_one_line(
    program: Program,
    tmp_path: Path,
    line: list[str],
    message: str,
) -> None:
    (tmp_path / "text").write_text("hello")
    filled = [each.format(text=tmp_path / "text") for each in line]
    assert program(*filled, "--json") == 2
    assert message in program.json["error"]
    assert len(program.err.strip().splitlines()) == 1


def test_a_state_file_of_something_else(program: Program, history, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for content in ("hello\n", "{}\n", '{"note": "hello"}\n', '{"note": 7}\n'):
        state.write_text(content)
        assert program("log", "verify", *history.watched(state)) == 2
        assert "no checkpoint of this log" in program.err
        assert state.read_text() == content
