"""Claim proofs from enrolment to `proof verify`, against a real service: made, bound, refused."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.client import evidence_cases as cases
from tests.client.copyright_device import PASSPHRASE, ClaimDevice, jpeg, taken
from tests.client.program import Program, connection

from grainseal.client import ClientError, Vault
from grainseal.client.vault_state import VaultState

if sys.version_info < (3, 11):
    pytest.skip("claim proofs need Python 3.11", allow_module_level=True)

from grainseal.client import proof_probe
from grainseal.client.committing import unpacked
from grainseal.client.errors import NotProvable, PhotosRefused
from grainseal.client.evidence_checks import verify_evidence
from grainseal.client.key_file import CODE_KEPT, generate_key_file
from grainseal.client.photos import developed_file
from grainseal.client.proof_acceptance import SKEW_SECONDS
from grainseal.client.proof_checks import verify_proof
from grainseal.client.proving import prove_claim
from grainseal.client.stamping import read_receipt
from grainseal.client.used_photos import marked, with_template
from grainseal.client.watching import read_log_keys
from grainseal.crypto.claim_proof import ClaimProof, parse_claim_proof
from grainseal.crypto.proof.commitment import CommittedCode, commit, parse_commitment, usual_block
from grainseal.crypto.proof.signs_proof import verify_signs
from grainseal.crypto.tokens import keys_of_jwks

FEW_STEPS = 16_384 // 1024  # what two machines' probes may differ by


@dataclass(frozen=True)
class Owner:
    """An enrolled vault, its receipt, a copy of an own photo, and the proof of it."""

    vault: Path
    receipt: Path
    copy: Path
    proof: Path

    @property
    def made(self) -> ClaimProof:
        return parse_claim_proof(self.proof.read_bytes())


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)


def owner(service, folder: Path, shots, camera: int) -> Owner:
    told: list[tuple[str, int, int]] = []
    with ClaimDevice(service, folder / "v") as device:
        device.enroll_quickly(shots.enroll, proofs=True, proving=lambda *each: told.append(each))
        receipt = device.client.receipt()
    assert {stage for stage, _, _ in told} == {"commit", "multiply", "fold"}
    assert told[-1] == ("fold", 10, 10)
    (folder / "receipt.json").write_text(receipt.to_json())
    copy = jpeg(taken(folder, 90, camera), folder / "copy.jpg")
    with Vault.open(folder / "v", PASSPHRASE) as vault:
        made = prove_claim(vault, copy, receipt, purpose="licence")
    (folder / "proof.json").write_text(made.to_json())
    return Owner(folder / "v", folder / "receipt.json", copy, folder / "proof.json")


@pytest.fixture(scope="module")
def mine(service, alice, tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return owner(service, tmp_path_factory.mktemp("mine"), alice, 101)


@pytest.fixture(scope="module")
def theirs(service, mallory, tmp_path_factory: pytest.TempPathFactory) -> Owner:
    """Another camera of the model, enrolled with the same service."""
    return owner(service, tmp_path_factory.mktemp("theirs"), mallory, 102)


@pytest.fixture(scope="module")
def log_key(service) -> Path:
    return service.local.data / "log.vkey"


@pytest.fixture
def verify(program: Program, mine: Owner, log_key: Path, tmp_path: Path):
    """Runs `proof verify` on a changed proof; what it said."""

    def run(proof: ClaimProof | bytes, photo: Path = mine.copy, key: object = log_key) -> Any:
        data = proof if isinstance(proof, bytes) else proof.to_json().encode()
        (tmp_path / "shown.json").write_bytes(data)
        line = ["proof", "verify", tmp_path / "shown.json", "--photo", photo, "--log-key", key]
        status = program(*line, "--json")
        assert status == (0 if program.json["valid"] else 1)
        if status:
            assert program.err.startswith(f"not valid: {program.json['failed']}: ")
            assert "statement" not in program.json
        return program.json

    return run


def test_what_is_in_the_vault_and_in_the_log(mine: Owner) -> None:
    with Vault.open(mine.vault, PASSPHRASE) as vault:
        state = vault.state
    assert state.enrollment is not None
    assert state.enrollment.claims is not None
    kept = state.enrollment.claims.proofs
    assert kept is not None
    assert len(kept.code) == 16_384 // 8
    assert VaultState.from_bytes(state.to_bytes()) == state
    secret = CommittedCode(unpacked(kept.code), kept.seed, usual_block(16_384))
    assert commit(secret).encoded == kept.commitment
    leaf = bytes.fromhex(json.loads(mine.receipt.read_text())["entry"]["claim_template_sha256"])
    assert mine.made.template.sha256 == leaf
    verify_signs(parse_commitment(kept.commitment), leaf, kept.signs)


def test_made_and_verified_from_the_command_line(
    program: Program, mine: Owner, log_key: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.json"
    line = ["proof", "make", mine.copy, "--vault", mine.vault, "--receipt", mine.receipt]
    assert program(*line, "--out", out, "--purpose", "takedown", "--json") == 0, program.err
    assert program.json["proof"] == str(out)
    assert program.json["statement"]["purpose"] == "takedown"
    assert out.stat().st_mode & 0o077 == 0
    assert program(*line, "--out", out) == 2
    assert "exists" in program.err
    check = ["proof", "verify", out, "--photo", mine.copy, "--log-key", log_key]
    assert program(*check) == 0, program.err
    steps = [row.split()[:2] for row in program.out.splitlines()[:9]]
    assert steps == [[f"O{n}", "passed"] for n in range(1, 10)]
    assert "valid: a match of the code that alice of shop committed to" in program.out
    assert "purpose    takedown" in program.out
    assert program(*check, "--json") == 0
    said = program.json
    assert (said["valid"], said["failed"], said["distance"]) == (True, None, 0)
    assert said["statement"]["placement"]["scale"] == ["1.00000", "1.00000"]
    assert (said["claimant"], said["profile"]) == (
        {"subject": "alice", "issuer": "shop"},
        "CLAIM_TESTING",
    )
    assert said["statement"]["made_at"] >= said["enrolled_at"] > 0
    assert program(*check, "--purpose", "takedown") == 0
    assert program(*check, "--purpose", "licence", "--json") == 1
    assert (program.json["valid"], program.json["failed"]) == (False, "O9")
    assert "the claim proof is for 'takedown', not for 'licence'" in program.err
    assert "statement" not in program.json


def test_a_code_committed_to_in_one_block(
    service, alice, program: Program, log_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As enrolments of this profile once were: their vaults go on proving."""
    monkeypatch.setattr("grainseal.client.committing.usual_block", lambda length: length)
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll, proofs=True)
        receipt = device.client.receipt()
    copy, proof = jpeg(taken(tmp_path, 90, 101), tmp_path / "copy.jpg"), tmp_path / "proof.json"
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        made = prove_claim(vault, copy, receipt, purpose="licence")
    assert len(parse_commitment(made.commitment).points) == 1
    proof.write_text(made.to_json())
    assert program("proof", "verify", proof, "--photo", copy, "--log-key", log_key) == 0


