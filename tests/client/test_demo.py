"""The demo: which photos it takes, what it says of the others, and what the service decides."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from tests.client.copyright_device import PASSPHRASE, ClaimDevice, taken
from tests.real_photos import ENROLLED, RealPhotos

from grainseal.cli import run
from grainseal.client.demo import (
    RELYING_PARTY,
    Decision,
    Fingerprints,
    SavedFingerprint,
    extract_all,
    fitted,
    run_demo,
)
from grainseal.client.demo_checks import Check, PublicKeys
from grainseal.client.demo_claim_photos import Claimant, ClaimPlan, plan_claims
from grainseal.client.demo_claims import ClaimMade, ClaimStory, make_room, run_claims
from grainseal.client.demo_keys import run_keys
from grainseal.client.demo_photos import (
    Found,
    PhotoSet,
    Plan,
    plan_demo,
    require_cameras,
    worker_pool,
)
from grainseal.client.demo_proof import COPY, REGISTERED, ProofShown, Refusal, show_proof
from grainseal.client.demo_service import LocalService
from grainseal.client.demo_told import as_json, print_claims, print_keys
from grainseal.client.errors import ClientError, NotProvable
from grainseal.client.evidence_checks import PROOF
from grainseal.client.report import ClaimsShown, claims_shown, environment, write_report
from grainseal.client.vault import Vault
from grainseal.client.watching import read_log_keys
from grainseal.crypto.profiles import AUTH_JPEG_V1, AUTH_RAW_V1
from grainseal.models.codes import code_for
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.server import admin

SIDE = 2048  # just large enough for 16,384 blocks of 16 x 16


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return take_burst(VirtualCamera(5, SIDE, SIDE), 4, tmp_path_factory.mktemp("burst"))


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def silent(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def fill(folder: Path, photos: list[Path]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        shutil.copy(photo, folder)
    return folder


def test_first_photos_enrol_and_later_ones_probe(
    tmp_path: Path, burst: list[Path], pool: Executor
) -> None:
    fill(tmp_path / "one", burst)
    fill(tmp_path / "two", burst[:2])
    fill(tmp_path / ".hidden", burst)
    (tmp_path / "one" / "notes.txt").write_text("no photo")
    plan = plan_demo(pool, tmp_path, None, 2, 4)
    (camera,), (probe,) = plan.enrolled, plan.probes
    assert (camera.camera, probe.camera) == ("one", "one")
    assert [path.name for path in camera.paths + probe.paths] == [path.name for path in burst]
    assert camera.frame == (SIDE, SIDE)
    assert any(re.match("two: left out: 2 usable photos, at least 3", note) for note in plan.notes)
    assert any("only one camera" in note for note in plan.notes)


def test_what_cannot_be_used_is_named(tmp_path: Path, burst: list[Path], pool: Executor) -> None:
    folder = fill(tmp_path / "one", burst[:3])
    shutil.copy(burst[0], folder / "photo_000000_copy.jpg")
    (folder / "a_damaged.jpg").write_bytes(burst[3].read_bytes()[:1000])
    take_burst(VirtualCamera(6, 1024, 512), 1, folder, seed=7)
    plan = plan_demo(pool, tmp_path, None, 2, 1)
    taken = plan.enrolled[0].paths + plan.probes[0].paths
    assert [path.name for path in taken] == [path.name for path in burst[:3]]
    told = "\n".join(plan.notes)
    assert "a_damaged.jpg" in told
    assert "photo_000000_copy.jpg is a copy" in told
    assert "photo_007000.jpg: not 2048x2048 like the others" in told


def test_photos_that_are_too_small(tmp_path: Path, alice, pool: Executor) -> None:
    fill(tmp_path / "tiny", alice.enroll)
    plan = plan_demo(pool, tmp_path, None, 2, 1)
    assert "photos of 512x512 are too small" in plan.notes[0]
    with pytest.raises(ClientError, match="can be enrolled"):
        require_cameras(plan)


def test_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--photos", str(tmp_path)]) == 2
    assert "put each camera's photos in a folder of its own" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(["demo", "--photos", str(tmp_path)]) == 2
    told, error = capsys.readouterr().err.splitlines()
    assert told.startswith("empty: left out: 0 usable photos, at least 7 are needed")
    assert error.startswith("grainseal: no camera can be enrolled")


def test_probes_from_elsewhere(tmp_path: Path, burst: list[Path], pool: Executor) -> None:
    fill(tmp_path / "photos" / "one", burst[:2])
    fill(tmp_path / "probes" / "one", burst[1:])
    fill(tmp_path / "probes" / "stranger", burst[3:])
    plan = plan_demo(pool, tmp_path / "photos", tmp_path / "probes", 2, 4)
    assert [each.camera for each in plan.enrolled] == ["one"]
    assert [each.camera for each in plan.probes] == ["one", "stranger"]
    # What was enrolled is no probe: its score would be too good to be true.
    assert [path.name for path in plan.probes[0].paths] == [path.name for path in burst[2:]]
    (tmp_path / "none" / "one").mkdir(parents=True)
    with pytest.raises(ClientError, match="to probe with"):
        require_cameras(plan_demo(pool, tmp_path / "photos", tmp_path / "none", 2, 4))


@pytest.mark.parametrize("shape", [(40, 60), (30, 70), (50, 50), (11, 13)])
def test_another_frame_is_forced_into_the_enrolled_one(shape: tuple[int, int]) -> None:
    values = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    taken = Fingerprint(values, "raw", 1)
    enrolled = Fingerprint(np.zeros((40, 60), np.float32), "developed", 6)
    forced = fitted(taken, enrolled)
    assert (forced.shape, forced.kind) == ((40, 60), "developed")
    assert set(forced.values.ravel()) <= set(values.ravel())
    row, column = np.argwhere(values == forced.values[0, 0])[0]
    assert (row % 2, column % 2) == (0, 0)
    if shape == (40, 60):
        assert np.array_equal(forced.values, values)


def synthetic(pattern: int, noise: int) -> SavedFingerprint:
    """What a camera's photos would give: its pattern, and noise of their own."""
    values = np.random.default_rng(pattern).standard_normal((SIDE, SIDE), dtype=np.float32)
    values += 2 * np.random.default_rng(noise).standard_normal((SIDE, SIDE), dtype=np.float32)
    return SavedFingerprint.of(Fingerprint(values, "developed", 1))


