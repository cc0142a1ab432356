"""Receipts of registered photos from the command line: verified step by step, and time-stamped."""

import hashlib
import io
import json
import socket
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.client.program import Program
from tests.crypto.authority import Authority, served

from grainseal.client.errors import UntrustedService
from grainseal.client.receipts import checked_registration_receipt
from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from grainseal.crypto.entries import EnrollmentEntry, RegistrationEntry, RegistrationStatement
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.receipts import Receipt, parse_receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.timestamps import read_stamp, stamp_request
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo
from grainseal.proto.v1 import grainseal_pb2 as pb

LOG = NoteSigner("grainseal/log", SigningKey(b"\x05" * 32))
DEVICE = SigningKey(b"\x07" * 32)


def saved(seed: int, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def receipt_of(entry: EnrollmentEntry | RegistrationEntry) -> Receipt:
    """Leaf 1 of a log of two."""
    kind = Kind.ENROLLMENT if isinstance(entry, EnrollmentEntry) else Kind.REGISTRATION
    leaf, first = commit(kind, Opening(b"s" * 32, entry.encoded)), leaf_hash(b"first")
    note = sign_checkpoint(Checkpoint(LOG.name, 2, node_hash(first, leaf.hash)), [LOG])
    return Receipt(entry, b"s" * 32, leaf.commitment, LogProof(1, (first,), note))


def entry_for(photo: bytes, **changes: object) -> RegistrationEntry:
    found = identity_of(read_photo(photo))
    statement = RegistrationStatement(
        *(b"s" * 32, "e1", DEVICE.public),
        *(getattr(found, field.name) for field in fields(found)),
        *("Dunes", "Ann", "CC-BY-4.0", "", "Nikon D7000"),
    )
    said = [getattr(statement, field.name) for field in fields(statement)]
    signature = DEVICE.sign(statement.encoded)
    made = RegistrationEntry("r1", "ann", "shop", "camera-verified", *said, signature, "", 1000)
    return replace(made, **changes)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(1))
    return path


@pytest.fixture
def file(photo: Path, tmp_path: Path) -> Path:
    """The receipt of the photo."""
    path = tmp_path / "photo.receipt.json"
    path.write_text(receipt_of(entry_for(photo.read_bytes())).to_json())
    return path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


KEY = ["--log-key", str(LOG.verifier)]

# Verify ------------------------------------------------------------------------------------------


def test_each_step_is_printed(program: Program, file: Path, photo: Path) -> None:
    assert program("receipt", "verify", file, *KEY, "--photo", photo) == 0, program.err
    lines = program.out.splitlines()
    assert [line[:9] for line in lines[:7]] == [f"L{n} passed" for n in range(1, 8)]
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert lines[7] == (
        f"valid: ann of shop as e1, photo {digest} as r1 (camera-verified), "
        "registered 1970-01-01 00:16:40 UTC, leaf 1 (grainseal/log, 2 leaves)"
    )


def test_what_is_not_made_is_printed(program: Program, file: Path) -> None:
    assert program("receipt", "verify", file, *KEY) == 0
    assert "L7 not made the photo is the registered one: no photo was given" in program.out
    assert program("receipt", "verify", file, *KEY, "--json") == 0
    assert [each["check"] for each in program.json["not_made"]] == ["L7"]
    assert program.json["entry"]["title"] == "Dunes"
    assert program.json["stamped_at"] is None


def test_a_photo_whose_tags_were_rewritten_is_the_registered_one(
    program: Program, file: Path, tmp_path: Path
) -> None:
    tagged = tmp_path / "tagged.jpg"
    tagged.write_bytes(saved(1, comment=b"rewritten"))
    assert program("receipt", "verify", file, *KEY, "--photo", tagged) == 0, program.out


