"""Signed notes agree with published ones; checkpoints are believed for one log and key only."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from grainseal.crypto.checkpoint import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Checkpoint,
    NoteSigner,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    sign_checkpoint,
    sign_note,
    verify_checkpoint,
    verify_note,
)
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.merkle import EMPTY_ROOT, MAX_SIZE
from grainseal.crypto.signing import SigningKey

VECTORS = Path(__file__).parent.parent / "vectors" / "log"
PUBLISHED = json.loads((VECTORS / "two_signers_note.json").read_text())
SUMDB = json.loads((VECTORS / "go_checksum_database.json").read_text())
PETER, ENOCH = (parse_verifier_key(each) for each in PUBLISHED["verifier_keys"])
TEXT, (PETERS, ENOCHS) = PUBLISHED["text"], PUBLISHED["signatures"]

LOG = NoteSigner("log.example/photos", SigningKey(b"\x01" * 32))
NEXT = NoteSigner(LOG.name, SigningKey(b"\x02" * 32))
WITNESS = NoteSigner("witness.example", SigningKey(b"\x03" * 32))
KEYS = [LOG.verifier]
CHECKPOINT = Checkpoint(LOG.name, 7, hashlib.sha256(b"root").digest())
NOTE = sign_checkpoint(CHECKPOINT, [LOG])


# Published notes


def test_published_verifier_keys():
    for text, key in zip(PUBLISHED["verifier_keys"], (PETER, ENOCH), strict=True):
        assert str(key) == text
        # the id by hand
        name, key_id, encoded = text.split("+", 2)
        hashed = hashlib.sha256(name.encode() + b"\n" + base64.b64decode(encoded)).hexdigest()
        assert hashed[:8] == key_id == key.key_id.hex()


def test_published_note_is_signed_alike():
    seed = base64.b64decode(PUBLISHED["signer_key"].split("+", 4)[4])[1:]
    peter = NoteSigner("PeterNeumann", SigningKey(seed))
    assert peter.verifier == PETER
    assert sign_note(TEXT, [peter]).decode() == f"{TEXT}\n{PETERS}"


def test_published_note_verifies():
    note = f"{TEXT}\n{PETERS}{ENOCHS}".encode()
    for keys in ([PETER], [ENOCH], [PETER, ENOCH]):
        found, signed_by = verify_note(note, keys)
        assert found.text == TEXT
        assert list(signed_by) == keys
    assert [each.name for each in parse_note(note).signatures] == ["PeterNeumann", "EnochRoot"]


@pytest.mark.parametrize("vector", SUMDB["checkpoints"], ids=lambda v: str(v["size"]))
def test_checkpoints_of_a_public_log(vector):
    key, note = parse_verifier_key(SUMDB["verifier_key"]), vector["note"].encode()
    found = verify_checkpoint(note, [key], SUMDB["origin"])
    assert (found.origin, found.size) == (SUMDB["origin"], vector["size"])
    # the same by the plain library
    text, _, line = vector["note"].rpartition("\n\n")
    signature = base64.b64decode(line.split(" ")[2])[4:]
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode() + b"\n")
    with pytest.raises(VerificationFailed, match="another log"):
        verify_checkpoint(note, [key])


# Verifier keys


def test_every_mangled_verifier_key_is_refused():
    text = str(PETER)
    pieces = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1)} - {text}
    typos = {text[:i] + chr(ord(c) + 1) + text[i + 1 :] for i, c in enumerate(text)}
    for mangled in pieces | typos | set(PUBLISHED["not_verifier_keys"].values()):
        with pytest.raises(MalformedMessage):
            parse_verifier_key(mangled)
    assert parse_verifier_key(text + "\n") == PETER


@given(st.text())
def test_no_text_crashes_the_parser_of_keys(text):
    with pytest.raises(MalformedMessage):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "nbsp\u00a0", "a\nb", "\udcff"])
def test_names_that_no_key_has(name):
    with pytest.raises(MisuseError, match="a verifier key is a name"):
        VerifierKey(name, bytes(32))


# Notes


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}{PETERS}".encode(),
        f"\n\n{PETERS}".encode(),
        f"{TEXT}\n{PETERS}"[:-1].encode(),
        f"\x01{TEXT}\n{PETERS}".encode(),
        f"{TEXT}\r\n{PETERS}".encode(),
        b"\xff" + f"{TEXT}\n{PETERS}".encode(),
        f"{TEXT}\n{PETERS}Unexpected line.\n".encode(),
        f"{TEXT}\n{PETERS}\n".encode(),
        f"{TEXT}\n{PETERS.replace('PeterNeumann', 'Bad Name')}".encode(),
        f"{TEXT}\n{PETERS.replace('PeterNeumann', 'Bad+Name')}".encode(),
        f"{TEXT}\n{PETERS.replace('—', '-')}".encode(),
        f"{TEXT}\n{PETERS.replace('=', '')}".encode(),
        f"{TEXT}\n{PETERS.replace('AM=', 'AN=')}".encode(),  # the same bytes, spelt otherwise
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n— PeterNeumann x08go/ZJkg==\n".encode(),
        f"{TEXT}\n{PETERS * (MAX_SIGNATURES + 1)}".encode(),
        f"{'x' * MAX_NOTE_BYTES}\n\n{PETERS}".encode(),
    ],
)
def test_bytes_that_are_no_note(note):
    with pytest.raises(MalformedMessage):
        verify_note(note, [PETER])


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser_of_notes(data):
    with pytest.raises((MalformedMessage, VerificationFailed)):
        verify_checkpoint(data, KEYS)
    with pytest.raises((MalformedMessage, VerificationFailed)):
        verify_checkpoint(b"a\n" + data + b"\n" + NOTE, KEYS)


def test_the_last_empty_line_ends_the_text():
    text = "one\n\n\u2028two\x85\n"
    note = sign_note(text, [LOG])
    assert verify_note(note, KEYS)[0].text == text


def test_sixteen_signatures_and_more_are_read():
    many = [NoteSigner(f"w{i}", WITNESS.key) for i in range(MAX_SIGNATURES - 1)]
    found, signed_by = verify_note(sign_note("text\n", [*many, LOG]), KEYS)
    assert len(found.signatures) == MAX_SIGNATURES
    assert signed_by == (LOG.verifier,)


def test_a_false_signature_of_a_known_key_spoils_the_note():
    other = sign_note("another text\n", [WITNESS]).decode().rpartition("\n\n")[2]
    note = sign_note("text\n", [LOG]) + other.encode()
    assert verify_note(note, KEYS)[1] == (LOG.verifier,)
    with pytest.raises(VerificationFailed, match="signature"):
        verify_note(note, [LOG.verifier, WITNESS.verifier])


def test_a_key_is_known_by_name_and_id_together():
    renamed = VerifierKey("log.example/other", LOG.verifier.public)
    with pytest.raises(VerificationFailed, match=r"not signed by log\.example/other"):
        verify_note(NOTE, [renamed])
    with pytest.raises(VerificationFailed, match="not signed by"):
        verify_note(NOTE, [NEXT.verifier])
    with pytest.raises(MisuseError):
        verify_note(NOTE, [])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\udcff\n", "\n"])
def test_texts_that_cannot_be_signed(text):
    with pytest.raises(MisuseError):
        sign_note(text, [LOG])


def test_a_note_needs_a_signer():
    with pytest.raises(MisuseError):
        sign_note("text\n", [])


# Checkpoints


def test_a_checkpoint_needs_nothing_but_the_public_key():
    root = base64.b64encode(CHECKPOINT.root).decode()
    assert NOTE.decode().startswith(f"log.example/photos\n7\n{root}\n\n— log.example/photos ")
    published = str(LOG.verifier)
    assert verify_checkpoint(NOTE, [parse_verifier_key(published)]) == CHECKPOINT


def test_rotation_and_witnesses():
    note = sign_checkpoint(CHECKPOINT, [WITNESS, LOG, NEXT])
    for keys in ([LOG.verifier], [NEXT.verifier], [LOG.verifier, NEXT.verifier]):
        assert verify_checkpoint(note, keys) == CHECKPOINT
    # a witness alone does not speak for the log
    with pytest.raises(VerificationFailed, match="another log"):
        verify_checkpoint(note, [WITNESS.verifier])
    with pytest.raises(VerificationFailed, match="not signed by"):
        verify_checkpoint(sign_checkpoint(CHECKPOINT, [WITNESS]), KEYS)


def test_extension_lines_are_carried_and_signed():
    extended = replace(CHECKPOINT, extensions=("time 12", "ünì"))
    note = sign_checkpoint(extended, [LOG])
    assert verify_checkpoint(note, KEYS) == extended
    with pytest.raises(VerificationFailed):
        verify_checkpoint(note.replace(b"time 12", b"time 13"), KEYS)


def test_every_changed_byte_of_the_text_is_noticed():
    end = NOTE.index(b"\n\n")
    for i in range(end):
        changed = bytearray(NOTE)
        changed[i] ^= 1
        with pytest.raises((MalformedMessage, VerificationFailed)):
            verify_checkpoint(bytes(changed), KEYS)


def test_every_truncation_is_noticed():
    for end in range(len(NOTE)):
        with pytest.raises((MalformedMessage, VerificationFailed)):
            verify_checkpoint(NOTE[:end], KEYS)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"log\n7\n{ROOT}",
        "log\n7\n",
        f"\n7\n{ROOT}\n",
        f"log\n\n7\n{ROOT}\n",
        f"log\n07\n{ROOT}\n",
        f"log\n+7\n{ROOT}\n",
        f"log\n-7\n{ROOT}\n",
        f"log\n7 \n{ROOT}\n",
        f"log\n7_0\n{ROOT}\n",
        f"log\n٧\n{ROOT}\n",
        f"log\n{MAX_SIZE + 1}\n{ROOT}\n",
        f"log\n{'9' * 10_000}\n{ROOT}\n",
        f"log\n7\n{ROOT}\n\n",
        f"log\n7\n{ROOT}\n\nextension\n",
        f"log\n7\n{ROOT[:-1]}\n",
        f"log\n7\n {ROOT}\n",
        f"log\n7\n{ROOT[:-2]}B=\n",
        f"log\n7\n{base64.b64encode(bytes(31)).decode()}\n",
        f"log\n0\n{ROOT}\n",
    ],
)
def test_texts_that_are_no_checkpoint(text):
    with pytest.raises(MalformedMessage):
        parse_checkpoint(text)


def test_the_ends_of_the_range_of_sizes():
    for each in (Checkpoint("log", 0, EMPTY_ROOT), Checkpoint("log", MAX_SIZE, bytes(32))):
        assert parse_checkpoint(each.text) == each


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": ""},
        {"origin": "a\nb"},
        {"size": -1},
        {"size": 0},
        {"root": b"short"},
        {"extensions": ("",)},
        {"extensions": ("a\nb",)},
        {"origin": "log\n7"},
    ],
)
def test_checkpoints_that_are_not_signed(fields):
    with pytest.raises(MisuseError):
        sign_checkpoint(replace(CHECKPOINT, **fields), [LOG])
