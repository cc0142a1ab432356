"""A receipt is verified by the log's key alone, and whatever is changed in it is named."""

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from tests.crypto.authority import Authority

from grainseal.crypto.canonical import canonical, fields_of
from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, parse_verifier_key, sign_checkpoint
from grainseal.crypto.entries import (
    EnrollmentEntry,
    RegistrationEntry,
    RegistrationStatement,
    parse_enrollment_entry,
)
from grainseal.crypto.errors import MalformedMessage, MisuseError
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.receipts import (
    CHECKS,
    MAX_RECEIPT_BYTES,
    PhotoHashes,
    Receipt,
    verify_receipt,
)
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.timestamps import MAX_STAMP_BYTES, stamp_request

VECTORS = Path(__file__).parent.parent / "vectors" / "log"
LOG = NoteSigner("grainseal/log", SigningKey(b"\x05" * 32))
OTHER = NoteSigner("grainseal/log", SigningKey(b"\x06" * 32))
ENTRY = EnrollmentEntry(
    "e1", "ann", "shop", "AUTH_JPEG_V1", b"d" * 32, b"t" * 32, b"r" * 32, b"z" * 32, b"", 1000
)


def signed(size, root, signer=LOG):
    return sign_checkpoint(Checkpoint(signer.name, size, root), [signer])


DEVICE = SigningKey(b"\x07" * 32)
STATEMENT = RegistrationStatement(
    *(b"s" * 32, "e1", DEVICE.public, b"f" * 32, b"p" * 32, b"h" * 32, 3000, 4000),
    *("Dunes", "Ann", "CC-BY-4.0", "2026-05-04T03:02:01", "Nikon D7000"),
)
REGISTERED = RegistrationEntry(
    *("r1", "ann", "shop", "camera-verified"),
    *(getattr(STATEMENT, field.name) for field in fields(STATEMENT)),
    *(DEVICE.sign(STATEMENT.encoded), "r7,r9", 2000),
)


def made(signer=LOG, index=1, size=3, entry=ENTRY):
    """The receipt of leaf 1 of three, made by hand."""
    kind = Kind.ENROLLMENT if isinstance(entry, EnrollmentEntry) else Kind.REGISTRATION
    leaf = commit(kind, Opening(b"s" * 32, entry.encoded))
    first, last = leaf_hash(b"first"), leaf_hash(b"last")
    root = node_hash(node_hash(first, leaf.hash), last)
    proof = LogProof(index, (first, last), signed(size, root, signer))
    return Receipt(entry, b"s" * 32, leaf.commitment, proof)


RECEIPT = made()
REGISTRATION = made(entry=REGISTERED)


def check(receipt, keys=(LOG.verifier,), **at_hand):
    data = receipt if isinstance(receipt, bytes) else receipt.to_json().encode()
    return verify_receipt(data, keys, **at_hand)


def changed(path, value, receipt=RECEIPT):
    """The receipt's file with one member changed."""
    content = json.loads(receipt.to_json())
    *way, last = path
    where = content
    for each in way:
        where = where[each]
    where[last] = value
    return json.dumps(content).encode()


def made_of(done):
    return [(step.check, step.problem is None) for step in done.steps]


def test_a_true_receipt():
    done = check(RECEIPT)
    assert done.valid
    assert made_of(done) == [("L1", True), ("L2", True), ("L3", True), ("L4", True), ("L5", True)]
    assert (done.not_made, done.stamped_at) == ((), None)
    assert done.receipt == RECEIPT
    assert done.checkpoint.size == 3


def test_the_entry_s_bytes_by_hand():
    fields = [b"e1", b"ann", b"shop", b"AUTH_JPEG_V1", b"d" * 32, b"t" * 32, b"r" * 32, b"z" * 32]
    fields += [b"", (1000).to_bytes(8, "big")]
    framed = b"".join(len(each).to_bytes(4, "big") + each for each in fields)
    assert ENTRY.encoded == b"grainseal/v1/enrollment-entry\0" + framed
    assert parse_enrollment_entry(ENTRY.encoded) == ENTRY


