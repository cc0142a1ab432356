"""Registrations: what is stated, counted and believed, against a real service."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.copyright_device import ClaimDevice, jpeg, taken

from grainseal.client import ClientError, PhotosRefused, RenewalDue, ServiceError, UntrustedService
from grainseal.client.claim_openings import counted_sums, expected_session, require_sums_left
from grainseal.client.transport import Transport
from grainseal.client.vault_state import VaultState
from grainseal.client.watching import read_log_keys
from grainseal.crypto.profiles import CLAIM_TESTING
from grainseal.crypto.receipts import PhotoHashes, verify_receipt
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.proto.v1 import grainseal_pb2 as pb


@pytest.fixture(scope="module")
def device(service, alice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClaimDevice]:
    """Enrolled once for the tests that leave it as it is but for counts."""
    with ClaimDevice(service, tmp_path_factory.mktemp("registering") / "v") as enrolled:
        enrolled.enroll_quickly(alice.enroll)
        yield enrolled


@pytest.mark.parametrize(("upload", "sums"), [(False, 1), (True, 2)])
def test_a_registration_and_its_receipt(
    device: ClaimDevice, service, tmp_path: Path, upload: bool, sums: int
) -> None:
    photo, before = taken(tmp_path, 20 + upload), device.claims.sums_opened
    sent: list[tuple[int, int]] = []
    info = device.client.register(
        photo,
        title="The sky",
        creator="Alice",
        licence="cc-by-4.0",
        upload=upload,
        metadata=True,
        sending=lambda *arrived: sent.append(arrived),
    )
    assert info.grade == ("camera-verified" if upload else "device-asserted")
    assert info.competing == ()
    assert device.claims.sums_opened == before + sums
    size = photo.stat().st_size if upload else 262_208
    assert sent == [(0, size), (size, size)]

    read = read_photo(photo)
    identity = identity_of(read)
    keys = read_log_keys(str(service.local.data / "log.vkey"))
    hashes = PhotoHashes(identity.file_sha256, identity.pixels_sha256)
    done = verify_receipt(info.receipt.to_json().encode(), keys, photo=hashes)
    assert done.valid, done.problem
    entry: Any = info.receipt.entry
    assert (entry.registration_id, entry.registered_at) == (
        info.registration_id,
        info.registered_at,
    )
    assert (entry.subject, entry.issuer, entry.title) == ("alice", "shop", "The sky")
    assert (entry.creator, entry.licence) == ("Alice", "CC-BY-4.0")
    assert entry.camera == f"{read.make} {read.model}"
    assert device.client.receipt(info.registration_id).entry == entry


def test_another_camera_s_photo_is_not_registered(device: ClaimDevice, tmp_path: Path) -> None:
    foreign = taken(tmp_path, 22, camera=102)
    for upload in (False, True):
        with pytest.raises(ServiceError) as caught:
            device.client.register(foreign, upload=upload)
        assert caught.value.reason == "REGISTRATION_REFUSED"


def test_photos_that_cannot_be_registered(device: ClaimDevice, tmp_path: Path) -> None:
    photo = taken(tmp_path, 23)
    raw = take_burst(VirtualCamera(101, 512, 512), 1, tmp_path, raw=True, seed=23)[0]
    small = take_burst(VirtualCamera(101, 384, 384), 1, tmp_path, seed=23)[0]
    before = device.client.bytes_sent
    for file, message in (
        (raw, "is RAW: give the JPEG made of it to register it"),
        (small, "enrolled ones 512x512"),
        (tmp_path / "none.jpg", "cannot read"),
    ):
        with pytest.raises(PhotosRefused, match=message):
            device.client.register(file)
    with pytest.raises(ClientError, match="SPDX"):
        device.client.register(photo, licence="mine")
    with pytest.raises(ClientError, match="at most 256"):
        device.client.register(photo, title="x" * 300)
    assert device.client.bytes_sent == before


def test_who_came_second_is_told_so(device: ClaimDevice, service, alice, tmp_path: Path) -> None:
    photo = taken(tmp_path, 24)
    first = device.client.register(photo)
    with ClaimDevice(service, tmp_path / "v") as other:
        other.enroll_quickly(alice.enroll, subject="bob")
        second = other.client.register(jpeg(photo, tmp_path / "copy.jpg"), upload=True)
    assert [each.registration_id for each in second.competing] == [first.registration_id]
    competing = second.competing[0]
    assert (competing.grade, competing.registered_at) == ("device-asserted", first.registered_at)
    assert competing.distance < 16
    entry: Any = second.receipt.entry
    assert entry.competing_ids == (first.registration_id,)


def test_without_a_claim_template(service, alice, tmp_path: Path) -> None:
    with ClaimDevice(service, tmp_path / "v") as device:
        with pytest.raises(ClientError, match="enrol first"):
            device.client.register(alice.probe[0])
        device.enroll_quickly(alice.enroll, claims=False)
        with pytest.raises(ClientError, match="renew --claims"):
            device.client.register(alice.probe[0])


def test_a_photo_over_a_broken_line(
    device: ClaimDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Transport.upload, []

    def lossy(transport: Transport, request: Any) -> Any:
        calls.append(request)
        if len(calls) == 1:
            raise ServiceError("DEADLINE_EXCEEDED", "no answer")
        return real(transport, request)

    monkeypatch.setattr(Transport, "upload", lossy)
    assert device.client.register(taken(tmp_path, 25), upload=True).registration_id
    assert [bool(each.data) for each in calls] == [True, False, True]


# C9 ----------------------------------------------------------------------------------------------


def test_sums_are_counted_before_they_are_opened(
    device: ClaimDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def lost(transport: Transport, request: Any) -> Any:
        seen.append(device.claims.sums_opened)
        raise ServiceError("UNAVAILABLE", "lost")

    before = device.claims.sums_opened
    monkeypatch.setattr(Transport, "finish_registration", lost)
    with pytest.raises(ServiceError, match="lost"):
        device.client.register(taken(tmp_path, 26))
    assert seen == [before + 1]


def test_the_cap_on_sums(service, alice, tmp_path: Path) -> None:
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll)
        enrolled, cap = device.vault.state.enrollment, CLAIM_TESTING.max_sums
        assert enrolled is not None
        claims = replace(device.claims, sums_opened=cap - 1)
        require_sums_left(claims, 1)
        state = VaultState(b"d" * 32, replace(enrolled, claims=claims))
        expected = expected_session(enrolled, "register")
        used = counted_sums(state, expected, 1)
        assert used.enrollment is not None
        assert used.enrollment.claims == replace(claims, sums_opened=cap)
        with pytest.raises(RenewalDue, match="renew --claims"):  # another thread took the last one
            counted_sums(used, expected, 1)
        with pytest.raises(RenewalDue):
            counted_sums(state, expected, 2)
        gone = replace(state, enrollment=replace(enrolled, enrollment_id="another"))
        for left in (gone, VaultState(b"d" * 32)):
            with pytest.raises(ClientError, match="in the meantime"):
                counted_sums(left, expected, 1)

        device.vault.save(replace(device.vault.state, enrollment=replace(enrolled, claims=claims)))
        before = device.client.bytes_sent
        with pytest.raises(RenewalDue, match="opened 599 times"):
            device.client.register(alice.probe[0], upload=True)
        assert device.client.bytes_sent == before


# C6, C8 ------------------------------------------------------------------------------------------


def more_sums(answer: pb.MaskedSums) -> None:
    answer.sums.append(answer.sums[0])


def no_sums(answer: pb.MaskedSums) -> None:
    del answer.sums[:]


@pytest.mark.parametrize("tamper", [more_sums, no_sums])
def test_an_answer_of_another_number_of_sums(
    device: ClaimDevice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tamper: Callable[[pb.MaskedSums], None],
) -> None:
    real = Transport.submit_registration

    def false(transport: Transport, request: Any) -> Any:
        answer = real(transport, request)
        tamper(answer)
        return answer

    monkeypatch.setattr(Transport, "submit_registration", false)
    with pytest.raises(UntrustedService, match="expected 1 sums"):
        device.client.register(taken(tmp_path, 27))


def test_a_session_for_something_else(
    device: ClaimDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3, before anything of the photo leaves."""
    real = Transport.begin_registration

    def false(transport: Transport, request: Any) -> Any:
        session = real(transport, request)
        session.purpose = "claim"
        return session

    monkeypatch.setattr(Transport, "begin_registration", false)
    monkeypatch.setattr(Transport, "upload", lambda *_: pytest.fail("something was uploaded"))
    with pytest.raises(UntrustedService, match="purpose 'claim'"):
        device.client.register(taken(tmp_path, 28), upload=True)


