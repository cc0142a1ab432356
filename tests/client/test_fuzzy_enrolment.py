"""Enrolment and authentication by the fuzzy extractor, with photos of virtual cameras.

Over a real service in a process of its own; what an honest service never sends is made by hand.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client import honest_service
from tests.client.conftest import RunningService
from tests.client.honest_service import DEVICE, KEY, NOW, context
from tests.client.program import Program

from grainseal.client import (
    Client,
    ClientError,
    PhotosRefused,
    ServiceError,
    UntrustedService,
    Vault,
    authenticating,
    fuzzy_ceremonies,
)
from grainseal.client.coding import new_template
from grainseal.client.key_coding import ADVICE, new_key, same_key
from grainseal.client.key_file import KeyBurst
from grainseal.client.photos import fingerprint_of
from grainseal.client.receipts import checked_receipt
from grainseal.client.sessions import Expected
from grainseal.client.vault_state import StoredEnrollment
from grainseal.crypto.camera_key import (
    answer_transcript,
    helper_hash,
    key_enrollment_transcript,
    proof_transcript,
)
from grainseal.crypto.entries import KeyEnrollmentEntry
from grainseal.crypto.helper_data import device_secret_of, enrolment_keys
from grainseal.crypto.profiles import FUZZY_TESTING, TESTING
from grainseal.crypto.signing import SigningKey, verify
from grainseal.models.codes import code_for, encode, features, keyed_mask, keyed_order
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

PASSPHRASE = "correct horse"


@pytest.fixture(autouse=True, scope="module")
def _passphrase() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)
        yield


@pytest.fixture(scope="module")
def prints(alice, mallory) -> dict[str, Fingerprint]:
    """Fingerprints of bursts, made once."""
    wanted = {
        "enroll": alice.enroll,
        "probe": alice.probe,
        "later": alice.later,
        "mallory": mallory.later,
    }
    return {name: fingerprint_of(files, FUZZY_TESTING) for name, files in wanted.items()}


class Device:
    """A vault of its own and a client for it."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.service = service
        self.vault = Vault.create(folder, PASSPHRASE)
        self.client = Client(service.local.address, service.local.ca, self.vault)

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.vault.close()

    def enroll(self, photos: Any, **options: Any) -> Any:
        wanted = {"scheme": "fuzzy", "profile": "FUZZY_TESTING", **options}
        return self.client.enroll("alice", self.service.ticket("alice"), photos, **wanted)

    @property
    def enrolled(self) -> StoredEnrollment:
        stored = self.vault.state.enrollment
        assert stored is not None
        return stored


