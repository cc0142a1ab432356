"""Erasing a subject: nothing of theirs is left in the store's files, and the log stays whole."""

import json
import random

import pytest
from click.testing import CliRunner
from tests.server.claims import ClaimMaterial
from tests.server.device import TestDevice, noisy, random_code, refused
from tests.server.test_store import enrollment, exchange, key_enrollment, session, ticket
from tests.server.world import World

from grainseal import cli
from grainseal.crypto.checkpoint import parse_verifier_key, verify_checkpoint
from grainseal.crypto.entries import RegistrationEntry, parse_enrollment_entry
from grainseal.crypto.leaves import SALT_BYTES, Kind, LogProof, Opening, commit, verify_logged
from grainseal.crypto.merkle import verify_consistency
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import admin, commands, log
from grainseal.server.authority import Authority
from grainseal.server.config import ServerConfig
from grainseal.server.errors import Unavailable
from grainseal.server.keys import load_keys
from grainseal.server.store import store as store_module
from grainseal.server.store.base import Base
from grainseal.server.store.engine import forget_deleted, rewrite, sqlite_engine
from grainseal.server.store.store import Store
from grainseal.server.store.tables import (
    ClaimRow,
    ClaimTemplateRow,
    DecisionRow,
    IdempotencyRow,
    RegistrationRow,
)

WHO = "Zuzanna Qvist"
TITLE, CREATOR = "Dawn over the Skerries", "Z. Qvist, Photographer"
# Of the service, or of the log, in which nobody is named.
KEPT = {"relying_parties", "log_head", "log_leaves", "log_nodes"}


# The store ---------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    store = Store.open_sqlite(tmp_path / "test.db")
    yield store
    store.close()


@pytest.fixture
def authority(tmp_path):
    return Authority(ServerConfig(tmp_path), load_keys(tmp_path))


def entry(number, subject, title, creator):
    fields = {
        "registration_id": f"registration-{number}",
        "subject": subject,
        "issuer": "shop",
        "grade": "device-asserted",
        "service_key": b"k" * 32,
        "enrollment_id": f"enrollment-{number}",
        "device_key": device_key(number),
        "file_sha256": b"f" * 32,
        "pixels_sha256": b"p" * 32,
        "perceptual_hash": b"h" * 32,
        "height": 3000,
        "width": 4000,
        "title": title,
        "creator": creator,
        "licence": "CC-BY-4.0",
        "captured_at": "",
        "camera": "",
        "signature": b"s" * 64,
        "competing": "",
        "registered_at": 1200,
    }
    return RegistrationEntry(**fields)


def device_key(number):
    return f"device key {number:06}".encode().ljust(32, b".")


def populate(tx, authority, number, subject, title="", creator=""):
    """One subject with a row in every table."""
    own = {"subject": subject, "device_key": device_key(number)}
    name = f"enrollment-{number}"
    row, template = enrollment(number, **own)
    tx.enrollments.add(row, template)
    tx.enrollments.add(*key_enrollment(200_000 + number, **own))
    tx.claim_templates.add(claim_template(number))
    log.append_enrollment(tx, authority, row, template)
    opening = Opening(authority.random(SALT_BYTES), entry(number, subject, title, creator).encoded)
    index = tx.log.append(commit(Kind.REGISTRATION, opening))
    tx.registrations.add(registration(number, index, opening))
    tx.claims.add(claim(number, f"{subject} {creator}"))
    tx.sessions.add(session(number, enrollment_id=name, **own))
    # An enrolment's session: its enrolment is not there yet.
    own_ticket = ticket_of(number, subject)
    rests_on = {"issuer": "shop", "ticket_hash": own_ticket.ticket_hash}
    tx.sessions.add(session(100_000 + number, enrollment_id=f"to-be-{number}", **rests_on, **own))
    tx.sessions.add_exchange(exchange(number))
    tx.uploads.add(f"session-{100_000 + number}", 0, f"photo of {subject}".encode() * 90)
    tx.warrants.add_ticket(own_ticket)
    tx.warrants.add_decision(decision(number, subject))
    references = (f"session-{number}", f"token-{number}", own_ticket.ticket_hash.hex())
    for place, reference in enumerate(references):
        key = f"key {number:06} {place}".encode().ljust(16)
        made = {"scope": "Opening", "request_hash": b"r" * 32, "created_at": 1000}
        tx.sessions.remember_write(IdempotencyRow(key=key, reference=reference, **made))


def ticket_of(number, subject):
    row = ticket()
    row.ticket_hash = f"ticket {number:06}".encode().ljust(32, b".")
    row.subject = subject
    return row