# Refused -----------------------------------------------------------------------------------------


def test_another_photo(verify, mine: Owner, tmp_path: Path) -> None:
    other = jpeg(taken(tmp_path, 91), tmp_path / "other.jpg")
    said = verify(mine.made, photo=other)
    assert (said["failed"], said["problem"]) == ("O4", "the claim proof is of another photo")
    assert [each["check"] for each in said["not_made"]] == ["O5", "O6", "O7", "O8", "O9"]
    renamed = replace(mine.made.statement, photo_sha256=developed_file(other, "x").sha256)
    said = verify(replace(mine.made, statement=renamed), photo=other)
    assert said["failed"] == "O6"
    assert "its probe differs too much" in said["problem"]


def test_the_same_picture_saved_again(verify, mine: Owner, tmp_path: Path) -> None:
    again = jpeg(mine.copy, tmp_path / "again.jpg", quality=80)
    assert verify(mine.made, photo=again)["failed"] == "O4"


def test_another_camera_s_commitment(verify, mine: Owner, theirs: Owner) -> None:
    """Mallory's logged enrolment, with the proof that Alice made of her own photo."""
    whose = {
        name: getattr(theirs.made, name)
        for name in ("template", "positions", "commitment", "signs", "receipt")
    }
    stolen = replace(mine.made, **whose)
    assert verify(stolen)["failed"] == "O4"
    renamed = replace(theirs.made.statement, photo_sha256=mine.made.statement.photo_sha256)
    assert verify(replace(stolen, statement=renamed))["failed"] == "O6"
    assert verify(replace(mine.made, commitment=theirs.made.commitment))["failed"] == "O3"


