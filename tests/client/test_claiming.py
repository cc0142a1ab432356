"""Claims of copies: what is asked, counted and believed, against a real service."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.client.copyright_device import ClaimDevice, auth_print, jpeg, taken
from tests.client.test_ceremonies import DEVICE

from grainseal.client import (
    CameraNotRecognised,
    ClaimOutcome,
    ClientError,
    PhotosRefused,
    RenewalDue,
    ServiceError,
    UntrustedService,
)
from grainseal.client.claiming import (
    Claiming,
    checked_claim,
    own_registration,
    require_same_photo,
    sums_in,
)
from grainseal.client.photos import developed_file
from grainseal.client.transport import Transport
from grainseal.client.vault_state import StoredEnrollment
from grainseal.client.watching import read_log_keys
from grainseal.crypto.certificate import (
    ClaimStatement,
    OwnRegistration,
    sign_certificate,
    verify_certificate,
)
from grainseal.crypto.receipts import verify_receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import key_id
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

KEY = SigningKey(b"c" * 32)


@pytest.fixture(scope="module")
def device(service, alice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClaimDevice]:
    """Enrolled once for the tests that leave it as it is but for counts."""
    with ClaimDevice(service, tmp_path_factory.mktemp("claiming") / "v") as enrolled:
        enrolled.enroll_quickly(alice.enroll)
        yield enrolled


@pytest.fixture(scope="module")
def fresh(alice) -> Fingerprint:
    """What the camera took now."""
    return auth_print(tuple(alice.probe))


def require_evidence(outcome: ClaimOutcome, device: ClaimDevice, service) -> None:
    """What somebody else can verify of a claim."""
    enrolled = device.vault.state.enrollment
    assert enrolled is not None
    keys = {key_id(enrolled.service_key): enrolled.service_key}
    assert verify_certificate(outcome.certificate, keys) == outcome.statement
    log_keys = read_log_keys(str(service.local.data / "log.vkey"))
    for receipt in filter(None, (outcome.enrollment_receipt, outcome.registration_receipt)):
        assert verify_receipt(receipt.to_json().encode(), log_keys).valid


def test_a_copy_of_a_registered_photo_is_proven(
    device: ClaimDevice, service, fresh, tmp_path: Path
) -> None:
    photo = taken(tmp_path, 60)
    registered = device.client.register(photo)
    copy = jpeg(photo, tmp_path / "copy.jpg")
    before = device.claims.sums_opened
    sent: list[tuple[int, int]] = []
    outcome = device.client.claim(
        copy,
        fresh,
        registration_id=registered.registration_id,
        sending=lambda *arrived: sent.append(arrived),
    )
    said = outcome.statement
    assert said.verdict == "proven", said.reasons
    assert float(said.false_match_probability) <= 1e-4
    assert said.registration is not None
    assert said.registration.registration_id == registered.registration_id
    assert device.claims.sums_opened == before + 2 + 2  # one placement, the control
    assert sent[-1] == (copy.stat().st_size,) * 2
    require_evidence(outcome, device, service)


def test_with_original_and_map(device: ClaimDevice, service, fresh, tmp_path: Path) -> None:
    photo = taken(tmp_path, 61)
    registered = device.client.register(photo, upload=True)
    copy, before = tmp_path / "crop.jpg", device.claims.sums_opened
    with Image.open(photo) as image:
        image.crop((32, 40, 480, 504)).save(copy, quality=92)
    outcome = device.client.claim(
        copy, fresh, original=photo, seen_at=int(time.time()), match_map=True
    )
    said = outcome.statement
    assert said.verdict == "proven", said.reasons
    assert (said.findings.copy, said.findings.original) == ("match", "match")
    assert said.match_map is not None
    assert max(said.match_map) > 0
    assert device.claims.sums_opened == before + 2 + 2 + 2 + 16
    assert said.registration is not None  # found without being named
    assert said.registration.registration_id == registered.registration_id
    require_evidence(outcome, device, service)


def test_a_copy_of_what_was_not_registered(device: ClaimDevice, fresh, tmp_path: Path) -> None:
    copy = jpeg(taken(tmp_path, 62), tmp_path / "copy.jpg")
    outcome = device.client.claim(copy, fresh)
    assert outcome.statement.verdict == "supported"
    assert outcome.statement.registration is None
    assert outcome.registration_receipt is None


def test_somebody_else_s_photo(device: ClaimDevice, fresh, tmp_path: Path) -> None:
    copy = jpeg(taken(tmp_path, 63, camera=102), tmp_path / "copy.jpg", quality=92)
    outcome = device.client.claim(copy, fresh)
    assert outcome.statement.verdict == "rejected"
    assert outcome.statement.findings.copy == "no match"


def test_without_the_camera(device: ClaimDevice, mallory, tmp_path: Path) -> None:
    before = device.claims.sums_opened
    with pytest.raises(CameraNotRecognised, match="nothing was claimed"):
        device.client.claim(taken(tmp_path, 64), auth_print(tuple(mallory.probe)))
    assert device.claims.sums_opened == before


def test_what_is_wrong_is_said_before_anything_is_sent(
    device: ClaimDevice, alice, fresh, tmp_path: Path
) -> None:
    photo, before = taken(tmp_path, 65), device.client.bytes_sent
    cropped, wide = tmp_path / "cropped.jpg", tmp_path / "wide.png"
    with Image.open(photo) as image:
        image.crop((0, 0, 512, 300)).save(cropped)
        image.resize((600, 600)).save(wide)
    for copy, options, message in (
        (tmp_path / "none.jpg", {}, "cannot read"),
        (cropped, {}, "give the original photo too"),
        (wide, {}, "enlarged"),
        (photo, {"original": tmp_path / "none.jpg"}, "cannot read"),
        (photo, {"seen_at": int(time.time()) + 9999}, "time that has passed"),
        (photo, {"seen_at": -1}, "not before 1970"),
    ):
        with pytest.raises(ClientError, match=message):
            device.client.claim(copy, fresh, **options)
    with pytest.raises(PhotosRefused, match="unsuitable photos"):
        device.client.claim(photo, [alice.probe[0]] * 2)
    assert device.client.bytes_sent == before


def test_without_a_claim_template(service, alice, fresh, tmp_path: Path) -> None:
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll, claims=False)
        with pytest.raises(ClientError, match="renew --claims"):
            device.client.claim(alice.later[0], fresh)


def test_the_cap_on_sums(device: ClaimDevice, fresh, tmp_path: Path) -> None:
    photo, state = taken(tmp_path, 66), device.vault.state
    assert state.enrollment is not None
    full = replace(device.claims, sums_opened=600 - 4)
    try:
        device.vault.save(replace(state, enrollment=replace(state.enrollment, claims=full)))
        before = device.client.bytes_sent
        with pytest.raises(RenewalDue, match="opened 596 times"):  # 2 + 2 + 1 are needed
            device.client.claim(photo, fresh, original=photo)
        assert device.client.bytes_sent == before
    finally:
        device.vault.save(state)


def test_a_copy_over_a_broken_line(
    device: ClaimDevice, fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Transport.upload, []

    def lossy(transport: Transport, request: Any) -> Any:
        calls.append(len(request.data))
        answer = real(transport, request)
        if len(calls) == 2:
            raise ServiceError("UNAVAILABLE", "the line is down")
        return answer

    copy = tmp_path / "large.png"
    with Image.open(taken(tmp_path, 67)) as image:
        image.save(copy, compress_level=0)
    monkeypatch.setattr(Transport, "upload", lossy)
    outcome = device.client.claim(copy, fresh)
    assert outcome.statement.findings.copy == "match"
    assert calls == [786_432, copy.stat().st_size - 786_432, 0]


def test_receipts_that_name_no_registration_of_ours(
    device: ClaimDevice, service, tmp_path: Path
) -> None:
    photo = taken(tmp_path, 68)
    info, ours = device.client.register(photo), device.client.device_key
    entry = own_registration(info.receipt, ours)
    assert entry.registration_id == info.registration_id
    with pytest.raises(ClientError, match="another device"):
        own_registration(info.receipt, DEVICE.public)
    with pytest.raises(ClientError, match="an enrolment's"):
        own_registration(device.client.receipt(), ours)
    require_same_photo(developed_file(photo, ""), entry)
    with pytest.raises(ClientError, match="not the photo that the receipt is of"):
        require_same_photo(developed_file(jpeg(photo, tmp_path / "copy.jpg"), ""), entry)


# C6, C8, C10 -------------------------------------------------------------------------------------


def test_how_many_sums_a_claim_can_need(device: ClaimDevice, tmp_path: Path) -> None:
    """Two for each of one to four placements and for the control; two more with an original."""
    copy, claims = developed_file(taken(tmp_path, 69), ""), device.claims
    one = pb.MaskedSum(c1=b"c", c0=1)

    def accepted(wanted: Claiming) -> list[int]:
        counts = []
        for count in range(50):
            with contextlib.suppress(UntrustedService):
                counts.append(sums_in(pb.MaskedSums(sums=[one] * count), wanted, claims))
        return counts

    assert accepted(Claiming(copy)) == [4, 6, 8, 10]
    assert accepted(Claiming(copy, original=copy)) == [6, 8, 10, 12]
    assert accepted(Claiming(copy, match_map=True)) == [20, 22, 24, 26]


def test_an_answer_of_another_number_of_sums_is_not_counted(
    device: ClaimDevice, fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transport.submit_claim

    def false(transport: Transport, request: Any) -> Any:
        answer = real(transport, request)
        answer.sums.append(answer.sums[0])
        return answer

    before = device.claims.sums_opened
    monkeypatch.setattr(Transport, "submit_claim", false)
    with pytest.raises(UntrustedService, match="sums for a claim"):
        device.client.claim(taken(tmp_path, 69), fresh)
    assert device.claims.sums_opened == before


@dataclass(frozen=True)
class Answered:
    """A claim of a registered photo, and what the service answered: to this and to an earlier one.

    The certificates are signed anew with a key of the test's, which `enrolled` has pinned.
    """

    wanted: Claiming
    enrolled: StoredEnrollment
    device_key: bytes
    answer: pb.Claim
    earlier: pb.Claim

    @property
    def statement(self) -> ClaimStatement:
        return verify_certificate(self.answer.certificate, {key_id(KEY.public): KEY.public})

    def checked(self, answer: pb.Claim) -> ClaimOutcome:
        return checked_claim(answer, self.wanted, self.enrolled, self.device_key)

    def saying(self, **changes: Any) -> pb.Claim:
        """The answer with another statement."""
        answer = pb.Claim()
        answer.CopyFrom(self.answer)
        answer.certificate = sign_certificate(KEY, replace(self.statement, **changes))
        return answer


@pytest.fixture(scope="module")
def answered(device: ClaimDevice, fresh, tmp_path_factory: pytest.TempPathFactory) -> Answered:
    folder = tmp_path_factory.mktemp("answered")
    photo, enrolled = taken(folder, 71), device.vault.state.enrollment
    assert enrolled is not None
    info = device.client.register(photo)
    answers: list[pb.Claim] = []
    real = Transport.finish_claim

    def kept(transport: Transport, request: Any) -> Any:
        answers.append(real(transport, request))
        return answers[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "finish_claim", kept)
        said = [
            device.client.claim(taken(folder, 70), fresh).statement,
            device.client.claim(photo, fresh).statement,
        ]
    for answer, statement in zip(answers, said, strict=True):
        own = replace(statement, service_key=KEY.public)
        answer.certificate = sign_certificate(KEY, own)
    return Answered(
        Claiming(developed_file(photo, ""), registration_id=info.registration_id),
        replace(enrolled, service_key=KEY.public),
        device.client.device_key,
        answers[1],
        answers[0],
    )


def test_an_honest_answer_is_believed(answered: Answered) -> None:
    outcome = answered.checked(answered.answer)
    assert outcome.statement == answered.statement
    assert outcome.registration_receipt is not None


FALSE_STATEMENTS: dict[str, Callable[[ClaimStatement], dict[str, Any]]] = {
    "of another claim": lambda said: {"claim_id": "another"},
    "of another enrolment": lambda said: {
        "claimant": replace(said.claimant, enrollment_id="another")
    },
    "of another subject": lambda said: {"claimant": replace(said.claimant, subject="mallory")},
    "of another device": lambda said: {"claimant": replace(said.claimant, device_key=b"k" * 32)},
    "of another time of enrolment": lambda said: {
        "claimant": replace(said.claimant, enrolled_at=7)
    },
    "of another copy": lambda said: {"copy": replace(said.copy, file_sha256=b"h" * 32)},
    "of an original that was not given": lambda said: {"original": said.copy},
    "without the registration": lambda said: {"registration": None},
    "of another registration": lambda said: {
        "registration": OwnRegistration("another", "device-asserted", 7)
    },
    "of another grade": lambda said: {
        "registration": OwnRegistration(
            said.registration.registration_id, "camera-verified", said.registration.registered_at
        )
    },
    "of another time of registration": lambda said: {
        "registration": OwnRegistration(
            said.registration.registration_id, said.registration.grade, 7
        )
    },
}


@pytest.mark.parametrize("what", FALSE_STATEMENTS)
def test_a_certificate_about_something_else(answered: Answered, what: str) -> None:
    changes = FALSE_STATEMENTS[what](answered.statement)
    with pytest.raises(UntrustedService):
        answered.checked(answered.saying(**changes))


FALSE_ANSWERS: dict[str, Callable[[pb.Claim, pb.Claim], None]] = {
    "another claim": lambda said, other: said.CopyFrom(other),
    "another claim's certificate": lambda said, other: setattr(
        said, "certificate", other.certificate
    ),
    "no certificate": lambda said, _: setattr(said, "certificate", b""),
    "a changed certificate": lambda said, _: setattr(
        said, "certificate", said.certificate.replace(b'"proven"', b'"rejected"')
    ),
    "no receipt of the enrolment": lambda said, _: said.ClearField("enrollment_receipt"),
    "no receipt of the registration": lambda said, _: said.ClearField("registration_receipt"),
    "receipts that took each other's place": lambda said, _: said.enrollment_receipt.CopyFrom(
        said.registration_receipt
    ),
}


@pytest.mark.parametrize("what", FALSE_ANSWERS)
def test_an_answer_that_does_not_hold_together(answered: Answered, what: str) -> None:
    answer = pb.Claim()
    answer.CopyFrom(answered.answer)
    FALSE_ANSWERS[what](answer, answered.earlier)
    with pytest.raises(UntrustedService):
        answered.checked(answer)


def test_a_certificate_of_another_service(answered: Answered) -> None:
    stranger = SigningKey(b"o" * 32)
    answer = pb.Claim()
    answer.CopyFrom(answered.answer)
    own = replace(answered.statement, service_key=stranger.public)
    answer.certificate = sign_certificate(stranger, own)
    with pytest.raises(UntrustedService, match="certificate is none"):
        answered.checked(answer)