def test_the_vector_by_plain_arithmetic():
    """Hashes and one signature, as docs/PROTOCOL.md writes them down; and our verifier agrees."""
    said = json.loads((VECTORS / "receipt.json").read_text())
    vkey = (VECTORS / "receipt.vkey").read_text()
    entry, salt = said["entry"], bytes.fromhex(said["salt"])
    texts = ("enrollment_id", "subject", "issuer", "profile")
    fields = [entry[name].encode() for name in texts]
    hexes = ("device_key", "template_sha256", "relin_key_sha256", "zero_key_sha256")
    fields += [bytes.fromhex(entry[name]) for name in (*hexes, "claim_template_sha256")]
    fields += [entry["created_at"].to_bytes(8, "big")]
    encoded = framed(b"enrollment-entry", *fields)
    commitment = sha(framed(b"log-entry", b"enrollment", salt, encoded))
    assert commitment.hex() == said["commitment"]
    node = sha(b"\0" + framed(b"log-leaf", b"enrollment", commitment))
    below, left, right = map(bytes.fromhex, said["inclusion"])
    root = sha(b"\1" + sha(b"\1" + left + sha(b"\1" + below + node)) + right)

    text, _, line = said["checkpoint"].rpartition("\n\n")
    assert text == f"grainseal/log\n6\n{base64.b64encode(root).decode()}"
    public = base64.b64decode(vkey.split("+", 2)[2])[1:]
    name, signature = line.split(" ")[1:]
    signature = base64.b64decode(signature)
    assert name == "grainseal/log"
    assert signature[:4] == sha(b"grainseal/log\n\1" + public)[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{text}\n".encode())
    key = parse_verifier_key(vkey)
    assert verify_receipt((VECTORS / "receipt.json").read_bytes(), [key]).valid


def sha(data):
    return hashlib.sha256(data).digest()


def framed(tag, *fields):
    return b"grainseal/v1/" + tag + b"\0" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)


OTHER_HASH = (b"x" * 32).hex()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("entry", "enrollment_id"), "e2"),
        (("entry", "subject"), "eve"),
        (("entry", "issuer"), "bank"),
        (("entry", "profile"), "AUTH_RAW_V1"),
        (("entry", "device_key"), OTHER_HASH),
        (("entry", "template_sha256"), OTHER_HASH),
        (("entry", "relin_key_sha256"), OTHER_HASH),
        (("entry", "zero_key_sha256"), OTHER_HASH),
        (("entry", "claim_template_sha256"), OTHER_HASH),
        (("entry", "created_at"), 999),
        (("salt",), OTHER_HASH),
        (("commitment",), OTHER_HASH),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_changed_entry_is_not_what_the_leaf_commits_to(path, value):
    done = check(changed(path, value))
    assert not done.valid
    assert done.steps[-1].check == "L2"
    assert done.problem == "the log's leaf commits to another entry"


def test_another_commitment_that_opens_is_not_in_the_log():
    """Entry, salt and commitment changed together pass L2; the tree does not have such a leaf."""
    entry = replace(ENTRY, subject="eve")
    leaf = commit(Kind.ENROLLMENT, Opening(b"s" * 32, entry.encoded))
    done = check(replace(RECEIPT, entry=entry, commitment=leaf.commitment))
    assert done.steps[-1].check == "L5"
    assert "does not lead from the leaf to the root" in done.problem


def at(receipt, **changes):
    return replace(receipt, proof=replace(receipt.proof, **changes))


PROOF = RECEIPT.proof