def test_no_lock_out_distorts_the_matrix(tmp_path: Path) -> None:
    """Seven wrong cameras, which is more failures in a row than an enrolment survives."""
    names = [f"camera {number}" for number in range(8)]
    sets = [PhotoSet(name, AUTH_JPEG_V1, (SIDE, SIDE), ()) for name in names]
    prints = Fingerprints(
        {names[-1]: synthetic(7, 100)},
        {name: synthetic(n, 200 + n) for n, name in enumerate(names)},
    )
    with LocalService(tmp_path / "server", "--workers", "1") as service:
        api_key = admin.add_relying_party(service.data, RELYING_PARTY)
        plan = Plan(enrolled=sets[-1:], probes=sets)
        decisions = run_demo(service, api_key, plan, prints, tmp_path, silent)
    assert [each.accepted for each in decisions] == [False] * 7 + [True]
    assert not any("NOT" in each.reason for each in decisions)  # encrypted = in the clear
    assert all(200_000 < each.bytes_sent < 280_000 for each in decisions)


def test_simulated_demo_with_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["demo", "--enroll-photos", "2", "--probe-photos", "1", "--report", str(tmp_path / "r")]
    assert run([*line, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    decisions = result["decisions"]
    assert len(decisions) == 9
    own, other = result["keys"]  # of two photos a key may not come back
    assert (own["enrolled"], other["accepted"]) == (own["probe"], False)
    assert other["probe"] != other["enrolled"]
    assert result["claims"] is None
    assert any("at least 6 photos, not 2" in line for line in result["notes"])
    for each in decisions:
        fields = {"enrolled", "probe", "accepted", "reason", "seconds", "bytes_sent"}
        assert set(each) == fields
        assert each["accepted"] == (each["enrolled"] == each["probe"])
    page = Path(result["report"]).read_text()
    assert page.count("By key") == 1
    names = {each["enrolled"] for each in decisions}
    assert all(name in page for name in names)
    assert page.count("data:image/png;base64,") == 3 * len(names)
    assert page.count("data:image/svg+xml;base64,") == 1
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # self-contained


def test_by_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The camera's own photos are accepted, another's not; RAW has no such profile."""
    raw, one, two = (
        PhotoSet(name, profile, (SIDE, SIDE), ())
        for name, profile in (("raw", AUTH_RAW_V1), ("one", AUTH_JPEG_V1), ("two", AUTH_JPEG_V1))
    )
    prints = patterns(one=5, two=6)
    with LocalService(tmp_path / "server", "--workers", "1") as service:
        api_key = admin.add_relying_party(service.data, RELYING_PARTY)
        plan = Plan(enrolled=[raw, one, two], probes=[two, raw, one])
        keys = run_keys(service, api_key, plan, prints, tmp_path, silent)
        none = run_keys(service, api_key, Plan(enrolled=[raw]), prints, tmp_path, silent)
    assert none == []
    assert [(each.enrolled, each.probe, each.accepted) for each in keys] == [
        ("one", "one", True),
        ("one", "two", False),
    ]
    assert all(each.bytes_sent < 1000 for each in keys)
    print_keys([*keys, replace(keys[1], accepted=True)])
    told = capsys.readouterr().out
    assert "one, with its own photos: accepted" in told
    assert "  one, with two's photos: rejected" in told
    assert "NOT as it should be: one, with two's photos: accepted" in told
    capsys.readouterr()
    print_keys([])
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def claimed_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    camera = VirtualCamera(5, SIDE, SIDE)
    return take_burst(camera, 1, tmp_path_factory.mktemp("scene"), flat=False, seed=3)[0]


def claimant(name: str, *photos: Path) -> Claimant:
    camera = PhotoSet(name, AUTH_JPEG_V1, (SIDE, SIDE), photos)
    return Claimant(camera, camera)


def patterns(**cameras: int) -> Fingerprints:
    """As from photos without number: the cameras' true patterns, by the seeds that make them."""
    found = Fingerprints()
    for name, seed in cameras.items():
        values = VirtualCamera(seed, SIDE, SIDE).prnu_pattern
        found.claims[name] = SavedFingerprint.of(Fingerprint(values, "developed", 6))
        found.enrolled[name] = synthetic(seed, 100 + seed)
        found.probes[name] = synthetic(seed, 200 + seed)
    return found


@dataclass(frozen=True)
class Claimed:
    """Two runs: as it should be, and with a claim template of no camera; what the first told."""

    story: ClaimStory
    stopped: ClaimStory
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def claimed(
    tmp_path_factory: pytest.TempPathFactory, claimed_photo: Path, burst: list[Path]
) -> Claimed:
    work, provable = tmp_path_factory.mktemp("claims"), sys.version_info >= (3, 11)
    two = claimant("two", burst[0])
    claims = ClaimPlan(claimant("one"), two, claimed_photo, True, provable)
    evidence, again = work / "report" / "claim", work / "again"
    prints = patterns(one=5, two=6)
    alone, lost = replace(claims, other=None, proof=False), patterns(one=7).claims
    told: list[tuple[str, int, int]] = []
    with LocalService(work / "server", "--workers", "1") as service:
        api_key = admin.add_relying_party(service.data, RELYING_PARTY)
        story = run_claims(
            service, api_key, claims, prints, work, evidence, lambda *each: told.append(each)
        )
        prints = replace(prints, claims=lost)
        stopped = run_claims(service, api_key, alone, prints, again, again / "claim", silent)
    return Claimed(story, stopped, told)


def test_claims(tmp_path: Path, claimed: Claimed, capsys: pytest.CaptureFixture[str]) -> None:
    """The owner's claim is proven, the other one's not; a pattern that is nobody's stops it all."""
    story, stopped, evidence = claimed.story, claimed.stopped, claimed.story.evidence
    assert story.as_expected, story
    assert [(each.camera, each.verdict) for each in story.claims] == [
        ("one", "proven"),
        ("two", "rejected"),
    ]
    assert len(story.checks) == 3
    assert "E6" in story.checks[-1].found

    print_claims(story, kept=True)
    told = capsys.readouterr().out
    assert "proven" in told
    assert "its 2 entries" not in told  # two enrolments and a registration, none before
    assert "its 3 entries begin with the 0 from before" in told
    keys = ["--log-key", evidence.parent / "log.vkey"]
    keys += ["--service-keys", evidence.parent / "jwks.json"]
    assert run(["evidence", "verify", str(evidence), *map(str, keys)]) == 0

    assert not stopped.as_expected
    assert stopped.problem is not None
    assert "enrolled camera" in stopped.problem
    assert not stopped.claims
    capsys.readouterr()
    print_claims(stopped, kept=True)
    assert f"the claims stopped: {stopped.problem}" in " ".join(capsys.readouterr().out.split())

    own = tmp_path / "claim"
    shutil.copytree(evidence, own)
    make_room(own)  # of its own evidence
    assert not own.exists()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "holiday.jpg").touch()
    with pytest.raises(ClientError, match="no evidence of a demo"):
        make_room(tmp_path / "kept")
    assert (tmp_path / "kept" / "holiday.jpg").exists()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="claim proofs need Python 3.11")
