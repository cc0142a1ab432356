"""The index of perceptual hashes follows the store: also across processes and erasures."""

import os

import pytest
from tests.server.test_store import enrollment

from grainseal.crypto.leaves import Kind, Opening, commit
from grainseal.server.near import NearIndex, of_device, of_others
from grainseal.server.store.store import Store
from grainseal.server.store.tables import RegistrationRow

HASH = bytes(range(32))


def flipped(value, bits):
    changed = int.from_bytes(value, "big") ^ ((1 << bits) - 1)
    return changed.to_bytes(32, "big")


@pytest.fixture
def store(tmp_path):
    with_store = Store.open_sqlite(tmp_path / "grainseal.db")
    with with_store.transaction() as tx:
        tx.enrollments.add(*enrollment(1))
    yield with_store
    with_store.close()


def register(tx, name, perceptual, device_key=b"d" * 32):
    opening = Opening(os.urandom(32), b"entry " + name.encode())
    index = tx.log.append(commit(Kind.REGISTRATION, opening))
    tx.registrations.add(
        RegistrationRow(
            registration_id=name,
            enrollment_id="enrollment-1",
            device_key=device_key,
            grade="device-asserted",
            file_sha256=bytes(32),
            pixels_sha256=bytes(32),
            perceptual_hash=perceptual,
            registered_at=1,
            leaf_index=index,
            salt=opening.salt,
            entry=opening.entry,
        )
    )


def found(store, index, *hashes):
    with store.transaction() as tx:
        return [(each.row.registration_id, each.distance) for each in index.search(tx, hashes)]


def test_the_nearest_come_first_and_64_bits_are_near(store):
    index = NearIndex()
    assert found(store, index, HASH) == []
    with store.transaction() as tx:
        for bits in (64, 65, 3, 0, 3):
            register(tx, f"{bits}-{tx.log.size()}", flipped(HASH, bits))
    assert found(store, index, HASH) == [("0-3", 0), ("3-2", 3), ("3-4", 3), ("64-0", 64)]
    assert found(store, index, flipped(HASH, 256)) == []


def test_of_several_hashes_the_nearest_counts(store):
    index = NearIndex()
    with store.transaction() as tx:
        register(tx, "a", flipped(HASH, 10))
    assert found(store, index, flipped(HASH, 70), HASH, flipped(HASH, 12)) == [("a", 2)]


def test_two_processes_over_one_store_agree(store):
    """Each has an index of its own; neither asks the other."""
    first, second = NearIndex(), NearIndex()
    for number, index in enumerate((first, second, first)):
        with store.transaction() as tx:
            register(tx, f"r{number}", flipped(HASH, number))
        expected = [(f"r{i}", i) for i in range(number + 1)]
        assert found(store, index, HASH) == expected
    assert found(store, second, HASH) == found(store, first, HASH)


def test_what_is_undone_is_not_remembered(store):
    index = NearIndex()

    def undone():
        with store.transaction() as tx:
            index.search(tx, [HASH])
            register(tx, "undone", HASH)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    with store.transaction() as tx:
        register(tx, "done", flipped(HASH, 5))
    assert found(store, index, HASH) == [("done", 5)]


def test_what_is_erased_is_not_found(store):
    index = NearIndex()
    with store.transaction() as tx:
        register(tx, "a", HASH)
        register(tx, "b", HASH)
    assert len(found(store, index, HASH)) == 2
    with store.transaction() as tx:
        tx.registrations._sql.delete(tx.registrations.find("b"))
    assert found(store, index, HASH) == [("a", 0)]
    with store.transaction() as tx:
        register(tx, "c", HASH)
    assert found(store, index, HASH) == [("a", 0), ("c", 0)]


def test_own_and_competing_registrations(store):
    index = NearIndex()
    with store.transaction() as tx:
        register(tx, "mine", HASH, b"m" * 32)
        register(tx, "theirs", HASH, b"t" * 32)
        register(tx, "theirs too", flipped(HASH, 1), b"u" * 32)
    with store.transaction() as tx:
        near = index.search(tx, [HASH])
    assert [each.row.registration_id for each in of_device(near, b"m" * 32)] == ["mine"]
    others = [each.row.registration_id for each in of_others(near, b"m" * 32)]
    assert others == ["theirs", "theirs too"]
    assert len(of_others(near, b"m" * 32, 1)) == 1