@pytest.mark.parametrize(
    ("receipt", "where", "message"),
    [
        (at(RECEIPT, inclusion=PROOF.inclusion[:-1]), "L5", "has 2 hashes, not 1"),
        (at(RECEIPT, inclusion=(*PROOF.inclusion, b"x" * 32)), "L5", "has 2 hashes, not 3"),
        (at(RECEIPT, inclusion=PROOF.inclusion[::-1]), "L5", "does not lead"),
        (at(RECEIPT, index=0), "L5", "does not lead"),
        (at(RECEIPT, index=2), "L5", "has 1 hashes, not 2"),
        (at(RECEIPT, index=3), "L4", "older than the leaf: it counts 3 leaves"),
        (made(size=1), "L4", "older than the leaf: it counts 1 leaves"),
        (made(signer=OTHER), "L3", "not signed by grainseal/log+"),
        (
            at(RECEIPT, checkpoint=PROOF.checkpoint.replace(b"\n3\n", b"\n4\n")),
            "L3",
            "does not fit",
        ),
        (at(RECEIPT, checkpoint=PROOF.checkpoint[:40]), "L3", "a note is a text"),
        (at(RECEIPT, checkpoint=b""), "L3", "a note is a text"),
    ],
)
def test_a_changed_place_is_named(receipt, where, message):
    done = check(receipt)
    assert not done.valid
    assert done.steps[-1].check == where
    assert message in done.problem


def test_another_log_s_key():
    done = check(RECEIPT, [OTHER.verifier])
    assert done.steps[-1].check == "L3"
    assert str(OTHER.verifier) in done.problem
    assert not check(RECEIPT, [replace(LOG.verifier, name="another/log")]).valid
    assert check(RECEIPT, [OTHER.verifier, LOG.verifier]).valid  # while a key is being replaced
    with pytest.raises(MisuseError):
        check(RECEIPT, [])


TEXT = RECEIPT.to_json()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (TEXT[:-3].encode(), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "has the members"),
        (b"{}", "has the members"),
        (b" " * (MAX_RECEIPT_BYTES + 1), "at most"),
        (TEXT.replace('"kind"', '"index": 1, "kind"').encode(), "stands twice"),
        (TEXT.replace('"subject"', '"subject": "eve", "subject"').encode(), "stands twice"),
        (changed(["more"], 1), "has the members"),
        (changed(["entry", "more"], 1), "the receipt's entry has the members"),
        (changed(["entry"], None), "the receipt's entry has the members"),
        (changed(["format"], "grainseal-receipt/2"), "format is not 'grainseal-receipt/1'"),
        (changed(["kind"], "registration"), "the receipt's entry has the members"),
        (changed(["kind"], "wedding"), "kind is none of enrollment, registration"),
        (changed(["kind"], []), "kind is not text"),
        (changed(["salt"], "AB"), "salt is not 32 bytes"),
        (changed(["salt"], ("AB" * 32)), "salt is not 32 bytes"),
        (changed(["salt"], " " + "ab" * 32), "salt is not 32 bytes"),
        (changed(["commitment"], 7), "commitment is not text"),
        (changed(["inclusion"], "ab"), "inclusion is not a list"),
        (changed(["inclusion", 0], "ab"), "inclusion is not 32 bytes"),
        (changed(["index"], -1), "index is not a number"),
        (changed(["index"], 1 << 63), "index is not a number"),
        (changed(["index"], True), "index is not a number"),
        (changed(["index"], 1.0), "index is not a number"),
        (changed(["checkpoint"], None), "checkpoint is not text"),
        (changed(["checkpoint"], "\ud800"), "checkpoint is not text"),
        (changed(["entry", "subject"], "\ud800"), "subject is not text"),
        (changed(["entry", "created_at"], "1000"), "created_at is not a number"),
        (changed(["entry", "device_key"], "ab"), "keys and hashes of 32 bytes"),
        (changed(["entry", "claim_template_sha256"], "ab"), "claim template's hash"),
        (changed(["timestamp"], None), "timestamp is not text"),
        (changed(["timestamp"], ""), "timestamp has 1 to"),
        (changed(["timestamp"], "AB"), "timestamp is not hexadecimal"),
        (changed(["timestamp"], "00" * (MAX_STAMP_BYTES + 1)), "timestamp has 1 to"),
    ],
)
def test_what_is_no_receipt_is_told_so(data, message):
    done = check(data)
    assert [step.check for step in done.steps] == ["L1"]
    assert message in done.problem


# Registrations -----------------------------------------------------------------------------------

PHOTO = PhotoHashes(b"f" * 32, b"p" * 32)


