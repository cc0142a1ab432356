"""Templates of superseded profiles, of other extractors and of other weights."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.client.copyright_device import PASSPHRASE, ClaimDevice, auth_print, jpeg, taken
from tests.client.program import Program, connection

from grainseal.client import ClientError, PhotosRefused, RenewalDue
from grainseal.client.photos import extract_for
from grainseal.client.renewal import renewal_advice, renewed_profile, require_usable
from grainseal.crypto import profiles
from grainseal.crypto.profiles import TESTING, TESTING_V2
from grainseal.models import claim_code, codes
from grainseal.models.codes import code_for
from grainseal.models.simulator import VirtualCamera, take_burst

ADVICE = "should be renewed (TESTING by TESTING_V2 and CLAIM_TESTING by CLAIM_TESTING_V2)"
OTHER_WEIGHTS = "ab" * 32


@pytest.fixture(scope="module")
def device(service, alice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClaimDevice]:
    """Enrolled under the first profiles; for tests that leave it as it is but for counts."""
    with ClaimDevice(service, tmp_path_factory.mktemp("renewal") / "v") as enrolled:
        enrolled.enroll_quickly(alice.enroll)
        yield enrolled


@pytest.fixture
def superseded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's profiles are the default, as far as this device is concerned."""
    newer = {"TESTING": "TESTING_V2", "CLAIM_TESTING": "CLAIM_TESTING_V2"}
    monkeypatch.setattr(profiles, "SUPERSEDED", newer)


def stored(device: ClaimDevice):
    enrolled = device.vault.state.enrollment
    assert enrolled is not None
    return enrolled


def test_nothing_is_said_of_current_profiles(device: ClaimDevice, alice) -> None:
    assert renewal_advice(stored(device)) == device.client.renewal == ""
    assert device.client.authenticate("shop", auth_print(tuple(alice.probe))).renewal == ""
    assert not any(each.needs_reenrollment for each in device.client.list())


@pytest.mark.usefixtures("superseded")
def test_a_superseded_enrolment_works_and_is_advised(
    device: ClaimDevice, alice, tmp_path: Path
) -> None:
    fresh = auth_print(tuple(alice.probe))
    result = device.client.authenticate("shop", fresh)
    assert result.accepted
    assert ADVICE in result.renewal
    assert "grainseal renew" in result.renewal
    photo = taken(tmp_path, 801)
    device.client.register(photo)
    outcome = device.client.claim(jpeg(photo, tmp_path / "copy.jpg"), fresh)
    assert outcome.statement.verdict == "proven"
    assert device.client.renewal == result.renewal
    assert [each.needs_reenrollment for each in device.client.list()] == [True]


@pytest.mark.usefixtures("superseded")
def test_a_renewal_moves_to_what_superseded_it(service, alice, tmp_path: Path) -> None:
    fresh = take_burst(VirtualCamera(101, 512, 512), 6, tmp_path / "fresh", seed=70)
    with ClaimDevice(service, tmp_path / "v") as device:
        device.enroll_quickly(alice.enroll)
        device.client.renew(fresh)
        assert stored(device).profile == "TESTING_V2"
        assert device.claims.profile == "CLAIM_TESTING_V2"
        assert device.client.renewal == ""
        result = device.client.authenticate("shop", alice.probe)
        assert (result.accepted, result.renewal) == (True, "")
        photo = taken(tmp_path, 802)
        device.client.register(photo, upload=True)
        outcome = device.client.claim(jpeg(photo, tmp_path / "copy.jpg"), alice.later)
        assert outcome.statement.verdict == "proven"
        assert outcome.statement.claimant.profile == "CLAIM_TESTING_V2"


@pytest.mark.usefixtures("superseded")
def test_a_fingerprint_made_before_renews_what_it_was_made_for(device: ClaimDevice, alice) -> None:
    assert renewed_profile(stored(device), auth_print(tuple(alice.later))) is TESTING
    assert renewed_profile(stored(device), alice.later) is TESTING_V2