def test_claim_proof(
    claimed: Claimed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Valid for the copy, for no other photo; told everywhere, and by the report's command."""
    story, proof = claimed.story, claimed.story.proof
    assert proof is not None
    assert proof.problem is None
    assert proof.passed == tuple(f"O{n}" for n in range(1, 9))
    assert [each.check for each in proof.refusals] == ["O4", "O6"]
    assert "E7" in story.checks[-1].found
    assert all(0 <= done <= total for _, done, total in claimed.told)
    stages = ["Enrolling: commit", "Enrolling: multiply", "Enrolling: fold"]
    stages += ["Proving: multiply", "Proving: fold"]
    assert [each for each in dict.fromkeys(what for what, _, _ in claimed.told) if ":" in each] == (
        stages
    )
    assert claimed.told[-1] == ("Claiming a photo", 8, 8)
    assert claimed.stopped.proof is None

    print_claims(story, kept=True)
    told = " ".join(capsys.readouterr().out.split())
    assert f"{len(proof.file) / 1000:.0f} kB, verified in {proof.verified:.1f} s" in told
    assert "it shows that the copy matches the code that one committed to in the log" in told
    assert "shown for another photo: refused, O4: the claim proof is of another photo" in told
    assert "made out to it: refused, O6: what is proven is not a match of this photo" in told
    result: Any = as_json(Plan(), [], [], story, None)["claims"]
    assert result["proof"]["as_expected"] is True
    assert result["proof"]["bytes"] == len(proof.file) == (story.evidence / PROOF).stat().st_size
    assert [each["refused"] for each in result["proof"]["refusals"]] == [True, True]

    page = page_of(claims_shown(story, story.evidence.parent))
    command = re.search("<code>(grainseal proof verify .*)</code>", page)
    assert command is not None
    monkeypatch.chdir(story.evidence.parent)
    assert run(command[1].split()[1:]) == 0
    assert "O8 passed" in capsys.readouterr().out


def page_of(shown: ClaimsShown) -> str:
    """The part of the report that is about the proof."""
    return environment().get_template("report_proof.html.j2").render(claims=shown)


def test_a_proof_that_is_not_as_it_should_be(
    claimed: Claimed, capsys: pytest.CaptureFixture[str]
) -> None:
    refused, accepted = Refusal("made out to it", "O6", "no match"), Refusal("shown", "", "")
    good = ProofShown(COPY, b"", 1.0, 1.0, ("O1",), None, (refused,))
    page = claims_shown(claimed.story, claimed.story.evidence.parent)
    for proof, why, said, shown in (
        (good, None, "(O1)", ">valid<"),
        (replace(good, problem="O8: no"), None, "(NOT valid: O8: no)", ">not valid<"),
        (replace(good, refusals=(accepted,)), None, "NOT as it should be: shown", "Outlined"),
        (None, "no match", "no zero-knowledge proof of the claim: no match", "There is none"),
    ):
        story = replace(claimed.story, proof=proof, no_proof=why)
        assert story.as_expected is (proof in (good, None))
        capsys.readouterr()
        print_claims(story, kept=False)
        assert said in " ".join(capsys.readouterr().out.split())
        assert shown in page_of(replace(page, story=story))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="claim proofs need Python 3.11")
