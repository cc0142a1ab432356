"""Enrolments with a claim template against a real service: added, kept, replaced, left out."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.copyright_device import WITH_CLAIMS, ClaimDevice, auth_print, claim_print

from grainseal.client import PhotosRefused, ServiceError
from grainseal.client.transport import Transport
from grainseal.models.claim_code import claim_for
from grainseal.models.claims import enrol_claim
from grainseal.models.simulator import VirtualCamera, take_burst


class Lost(Exception):  # noqa: N818
    pass


def test_with_a_claim_template_from_the_beginning(service, alice, tmp_path: Path) -> None:
    sent: list[tuple[int, int]] = []
    with ClaimDevice(service, tmp_path / "v") as device:
        info = device.enroll(alice.enroll, sending=lambda *arrived: sent.append(arrived))
        assert (info.state, info.profile) == ("active", "TESTING")
        claims = device.claims
        assert (claims.profile, claims.frame, claims.sums_opened) == (
            "CLAIM_TESTING",
            (512, 512),
            2,
        )
        assert device.client.authenticate("shop", alice.probe).accepted
        receipt = device.client.receipt()
    total = 262_208 + 786_560 + 262_208 + 8192
    assert sent == [(0, total), (786_432, total), (total, total)]
    entry = json.loads(receipt.to_json())["entry"]
    assert len(entry["claim_template_sha256"]) == 64


def test_the_vault_holds_no_claim_template(service, alice, tmp_path: Path) -> None:
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll)
        content = device.vault.state.to_bytes()
        claims = device.claims
    signs = enrol_claim(
        claim_print(tuple(alice.enroll)), claim_for("CLAIM_TESTING"), claims.seed
    ).signs
    values = json.loads(content)["enrollment"]["claims"].values()
    plain = b"".join(base64.b64decode(each) for each in values if isinstance(each, str))
    assert claims.positions in plain  # the search would find what is there
    for bits in (signs < 0, signs > 0):
        for order in ("little", "big"):
            form = np.packbits(bits, bitorder=order).tobytes()
            for start in range(0, len(form) - 32, 32):
                assert form[start : start + 32] not in plain


def test_added_kept_and_left_out_by_renewals(service, alice, tmp_path: Path) -> None:
    """Every renewal takes photos of its own: those of a template score too well against it."""
    camera = VirtualCamera(101, 512, 512)
    fresh = take_burst(camera, 6, tmp_path / "fresh", seed=50)
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll, claims=False)
        stored = device.vault.state.enrollment
        assert stored is not None
        assert stored.claims is None
        device.client.renew(fresh, claims=True, claim_profile="CLAIM_TESTING")
        added = device.claims
        assert added.sums_opened == 2

        with pytest.raises(PhotosRefused, match="--no-claims"):
            device.client.renew(alice.later)
        device.client.renew(alice.later, claim_photos=alice.enroll)
        kept = device.claims
        assert kept.profile == "CLAIM_TESTING"
        assert kept.seed != added.seed
        assert kept.homomorphic_secret != added.homomorphic_secret

        device.client.renew(alice.probe, claims=False)
        stored = device.vault.state.enrollment
        assert stored is not None
        assert stored.claims is None


def test_too_few_photos_cost_no_ticket(service, alice, tmp_path: Path) -> None:
    with ClaimDevice(service, tmp_path / "v") as device:
        ticket = service.ticket("alice")
        before = device.client.bytes_sent
        with pytest.raises(PhotosRefused, match="at least 6 photos, not 4"):
            device.client.enroll("alice", ticket, alice.later, **WITH_CLAIMS)
        assert device.client.bytes_sent == before
        prints = auth_print(tuple(alice.enroll)), claim_print(tuple(alice.enroll))
        chosen = {**WITH_CLAIMS, "claim_photos": prints[1]}
        assert device.client.enroll("alice", ticket, prints[0], **chosen).state == "active"


def test_an_upload_over_a_broken_line(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the first piece is lost for good; the device asks and goes on from there."""
    real, calls = Transport.upload, []

    def lossy(transport: Transport, request: Any) -> Any:
        calls.append((request.offset, len(request.data)))
        answer = real(transport, request)
        if len(calls) == 1:
            raise ServiceError("UNAVAILABLE", "the line is down")
        return answer

    monkeypatch.setattr(Transport, "upload", lossy)
    with ClaimDevice(service, tmp_path / "v") as device:
        assert device.enroll_quickly(alice.enroll).state == "active"
    assert [offset for offset, _ in calls] == [0, 0, 786_432]
    assert calls[1] == (0, 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_the_end_keeps_both_keys(
    service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    real = Transport.finish_enrollment

    def dies(transport: Transport, request: Any) -> Any:
        if when == "after":
            real(transport, request)
        raise Lost

    with ClaimDevice(service, tmp_path / "v") as device:
        monkeypatch.setattr(Transport, "finish_enrollment", dies)
        with pytest.raises(Lost):
            device.enroll_quickly(alice.enroll)
        monkeypatch.undo()
        assert device.vault.state.enrollment is None
        pending = device.vault.state.pending
        assert pending is not None
        info = device.client.enroll("alice", "spent", alice.enroll)
        assert info.state == "active"
        assert device.vault.state.enrollment == pending.enrollment
        assert device.claims.sums_opened == 2
