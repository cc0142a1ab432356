"""register and claim from the command line: exit status, JSON, files, clear errors."""

import json
from pathlib import Path

import pytest
from tests.client.copyright_device import PASSPHRASE, ClaimDevice, jpeg, taken
from tests.client.program import Program, connection

from grainseal.crypto.receipts import parse_receipt
from grainseal.models.simulator import VirtualCamera, take_burst


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)


@pytest.fixture(scope="module")
def vault(service, alice, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An enrolled vault, closed."""
    folder = tmp_path_factory.mktemp("cli") / "v"
    with ClaimDevice(service, folder) as device:
        device.enroll_quickly(alice.enroll)
    return folder


@pytest.fixture
def where(service, vault: Path) -> list[object]:
    return connection(service, vault)


def test_enrol_with_claims(program: Program, service, alice, tmp_path: Path) -> None:
    line = ["enroll", *connection(service, tmp_path / "v"), "--subject", "alice"]
    line += ["--ticket", service.ticket("alice"), "--profile", "TESTING"]
    claims = ["--claims", "--claim-profile", "CLAIM_TESTING"]
    few = [each for photo in alice.later for each in ("--claim-photos", photo)]
    assert program(*line, *claims, *few, *alice.enroll) == 2
    assert "at least 6 photos, not 4" in program.err
    assert program(*line, *few, *alice.enroll) == 2
    assert "go with --claims" in program.err
    assert program(*line, "--claims", *alice.enroll) == 2
    assert "CLAIM_V1: it needs at least 1024x1024" in program.err
    folder = alice.enroll[0].parent
    assert program(*line, *claims, "--claim-photos", folder, *alice.later, "--json") == 0
    assert program.json["state"] == "active"


def test_raw_enrolments_need_photos_for_claims(program: Program, service, tmp_path: Path) -> None:
    raw = take_burst(VirtualCamera(7, 1280, 1024), 1, tmp_path, raw=True)
    line = ["enroll", *connection(service, tmp_path / "v"), "--subject", "alice", "--claims"]
    assert program(*line, "--ticket", "t", *raw * 6) == 2
    assert "JPEGs of the same camera as claim photos (--claim-photos)" in program.err


def test_renewals_add_and_drop_a_claim_template(
    program: Program, service, alice, tmp_path: Path
) -> None:
    line = ["enroll", *(where := connection(service, tmp_path / "v")), "--subject", "alice"]
    line += ["--ticket", service.ticket("alice"), "--profile", "TESTING"]
    assert program(*line, *alice.enroll) == 0
    photo = taken(tmp_path, 80)
    assert program("register", *where, photo, "--out", tmp_path) == 2
    assert "add one with `renew --claims`" in program.err
    fresh = take_burst(VirtualCamera(101, 512, 512), 6, tmp_path / "fresh", seed=51)
    added = ["--claims", "--claim-profile", "CLAIM_TESTING"]
    assert program("renew", *where, *added, *fresh) == 0, program.err
    assert program("register", *where, photo, "--out", tmp_path) == 0, program.err
    assert program("renew", *where, *alice.later) == 2
    assert "--no-claims" in program.err
    assert program("renew", *where, "--no-claims", *alice.later) == 0, program.err
    assert program("claim", *where, photo, "--fresh", *alice.probe) == 2
    assert "renew --claims" in program.err


def test_register_writes_a_receipt_for_each_photo(
    program: Program, where: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [taken(tmp_path / "photos", seed) for seed in (81, 82)]
    texts = ["--title", "Clouds", "--creator", "Alice", "--licence", "cc-by-4.0", "--metadata"]
    assert program("register", *where, *photos, *texts, "--out", tmp_path / "r", "--json") == 0
    found = program.json["registrations"]
    assert [each["photo"] for each in found] == [str(each) for each in photos]
    for each, photo in zip(found, photos, strict=True):
        file = tmp_path / "r" / f"{photo.name}.receipt.json"
        assert each["receipt"] == str(file)
        assert file.stat().st_mode & 0o077 == 0
        entry = parse_receipt(file.read_bytes()).entry
        assert (entry.registration_id, entry.licence) == (each["registration_id"], "CC-BY-4.0")
        assert (each["grade"], each["competing"]) == ("device-asserted", [])
        assert each["registered_at"] == entry.registered_at

    monkeypatch.chdir(tmp_path)
    assert program("register", *where, "--upload", photos[0]) == 0, program.err
    assert "camera-verified" in program.out
    assert (tmp_path / f"{photos[0].name}.receipt.json").is_file()


def test_what_register_says_beforehand(
    program: Program, where: list[object], tmp_path: Path
) -> None:
    photo, raw = taken(tmp_path, 83), take_burst(VirtualCamera(1, 512, 512), 1, tmp_path, raw=True)
    written = tmp_path / f"{photo.name}.receipt.json"
    written.write_text("mine")
    (tmp_path / "again").mkdir()
    twin = jpeg(photo, tmp_path / "again" / photo.name)
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    for options, message in (
        ([photo, "--out", tmp_path], f"{written} exists"),
        ([photo, twin, "--out", tmp_path / "r"], "same file name"),
        ([raw[0]], "is RAW: give the JPEG made of it to register it"),
        ([tmp_path / "none.jpg"], "cannot read"),
        ([photo, "--licence", "mine"], "SPDX knows no licence 'mine'"),
        ([photo, "--out", blocked / "r"], "cannot write"),
        ([], "Missing argument"),
    ):
        assert program("register", *where, *options, "--json") == 2
        assert message in program.json["error"]
    assert written.read_text() == "mine"


def test_a_claim_and_its_exit_status(
    program: Program, where: list[object], alice, mallory, tmp_path: Path
) -> None:
    photo = taken(tmp_path, 84)
    assert program("register", *where, photo, "--out", tmp_path) == 0, program.err
    receipt = tmp_path / f"{photo.name}.receipt.json"
    copy = jpeg(photo, tmp_path / "copy.jpg")

    line = ["claim", copy, *where, "--fresh", *alice.probe, "--receipt", receipt, "--json"]
    assert program(*line) == 0, program.err
    said = program.json
    assert set(said) == {
        "renewal",
        "verdict",
        "reasons",
        "false_match_probability",
        "registered_at",
        "enrolled_at",
        "competing",
        "claim_id",
        "evidence",
        "match_map",
    }
    assert said["verdict"] == "proven", said
    assert all(isinstance(reason, str) and " " in reason for reason in said["reasons"])
    assert isinstance(said["false_match_probability"], float)
    assert said["false_match_probability"] <= 1e-4
    entry = parse_receipt(receipt.read_bytes()).entry
    assert said["registered_at"] == entry.registered_at
    assert 0 < said["enrolled_at"] <= entry.registered_at
    assert (said["competing"], said["evidence"]) == ([], None)

    foreign = jpeg(taken(tmp_path, 85, camera=102), tmp_path / "foreign.jpg", quality=92)
    folder = alice.probe[0].parent
    assert program("claim", *where, "--fresh", folder, "--json", foreign) == 3, program.err
    assert program.json["verdict"] == "rejected"
    assert program.json["registered_at"] is None

    line = ["claim", *where, "--fresh", *alice.probe, "--map", "--seen", "2001-02-03", copy]
    assert program(*line) == 1, program.err
    assert program.out.startswith("inconclusive\n- ")
    rows = program.out.split("match map, 0 (too little to tell) to 3 (strong):\n")[1].splitlines()[
        :4
    ]
    assert all(len(row.split()) == 4 for row in rows)

    line = ["claim", copy, *where, "--fresh", *mallory.probe]
    assert program(*line) == 3
    assert program.out.startswith("rejected\n- the fresh photos do not match")
    assert program(*line, "--json") == 3
    assert (program.json["verdict"], program.json["claim_id"]) == ("rejected", None)


def test_evidence_is_written(
    program: Program, where: list[object], alice, tmp_path: Path, vault: Path
) -> None:
    photo = taken(tmp_path, 86)
    assert program("register", *where, photo, "--out", tmp_path) == 0, program.err
    folder, copy = tmp_path / "evidence", jpeg(photo, tmp_path / "copy.jpg")
    line = ["claim", copy, *where, "--fresh", *alice.probe, "--original", photo, "--out", folder]
    assert program(*line, "--json") == 0, program.err
    assert program.json["evidence"] == str(folder)
    certificate = json.loads((folder / "certificate.json").read_text())
    assert certificate["claim"]["claim_id"] == program.json["claim_id"]
    assert parse_receipt((folder / "enrollment.receipt.json").read_bytes())
    assert parse_receipt((folder / "registration.receipt.json").read_bytes())
    assert program(*line) == 2
    assert f"{folder} is not empty" in program.err


def test_what_claim_says_beforehand(
    program: Program, where: list[object], alice, tmp_path: Path
) -> None:
    photo, other = taken(tmp_path, 87), taken(tmp_path, 88)
    assert program("register", *where, photo, "--out", tmp_path) == 0, program.err
    receipt = tmp_path / f"{photo.name}.receipt.json"
    assert program("receipt", "get", *where, "--out", tmp_path / "enrolment.json") == 0
    full = tmp_path / "full"
    full.mkdir()
    (full / "something").write_text("here")
    fresh = ["--fresh", *alice.probe]
    for options, message in (
        ([photo], "Missing option '--fresh'"),
        ([*fresh], "Missing argument 'COPY'"),
        ([photo, *fresh, "--seen", "3.2.2025"], "write --seen like 2025-12-31"),
        ([photo, *fresh, "--seen", "2999-01-01"], "a time that has passed"),
        ([tmp_path / "none.jpg", *fresh], "cannot read"),
        ([photo, "--fresh", tmp_path / "none.jpg"], "cannot read"),
        ([photo, "--fresh", full], "no photos"),
        ([photo, *fresh, "--receipt", tmp_path / "none.json"], "cannot read"),
        ([photo, *fresh, "--receipt", photo], "is not a receipt"),
        ([photo, *fresh, "--receipt", tmp_path / "enrolment.json"], "is an enrolment's"),
        ([photo, *fresh, "--receipt", receipt, "--original", other], "is not the photo that"),
        ([photo, *fresh, "--out", full], "is not empty: choose a new folder with --out"),
        ([photo, "--fresh", alice.probe[0], alice.probe[0]], "same shot"),
    ):
        assert program("claim", *where, *options, "--json") == 2, message
        assert message in program.json["error"]