def test_a_true_receipt_of_a_registration():
    done = check(REGISTRATION, photo=PHOTO)
    assert done.valid
    assert made_of(done) == [(f"L{n}", True) for n in range(1, 8)]
    assert done.not_made == ()
    assert done.receipt == REGISTRATION
    assert done.receipt.kind is Kind.REGISTRATION
    assert json.loads(REGISTRATION.to_json())["entry"]["competing"] == ["r7", "r9"]


def test_what_is_not_at_hand_is_said_to_be_open():
    done = check(REGISTRATION)
    assert done.valid
    assert made_of(done) == [(f"L{n}", True) for n in range(1, 7)]
    assert [(each.check, each.why) for each in done.not_made] == [("L7", "no photo was given")]


def test_a_photo_with_other_tags_is_the_registered_one():
    assert check(REGISTRATION, photo=replace(PHOTO, file_sha256=b"x" * 32)).valid
    assert check(REGISTRATION, photo=replace(PHOTO, pixels_sha256=b"x" * 32)).valid


def test_another_photo():
    done = check(REGISTRATION, photo=PhotoHashes(b"x" * 32, b"y" * 32))
    assert not done.valid
    assert done.steps[-1].check == "L7"
    assert "the photo is another one" in done.problem
    done = check(RECEIPT, photo=PHOTO)
    assert (done.valid, done.steps[-1].check) == (False, "L7")
    assert "of an enrolment: it names no photo" in done.problem


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("title", "Mine"),
        ("creator", "Eve"),
        ("file_sha256", OTHER_HASH),
        ("perceptual_hash", OTHER_HASH),
        ("height", 1),
        ("grade", "device-asserted"),
        ("signature", "00" * 64),
        ("competing", []),
        ("registered_at", 1),
    ],
)
def test_a_changed_registration_is_not_what_the_leaf_commits_to(member, value):
    done = check(changed(["entry", member], value, REGISTRATION))
    assert not done.valid
    assert done.steps[-1].check == "L2"
    assert done.problem == "the log's leaf commits to another entry"


@pytest.mark.parametrize(
    "entry",
    [
        replace(REGISTERED, title="Mine"),
        replace(REGISTERED, device_key=SigningKey(b"\x08" * 32).public),
        replace(REGISTERED, service_key=b"t" * 32),
        replace(REGISTERED, signature=bytes(64)),
    ],
)
def test_what_the_log_has_and_the_device_never_signed(entry):
    """A service that logs a statement of its own making is found out by the device's key."""
    done = check(made(entry=entry), photo=PHOTO)
    assert not done.valid
    assert done.steps[-1].check == "L6"
    assert done.problem == "the device key did not sign this statement"
    assert [(each.check, each.why) for each in done.not_made] == [("L7", "an earlier check failed")]


@pytest.mark.parametrize(
    ("receipt", "where", "message"),
    [
        (at(REGISTRATION, index=3), "L4", "older than the leaf: it counts 3 leaves"),
        (made(size=1, entry=REGISTERED), "L4", "older than the leaf: it counts 1 leaves"),
        (made(signer=OTHER, entry=REGISTERED), "L3", "not signed by grainseal/log+"),
        (at(REGISTRATION, inclusion=PROOF.inclusion[:-1]), "L5", "has 2 hashes, not 1"),
    ],
)
def test_a_registration_s_changed_place_is_named(receipt, where, message):
    done = check(receipt, photo=PHOTO)
    assert (done.valid, done.steps[-1].check) == (False, where)
    assert message in done.problem


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["kind"], "enrollment", "the receipt's entry has the members"),
        (["entry", "competing"], "r7,r9", "competing is not a list"),
        (["entry", "competing"], ["r7,r9"], "competing is not a list of ids"),
        (["entry", "competing"], [""], "competing is not a list of ids"),
        (["entry", "competing"], [7], "competing is not text"),
        (["entry", "title"], "a\u0000", "title has control or invisible"),
        (["entry", "height"], 1.5, "height is not a number"),
        (["entry", "grade"], "gold", "grade is one of"),
    ],
)
def test_what_is_no_receipt_of_a_registration(path, value, message):
    done = check(changed(path, value, REGISTRATION))
    assert [step.check for step in done.steps] == ["L1"]
    assert message in done.problem