def test_another_camera_proves_nothing(mine: Owner, theirs: Owner, program: Program) -> None:
    out = theirs.vault.parent / "none.json"
    line = ["proof", "make", mine.copy, "--vault", theirs.vault, "--receipt", theirs.receipt]
    assert program(*line, "--out", out) == 1
    assert "does not match the enrolled camera" in program.err
    assert program(*line, "--out", out, "--json") == 1
    assert program.json["proven"] is False
    assert not out.exists()


def test_a_commitment_that_is_not_in_the_log(verify, mine: Owner, elsewhere) -> None:
    said = verify(mine.made, key=elsewhere.data / "log.vkey")
    assert said["failed"] == "O2"
    assert "not proven to be logged: L3" in said["problem"]
    fresh = commit(CommittedCode(np.ones(16_384, np.int8), bytes(32), usual_block(16_384)))
    template = replace(mine.made.template, commitment_sha256=fresh.sha256)
    said = verify(replace(mine.made, commitment=fresh.encoded, template=template))
    assert (said["failed"], said["problem"]) == ("O3", "the enrolment has another claim template")
    receipt = json.loads(mine.receipt.read_text())
    receipt["entry"]["claim_template_sha256"] = template.sha256.hex()
    forged = replace(
        mine.made, commitment=fresh.encoded, template=template, receipt=json.dumps(receipt)
    )
    said = verify(forged)
    assert said["failed"] == "O2"
    assert "not proven to be logged: L2" in said["problem"]


def test_replayed_to_another_claimant_or_purpose(verify, mine: Owner, theirs: Owner) -> None:
    said = theirs.made.statement
    renamed = replace(
        mine.made.statement, enrollment_id=said.enrollment_id, device_key=said.device_key
    )
    assert verify(replace(mine.made, statement=renamed))["failed"] == "O4"
    taken_over = replace(mine.made, statement=renamed, receipt=theirs.made.receipt)
    assert verify(taken_over)["failed"] == "O3"
    for change in ({"purpose": "sale"}, {"made_at": mine.made.statement.made_at + 1}):
        changed = replace(mine.made, statement=replace(mine.made.statement, **change))
        assert verify(changed)["failed"] == "O8"