def test_a_probe_of_another_extractor_is_refused(device: ClaimDevice, alice) -> None:
    before, sent = device.vault.state, device.client.bytes_sent
    by_network = extract_for(alice.probe, code_for("TESTING_V2"))
    with pytest.raises(PhotosRefused, match="made with the extractor neural"):
        device.client.authenticate("shop", by_network)
    with pytest.raises(PhotosRefused, match="made with the extractor neural"):
        device.client.renew(by_network, claims=False)
    assert (device.vault.state, device.client.bytes_sent) == (before, sent)


def pinned(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if the profiles had been enrolled with a network that is not installed here."""
    for table in (codes.CODES, claim_code.CLAIMS):
        for name in set(names) & set(table):
            other = replace(table[name], extractor="neural", weights=OTHER_WEIGHTS)
            monkeypatch.setitem(table, name, other)


def test_a_template_of_other_weights_is_refused(
    device: ClaimDevice, alice, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned(monkeypatch, "TESTING")
    before, sent = device.vault.state, device.client.bytes_sent
    fresh = auth_print(tuple(alice.probe))
    with pytest.raises(RenewalDue, match=r"weights abab.*enrol with a new ticket"):
        device.client.authenticate("shop", fresh)
    with pytest.raises(RenewalDue, match=r"weights abab"):
        device.client.renew(alice.later)
    with pytest.raises(RenewalDue, match=r"weights abab"):
        device.client.claim(alice.probe[0], fresh)
    with pytest.raises(ClientError, match="weights abab"):
        extract_for(alice.probe, code_for("TESTING"))
    assert (device.vault.state, device.client.bytes_sent) == (before, sent)


def test_a_claim_template_of_other_weights_is_refused(
    device: ClaimDevice, alice, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned(monkeypatch, "CLAIM_TESTING")
    before, sent = device.vault.state, device.client.bytes_sent
    fresh = auth_print(tuple(alice.probe))
    with pytest.raises(RenewalDue, match=r"weights abab.*grainseal renew"):
        device.client.claim(alice.probe[0], fresh)
    with pytest.raises(RenewalDue, match=r"weights abab.*grainseal renew"):
        device.client.register(alice.probe[0])
    assert (device.vault.state, device.client.bytes_sent) == (before, sent)
    assert device.client.authenticate("shop", fresh).accepted


def test_a_profile_that_this_release_does_not_know(device: ClaimDevice) -> None:
    later = replace(stored(device), profile="TESTING_V9")
    with pytest.raises(RenewalDue, match=r"no code 'TESTING_V9'.*revoke the enrolment"):
        require_usable(later)


@pytest.mark.usefixtures("superseded")
def test_the_command_line_says_it_once(
    program: Program, service, alice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAINSEAL_PASSPHRASE", PASSPHRASE)
    with ClaimDevice(service, tmp_path / "v") as made:
        made.enroll_quickly(alice.enroll)
    where = connection(service, tmp_path / "v")
    shown = ["authenticate", *where, "--audience", "shop", *alice.probe]
    assert program(*shown) == 0
    assert program.err.count(ADVICE) == 1
    assert ADVICE not in program.out
    assert program(*shown, "--json") == 0
    assert ADVICE in program.json["renewal"]
    assert ADVICE not in program.err
    assert program("list", *where) == 0
    assert "(homomorphic, TESTING, should be renewed)" in program.out
    assert program.err.count(ADVICE) == 1
    assert program("list", *where, "--json") == 0
    assert ADVICE in program.json["renewal"]
    photo = taken(tmp_path, 803)
    copy = jpeg(photo, tmp_path / "copy.jpg")
    assert program("claim", *where, copy, "--fresh", *alice.probe, "--json") == 0
    assert (program.json["verdict"], ADVICE in program.json["renewal"]) == ("supported", True)
    assert program("claim", *where, copy, "--fresh", *alice.probe) == 0
    assert program.err.count(ADVICE) == 1