def test_of_a_copy_that_lost_the_noise_the_registered_photo_is_proven(
    service, alice, tmp_path: Path
) -> None:
    photo, copy = taken(tmp_path, 90), tmp_path / "copy.jpg"
    keys = PublicKeys(read_log_keys(str(service.local.data / "log.vkey")), {})
    with Image.open(photo) as image:
        image.resize((192, 192)).save(copy, quality=30)
    owner = claimant("one", *alice.enroll)
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll, proofs=True)
        receipt = device.client.receipt()
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        plan = ClaimPlan(owner, None, photo, True, True)
        proof = show_proof(vault, receipt, plan, copy, keys, silent)
        assert (proof.photo, proof.as_expected) == (REGISTERED, True)
        theirs = replace(plan, photo=taken(tmp_path, 91, 102), scene=False)
        with pytest.raises(NotProvable, match="does not match"):
            show_proof(vault, receipt, theirs, copy, keys, silent)


def test_a_surprise_is_none_of_what_is_expected() -> None:
    plan = ClaimPlan(claimant("one"), None, Path("photo.jpg"), True, False)
    for verdict, good in (("proven", True), ("supported", False), ("rejected", False)):
        story = ClaimStory(plan, Path("none"), claims=[ClaimMade("one", "proven", verdict, ())])
        assert story.as_expected is good
    story = ClaimStory(plan, Path("none"), checks=[Check("log", "", "it was rewritten")])
    assert not story.as_expected