# Time stamps -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture(scope="module")
def stamp(authority):
    return authority.answer(stamp_request(PROOF.checkpoint))


def test_a_stamped_receipt(authority, stamp):
    done = check(replace(RECEIPT, timestamp=stamp), root=authority.root)
    assert done.valid
    assert made_of(done) == [(f"L{n}", True) for n in (1, 2, 3, 4, 5, 8)]
    assert done.stamped_at is not None


def test_a_stamp_without_a_root_is_said_to_be_open(stamp):
    done = check(replace(RECEIPT, timestamp=stamp))
    assert done.valid
    assert [(e.check, e.why) for e in done.not_made] == [("L8", "no root certificate was given")]
    assert done.stamped_at is None


def test_a_root_without_a_stamp_is_not_passed_over(authority):
    """Whoever gives a root wants to know the time: a stamp taken away would not be missed."""
    done = check(RECEIPT, root=authority.root)
    assert (done.valid, done.steps[-1].check) == (False, "L8")
    assert done.problem == "the receipt has no time stamp"


def test_a_stamp_over_another_checkpoint(authority, stamp):
    """Even one of the same tree, with a witness's signature more."""
    state = check(RECEIPT).checkpoint
    witnessed = sign_checkpoint(state, [LOG, NoteSigner("witness.example", DEVICE)])
    done = check(at(replace(RECEIPT, timestamp=stamp), checkpoint=witnessed), root=authority.root)
    assert (done.valid, done.steps[-1].check) == (False, "L8")
    assert "over something else than this checkpoint" in done.problem


def test_a_stamp_by_an_authority_of_another_root(stamp, tmp_path):
    other = Authority(tmp_path / "other")
    done = check(replace(RECEIPT, timestamp=stamp), root=other.root)
    assert (done.valid, done.steps[-1].check) == (False, "L8")
    assert "not by an authority of this root" in done.problem


@pytest.mark.parametrize("nonsense", [b"\x30\x00", b"stamp"])
def test_a_stamp_that_is_none(authority, nonsense):
    done = check(replace(RECEIPT, timestamp=nonsense), root=authority.root)
    assert (done.valid, done.steps[-1].check) == (False, "L8")
    assert "not a time stamp response" in done.problem


def test_every_check_has_its_words():
    assert list(CHECKS) == [f"L{n}" for n in range(1, 9)]


# Bytes -------------------------------------------------------------------------------------------


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 255))
def test_no_changed_byte_says_something_else(at, byte):
    """A receipt with a byte changed either fails or says exactly what the true one says."""
    data = bytearray(TEXT.encode())
    data[at] = byte
    done = check(bytes(data))
    assert not done.valid or done.receipt == RECEIPT


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_canonical_bytes_give_their_fields_back(fields):
    assert fields_of("tag", canonical("tag", fields)) == fields


@pytest.mark.parametrize(
    "data",
    [
        b"",
        canonical("another", []),
        ENTRY.encoded[:-1],
        ENTRY.encoded + b"\0",
        ENTRY.encoded + bytes(4),
        canonical("enrollment-entry", [b"\xff", *["x"] * 3, *[b"h" * 32] * 4, b"", 1]),
        canonical("enrollment-entry", ["x", *["x"] * 3, *[b"h" * 32] * 4, b"", b"1"]),
        canonical("enrollment-entry", ["x", *["x"] * 3, *[b"h" * 31] * 4, b"", 1]),
    ],
)
def test_bytes_that_are_no_entry(data):
    with pytest.raises(MalformedMessage):
        parse_enrollment_entry(data)


def test_verifying_needs_no_homomorphic_library(tmp_path):
    """Not even an installed one: the import is made to fail."""
    file = tmp_path / "receipt.json"
    file.write_text(TEXT)
    program = (
        "import sys\n"
        "sys.modules['tenseal'] = sys.modules['tenseal.sealapi'] = None\n"
        "from grainseal.cli import run\n"
        f"sys.exit(run(['receipt', 'verify', {str(file)!r}, '--log-key', {str(LOG.verifier)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "valid: ann of shop" in done.stdout