def test_a_camera_from_enrolment_to_revocation(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        info = device.enroll(prints["enroll"])
        said = (info.subject, info.scheme, info.profile, info.state, info.needs_reenrollment)
        assert said == ("alice", "fuzzy", "FUZZY_TESTING", "active", False)

        result = device.client.authenticate("shop", prints["later"])
        assert result.accepted
        assert result.advice == ""
        wrong = device.client.authenticate("shop", prints["mallory"])
        assert (wrong.accepted, wrong.token, wrong.advice) == (False, "", ADVICE)

        before = device.enrolled
        renewed = device.client.renew(prints["later"])
        assert (renewed.scheme, renewed.profile) == ("fuzzy", "FUZZY_TESTING")
        assert device.enrolled.helper_sha256 != before.helper_sha256
        assert device.client.authenticate("shop", prints["probe"]).accepted
        states = {each.enrollment_id: each.state for each in device.client.list()}
        assert states == {info.enrollment_id: "replaced", renewed.enrollment_id: "active"}

        receipt = device.client.receipt()
        assert isinstance(receipt.entry, KeyEnrollmentEntry)
        assert receipt.entry.helper_sha256 == device.enrolled.helper_sha256
        assert device.client.revoke().state == "revoked"
        with pytest.raises(ClientError, match="enrol first"):
            device.client.authenticate("shop", prints["probe"])


def test_from_one_scheme_to_the_other_and_back(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        device.enroll(prints["enroll"], scheme="homomorphic", profile="TESTING")
        by_key = device.client.renew(prints["later"], scheme="fuzzy")
        assert (by_key.scheme, by_key.profile) == ("fuzzy", "FUZZY_TESTING")
        assert device.enrolled.homomorphic_secret == b""
        assert device.client.authenticate("shop", prints["enroll"]).accepted
        by_template = device.client.renew(prints["probe"], scheme="homomorphic", any_photos=True)
        assert (by_template.scheme, by_template.profile) == ("homomorphic", "TESTING")
        assert device.enrolled.helper_sha256 == b""
        assert device.client.authenticate("shop", prints["later"]).accepted
        with pytest.raises(ClientError, match="unknown scheme"):
            device.client.renew(prints["later"], scheme="another")


def test_a_renewal_takes_the_camera(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        info = device.enroll(prints["enroll"])
        with pytest.raises(ClientError, match="nothing was renewed"):
            device.client.renew(prints["mallory"])
        assert [each.state for each in device.client.list()] == ["active"]
        assert device.enrolled.enrollment_id == info.enrollment_id


def test_failures_are_told_to_the_service_and_lock(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        device.enroll(prints["enroll"])
        for _ in range(5):
            assert not device.client.authenticate("shop", prints["mallory"]).accepted
        with pytest.raises(ServiceError) as caught:
            device.client.authenticate("shop", prints["later"])
        assert caught.value.reason == "LOCKED"


def test_photos_of_another_size_are_no_attempt(service, prints, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((512, 640)).astype(np.float32)
    with Device(service, tmp_path / "v") as device:
        device.enroll(prints["enroll"])
        for _ in range(6):
            with pytest.raises(PhotosRefused, match="640x512"):
                device.client.authenticate("shop", Fingerprint(noise, "developed", 4))
        assert device.client.authenticate("shop", prints["later"]).accepted


def test_an_interrupted_enrolment_is_taken_up_again(
    service, prints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(service, tmp_path / "v") as device:
        transport = device.client._transport
        send = transport.enroll_key

        def lost(request: pb.EnrollKeyRequest) -> pb.Enrollment:
            send(request)
            raise ServiceError("UNAVAILABLE", "the line is gone")

        with monkeypatch.context() as patch:
            patch.setattr(transport, "enroll_key", lost)
            with pytest.raises(ServiceError):
                device.enroll(prints["enroll"])
        assert device.vault.state.enrollment is None
        assert device.client.authenticate("shop", prints["later"]).accepted
        assert device.vault.state.pending is None


def test_neither_vault_nor_wire_has_the_key(
    service, prints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[fuzzy_ceremonies.NewCameraKey] = []
    submit = fuzzy_ceremonies.submit

    def watched(*arguments: Any) -> Any:
        made.append(arguments[2])
        return submit(*arguments)

    monkeypatch.setattr(fuzzy_ceremonies, "submit", watched)
    with Device(service, tmp_path / "v") as device:
        device.enroll(prints["enroll"])
        content = device.vault.state.to_bytes()
        assert device.enrolled.positions == b""
    [each] = made
    assert each.signing.seed.hex() not in repr(each)
    assert each.helper_data.hex() not in repr(each)
    assert base64.b64encode(each.signing.seed) not in content
    pinned = base64.b64encode(helper_hash(each.helper_data))
    assert pinned in content  # the search finds what is there


# What a person asks for --------------------------------------------------------------------------


def test_schemes_and_profiles_that_do_not_go_together(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        for options, message in (
            ({"scheme": "zero-knowledge"}, "use one of homomorphic, fuzzy"),
            ({"profile": "TESTING"}, "not one of scheme fuzzy"),
            ({"scheme": "homomorphic"}, "not one of scheme homomorphic"),
            ({"claims": True}, "leave --claims out"),
        ):
            with pytest.raises(ClientError, match=message):
                device.enroll(prints["enroll"], **options)
        raw = Fingerprint(prints["enroll"].values, "raw", 6)
        with pytest.raises(PhotosRefused, match="these are RAW"):
            device.enroll(raw, profile=None)
        device.enroll(prints["enroll"])
        with pytest.raises(ClientError, match="--no-claims"):
            device.client.renew(prints["later"], claims=True)
        with pytest.raises(ClientError, match="claim"):
            device.client.register(tmp_path / "photo.jpg")


def test_too_few_photos_and_hopeless_ones(service, alice, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        with pytest.raises(PhotosRefused, match="2 photos or more"):
            device.enroll(alice.enroll[:1])
        assert device.vault.state.pending is None


def test_the_command_line(program: Program, service, alice, mallory, tmp_path: Path) -> None:
    where = ["--server", service.local.address, "--ca", service.local.ca]
    where += ["--vault", tmp_path / "v"]
    line = ["--subject", "alice", "--ticket", service.ticket("alice"), "--json"]
    line += ["--scheme", "fuzzy", "--profile", "FUZZY_TESTING"]
    assert program("enroll", *where, *line, *alice.enroll) == 0, program.err
    assert program.json["scheme"] == "fuzzy"

    to_shop = ["--audience", "shop"]
    assert program("authenticate", *where, *to_shop, *alice.later) == 0, program.err
    assert program.out.count(".") == 2
    assert program("authenticate", *where, *to_shop, *mallory.later) == 1
    assert program.out == ""
    assert "rejected: these photos do not give the key: take four or more" in program.err
    assert program("authenticate", *where, *to_shop, "--json", *mallory.later) == 1
    assert program.json == {"accepted": False, "token": "", "advice": ADVICE, "renewal": ""}

    assert program("list", *where) == 0
    assert "(fuzzy, FUZZY_TESTING)" in program.out
    receipt = tmp_path / "receipt.json"
    assert program("receipt", "get", *where, "--out", receipt) == 0, program.err
    log_key = service.local.data / "log.vkey"
    assert program("receipt", "verify", receipt, "--log-key", log_key) == 0, program.err
    changed = receipt.read_text().replace('"camera_key": "', '"camera_key": "00', 1)
    receipt.write_text(changed)
    assert program("receipt", "verify", receipt, "--log-key", log_key) == 1

    assert program("renew", *where, "--scheme", "homomorphic", "--json", *alice.enroll) == 0
    assert (program.json["scheme"], program.json["profile"]) == ("homomorphic", "TESTING")
    assert program("enroll", *where, *line, "--scheme", "none", *alice.enroll) == 2
    assert "homomorphic" in program.err


# What an honest service never says ----------------------------------------------------------------


session = partial(honest_service.session, profile="FUZZY_TESTING")
EXPECTED = Expected("enroll", "FUZZY_TESTING", "alice", "grainseal", None, None)


@pytest.fixture(scope="module")
def made(prints) -> fuzzy_ceremonies.NewCameraKey:
    return fuzzy_ceremonies.new_camera_key(KeyBurst(prints["enroll"]), FUZZY_TESTING, DEVICE)


@pytest.fixture(scope="module")
def enrolled(made) -> StoredEnrollment:
    return fuzzy_ceremonies.submit(session(), EXPECTED, made, DEVICE, KEY, NOW).enrollment


def test_both_keys_sign_the_enrolment(made) -> None:
    pending = fuzzy_ceremonies.submit(session(), EXPECTED, made, DEVICE, KEY, NOW)
    request = pb.EnrollKeyRequest.FromString(pending.finish_request)
    frame = (request.height, request.width)
    transcript = key_enrollment_transcript(
        context(session()), frame, request.helper_data, request.camera_key
    )
    verify(DEVICE.public, transcript, request.signature)
    verify(request.camera_key, transcript, request.camera_key_signature)
    assert frame == (512, 512)


def test_both_keys_sign_the_answer(made, enrolled, prints) -> None:
    said = session(purpose="authenticate", audience="shop")
    helper = pb.HelperData(helper_data=made.helper_data)
    key = fuzzy_ceremonies.reproduced(helper, prints["later"], enrolled, DEVICE)
    assert key is not None
    request = fuzzy_ceremonies.answer(said, enrolled, key, DEVICE, KEY)
    sha256 = helper_hash(made.helper_data)
    verify(made.signing.public, proof_transcript(context(said), sha256), request.proof)
    transcript = answer_transcript(context(said), sha256, request.proof)
    verify(DEVICE.public, transcript, request.signature)


def test_who_has_no_key_says_so_in_a_signed_answer(made, enrolled, prints) -> None:
    said = session(purpose="authenticate", audience="shop")
    helper = pb.HelperData(helper_data=made.helper_data)
    assert fuzzy_ceremonies.reproduced(helper, prints["mallory"], enrolled, DEVICE) is None
    request = fuzzy_ceremonies.answer(said, enrolled, None, DEVICE, KEY)
    assert request.proof == b""
    transcript = answer_transcript(context(said), helper_hash(made.helper_data), b"")
    verify(DEVICE.public, transcript, request.signature)


def test_other_helper_data_than_was_enrolled(made, enrolled, prints) -> None:
    another = fuzzy_ceremonies.new_camera_key(KeyBurst(prints["enroll"]), FUZZY_TESTING, DEVICE)
    flipped = bytearray(made.helper_data)
    flipped[-1] ^= 1
    for data in (b"", made.helper_data[:-1], bytes(flipped), another.helper_data):
        said = pb.HelperData(helper_data=data)
        with pytest.raises(UntrustedService, match="other helper data"):
            fuzzy_ceremonies.reproduced(said, prints["later"], enrolled, DEVICE)


def test_known_limit_one_scheme_s_code_passes_in_the_other(prints) -> None:
    """Who opens a template, or reproduces a key, has a reading of the camera for the other scheme.

    From another burst than the one that it is tried on, and with the vaults of both.
    """
    template = new_template(prints["enroll"], TESTING)
    secret = device_secret_of(DEVICE.seed)
    by_key = new_key(prints["later"], FUZZY_TESTING, secret)
    frame = prints["enroll"].shape

    taken = np.frombuffer(template.positions, "<u4")
    opened = _features(template.code, taken, template.code_key, "TESTING", frame)
    assert same_key(Fingerprint(opened, "developed", 6), by_key.helper, secret) == by_key.key

    spec = code_for("FUZZY_TESTING")
    own = enrolment_keys(FUZZY_TESTING, secret, by_key.helper.seed)
    chosen = np.flatnonzero(np.unpackbits(np.frombuffer(by_key.helper.positions, np.uint8)))
    behind = encode(features(prints["later"], spec), chosen.astype(np.uint32), spec, own.code_key)
    found = _features(behind, chosen, own.code_key, "FUZZY_TESTING", frame)
    probe = encode(
        features(Fingerprint(found, "developed", 6), code_for("TESTING")),
        taken,
        code_for("TESTING"),
        template.code_key,
    )
    score = int(template.code.astype(np.int64) @ probe)
    assert TESTING.score_low <= score <= TESTING.score_high


def _features(code: Any, positions: Any, code_key: bytes, name: str, frame: Any) -> Any:
    """A fingerprint whose features have a code's signs at its positions and are 0 elsewhere."""
    spec = code_for(name)
    signs = np.empty(spec.length, np.float32)
    signs[keyed_order(spec, code_key)] = code
    signs *= keyed_mask(spec, code_key)
    blocks = np.zeros((frame[0] // spec.step, frame[1] // spec.step), np.float32)
    blocks.flat[positions] = signs
    return np.kron(blocks, np.ones((spec.step, spec.step), np.float32))


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "TESTING"},
        {"profile": "FUZZY_V1"},
        {"purpose": "renew"},
        {"audience": "bank"},
        {"enrollment_id": "another"},
        {"service_key": SigningKey(b"o" * 32).public},
        {"expires_at": int(NOW) + 86400},
    ],
)
def test_a_session_that_is_not_what_was_asked(enrolled, changes: dict[str, object]) -> None:
    expected = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    honest = session(purpose="authenticate", audience="shop")
    fuzzy_ceremonies.fetch(honest, expected, DEVICE, NOW)
    said = session(**{"purpose": "authenticate", "audience": "shop", **changes})
    with pytest.raises(UntrustedService):
        fuzzy_ceremonies.fetch(said, expected, DEVICE, NOW)


def test_a_receipt_about_other_helper_data(service, prints, tmp_path: Path) -> None:
    with Device(service, tmp_path / "v") as device:
        device.enroll(prints["enroll"])
        ceremonies = device.client._ceremonies
        answer = device.client._transport.get_receipt(
            ceremonies._signed("receipt", device.enrolled)
        )
        checked_receipt(answer, device.enrolled, device.client.device_key)
        for pinned in (b"", b"h" * 32):
            other = replace(device.enrolled, helper_sha256=pinned)
            with pytest.raises(UntrustedService, match="another enrolment"):
                checked_receipt(answer, other, device.client.device_key)
        assert len(device.enrolled.camera_key) == 32
        earlier = replace(device.enrolled, camera_key=b"")  # a vault that has not kept it
        checked_receipt(answer, earlier, device.client.device_key)
        other = replace(device.enrolled, camera_key=b"c" * 32)
        with pytest.raises(UntrustedService, match="another enrolment"):
            checked_receipt(answer, other, device.client.device_key)