def planned(camera: str, count: int, frame: tuple[int, int], *scenes: bool) -> Plan:
    profile = AUTH_RAW_V1 if camera == "raw" else AUTH_JPEG_V1
    photos = PhotoSet(camera, profile, frame, tuple(Path(f"{n}.jpg") for n in range(count)))
    later = tuple(Found(Path(f"l{n}.jpg"), frame, f"{n}", s) for n, s in enumerate(scenes))
    return Plan([photos], [], later={camera: later}, probe_photos=2)


def test_why_there_are_no_claims() -> None:
    for plan, why in (
        (planned("few", 5, (SIDE, SIDE), True), "at least 6 photos, not 5"),
        (planned("small", 6, (512, 512), True), "too small for CLAIM_V1"),
        (planned("raw", 6, (SIDE, SIDE), True), "these are RAW"),
        (planned("none", 6, (SIDE, SIDE)), "no photo of its frame is left"),
    ):
        assert plan_claims(plan) is None
        assert why in plan.notes[0], plan.notes


def test_before_python_3_11_there_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("grainseal.crypto.proof")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "version_info", (3, 10, 14, "final", 0))
    plan = planned("a", 6, (SIDE, SIDE), True)
    claims = plan_claims(plan)
    assert claims is not None
    assert (claims.proof, claims.prover) == (False, None)
    notes = [each for each in plan.notes if each.startswith("no zero-knowledge proof")]
    assert len(notes) == 1
    assert "need Python 3.11 or later" in notes[0]


