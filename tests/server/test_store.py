"""The store's contract: what every database behind it must do."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.leaves import Kind, Leaf
from grainseal.server.errors import Unavailable
from grainseal.server.store import registrations
from grainseal.server.store.base import Base
from grainseal.server.store.engine import sqlite_engine
from grainseal.server.store.enrollments import EnrollmentState
from grainseal.server.store.migrate import MIGRATIONS
from grainseal.server.store.store import Store
from grainseal.server.store.tables import (
    CameraKeyRow,
    ClaimRow,
    ClaimTemplateRow,
    DecisionRow,
    EnrollmentRow,
    ExchangeRow,
    IdempotencyRow,
    RegistrationRow,
    RelyingPartyRow,
    SessionRow,
    TemplateRow,
    TicketRow,
)


@pytest.fixture
def store(tmp_path):
    store = Store.open_sqlite(tmp_path / "test.db")
    yield store
    store.close()


def session(number=0, **changes):
    fields = {
        "session_id": f"session-{number}",
        "kind": "authentication",
        "state": "begun",
        "nonce": number.to_bytes(32, "big"),
        "service_key": b"k" * 32,
        "audience": "shop",
        "enrollment_id": "enrollment",
        "subject": "alice",
        "purpose": "authenticate",
        "profile": "TESTING",
        "expires_at": 1300,
        "device_key": b"d" * 32,
        **changes,
    }
    return SessionRow(**fields)


def enrollment(number=0, **changes):
    fields = {
        "enrollment_id": f"enrollment-{number}",
        "subject": "alice",
        "issuer": "shop",
        "profile": "TESTING",
        "device_key": b"d" * 32,
        "state": EnrollmentState.ACTIVE,
        "created_at": 1000 + number,
        **changes,
    }
    template = TemplateRow(
        enrollment_id=fields["enrollment_id"], template=b"t", relin_key=b"r", zero_key=b"z"
    )
    return EnrollmentRow(**fields), template


def exchange(number=0):
    return ExchangeRow(session_id=f"session-{number}", answer=b"answer", masks=[[1, 2], [3, 4]])


def ticket(expires_at=2000):
    return TicketRow(
        ticket_hash=b"h" * 32, ticket_id=b"i", subject="alice", issuer="shop", expires_at=expires_at
    )


def test_migrations_make_the_declared_schema(tmp_path):
    engine = sqlite_engine(tmp_path / "fresh.db")
    Store(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
        named = {table: inspect(connection).get_indexes(table) for table in Base.metadata.tables}
    assert [i["name"] for i in named["enrollments"]] == ["ix_enrollments_device_key"]


def test_opening_again_keeps_what_is_there(tmp_path):
    first = Store.open_sqlite(tmp_path / "test.db")
    with first.transaction() as tx:
        tx.sessions.add(session())
    first.close()
    second = Store.open_sqlite(tmp_path / "test.db")
    with second.transaction() as tx:
        assert tx.sessions.find("session-0").nonce == bytes(32)
    second.close()


def test_a_newer_schema_is_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / "test.db")) as newer:
        newer.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        newer.commit()
    with pytest.raises(MisuseError, match="another version of grainseal"):
        Store.open_sqlite(tmp_path / "test.db")


def test_database_is_for_its_owner_only(store, tmp_path):
    with store.transaction() as tx:
        tx.sessions.add(session())
    for file in tmp_path.glob("test.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_an_exception_undoes_the_whole_transaction(store):
    def interrupted():
        with store.transaction() as tx:
            tx.sessions.add(session())
            tx.warrants.add_ticket(ticket())
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with store.transaction() as tx:
        assert tx.sessions.find("session-0") is None
        assert tx.warrants.ticket(b"h" * 32) is None


def test_a_state_is_left_once(store):
    with store.transaction() as tx:
        tx.sessions.add(session())
        assert tx.sessions.move("session-0", "begun", "submitted")
        assert not tx.sessions.move("session-0", "begun", "submitted")
    with store.transaction() as tx:
        assert tx.sessions.find("session-0").state == "submitted"


def test_of_many_movers_one_succeeds(store, tmp_path):
    with store.transaction() as tx:
        tx.sessions.add(session())
    other = Store.open_sqlite(tmp_path / "test.db")
    moved = []

    def move(mine):
        with mine.transaction() as tx:
            moved.append(tx.sessions.move("session-0", "begun", "submitted"))

    threads = [threading.Thread(target=move, args=(s,)) for s in (store, other) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(moved) == [False] * 15 + [True]


def test_two_sessions_never_share_a_nonce(store):
    with store.transaction() as tx:
        tx.sessions.add(session(0))
        with pytest.raises(IntegrityError):
            tx.sessions.add(session(1, nonce=bytes(32)))


def test_live_sessions_of_a_device_key_or_a_ticket_the_soonest_to_expire_first(store):
    rows = [
        session(0, state="submitted", expires_at=1400),
        session(1, state="submitted", expires_at=1300),
        session(2, state="submitted", expires_at=1200),
        session(3, state="begun"),
        session(4, state="submitted", device_key=b"e" * 32, ticket_hash=b"h"),
        session(5, state="submitted", device_key=b"f" * 32, ticket_hash=b"h", expires_at=1250),
    ]
    with store.transaction() as tx:
        for row in rows:
            tx.sessions.add(row)
        assert tx.sessions.expiries_beside(rows[0], "submitted", 1200) == [1300, 1400]
        assert tx.sessions.expiries_beside(rows[4], "submitted", 1200) == [1250, 1300]


def test_failures_of_the_database_are_ours_to_report(store):
    with store.transaction() as tx:
        tx.sessions.add(session(0))

    def add_again():
        with store.transaction() as tx:
            tx.sessions.add(session(0))

    with pytest.raises(Unavailable) as caught:
        add_again()
    assert str(caught.value) == "the store failed: IntegrityError"


def test_exchange_is_kept_and_deleted(store):
    with store.transaction() as tx:
        tx.sessions.add(session())
        tx.sessions.add_exchange(exchange())
    with store.transaction() as tx:
        assert tx.sessions.exchange("session-0").masks == [[1, 2], [3, 4]]
        tx.sessions.delete_exchange("session-0")
    with store.transaction() as tx:
        assert tx.sessions.exchange("session-0") is None


def test_deleted_secrets_leave_the_store_s_files(store, tmp_path):
    secret = b"a mask that nobody may find" * 400

    def is_in_a_file():
        return any(secret[:27] in file.read_bytes() for file in tmp_path.glob("test.db*"))

    with store.transaction() as tx:
        tx.sessions.add(session())
        tx.sessions.add_exchange(ExchangeRow(session_id="session-0", answer=secret, masks=[]))
    assert is_in_a_file()
    with store.transaction() as tx:
        tx.sessions.delete_exchange("session-0")
    store.purge(now=0, retention=0)
    assert not is_in_a_file()


def test_ticket_and_token_are_used_once(store):
    decision = DecisionRow(
        token_id="t",
        session_id="s",
        subject="alice",
        enrolled_by="shop",
        audience="shop",
        purpose="authenticate",
        enrollment_id="e",
        profile="TESTING",
        issued_at=1000,
        expires_at=1120,
    )
    with store.transaction() as tx:
        tx.warrants.add_ticket(ticket())
        tx.warrants.add_decision(decision)
    for expected in (True, False):
        with store.transaction() as tx:
            assert tx.warrants.use_ticket(b"h" * 32) is expected
            assert tx.warrants.use_token("t") is expected
    with store.transaction() as tx:
        assert not tx.warrants.use_token("another")
        assert tx.warrants.decision_of_session("s").used


def test_retired_enrollment_has_no_template(store):
    with store.transaction() as tx:
        tx.enrollments.add(*enrollment())
    with store.transaction() as tx:
        assert tx.enrollments.retire("enrollment-0", EnrollmentState.REVOKED)
        assert not tx.enrollments.retire("enrollment-0", EnrollmentState.REPLACED)
    with store.transaction() as tx:
        assert tx.enrollments.find("enrollment-0").state == EnrollmentState.REVOKED
        assert tx.enrollments.template("enrollment-0") is None


def test_enrollments_of_a_device_oldest_first(store):
    with store.transaction() as tx:
        for number in (2, 0, 1):
            tx.enrollments.add(*enrollment(number))
        tx.enrollments.add(*enrollment(3, device_key=b"e" * 32))
        found = [row.enrollment_id for row in tx.enrollments.of_device(b"d" * 32)]
    assert found == ["enrollment-0", "enrollment-1", "enrollment-2"]


def test_relying_party_is_found_by_its_key(store):
    with store.transaction() as tx:
        for name in ("shop", "bank"):
            party = RelyingPartyRow(name=name, api_key_hash=name.encode(), created_at=1)
            tx.warrants.add_relying_party(party)
        assert tx.warrants.relying_party_with_key(b"shop").name == "shop"
        assert tx.warrants.relying_party_with_key(b"none") is None
        assert [party.name for party in tx.warrants.relying_parties()] == ["bank", "shop"]


def test_purge_takes_secrets_at_expiry_and_the_rest_a_day_later(store):
    write = IdempotencyRow(
        scope="Opening", key=b"k", request_hash=b"h", reference="session-0", created_at=1010
    )
    with store.transaction() as tx:
        tx.sessions.add(session())
        tx.sessions.add_exchange(exchange())
        tx.sessions.remember_write(write)
        tx.warrants.add_ticket(ticket())
    day = 86400
    assert store.purge(now=1299, retention=day) == 0
    assert store.purge(now=1300, retention=day) == 1
    with store.transaction() as tx:
        assert tx.sessions.exchange("session-0") is None
        assert tx.sessions.find("session-0") is not None
        assert tx.sessions.write_made("Opening", b"k") is not None
    store.purge(now=2000 + day, retention=day)
    with store.transaction() as tx:
        assert tx.sessions.find("session-0") is None
        assert tx.sessions.write_made("Opening", b"k") is None
        assert tx.warrants.ticket(b"h" * 32) is None


# Copyright claims --------------------------------------------------------------------------------


def claim_template(number=0):
    return ClaimTemplateRow(
        enrollment_id=f"enrollment-{number}",
        profile="CLAIM_TESTING",
        height=320,
        width=384,
        seed=b"s" * 32,
        code=b"c",
        relin_key=b"r",
        zero_key=b"z",
        positions=b"p",
        template_sha256=b"h" * 32,
    )


def add_registration(tx, number):
    leaf = Leaf(Kind.REGISTRATION, number.to_bytes(32, "big"))
    tx.registrations.add(
        RegistrationRow(
            registration_id=f"registration-{number}",
            enrollment_id="enrollment-0",
            device_key=b"d" * 32,
            grade="device-asserted",
            file_sha256=b"f" * 32,
            pixels_sha256=b"p" * 32,
            perceptual_hash=number.to_bytes(32, "big"),
            registered_at=1200,
            leaf_index=tx.log.append(leaf),
            salt=b"s" * 32,
            entry=b"e",
        )
    )


def test_pieces_of_an_upload_are_read_in_order(store):
    with store.transaction() as tx:
        for number in (0, 1):
            tx.sessions.add(session(number))
        assert tx.uploads.received("session-0") == 0
        assert tx.uploads.content("session-0") == b""
        for offset, piece in ((0, b"a" * 1000), (1000, b"\0" * 9), (1009, b"c")):
            tx.uploads.add("session-0", offset, piece)
        tx.uploads.add("session-1", 0, b"another's")
    with store.transaction() as tx:
        assert tx.uploads.received("session-0") == 1010
        assert tx.uploads.content("session-0") == b"a" * 1000 + b"\0" * 9 + b"c"
        tx.uploads.delete("session-0")
    with store.transaction() as tx:
        assert tx.uploads.received("session-0") == 0
        assert tx.uploads.received("session-1") == 9


def test_scores_are_counted_for_one_claim_template(store):
    with store.transaction() as tx:
        for number in (0, 1):
            tx.enrollments.add(*enrollment(number))
            tx.claim_templates.add(claim_template(number))
        assert not tx.claim_templates.exists("enrollment-2")
    for number in (3, 4):
        with store.transaction() as tx:
            tx.claim_templates.count_scores("enrollment-0", number)
    with store.transaction() as tx:
        assert tx.claim_templates.find("enrollment-0", lock=True).scores_told == 7
        assert tx.claim_templates.find("enrollment-1").scores_told == 0
        assert tx.claim_templates.find("enrollment-2") is None


@pytest.mark.parametrize("state", ["replaced", "revoked", "disabled"])
def test_retired_enrollment_has_no_claim_template(store, state):
    with store.transaction() as tx:
        for number in (0, 1):
            tx.enrollments.add(*enrollment(number))
            tx.claim_templates.add(claim_template(number))
        tx.enrollments.retire("enrollment-0", EnrollmentState(state))
        assert not tx.claim_templates.exists("enrollment-0")
        assert tx.claim_templates.exists("enrollment-1")


def test_registrations_are_numbered_as_they_come(store, monkeypatch):
    monkeypatch.setattr(registrations, "_NUMBERS_AT_ONCE", 7)
    with store.transaction() as tx:
        tx.enrollments.add(*enrollment())
        for number in range(1, 31):  # more than one statement asks for
            add_registration(tx, number)
    with store.transaction() as tx:
        numbers = [number for number, _ in tx.registrations.after(0)]
        assert numbers == sorted(numbers)
        assert len(numbers) == 30
        later = tx.registrations.after(numbers[27])
        assert [each for _, each in later] == [n.to_bytes(32, "big") for n in (29, 30)]
        assert tx.registrations.after(numbers[-1]) == []
        wanted = [numbers[5], numbers[3], numbers[-1] + 7, numbers[5]]
        found = tx.registrations.numbered(wanted)
        assert [row.registration_id for row in found] == ["registration-4", "registration-6"]
        assert [row.number for row in tx.registrations.numbered(numbers[::-1])] == numbers
        assert tx.registrations.find("registration-4").number == numbers[3]
        assert tx.registrations.find("registration-0") is None


def test_a_claim_is_found_by_its_session(store):
    claim = ClaimRow(
        claim_id="claim",
        session_id="session-0",
        enrollment_id="enrollment-0",
        registration_id=None,
        verdict="proven",
        scores=[12.25, -0.75],
        decided_at=1250,
        certificate=b"{}",
    )
    with store.transaction() as tx:
        tx.enrollments.add(*enrollment())
        tx.claims.add(claim)
    with store.transaction() as tx:
        assert tx.claims.of_session("session-0").scores == [12.25, -0.75]
        assert tx.claims.of_session("session-1") is None


def test_a_store_of_the_version_before_claims_is_brought_up_to_date(tmp_path):
    store = Store.open_sqlite(tmp_path / "test.db")
    with store.transaction() as tx:
        tx.sessions.add(session())
        tx.sessions.add_exchange(exchange())
        tx.enrollments.add(*enrollment())
    store.close()
    downgraded(tmp_path / "test.db", "0002")
    store = Store.open_sqlite(tmp_path / "test.db")
    with store.transaction() as tx:
        row = tx.sessions.find("session-0")
        assert (row.nonce, row.claims, row.upload_limit) == (bytes(32), None, None)
        assert tx.sessions.exchange("session-0").work is None
        assert tx.enrollments.template("enrollment-0") is not None
        assert not tx.claim_templates.exists("enrollment-0")
    store.close()


# Camera keys -------------------------------------------------------------------------------------


def key_enrollment(number=0, **changes):
    row, _ = enrollment(number, profile="FUZZY_TESTING", **changes)
    key = CameraKeyRow(
        enrollment_id=row.enrollment_id, public_key=b"p" * 32, helper_data=b"h" * 5000
    )
    return row, key


@pytest.mark.parametrize("state", ["replaced", "revoked", "disabled"])
def test_retired_enrollment_has_no_camera_key(store, state):
    with store.transaction() as tx:
        for number in (0, 1):
            tx.enrollments.add(*key_enrollment(number))
    with store.transaction() as tx:
        tx.enrollments.retire("enrollment-0", EnrollmentState(state))
    with store.transaction() as tx:
        assert tx.enrollments.camera_key("enrollment-0") is None
        assert tx.enrollments.camera_key("enrollment-1").public_key == b"p" * 32
        assert tx.enrollments.template("enrollment-1") is None


def test_a_store_of_the_version_before_camera_keys_is_brought_up_to_date(tmp_path):
    store = Store.open_sqlite(tmp_path / "test.db")
    with store.transaction() as tx:
        tx.enrollments.add(*enrollment())
    store.close()
    downgraded(tmp_path / "test.db", "0003")
    store = Store.open_sqlite(tmp_path / "test.db")
    with store.transaction() as tx:
        assert tx.enrollments.template("enrollment-0") is not None
        assert tx.enrollments.camera_key("enrollment-0") is None
        tx.enrollments.add(*key_enrollment(1))
    store.close()


def downgraded(database, revision):
    """The database as the schema of that revision has it."""
    engine = sqlite_engine(database)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()
