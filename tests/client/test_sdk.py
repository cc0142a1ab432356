"""The SDK against a real service in a process of its own, with photos of virtual cameras."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grainseal.client import (
    Client,
    ClientError,
    PhotosRefused,
    RenewalDue,
    ServiceError,
    UntrustedService,
    Vault,
)
from grainseal.client.coding import probe_code
from grainseal.client.demo_service import LocalService
from grainseal.client.photos import fingerprint_of
from grainseal.client.transport import Transport
from grainseal.crypto.profiles import TESTING
from grainseal.crypto.tokens import keys_of_jwks, verify_decision

PASSPHRASE = "correct horse"


class Device:
    """A vault of its own and a client for it."""

    def __init__(self, local: LocalService, folder: Path, **options: Any) -> None:
        self.vault = Vault.create(folder, PASSPHRASE)
        self.client = Client(local.address, local.ca, self.vault, **options)

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.vault.close()


def enroll(device: Device, service, photos: list[Path], subject: str = "alice"):
    ticket = service.ticket(subject)
    return device.client.enroll(subject, ticket, photos, profile="TESTING")


def jwks(service) -> str:
    """The service's keys, as an operator prints them."""
    command = [sys.executable, "-m", "grainseal.cli", "admin", "jwks"]
    command += ["--data", str(service.local.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_camera_from_enrolment_to_revocation(service, alice, mallory, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        info = enroll(device, service, alice.enroll)
        assert (info.subject, info.profile, info.state) == ("alice", "TESTING", "active")

        result = device.client.authenticate("shop", alice.probe)
        assert result.accepted
        said = verify_decision(result.token, keys_of_jwks(jwks(service)), "shop")
        assert (said.subject, said.enrollment_id) == ("alice", info.enrollment_id)

        wrong = device.client.authenticate("shop", mallory.probe)
        assert (wrong.accepted, wrong.token) == (False, "")

        before = device.vault.state.enrollment
        renewed = device.client.renew(alice.later)
        assert renewed.enrollment_id != info.enrollment_id
        after = device.vault.state.enrollment
        assert before is not None
        assert after is not None
        assert after.code_key != before.code_key
        assert after.homomorphic_secret != before.homomorphic_secret
        assert device.client.authenticate("shop", alice.probe).accepted

        states = {each.enrollment_id: each.state for each in device.client.list()}
        assert states == {info.enrollment_id: "replaced", renewed.enrollment_id: "active"}

        assert device.client.revoke().state == "revoked"
        assert device.vault.state.enrollment is None
        with pytest.raises(ClientError, match="enrol first"):
            device.client.authenticate("shop", alice.probe)
        assert enroll(device, service, alice.enroll).state == "active"  # the vault serves again


def test_the_vault_holds_no_template_and_no_code(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        device.client.authenticate("shop", alice.probe)
        stored = device.vault.state.enrollment
        content = device.vault.state.to_bytes()
    assert stored is not None
    plain = content + b"".join(
        base64.b64decode(value)
        for value in (*json.loads(content)["enrollment"].values(),)
        if isinstance(value, str) and len(value) % 4 == 0 and len(value) > 500
    )
    assert stored.positions in plain  # the search would find what is there
    for photos in (alice.enroll, alice.probe):
        code = probe_code(fingerprint_of(photos, TESTING), stored)
        bits = code < 0
        forms = [
            code.tobytes(),
            code.astype(np.int64).tobytes(),
            bits.tobytes(),
            np.packbits(bits).tobytes(),
            np.packbits(bits, bitorder="little").tobytes(),
            np.packbits(~bits).tobytes(),
            np.packbits(~bits, bitorder="little").tobytes(),
        ]
        for form in forms:
            for start in range(0, len(form) - 32, 32):
                assert form[start : start + 32] not in plain


def test_enrolling_twice(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        with pytest.raises(ClientError, match="has an enrolment"):
            enroll(device, service, alice.enroll)


def test_tickets(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        with pytest.raises(ServiceError) as caught:
            device.client.enroll("alice", "no such ticket", alice.enroll, profile="TESTING")
        assert caught.value.reason == "TICKET_INVALID"
        # The ticket names the subject: nobody enrols under a name that they only claim.
        with pytest.raises(UntrustedService, match="subject"):
            device.client.enroll("bob", service.ticket("alice"), alice.enroll, profile="TESTING")
        assert device.vault.state.enrollment is None


def test_unsuitable_photos_cost_no_attempt(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        before, sent = device.vault.state, device.client.bytes_sent
        with pytest.raises(PhotosRefused, match="same shot") as caught:
            device.client.authenticate("shop", [alice.probe[0], alice.probe[0]])
        assert [each.code for each in caught.value.problems] == ["duplicate"]
        with pytest.raises(PhotosRefused, match="cannot read"):
            device.client.authenticate("shop", [tmp_path / "missing.jpg"])
        assert (device.vault.state, device.client.bytes_sent) == (before, sent)
        twice = [alice.probe[0], alice.probe[0]]
        assert device.client.authenticate("shop", twice, any_photos=True).accepted


def test_the_profile_follows_the_photos(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        ticket = service.ticket("alice")
        with pytest.raises(PhotosRefused, match="AUTH_JPEG_V1"):
            device.client.enroll("alice", ticket, alice.enroll)
        with pytest.raises(ClientError, match="unknown profile"):
            device.client.enroll("alice", ticket, alice.enroll, profile="NO_SUCH")


def test_the_cap_of_openings(service, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        state = device.vault.state
        assert state.enrollment is not None
        worn = replace(state.enrollment, openings=TESTING.max_openings - 10)
        device.vault.save(replace(state, enrollment=worn))
        with pytest.raises(RenewalDue):
            device.client.authenticate("shop", alice.probe)
        device.client.renew(alice.later)
        assert device.client.authenticate("shop", alice.probe).accepted


def test_renewing_with_another_camera(service, alice, mallory, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        info = enroll(device, service, alice.enroll)
        with pytest.raises(ClientError, match="do not match"):
            device.client.renew(mallory.later)
        stored = device.vault.state.enrollment
        assert stored is not None
        assert stored.enrollment_id == info.enrollment_id


class Lost(Exception):  # noqa: N818
    """The process died here."""


def die(when: str) -> Callable[[Transport, Any], Any]:
    """FinishEnrollment that dies before or after the service has done it."""
    real = Transport.finish_enrollment

    def finish(transport: Transport, request: Any) -> Any:
        if when == "after":
            real(transport, request)
        raise Lost

    return finish


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_the_end_of_an_enrolment(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with Device(service.local, tmp_path / "v") as device:
        monkeypatch.setattr(Transport, "finish_enrollment", die(when))
        with pytest.raises(Lost):
            enroll(device, service, alice.enroll)
    monkeypatch.undo()
    with (
        Vault.open(tmp_path / "v", PASSPHRASE) as vault,
        Client(service.local.address, service.local.ca, vault) as client,
    ):
        assert vault.state.enrollment is None
        info = client.enroll("alice", "spent", alice.enroll)
        assert info.state == "active"
        assert vault.state.pending is None
        assert client.authenticate("shop", alice.probe).accepted
        assert len(client.list()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_the_end_of_a_renewal(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with Device(service.local, tmp_path / "v") as device:
        old = enroll(device, service, alice.enroll)
        monkeypatch.setattr(Transport, "finish_enrollment", die(when))
        with pytest.raises(Lost):
            device.client.renew(alice.later)
        stored = device.vault.state.enrollment
        assert stored is not None
        assert stored.enrollment_id == old.enrollment_id  # not dropped before the new one stands
        monkeypatch.undo()
        assert device.client.authenticate("shop", alice.probe).accepted
        stored = device.vault.state.enrollment
        assert stored is not None
        assert stored.enrollment_id != old.enrollment_id
        states = sorted(each.state for each in device.client.list())
        assert states == ["active", "replaced"]


def test_a_session_forgotten_by_the_service(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service did enrol, but its answer is no longer kept: the list knows."""
    with Device(service.local, tmp_path / "v") as device:
        real = Transport.finish_enrollment

        def forgotten(transport: Transport, request: Any) -> Any:
            real(transport, request)
            raise ServiceError("SESSION_UNKNOWN", "no such session")

        monkeypatch.setattr(Transport, "finish_enrollment", forgotten)
        assert enroll(device, service, alice.enroll).state == "active"
        assert device.vault.state.enrollment is not None


def test_an_enrolment_that_came_to_nothing(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(service.local, tmp_path / "v") as device:

        def refused(transport: Transport, request: Any) -> Any:
            raise ServiceError("SESSION_EXPIRED", "too late")

        monkeypatch.setattr(Transport, "finish_enrollment", refused)
        with pytest.raises(ServiceError, match="too late"):
            enroll(device, service, alice.enroll)
        assert device.vault.state.pending is None
        assert device.vault.state.enrollment is None


def test_an_opening_is_counted_before_it_leaves(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)

        def lost(transport: Transport, request: Any) -> Any:
            raise Lost

        monkeypatch.setattr(Transport, "finish_authentication", lost)
        with pytest.raises(Lost):
            device.client.authenticate("shop", alice.probe)
    with Vault.open(tmp_path / "v", PASSPHRASE) as vault:
        assert vault.state.enrollment is not None
        assert vault.state.enrollment.openings == 2


def test_two_openings_at_once_are_counted_twice(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = fingerprint_of(alice.probe, TESTING)
    together = threading.Barrier(2, timeout=60)
    real = Transport.submit_probe

    def submit(transport: Transport, request: Any) -> Any:
        answer = real(transport, request)
        together.wait()  # both have an answer before either counts it
        return answer

    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        monkeypatch.setattr(Transport, "submit_probe", submit)
        with ThreadPoolExecutor(2) as threads:
            results = list(threads.map(device.client.authenticate, ["shop"] * 2, [taken] * 2))
        assert all(result.accepted for result in results)
        assert device.vault.state.enrollment is not None
        assert device.vault.state.enrollment.openings == 3


def test_an_interrupted_enrolment_waits_for_its_own_service(
    service, elsewhere, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(service.local, tmp_path / "v") as device:
        monkeypatch.setattr(Transport, "finish_enrollment", die("after"))
        with pytest.raises(Lost):
            enroll(device, service, alice.enroll)
        monkeypatch.undo()
        pending = device.vault.state.pending
        with (
            Client(elsewhere.address, elsewhere.ca, device.vault) as stranger,
            pytest.raises(UntrustedService, match="not the service"),
        ):
            stranger.enroll("alice", "any", alice.enroll)
        assert device.vault.state.pending == pending
        assert device.client.enroll("alice", "spent", alice.enroll).state == "active"


def test_another_service_s_word_revokes_nothing(service, elsewhere, alice, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        with (
            Client(elsewhere.address, elsewhere.ca, device.vault) as stranger,
            pytest.raises(ServiceError) as caught,
        ):
            stranger.revoke()
        assert caught.value.reason == "ENROLLMENT_UNKNOWN"
        assert device.vault.state.enrollment is not None
        assert device.client.revoke().state == "revoked"


def test_a_revocation_whose_answer_was_lost(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        real = Transport.revoke_enrollment

        def lost(transport: Transport, request: Any) -> Any:
            real(transport, request)
            raise Lost

        monkeypatch.setattr(Transport, "revoke_enrollment", lost)
        with pytest.raises(Lost):
            device.client.revoke()
        monkeypatch.undo()
        with pytest.raises(ServiceError) as caught:
            device.client.revoke()
        assert caught.value.reason == "ENROLLMENT_UNKNOWN"
        assert enroll(device, service, alice.enroll).state == "active"


def test_another_service_in_the_same_place(service, alice, tmp_path: Path) -> None:
    """The key pinned at enrolment, not the certificate, says which service this is."""
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        state = device.vault.state
        assert state.enrollment is not None
        elsewhere = replace(state.enrollment, service_key=bytes(32))
        device.vault.save(replace(state, enrollment=elsewhere))
        with pytest.raises(UntrustedService, match="not the service"):
            device.client.authenticate("shop", alice.probe)


def test_locked_out_and_told_how_long(service, alice, mallory, tmp_path: Path) -> None:
    with Device(service.local, tmp_path / "v") as device:
        enroll(device, service, alice.enroll)
        taken = fingerprint_of(mallory.probe, TESTING)
        for _ in range(5):
            assert not device.client.authenticate("shop", taken).accepted
        with pytest.raises(ServiceError) as caught:
            device.client.authenticate("shop", alice.probe)
        assert caught.value.reason == "LOCKED"
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after < 60