def claim_template(number):
    return ClaimTemplateRow(
        enrollment_id=f"enrollment-{number}",
        profile="CLAIM_TESTING",
        height=320,
        width=384,
        seed=b"s" * 32,
        code=b"c" * 9000,
        relin_key=b"r",
        zero_key=b"z",
        positions=b"p",
        template_sha256=b"h" * 32,
        scores_told=0,
    )


def registration(number, leaf_index, opening):
    return RegistrationRow(
        registration_id=f"registration-{number}",
        enrollment_id=f"enrollment-{number}",
        device_key=device_key(number),
        grade="device-asserted",
        file_sha256=b"f" * 32,
        pixels_sha256=b"p" * 32,
        perceptual_hash=number.to_bytes(32, "big"),
        registered_at=1200,
        leaf_index=leaf_index,
        salt=opening.salt,
        entry=opening.entry,
    )


def claim(number, text):
    return ClaimRow(
        claim_id=f"claim-{number}",
        session_id=f"session-{number}",
        enrollment_id=f"enrollment-{number}",
        registration_id=f"registration-{number}",
        verdict="proven",
        scores=[12.25],
        decided_at=1250,
        certificate=text.encode(),
    )


def decision(number, subject):
    return DecisionRow(
        token_id=f"token-{number}",
        session_id=f"session-{number}",
        subject=subject,
        enrolled_by="shop",
        audience="shop",
        purpose="authenticate",
        enrollment_id=f"enrollment-{number}",
        profile="TESTING",
        issued_at=1000,
        expires_at=2000,
    )


def rows_of(store):
    """Everything that is stored, as text, by table."""
    with store._engine.connect() as connection:
        return {
            table: sorted(
                str(tuple(row)) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
            )
            for table in Base.metadata.tables
        }


def files_with(folder, secret):
    return [f.name for f in folder.glob("*.db*") if secret in f.read_bytes()]


OTHERS = 60
SIZES = (10, 100, 900, 5000)


def fill(store, authority):
    """One whom we erase, in the midst of many whom we do not."""
    for first in range(0, OTHERS, 20):
        with store.transaction() as tx:
            for number in range(first, first + 20):
                populate(tx, authority, number, f"subject {number}", "a title", "a creator")
            if first == 20:
                populate(tx, authority, 50_000, WHO, TITLE, CREATOR)


def test_nothing_of_a_subject_is_left_in_the_files(store, authority, tmp_path):
    fill(store, authority)
    secrets = [WHO, TITLE, CREATOR, "enrollment-50000", "registration-50000", "session-150000"]
    secrets += ["token-50000", "claim-50000", "device key 050000", "ticket 050000", "key 050000 2"]
    # What is referred to in hexadecimal names nobody, but leads to somebody.
    secrets.append(b"ticket 050000".hex())
    with store.transaction() as tx:
        secrets.append(tx.registrations.find("registration-50000").salt)
    secrets = [each if isinstance(each, bytes) else each.encode() for each in secrets]
    assert all(files_with(tmp_path, each) for each in secrets)
    before = rows_of(store)
    erased = store.erase(WHO, "shop")
    assert {each: files_with(tmp_path, each) for each in secrets} == {each: [] for each in secrets}
    lost = {table: len(rows) - len(rows_of(store)[table]) for table, rows in before.items()}
    assert {each.table: each.rows for each in erased} == {
        table: rows for table, rows in lost.items() if table not in KEPT
    }
    assert lost["idempotency"] == 3
    assert lost["sessions"] == 2
    assert all(lost[table] >= 1 for table in lost if table not in KEPT)


