"""A registration's statement and entry: their bytes by hand, and what they may not say."""

from dataclasses import fields, replace

import pytest

from grainseal.crypto.canonical import canonical
from grainseal.crypto.entries import (
    MAX_COMPETING,
    EnrollmentEntry,
    Grade,
    RegistrationEntry,
    RegistrationStatement,
    check_registration_entry,
    check_statement,
    entry_of,
    parse_registration_entry,
    parse_statement,
)
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.leaves import Kind

STATEMENT = RegistrationStatement(
    service_key=b"s" * 32,
    enrollment_id="e1",
    device_key=b"d" * 32,
    file_sha256=b"f" * 32,
    pixels_sha256=b"p" * 32,
    perceptual_hash=b"h" * 32,
    height=3000,
    width=4000,
    title="Dünen",
    creator="Ann",
    licence="CC-BY-4.0",
    captured_at="2026-05-04T03:02:01",
    camera="Nikon D7000",
)
ENTRY = RegistrationEntry(
    "r1",
    "ann",
    "shop",
    Grade.CAMERA_VERIFIED.value,
    *(getattr(STATEMENT, field.name) for field in fields(STATEMENT)),
    signature=b"x" * 64,
    competing="r7,r9",
    registered_at=1000,
)


def number(value):
    return value.to_bytes(8, "big")


def framed(tag, *parts):
    return b"grainseal/v1/" + tag + b"\0" + b"".join(len(p).to_bytes(4, "big") + p for p in parts)


SAID = (
    *(b"s" * 32, b"e1", b"d" * 32, b"f" * 32, b"p" * 32, b"h" * 32, number(3000), number(4000)),
    *("Dünen".encode(), b"Ann", b"CC-BY-4.0", b"2026-05-04T03:02:01", b"Nikon D7000"),
)


def test_bytes_by_hand():
    assert STATEMENT.encoded == framed(b"registration-statement", *SAID)
    around = (b"r1", b"ann", b"shop", b"camera-verified")
    after = (b"x" * 64, b"r7,r9", number(1000))
    assert ENTRY.encoded == framed(b"registration-entry", *around, *SAID, *after)


def test_bytes_give_the_same_back():
    assert parse_statement(STATEMENT.encoded) == STATEMENT
    assert parse_registration_entry(ENTRY.encoded) == entry_of(Kind.REGISTRATION, ENTRY.encoded)
    assert parse_registration_entry(ENTRY.encoded) == ENTRY
    assert ENTRY.statement == STATEMENT
    assert ENTRY.competing_ids == ("r7", "r9")
    assert replace(ENTRY, competing="").competing_ids == ()
    enrolled = EnrollmentEntry("e1", "ann", "shop", "AUTH", *[b"h" * 32] * 4, b"", 5)
    assert entry_of(Kind.ENROLLMENT, enrolled.encoded) == enrolled


def test_one_kind_s_bytes_are_not_the_other_s():
    for kind in Kind:
        with pytest.raises(MalformedMessage, match="not the canonical bytes"):
            entry_of(kind, STATEMENT.encoded)
    with pytest.raises(MalformedMessage, match="not the canonical bytes"):
        entry_of(Kind.ENROLLMENT, ENTRY.encoded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"service_key": b"s" * 31}, "keys and hashes of 32 bytes"),
        ({"device_key": b"d" * 33}, "keys and hashes of 32 bytes"),
        ({"file_sha256": b""}, "keys and hashes of 32 bytes"),
        ({"pixels_sha256": b"p"}, "keys and hashes of 32 bytes"),
        ({"perceptual_hash": b"h" * 8}, "a perceptual hash has 32 bytes"),
        ({"height": 0}, "1 to 65536 rows and columns"),
        ({"width": (1 << 16) + 1}, "1 to 65536 rows and columns"),
        ({"enrollment_id": ""}, "the enrolment id is a text without commas"),
        ({"title": "t" * 257}, "title has at most 256 characters, not 257"),
        ({"creator": "Ann\n"}, "creator has control or invisible characters"),
        ({"creator": "Ann\u202e"}, "creator has control or invisible characters"),
        ({"licence": "CC\u3164"}, "licence has control or invisible characters"),
        ({"captured_at": "\x00"}, "captured_at has control or invisible characters"),
        ({"camera": "\ud800"}, "camera has control or invisible characters"),
        ({"title": "D\u0075\u0308nen"}, "title must be in Unicode normal form KC"),
        ({"title": "\ufb01n"}, "title must be in Unicode normal form KC"),
    ],
)
def test_what_a_statement_may_not_say(change, message):
    with pytest.raises(MalformedMessage, match=message):
        check_statement(replace(STATEMENT, **change))
    with pytest.raises(MalformedMessage, match=message):
        check_registration_entry(replace(ENTRY, **change))


def test_empty_and_longest_texts_are_fine():
    texts = ("title", "creator", "licence", "captured_at", "camera")
    for each in ("", "ü" * 256, "two words", "写真"):
        check_statement(replace(STATEMENT, **dict.fromkeys(texts, each)))
    check_statement(replace(STATEMENT, height=1, width=1 << 16))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signature": b"x" * 63}, "signature has 64 bytes"),
        ({"grade": "gold"}, "grade is one of device-asserted, camera-verified"),
        ({"registration_id": ""}, "registration id is a text without commas"),
        ({"registration_id": "r1,r2"}, "registration id is a text without commas"),
        ({"subject": "a\u200bnn"}, "subject has control or invisible"),
        ({"competing": "r7,"}, "competing registration's id"),
        ({"competing": "r7,r7"}, "at most 16 others, each once"),
        ({"competing": ",".join(map(str, range(MAX_COMPETING + 1)))}, "at most 16 others"),
    ],
)
def test_what_an_entry_may_not_say(change, message):
    with pytest.raises(MalformedMessage, match=message):
        parse_registration_entry(replace(ENTRY, **change).encoded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        STATEMENT.encoded[:-1],
        STATEMENT.encoded + bytes(4),
        canonical("registration-statement", [*SAID[:6], b"1", *SAID[7:]]),
        canonical("registration-statement", [*SAID[:8], b"\xff", *SAID[9:]]),
    ],
)
def test_bytes_that_are_no_statement(data):
    with pytest.raises(MalformedMessage):
        parse_statement(data)