def test_made_later_than_now(verify, mine: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claimant whose clock is wrong, or who wants the proof to look fresh for longer."""
    now = mine.made.statement.made_at
    for made_at, failed in ((now + SKEW_SECONDS, None), (now + SKEW_SECONDS + 1, "O9")):
        with Vault.open(mine.vault, PASSPHRASE) as vault:
            receipt, clock = read_receipt(mine.receipt), partial(float, made_at)
            made = prove_claim(vault, mine.copy, receipt, clock=clock)
        assert made.statement.made_at == made_at
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda: float(now))
            assert verify(made)["failed"] == failed


def test_a_changed_threshold(verify, mine: Owner) -> None:
    good = mine.made
    assert verify(replace(good, low=good.low + 1))["failed"] == "O8"
    for change in ({"low": good.low - FEW_STEPS - 1}, {"high": good.high + FEW_STEPS + 1}):
        said = verify(replace(good, **change))
        assert said["failed"] == "O6"
        assert "the window is wider than the profile's" in said["problem"]
    # within what the window was narrowed by it is wide enough for the profile: but not proven
    assert verify(replace(good, low=good.low - 1))["failed"] == "O8"


def test_signs_of_another_enrolment(verify, mine: Owner, theirs: Owner) -> None:
    assert verify(replace(mine.made, signs=theirs.made.signs))["failed"] == "O7"


def test_positions_that_break_the_quotas(verify, mine: Owner) -> None:
    """Logged all the same, by a log that nobody checks uploads for."""
    bits = np.unpackbits(np.frombuffer(mine.made.positions, np.uint8))
    moved = bits.copy()
    moved[np.flatnonzero(bits)[0]], moved[np.flatnonzero(bits == 0)[-1]] = 0, 1
    bitmap = np.packbits(moved).tobytes()
    for positions, problem in (
        (bitmap, "do not meet the quota"),
        (bitmap + b"\0", "are 65536 bits"),
    ):
        hashed = hashlib.sha256(positions).digest()
        template = replace(mine.made.template, positions_sha256=hashed)
        entry = replace(cases.ENROLLED, claim_template_sha256=template.sha256)
        said = replace(
            mine.made.statement, enrollment_id=entry.enrollment_id, device_key=entry.device_key
        )
        receipt = cases.receipt_of(entry).to_json()
        forged = replace(
            mine.made, positions=positions, template=template, statement=said, receipt=receipt
        )
        found = verify(forged, key=cases.LOG.verifier)
        assert found["failed"] == "O5"
        assert problem in found["problem"]


def test_truncated(verify, mine: Owner) -> None:
    data = mine.proof.read_bytes()
    for length in (0, len(data) // 2, len(data) - 2):
        assert verify(data[:length])["failed"] == "O1"
    assert verify(replace(mine.made, score=mine.made.score[:-32]))["failed"] == "O8"
    assert verify(replace(mine.made, signs=mine.made.signs[:-48]))["failed"] == "O7"


def test_another_place_on_the_frame(verify, mine: Owner) -> None:
    place = mine.made.statement.placement
    for change in (
        {"turns": 2},
        {"mirrored": True},
        {"origin": ("8.0", "0.0")},
        {"scale": ("0.99999", "1.00000")},
    ):
        lies = replace(place, **change)
        said = replace(mine.made.statement, placement=lies)
        assert verify(replace(mine.made, statement=said))["failed"] == "O6", change
    for change in ({"scale": ("0.20000", "0.20000")}, {"origin": ("512.0", "0.0")}):
        said = replace(mine.made.statement, placement=replace(place, **change))
        assert verify(replace(mine.made, statement=said))["failed"] == "O5", change


def test_unusable_input(program: Program, mine: Owner, log_key: Path, tmp_path: Path) -> None:
    (tmp_path / "none.jpg").write_text("no photo")
    good = {"proof": mine.proof, "photo": mine.copy, "key": log_key}
    for change, message in (
        ({"proof": tmp_path / "missing"}, "does not exist"),
        ({"photo": tmp_path / "none.jpg"}, "none.jpg"),
        ({"photo": tmp_path / "missing.jpg"}, "cannot read"),
        ({"key": "nonsense"}, "no verifier key"),
    ):
        use = {**good, **change}
        line = ["proof", "verify", use["proof"], "--photo", use["photo"], "--log-key", use["key"]]
        assert program(*line) == 2, change
        assert message in program.err


# The photo, placed and read -----------------------------------------------------------------------


def turned(photo: Path, file: Path, turns: int, mirrored: bool) -> Path:
    """As a web site turned it, with the pixels it had."""
    with Image.open(photo) as image:
        pixels = np.rot90(np.asarray(image), -turns)
    Image.fromarray(pixels[:, ::-1] if mirrored else pixels).save(file)
    return file


@pytest.mark.parametrize(("turns", "mirrored"), [(1, True)])
def test_turned_and_mirrored_copies(
    mine: Owner, log_key: Path, tmp_path: Path, turns: int, mirrored: bool
) -> None:
    copy = turned(mine.copy, tmp_path / "turned.png", turns, mirrored)
    found = check_proven(mine, copy, log_key)
    assert (found.turns, found.mirrored) == (turns, mirrored)


def test_a_reduced_copy(mine: Owner, log_key: Path, tmp_path: Path) -> None:
    with Image.open(taken(tmp_path, 92)) as image:
        image.resize((431, 431), Image.Resampling.LANCZOS).save(tmp_path / "small.png")
    found = check_proven(mine, tmp_path / "small.png", log_key)
    assert found.scale == ("0.84180", "0.84180")


def test_a_cropped_copy_needs_the_original_and_a_higher_score(
    mine: Owner, log_key: Path, tmp_path: Path
) -> None:
    original = taken(tmp_path, 93)
    with Image.open(original) as image:
        image.crop((24, 40, 504, 500)).save(tmp_path / "crop.png")
    with pytest.raises(ClientError, match="give the original"):
        check_proven(mine, tmp_path / "crop.png", log_key)
    found = check_proven(mine, tmp_path / "crop.png", log_key, original)
    assert (found.scale, found.origin) == (("1.00000", "1.00000"), ("40.0", "24.0"))


def check_proven(mine: Owner, copy: Path, log_key: Path, original: Path | None = None):
    """Prove and verify; the placement."""
    with Vault.open(mine.vault, PASSPHRASE) as vault:
        made = prove_claim(vault, copy, read_receipt(mine.receipt), original=original)
    photo = developed_file(copy, "x").photo
    done = verify_proof(made.to_json().encode(), read_log_keys(str(log_key)), photo)
    assert done.valid, (done.failed, done.problem)
    return made.statement.placement


def test_a_photo_that_was_enrolled_is_too_good(mine: Owner, alice) -> None:
    with (
        Vault.open(mine.vault, PASSPHRASE) as vault,
        pytest.raises(NotProvable, match="used to enrol"),
    ):
        prove_claim(vault, alice.enroll[0], read_receipt(mine.receipt))


@pytest.mark.parametrize(
    ("error", "holds"), [(1e-5, True), (1e-4, True), (1e-2, False)], ids=lambda each: str(each)
)
def test_a_probe_that_another_machine_computed(
    verify, mine: Owner, monkeypatch: pytest.MonkeyPatch, error: float, holds: bool
) -> None:
    """Features that differ in their last digits; every step of difference counts against her."""
    real, rng = proof_probe.copy_features, np.random.default_rng(5)

    def elsewhere(*arguments: Any) -> Any:
        values = real(*arguments)
        return values + error * values.std() * rng.standard_normal(values.size, np.float32)

    monkeypatch.setattr(proof_probe, "copy_features", elsewhere)
    said = verify(mine.made)
    assert said["valid"] is holds
    if holds:
        assert said["distance"] <= FEW_STEPS
    else:
        assert said["failed"] == "O6"


def test_without_the_instructions_of_a_newer_processor(mine: Owner, log_key: Path) -> None:
    """The same check by numpy's plainest loops."""
    line = [sys.executable, "-m", "grainseal.cli", "proof", "verify", str(mine.proof), "--json"]
    line += ["--photo", str(mine.copy), "--log-key", str(log_key)]
    plain = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    known = np._core._multiarray_umath.__cpu_dispatch__
    disabled = " ".join(each for each in plain.split() if each in known)
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
    done = subprocess.run(line, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["distance"] <= FEW_STEPS


# Enrolments, claims, evidence ---------------------------------------------------------------------


def test_enrolled_renewed_and_claimed_by_commands(
    program: Program, service, alice, log_key: Path, tmp_path: Path
) -> None:
    where, vault = connection(service, tmp_path / "v"), tmp_path / "v"
    claims = ["--claims", "--claim-profile", "CLAIM_TESTING"]
    line = ["enroll", *where, "--subject", "alice", "--ticket", service.ticket("alice")]
    line += ["--profile", "TESTING", *alice.enroll]
    assert program(*line, "--proofs") == 2
    assert "go with a claim template: --claims" in program.err
    assert program(*line, *claims) == 0, program.err
    photo = taken(tmp_path, 94)
    copy, folder = jpeg(photo, tmp_path / "copy.jpg"), tmp_path / "evidence"
    claim = ["claim", copy, *where, "--proof", "--fresh", *alice.probe]
    assert program(*claim) == 2
    assert "--proof goes with --out" in program.err
    assert program(*claim, "--out", folder) == 2
    assert "renew --claims --proofs" in program.err
    renewal = ["renew", *where, "--claim-photos", alice.enroll[0].parent]
    assert program(*renewal, "--claims", "--proofs", *alice.later) == 0, program.err
    with Vault.open(vault, PASSPHRASE) as opened:
        kept = opened.state.enrollment.claims.proofs  # type: ignore[union-attr]
    assert kept is not None

    assert program(*claim, "--out", folder, "--json") in (0, 1), program.err
    assert program.json["proof"] is True
    check = ["proof", "verify", folder / "proof.json", "--photo", folder / "copy.jpg"]
    assert program(*check, "--log-key", log_key) == 0, program.err
    keys = ["--log-key", log_key, "--service-keys", service.local.data / "jwks.json"]
    assert program("evidence", "verify", folder, *keys) == 0, program.err
    assert "E7 passed" in program.out

    true = (folder / "proof.json").read_bytes()
    made_at = parse_claim_proof(true).statement.made_at
    with Vault.open(vault, PASSPHRASE) as opened:
        receipt = read_receipt(folder / "enrollment.receipt.json")
        other = prove_claim(opened, folder / "copy.jpg", receipt, purpose="licence")
    (folder / "proof.json").write_text(other.to_json())
    assert program("evidence", "verify", folder, *keys, "--json") == 1
    assert program.json["problem"] == (
        "proof.json: O9: the claim proof is for 'licence', not for 'claim'"
    )
    (folder / "proof.json").write_bytes(true)
    service_keys = keys_of_jwks((service.local.data / "jwks.json").read_text())
    for ago, valid in ((SKEW_SECONDS, True), (SKEW_SECONDS + 1, False)):
        log_keys = read_log_keys(str(log_key))
        done = verify_evidence(folder, log_keys, service_keys, partial(float, made_at - ago))
        assert done.valid is valid, done.problem

    shutil.copy(jpeg(photo, tmp_path / "other.jpg", 70), folder / "copy.jpg")
    assert program("evidence", "verify", folder, *keys, "--json") == 1
    failed = {each["check"]: each["problem"] for each in program.json["steps"] if each["problem"]}
    assert set(failed) == {"E4", "E7"}
    assert failed["E7"] == "proof.json: O4: the claim proof is of another photo"


def test_a_true_proof_of_somebody_else_is_no_evidence(
    program: Program, service, mine: Owner, theirs: Owner, alice, tmp_path: Path
) -> None:
    """Of the very copy, by another enrolment that has it in the log."""
    where, folder = connection(service, theirs.vault), tmp_path / "evidence"
    shots = mallory_probe(theirs)
    line = ["claim", mine.copy, *where, "--fresh", *shots, "--proof", "--out", folder, "--json"]
    assert program(*line) == 3, program.err
    assert program.json["proof"] is False
    assert "no proof: " in program.err
    assert not (folder / "proof.json").exists()
    shutil.copy(mine.proof, folder / "proof.json")
    keys = ["--log-key", service.local.data / "log.vkey"]
    keys += ["--service-keys", service.local.data / "jwks.json"]
    assert program("evidence", "verify", folder, *keys, "--json") == 1
    assert program.json["problem"] == "proof.json is of another claimant than the certificate"


def test_no_key_of_a_template_s_photos(service, mallory, tmp_path: Path) -> None:
    """The kept code and the key file would give it back, without the camera."""
    testing: Any = {"profile": "FUZZY_TESTING", "allow_testing_profiles": True}
    first, second = tmp_path / "first", tmp_path / "second"
    with ClaimDevice(service, tmp_path / "v") as device:
        plain = generate_key_file(first, device.vault, mallory.later, **testing)
        with pytest.raises(PhotosRefused, match=r"a key was made of .*: take other photos"):
            device.client.enroll(
                "alice",
                service.ticket("alice"),
                mallory.enroll,
                profile="TESTING",
                claims=True,
                claim_photos=[*mallory.enroll, mallory.later[0]],
                claim_profile="CLAIM_TESTING",
                proofs=True,
            )
        assert device.vault.state.enrollment is None
        device.enroll(mallory.enroll, proofs=True)
        state = device.vault.state
        assert len(state.proof_photos) == len(mallory.enroll)
        assert VaultState.from_bytes(state.to_bytes()) == state
        with pytest.raises(PhotosRefused, match="a claim template with proofs was made of"):
            generate_key_file(second, device.vault, mallory.enroll, **testing)
        warned = generate_key_file(second, device.vault, mallory.probe, **testing)
    assert (plain.warnings, warned.warnings) == ((), (CODE_KEPT,))
    marks = state.proof_photos
    assert with_template(state, marks).proof_photos == marks  # a renewal may take them again
    for refused, state in (
        (with_template, VaultState(b"d" * 32, key_photos=marks)),
        (marked, VaultState(b"d" * 32, proof_photos=marks)),
    ):
        with pytest.raises(PhotosRefused):
            refused(state, marks)


def mallory_probe(theirs: Owner) -> list[Path]:
    from grainseal.models.simulator import VirtualCamera, take_burst

    return take_burst(VirtualCamera(102, 512, 512), 3, theirs.vault.parent / "fresh", seed=61)


def test_before_python_3_11_the_error_is_clear(
    program: Program, service, alice, mine: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith("grainseal.crypto.proof")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "version_info", (3, 10, 14, "final", 0))
    line = ["enroll", *connection(service, tmp_path / "v"), "--subject", "alice", "--ticket", "t"]
    line += ["--profile", "TESTING", "--claims", "--claim-profile", "CLAIM_TESTING", "--proofs"]
    check = ["proof", "verify", mine.proof, "--photo", mine.copy, "--log-key", "x"]
    make = ["proof", "make", mine.copy, "--vault", mine.vault, "--receipt", mine.receipt]
    for words in ([*line, *alice.enroll], check, [*make, "--out", tmp_path / "p"]):
        assert program(*words) == 2
        assert "need Python 3.11 or later" in program.err