def test_who_claims_what() -> None:
    plan, other = (planned(name, 6, (SIDE, SIDE), False, False, True, False) for name in "ab")
    claims = plan_claims(plan)
    assert claims is not None
    assert (claims.photo.name, claims.scene, claims.other) == ("l2.jpg", True, None)
    assert [path.name for path in claims.owner.fresh.paths] == ["l0.jpg", "l1.jpg"]
    assert "nobody else claims a's photo" in plan.notes[0]

    wide = planned("wide", 6, (SIDE, 2 * SIDE), True)
    both = Plan(
        wide.enrolled + plan.enrolled + other.enrolled,
        later={**wide.later, **plan.later, **other.later},
    )
    claims = plan_claims(both)
    assert claims is not None
    assert [each.camera for each in claims.claimants] == ["a", "b"]  # of one frame
    assert claims.unrelated == other.enrolled[0].paths[-1]

    claims = plan_claims(planned("even", 6, (SIDE, SIDE), False, False))
    assert claims is not None
    assert (claims.photo.name, claims.scene) == ("l1.jpg", False)
    assert [path.name for path in claims.owner.fresh.paths] == ["l0.jpg"]


def test_a_report_escapes_what_people_name_their_folders(
    tmp_path: Path, burst: list[Path], pool: Executor
) -> None:
    fill(tmp_path / "photos" / "<script>alert(1)<", burst[:2])
    plan = plan_demo(pool, tmp_path / "photos", None, 1, 1)
    prints = extract_all(pool, plan, silent)
    name = plan.enrolled[0].camera
    decision = Decision(name, name, True, "it is", 0.1, 1000, 2000, "AUTH_JPEG_V1")
    page = write_report(tmp_path / "report", plan, prints, [decision]).read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page


def _alive(session: int) -> list[psutil.Process]:
    """Processes of a session that still run; one that only waits to be looked at does not."""
    alive = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_killed_demo_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """No process; and but for SIGKILL, which nothing can catch, no file."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "grainseal.cli", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
        # these tests may themselves run under nohup, which ignores SIGHUP for all that follow
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("grainseal-demo-*/photos/*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.glob("grainseal-demo-*/photos/*/*"))
    demo.send_signal(number)
    assert demo.wait(30) == (-9 if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        assert not list(tmp_path.glob("grainseal-demo-*"))
    while _alive(demo.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(demo.pid)


@pytest.mark.photos
@pytest.mark.timeout(600)
def test_real_cameras(tmp_path: Path, real_photos: RealPhotos) -> None:
    """Two Nikons of one model: own flats accepted, four or one; others and scenes never."""
    (tmp_path / "flat").mkdir()
    for camera in ("Nikon_D70_0", "Nikon_D70_1"):
        (tmp_path / "flat" / camera).symlink_to(real_photos.flats(camera)[0].parent)
    with worker_pool() as pool:
        four = plan_demo(pool, tmp_path / "flat", None, ENROLLED, 4)
    assert len(four.enrolled) == 2
    single = [replace(each, paths=each.paths[:1]) for each in four.probes]
    scenes = [replace(each, paths=tuple(real_photos.scenes(each.camera))) for each in four.probes]

    def saved(sets: list[PhotoSet]) -> dict[str, SavedFingerprint]:
        """What `extract_all` makes, and other tests have made before."""
        return {
            each.camera: SavedFingerprint.of(
                real_photos.fingerprint(each.paths, code_for(each.profile.name).extractor)
            )
            for each in sets
        }

    enrolled, told = saved(four.enrolled), []
    with LocalService(tmp_path / "server", "--workers", "1") as service:
        api_key = admin.add_relying_party(service.data, RELYING_PARTY)
        for name, probes in (("four", four.probes), ("one", single), ("scenes", scenes)):
            (tmp_path / name).mkdir()
            plan, prints = Plan(four.enrolled, probes), Fingerprints(enrolled, saved(probes))
            told.append(run_demo(service, api_key, plan, prints, tmp_path / name, silent))
    flats, ones, naturals = told
    for decisions in (flats, ones):
        assert [each.accepted for each in decisions] == [each.own for each in decisions]
        assert sum(each.accepted for each in decisions) == 2
        assert len(decisions) == 4
    assert len(naturals) == 4
    assert not any(each.accepted for each in naturals if not each.own)
    assert not any("NOT" in each.reason for each in flats + ones + naturals)
