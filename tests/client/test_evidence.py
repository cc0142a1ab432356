"""A folder of evidence is whole, holds nothing private, and whatever is changed in it is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.client import evidence_cases as cases
from tests.client.program import Program

from grainseal.client import evidence, output_files
from grainseal.client.errors import ClientError
from grainseal.client.evidence import verify_evidence, write_evidence
from grainseal.crypto.certificate import sign_certificate
from grainseal.crypto.checkpoint import NoteSigner
from grainseal.crypto.signing import SigningKey

FILES = {
    "certificate.json",
    "enrollment.receipt.json",
    "registration.receipt.json",
    "copy.jpg",
    "original.jpg",
    "provenance.jpg",
    "report.html",
}
NO_PROOF = "the folder has no claim proof"
OTHER_LOG = NoteSigner("grainseal/log", SigningKey(b"\x06" * 32))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole folder of evidence; tests change copies of it."""
    pytest.importorskip("c2pa")
    where = tmp_path_factory.mktemp("written")
    write(where / "evidence", cases.full_case(where), where / "vault")
    return where / "evidence"


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "evidence")


def write(folder: Path, case: cases.Case, vault: Path | None) -> None:
    if vault is not None:
        vault.mkdir(exist_ok=True)
    write_evidence(folder, case.outcome, case.copy, case.original, vault_folder=vault)


def check(folder: Path):
    return verify_evidence(folder, [cases.LOG.verifier], cases.KEYS)


def failed(folder: Path) -> dict[str, str]:
    return {step.check: step.problem for step in check(folder).steps if step.problem}


def not_made(folder: Path) -> dict[str, str]:
    return {each.check: each.why for each in check(folder).not_made}


def put(folder: Path, name: str, receipt) -> None:
    (folder / name).write_text(receipt.to_json())


def test_a_whole_folder_is_valid(written: Path) -> None:
    assert {each.name for each in written.iterdir()} == FILES
    done = check(written)
    assert done.valid, done.problem
    assert [step.check for step in done.steps] == ["E1", "E2", "E3", "E4", "E5", "E6"]
    assert [(each.check, each.why) for each in done.not_made] == [("E7", NO_PROOF)]
    assert done.statement is not None
    assert "does not know its signer" in done.remarks[0]
    assert "does not know its signer" in (written / "report.html").read_text().replace("&#39;", "'")


def test_nothing_private_is_in_it(written: Path) -> None:
    secret = (written.parent / "vault" / "c2pa" / "key.pem").read_bytes()
    body = b"".join(secret.splitlines()[1:-1])
    for each in written.iterdir():
        content = each.read_bytes()
        assert b"PRIVATE KEY" not in content
        assert body not in content.replace(b"\n", b"")
        assert str(written.parent).encode() not in content, each.name


def test_what_there_is_nothing_to_check_for_is_said(tmp_path: Path) -> None:
    case = cases.bare_case(tmp_path)
    write(tmp_path / "evidence", case, None)
    names = {each.name for each in (tmp_path / "evidence").iterdir()}
    assert names == {"certificate.json", "enrollment.receipt.json", "copy.png", "report.html"}
    assert check(tmp_path / "evidence").valid
    said = not_made(tmp_path / "evidence")
    assert said["E3"] == "the claim names no registration"
    assert said["E5"] == "the claim was made without an original"
    assert said["E6"] == "the folder has no photo with a manifest"


def test_an_original_that_is_not_registered(tmp_path: Path) -> None:
    original = cases.picture(tmp_path / "dunes.png", 3)
    copy = cases.half_of(original, tmp_path / "found.jpg")
    said = cases.decided(copy, original, registration=None, verdict="supported")
    write(tmp_path / "e", cases.Case(cases.outcome_of(said, None), copy, original), tmp_path / "v")
    assert check(tmp_path / "e").valid
    assert "names no registration" in not_made(tmp_path / "e")["E5"]
    cases.picture(tmp_path / "e" / "original.png", 4)
    assert failed(tmp_path / "e") == {"E5": "the original is another file than the certificate's"}


def test_a_changed_certificate(folder: Path) -> None:
    file = folder / "certificate.json"
    content = json.loads(file.read_text())
    content["claim"]["claimant"]["subject"] = "Eve"
    file.write_text(json.dumps(content))
    assert failed(folder) == {"E1": "the certificate's signature is false"}
    assert set(not_made(folder).values()) == {"the certificate is not valid"}
    file.write_text("{")
    assert "not JSON" in failed(folder)["E1"]