def test_another_photo(program: Program, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(saved(2))
    assert program("receipt", "verify", file, *KEY, "--photo", other) == 1
    assert "L7 FAILED" in program.out
    assert "not valid: the photo is another one" in program.err
    other.write_text("no photo")
    assert program("receipt", "verify", file, *KEY, "--photo", other) == 2
    assert "not a photo" in program.err


def test_a_changed_title(program: Program, file: Path) -> None:
    content = json.loads(file.read_text())
    content["entry"]["title"] = "Mine"
    file.write_text(json.dumps(content))
    assert program("receipt", "verify", file, *KEY) == 1
    assert "L2 FAILED" in program.out
    assert "L6 not made the device key signed the statement: an earlier check" in program.out


def test_a_statement_that_the_device_never_signed(
    program: Program, photo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "forged.json"
    file.write_text(receipt_of(entry_for(photo.read_bytes(), title="Mine")).to_json())
    assert program("receipt", "verify", file, *KEY) == 1
    assert "not valid: the device key did not sign this statement" in program.err


def test_a_time_beyond_the_calendar(program: Program, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "late.json"
    late = entry_for(photo.read_bytes(), registered_at=(1 << 63) - 1)
    file.write_text(receipt_of(late).to_json())
    assert program("receipt", "verify", file, *KEY) == 0
    assert f"registered at {(1 << 63) - 1} s" in program.out


# Stamp -------------------------------------------------------------------------------------------


def test_a_stamp_is_written_and_verified(
    program: Program, file: Path, authority: Authority
) -> None:
    root = ["--tsa-root", authority.root_file]
    before = parse_receipt(file.read_bytes())
    with served(authority.answer) as (url, asked):
        assert program("receipt", "stamp", file, "--authority", url, *root) == 0, program.err
    assert program.out.startswith(f"{file}: stamped 20")
    assert "not verified" not in program.out
    ((headers, body),) = asked
    assert body == stamp_request(before.proof.checkpoint)
    assert headers["Content-Type"] == "application/timestamp-query"

    after = parse_receipt(file.read_bytes())
    assert replace(after, timestamp=None) == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".")] == []
    assert program("receipt", "verify", file, *KEY, *root) == 0
    assert "L8 passed" in program.out
    when = read_stamp(after.timestamp, after.proof.checkpoint)
    assert f", stamped {when:%Y-%m-%d %H:%M:%S} UTC)" in program.out
    assert program("receipt", "verify", file, *KEY) == 0
    assert "L8 not made an authority stamped the checkpoint: no root" in program.out


def test_a_stamp_without_a_root_is_told_to_be_unverified(
    program: Program, file: Path, authority: Authority
) -> None:
    with served(authority.answer) as (url, _):
        assert program("receipt", "stamp", file, "--authority", url, "--json") == 0
        assert (program.json["verified"], program.json["receipt"]) == (False, str(file))
        assert program("receipt", "stamp", file, "--authority", url) == 2
    assert "has a time stamp already" in program.err


def test_an_enrolment_s_receipt_is_stamped_too(
    program: Program, tmp_path: Path, authority: Authority
) -> None:
    entry = EnrollmentEntry("e1", "ann", "shop", "AUTH", *[b"h" * 32] * 4, b"", 5)
    file, root = tmp_path / "enrolment.json", ["--tsa-root", authority.root_file]
    file.write_text(receipt_of(entry).to_json())
    with served(authority.answer) as (url, _):
        assert program("receipt", "stamp", file, "--authority", url, *root) == 0, program.err
    assert program("receipt", "verify", file, *KEY, *root) == 0
    assert [line[:2] for line in program.out.splitlines()[:6]] == [
        *("L1", "L2", "L3", "L4", "L5", "L8")
    ]


def test_a_wrong_answer_leaves_the_file_as_it_was(
    program: Program, file: Path, authority: Authority, tmp_path: Path
) -> None:
    before = file.read_bytes()
    elsewhere = Authority(tmp_path / "elsewhere")
    refusing = Authority(tmp_path / "refusing", digests="sha512")
    root = ["--tsa-root", authority.root_file]
    for answer, options, message in (
        (lambda _: authority.answer(stamp_request(b"other")), [], "something else than this"),
        (lambda _: b"<html>", [], "not a time stamp response"),
        (lambda _: bytes(1 << 17), [], "has at most 65536 bytes"),
        (refusing.answer, [], "did not stamp it"),
        (elsewhere.answer, root, "not by an authority of this root"),
    ):
        with served(answer) as (url, _):
            assert program("receipt", "stamp", file, "--authority", url, *options) == 2
        assert message in program.err
        assert file.read_bytes() == before


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_authority_that_does_not_answer_is_not_followed(
    program: Program, file: Path, status: int
) -> None:
    with served(lambda _: b"", status) as (url, _):
        assert program("receipt", "stamp", file, "--authority", url) == 2
    assert f"stamps nothing: HTTP status {status}" in program.err


def test_an_authority_that_cannot_be_reached(program: Program, file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert program("receipt", "stamp", file, "--authority", url, "--json") == 2
    assert "cannot reach the time stamp authority" in program.err
    assert "try again later" in program.err
    assert program.json["reason"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/", "tsa.example", "http://", "http://[::1"]
)
def test_other_addresses_are_refused(program: Program, file: Path, url: str) -> None:
    assert program("receipt", "stamp", file, "--authority", url) == 2
    assert "is not the http or https address of an authority" in program.err


def test_files_that_are_none(program: Program, file: Path, photo: Path) -> None:
    assert program("receipt", "stamp", photo, "--authority", "http://127.0.0.1/") == 2
    assert "is not a receipt" in program.err
    stamped = replace(parse_receipt(file.read_bytes()), timestamp=b"x")
    file.write_text(stamped.to_json())
    assert program("receipt", "verify", file, *KEY, "--tsa-root", photo) == 2
    assert "not a root certificate in PEM form" in program.err


# C8 of registrations -----------------------------------------------------------------------------


def test_a_device_takes_no_false_receipt_of_a_registration(photo: Path) -> None:
    true = receipt_of(entry_for(photo.read_bytes()))
    device = DEVICE.public

    def answer(of: Receipt = true, **changes: object) -> pb.Receipt:
        said = {
            "kind": "registration",
            "salt": of.salt,
            "entry": of.entry.encoded,
            "index": of.proof.index,
            "inclusion": of.proof.inclusion,
            "checkpoint": of.proof.checkpoint,
        }
        return pb.Receipt(**{**said, **changes})

    assert checked_registration_receipt(answer(), device) == true
    assert checked_registration_receipt(answer(), device, "r1") == true
    unsigned = receipt_of(entry_for(photo.read_bytes(), title="Mine"))
    for wrong, asked, message in (
        (answer(kind="enrollment"), "", "of kind 'enrollment'"),
        (answer(entry=b"nonsense"), "", "not the canonical bytes"),
        (answer(salt=b"t" * 32), "", "does not lead"),
        (answer(index=2), "", "older than the leaf"),
        (answer(checkpoint=b""), "", "a note is"),
        (answer(), "r2", "another registration than asked for"),
        (answer(unsigned), "", "the device key did not sign this statement"),
    ):
        with pytest.raises(UntrustedService, match=message):
            checked_registration_receipt(wrong, device, asked)
    with pytest.raises(UntrustedService, match="another device's registration"):
        checked_registration_receipt(answer(), b"k" * 32)