FALSE_ANSWERS: dict[str, Callable[[pb.Registration], None]] = {
    "id": lambda said: setattr(said, "registration_id", "another"),
    "time": lambda said: setattr(said, "registered_at", said.registered_at + 1),
    "grade": lambda said: setattr(said, "grade", pb.GRADE_CAMERA_VERIFIED),
    "a competitor that is not logged": lambda said: said.competing.append(
        pb.Competing(registration_id="x", grade=pb.GRADE_DEVICE_ASSERTED)
    ),
    "salt": lambda said: setattr(said.receipt, "salt", b"s" * 32),
    "no receipt": lambda said: said.ClearField("receipt"),
}


@pytest.mark.parametrize("what", FALSE_ANSWERS)
def test_a_registration_of_something_else(
    device: ClaimDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    real = Transport.finish_registration

    def false(transport: Transport, request: Any) -> Any:
        answer = real(transport, request)
        FALSE_ANSWERS[what](answer)
        return answer

    monkeypatch.setattr(Transport, "finish_registration", false)
    with pytest.raises(UntrustedService):
        device.client.register(taken(tmp_path, 30 + [*FALSE_ANSWERS].index(what)))


def test_the_receipt_of_an_earlier_registration(
    device: ClaimDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = device.client.register(taken(tmp_path, 40))
    real = Transport.finish_registration

    def false(transport: Transport, request: Any) -> Any:
        answer = real(transport, request)
        proof = earlier.receipt.proof
        answer.receipt.CopyFrom(
            pb.Receipt(
                kind="registration",
                salt=earlier.receipt.salt,
                entry=earlier.receipt.entry.encoded,
                index=proof.index,
                inclusion=proof.inclusion,
                checkpoint=proof.checkpoint,
            )
        )
        return answer

    monkeypatch.setattr(Transport, "finish_registration", false)
    with pytest.raises(UntrustedService, match="something else than was stated"):
        device.client.register(taken(tmp_path, 41))