def test_a_certificate_of_another_service(folder: Path) -> None:
    key = SigningKey(b"\x02" * 32)
    said = check(folder).statement
    forged = sign_certificate(key, replace(said, service_key=key.public))
    (folder / "certificate.json").write_bytes(forged)
    assert "a key that the key set does not have" in failed(folder)["E1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enrollment_id": "e2"}, "of another enrolment than the certificate"),
        ({"created_at": 5}, "of another enrolment than the certificate"),
        ({"device_key": b"d" * 32}, "of another enrolment than the certificate"),
        ({"subject": "Eve"}, "names another owner than the certificate"),
    ],
)
def test_a_swapped_enrolment_receipt(folder: Path, change: dict[str, object], message: str) -> None:
    put(folder, "enrollment.receipt.json", cases.receipt_of(replace(cases.ENROLLED, **change)))
    assert message in failed(folder)["E2"]
    assert set(failed(folder)) == {"E2"}


def test_receipts_of_another_log(folder: Path) -> None:
    put(folder, "enrollment.receipt.json", cases.receipt_of(cases.ENROLLED, OTHER_LOG))
    assert failed(folder)["E2"].startswith("enrollment.receipt.json: L3: ")


def test_receipts_in_each_other_s_place(folder: Path) -> None:
    one, other = folder / "enrollment.receipt.json", folder / "registration.receipt.json"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert "is a registration's receipt" in failed(folder)["E2"]
    assert "is an enrolment's receipt" in failed(folder)["E3"]


def test_the_receipt_of_another_registration(folder: Path) -> None:
    receipt = cases.registered(folder / "original.jpg", "r2")
    put(folder, "registration.receipt.json", receipt)
    assert "is not of the certificate's registration" in failed(folder)["E3"]
    why = dict.fromkeys(("E5", "E6"), "the registration's receipt is not valid")
    assert not_made(folder) == {**why, "E7": NO_PROOF}


def test_a_receipt_of_another_photo_under_the_same_id(folder: Path, tmp_path: Path) -> None:
    other = cases.registered(cases.picture(tmp_path / "other.png", 5))
    put(folder, "registration.receipt.json", other)
    assert "neither file nor pixels are registered" in failed(folder)["E5"]
    assert "names another registration" in failed(folder)["E6"]


def test_a_registration_that_the_certificate_does_not_name(tmp_path: Path) -> None:
    case = cases.bare_case(tmp_path)
    write(tmp_path / "evidence", case, None)
    put(tmp_path / "evidence", "registration.receipt.json", cases.registered(case.copy))
    assert "names no registration" in failed(tmp_path / "evidence")["E3"]


def test_another_copy(folder: Path) -> None:
    cases.picture(folder / "copy.jpg", 6)
    assert failed(folder) == {"E4": "the copy is another file than the one that was claimed"}


def test_another_original(folder: Path) -> None:
    cases.picture(folder / "original.jpg", 7)
    assert failed(folder) == {"E5": "the original is another file than the certificate's"}


def test_a_manifest_of_another_photo(folder: Path, tmp_path: Path) -> None:
    """Signed as it should be, with this very receipt, on a photo that is not the registered one."""
    from grainseal.client.provenance import with_manifest
    from grainseal.client.provenance_keys import vault_credential

    other = cases.picture(tmp_path / "other.jpg", 8).read_bytes()
    receipt = cases.registered(folder / "original.jpg")
    signed = with_manifest(other, "image/jpeg", receipt, "Dunes", vault_credential(tmp_path))
    (folder / "provenance.jpg").write_bytes(signed)
    assert failed(folder) == {"E6": "the C2PA manifest is on another photo than the registered"}


def test_a_manifest_of_another_registration(folder: Path, tmp_path: Path) -> None:
    from grainseal.client.provenance import with_manifest
    from grainseal.client.provenance_keys import vault_credential

    photo = (folder / "original.jpg").read_bytes()
    receipt = cases.registered(folder / "original.jpg", "r2")
    signed = with_manifest(photo, "image/jpeg", receipt, "Dunes", vault_credential(tmp_path))
    (folder / "provenance.jpg").write_bytes(signed)
    assert failed(folder) == {"E6": "the C2PA manifest names another registration"}