def churned(folder, seed):
    """A database whose rows grew, shrank and went; it has no row of WHO's any more."""
    engine, chance = sqlite_engine(folder / f"churned-{seed}.db"), random.Random(seed)
    with engine.begin() as connection:
        sql = connection.exec_driver_sql
        sql("CREATE TABLE rows (id TEXT PRIMARY KEY, subject TEXT, data BLOB)")
        for _ in range(12):
            for _ in range(100):
                subject = WHO if chance.random() < 0.3 else "other"
                row = chance.randbytes(16).hex(), subject, chance.randbytes(chance.choice(SIZES))
                sql("INSERT INTO rows VALUES (?, ?, ?)", row)
            ids = [each for (each,) in sql("SELECT id FROM rows")]
            for each in chance.sample(ids, len(ids) // 5):
                data = chance.randbytes(chance.randrange(4000))
                sql("UPDATE rows SET data = ? WHERE id = ?", (data, each))
            others = [each for (each,) in sql("SELECT id FROM rows WHERE subject = 'other'")]
            for each in chance.sample(others, len(others) // 3):
                sql("DELETE FROM rows WHERE id = ?", (each,))
        sql("DELETE FROM rows WHERE subject = ?", (WHO,))
    forget_deleted(engine)
    return engine


def test_traces_of_rows_that_moved_take_a_rewrite(tmp_path):
    """`secure_delete` wipes a row where it was last. Of some databases that is not enough."""
    engines = [churned(tmp_path, seed) for seed in range(8, 14)]
    assert files_with(tmp_path, WHO.encode())
    for engine in engines:
        rewrite(engine)
        forget_deleted(engine)
    assert files_with(tmp_path, WHO.encode()) == []


def test_an_erasure_rewrites_the_file(store, authority):
    with store.transaction() as tx:
        populate(tx, authority, 1, WHO)
        tx.uploads.add("session-1", 0, bytes(100_000))
    store.erase(WHO, "shop")
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() == 0


def test_other_subjects_keep_every_row(store, authority):
    with store.transaction() as tx:
        for number in range(20):
            populate(tx, authority, number, f"subject {number}")
    before = rows_of(store)
    with store.transaction() as tx:
        populate(tx, authority, 50_000, WHO)
    log_then = {table: rows for table, rows in rows_of(store).items() if table in KEPT}
    store.erase(WHO, "shop")
    after = rows_of(store)
    assert {table: after[table] for table in before if table not in KEPT} == {
        table: rows for table, rows in before.items() if table not in KEPT
    }
    assert {table: after[table] for table in KEPT} == log_then


def test_another_issuer_s_subject_of_that_name_is_somebody_else(store, authority):
    with store.transaction() as tx:
        populate(tx, authority, 1, WHO)
        other, template = enrollment(2, subject=WHO, issuer="bank")
        tx.enrollments.add(other, template)
        tx.sessions.add(session(2, enrollment_id="enrollment-2", subject=WHO))
        tx.sessions.add(session(3, enrollment_id="to-be", subject=WHO, issuer="bank"))
        assert tx.erasure.issuers_of(WHO) == ["bank", "shop"]
    store.erase(WHO, "shop")
    with store.transaction() as tx:
        assert tx.enrollments.find("enrollment-1") is None
        assert tx.enrollments.template("enrollment-2") is not None
        assert tx.sessions.find("session-2") is not None
        assert tx.sessions.find("session-3") is not None
        assert tx.erasure.issuers_of(WHO) == ["bank"]


def test_the_number_of_an_erased_registration_is_not_given_again(store, authority):
    """Who keeps up with the registrations by their last number would miss the second."""
    with store.transaction() as tx:
        populate(tx, authority, 1, WHO)
        [(first, _)] = tx.registrations.after(0)
    store.erase(WHO, "shop")
    with store.transaction() as tx:
        assert tx.registrations.after(0) == []
        assert tx.registrations.numbered([first]) == []
        populate(tx, authority, 2, "another")
        [(second, perceptual)] = tx.registrations.after(first)
    assert second > first
    assert perceptual == (2).to_bytes(32, "big")


def test_every_table_is_erased_from_or_names_nobody(store):
    tables = [each.table for each in store.erase("nobody", "shop")]
    assert len(tables) == len(set(tables))
    assert set(tables) | KEPT == set(Base.metadata.tables)


def test_a_file_that_cannot_be_rewritten_is_said_so(store, authority, monkeypatch, tmp_path):
    with store.transaction() as tx:
        populate(tx, authority, 1, WHO)
    monkeypatch.setattr(store_module, "rewrite", within_a_transaction)
    with pytest.raises(Unavailable, match="run VACUUM"):
        store.erase(WHO, "shop")
    with store.transaction() as tx:
        assert tx.enrollments.find("enrollment-1") is None


def within_a_transaction(engine):
    """SQLite refuses to rewrite a file then, with the same exception as for a full disk."""
    connection = engine.raw_connection()
    connection.cursor().execute("BEGIN")
    try:
        connection.cursor().execute("VACUUM")
    finally:
        connection.cursor().execute("ROLLBACK")
        connection.close()


# Beside a running server -------------------------------------------------------------------------


def erase(data, *arguments, answer=""):
    """`grainseal admin erase …`."""
    command = ["erase", *arguments, "--data", str(data)]
    return CliRunner().invoke(commands.admin, command, input=answer)


def key_of(world):
    return parse_verifier_key((world.config.data / "log.vkey").read_text())


def now(world):
    note = world.connection.log.GetCheckpoint(pb.GetCheckpointRequest(), timeout=30).note
    return verify_checkpoint(note, [key_of(world)])


def check(world, receipt):
    leaf = commit(Kind.ENROLLMENT, Opening(receipt.salt, receipt.entry))
    proof = LogProof(receipt.index, tuple(receipt.inclusion), receipt.checkpoint)
    verify_logged(leaf, proof, [key_of(world)])
    return parse_enrollment_entry(receipt.entry)


def enrolled_as(world, subject, party):
    device = TestDevice(world.connection, random_code(world.rng))
    device.claims = ClaimMaterial.random(world.rng)
    device.enroll(party.ticket(subject))
    return device


def test_erased_beside_a_running_server(tmp_path):
    data = tmp_path / "data"
    with World.started(data, workers=1) as world:
        party = world.backend("shop")
        before, theirs = enrolled_as(world, "before", party), enrolled_as(world, WHO, party)
        assert theirs.authenticate(noisy(theirs.code, world.rng), "shop").accepted
        theirs.renew(random_code(world.rng))
        running = theirs.begin("shop")
        enrolling = theirs.begin_enrollment(party.ticket(WHO))
        theirs.upload(enrolling, 0, b"piece")
        after, then = enrolled_as(world, "after", party), now(world)
        held = theirs.receipt()
        assert files_with(data, WHO.encode())
        done = erase(data, "--subject", WHO, "--yes", "--json")
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)
        assert (said["subject"], said["issuer"]) == (WHO, "shop")
        assert said["erased"]["enrollments"] == said["erased"]["log_openings"] == 2
        assert said["erased"]["claim_templates"] == said["erased"]["uploads"] == 1
        for secret in (WHO.encode(), theirs.signing.public, theirs.enrollment_id.encode()):
            assert files_with(data, secret) == []
        # The log goes on from where it was, and what was given out still verifies.
        last = now(world)
        assert last == then
        assert check(world, held).subject == WHO
        for device, name in ((before, "before"), (after, "after")):
            assert check(world, device.receipt()).subject == name
            assert device.authenticate(noisy(device.code, world.rng), "shop").accepted
        later = enrolled_as(world, "later", party)
        assert check(world, later.receipt()).subject == "later"
        grown = now(world)
        request = pb.GetConsistencyProofRequest(old_size=then.size, new_size=grown.size)
        hashes = world.connection.log.GetConsistencyProof(request, timeout=30).hashes
        verify_consistency(then.size, grown.size, hashes, then.root, grown.root)
        # They are nobody any more, until they enrol anew.
        refused("ENROLLMENT_UNKNOWN", theirs.begin, "shop")
        probe = theirs.probe_request(running, theirs.encrypt(theirs.code))
        refused("SESSION_UNKNOWN", theirs.submit_probe, probe)
        refused("SESSION_UNKNOWN", theirs.upload, enrolling, 5, b"more")
        assert theirs.enroll(party.ticket(WHO)).subject == WHO


@pytest.fixture
def service(tmp_path):
    """A service with two parties, each with a subject of that name."""
    data = tmp_path / "data"
    admin.initialise(data)
    for party in ("shop", "Bank"):
        admin.add_relying_party(data, party)
        admin.issue_ticket(data, WHO, party)
    return data


def tickets(data):
    store = Store.open_sqlite(data / "grainseal.db")
    with store.transaction() as tx:
        issuers = tx.erasure.issuers_of(WHO)
    store.close()
    return issuers


def test_it_asks_before_it_erases(service):
    declined = erase(service, "--subject", WHO, "--issuer", "shop", answer="n\n")
    assert declined.exit_code != 0
    assert f"Erase all of '{WHO}' of 'shop'?" in declined.output
    assert tickets(service) == ["Bank", "shop"]
    assert erase(service, "--subject", WHO, "--issuer", "shop").exit_code != 0  # nobody answers
    assert tickets(service) == ["Bank", "shop"]
    agreed = erase(service, "--subject", WHO, "--issuer", "shop", answer="y\n")
    assert (agreed.exit_code, agreed.stdout) == (0, "tickets: 1\n")
    assert tickets(service) == ["Bank"]


def test_whose_subject_it_is_must_be_clear(service, capsys):
    arguments = ["admin", "erase", "--subject", WHO, "--yes", "--data", str(service)]
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert said == f"grainseal: Bank, shop each have a subject {WHO!r}: say whose with --issuer\n"
    assert tickets(service) == ["Bank", "shop"]
    assert cli.run([*arguments, "--issuer", "bank"]) == 0  # as it is written is of no matter
    assert tickets(service) == ["shop"]
    assert cli.run(arguments) == 0
    assert tickets(service) == []


@pytest.mark.parametrize("named", [(WHO.lower(),), ("nobody",), (WHO, "--issuer", "grainseal")])
def test_a_mistyped_name_erases_nothing_and_says_so(service, capsys, named):
    assert cli.run(["admin", "erase", "--yes", "--data", str(service), "--subject", *named]) == 2
    assert "nothing is known of a subject" in capsys.readouterr().err
    assert tickets(service) == ["Bank", "shop"]