def test_pixels_changed_after_signing(folder: Path) -> None:
    file = folder / "provenance.jpg"
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    assert "the file was changed after it was signed" in failed(folder)["E6"]


def test_a_photo_without_its_manifest(folder: Path) -> None:
    shutil.copy(folder / "original.jpg", folder / "provenance.jpg")
    assert failed(folder) == {"E6": "the photo has no C2PA manifest"}


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("certificate.json", "E1"),
        ("enrollment.receipt.json", "E2"),
        ("registration.receipt.json", "E3"),
        ("copy.jpg", "E4"),
        ("original.jpg", "E5"),
    ],
)
def test_a_missing_file(folder: Path, name: str, check: str) -> None:
    (folder / name).unlink()
    assert failed(folder) == {check: f"the folder has no {name.removesuffix('.jpg')}"}


def test_two_copies_are_none(folder: Path) -> None:
    cases.picture(folder / "copy.png", 9)
    assert failed(folder) == {"E4": "the folder has 2 files named copy"}


def test_no_photo_at_all(folder: Path) -> None:
    (folder / "copy.jpg").write_text("no photo")
    (folder / "provenance.jpg").write_text("no photo")
    assert "cannot be read" in failed(folder)["E4"]
    assert "is no photo that carries a C2PA manifest" in failed(folder)["E6"]


def test_without_c2pa_a_manifest_is_not_taken_for_valid(folder: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    done = check(folder)
    assert done.steps[-1].check == "E6"
    assert "pip install grainseal[c2pa]" in (done.problem or "")


def test_why_there_is_no_manifest(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    write(tmp_path / "evidence", cases.full_case(tmp_path), tmp_path / "vault")
    assert not (tmp_path / "evidence" / "provenance.jpg").exists()
    assert "c2pa is not installed" in (tmp_path / "evidence" / "report.html").read_text()
    assert not (tmp_path / "vault" / "c2pa").exists()


def test_never_half_a_folder(tmp_path: Path, monkeypatch) -> None:
    def full(path: Path, content: bytes) -> None:
        if path.name.startswith("copy"):
            raise ClientError("cannot write: No space left on device")
        output_files.write_new(path, content)

    monkeypatch.setattr(evidence, "write_new", full)
    case, place = cases.bare_case(tmp_path), tmp_path / "here"
    place.mkdir()
    with pytest.raises(ClientError, match="No space"):
        write(place / "evidence", case, None)
    assert [each for each in place.rglob("*") if each.is_file()] == []
    monkeypatch.undo()
    write(place / "evidence", case, None)
    assert [each.name for each in place.iterdir()] == ["evidence"]
    with pytest.raises(ClientError, match="is not empty"):
        write(place / "evidence", case, None)


def test_a_photo_that_changed_since(tmp_path: Path) -> None:
    case = cases.bare_case(tmp_path)
    cases.picture(case.copy, 10)
    with pytest.raises(ClientError, match="not the file that was claimed"):
        write(tmp_path / "evidence", case, None)


def test_the_command(folder: Path, program: Program, tmp_path: Path) -> None:
    keys, log = tmp_path / "jwks.json", tmp_path / "log.vkey"
    keys.write_text(cases.KEY_SET)
    log.write_text(f"{cases.LOG.verifier}\n")
    line = ["evidence", "verify", folder, "--log-key", log, "--service-keys", keys]
    assert program(*line) == 0, program.err
    assert [each[:2] for each in program.out.splitlines()[:6]] == [f"E{n}" for n in range(1, 7)]
    assert "valid: claim c1 by Ann of shop: proven" in program.out
    assert program(*line, "--json") == 0
    assert (program.json["valid"], program.json["verdict"]) == (True, "proven")

    cases.picture(folder / "copy.jpg", 11)
    assert program(*line) == 1
    assert "E4 FAILED" in program.out
    assert "not valid: the copy is another file" in program.err
    assert program(*line, "--json") == 1
    assert program.json["valid"] is False
    assert "verdict" not in program.json

    for wrong, message in (
        (["evidence", "verify", tmp_path / "none", *line[3:]], "is no folder"),
        ([*line[:4], "nonsense", *line[5:]], "no verifier key"),
        ([*line[:6], log], "has no keys to verify by"),
    ):
        assert program(*wrong) == 2, message
        assert message in program.err
