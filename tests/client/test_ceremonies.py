"""The client's checks C1–C7: whatever an honest service never says is answered with nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.client.honest_service import DEVICE, KEY, NOW, SERVICE, context, session

from grainseal.client import authenticating, enrolling
from grainseal.client.coding import NewTemplate, new_template, probe_code
from grainseal.client.errors import ClientError, PhotosRefused, RenewalDue, UntrustedService
from grainseal.client.sessions import check_keys, checked_session, opening
from grainseal.client.vault_state import StoredEnrollment, VaultState
from grainseal.crypto.masking import (
    LoadedKeys,
    Mask,
    MaskedSum,
    PublicKeys,
    check_template,
    load_code,
    mask_comparison,
    mask_template_check,
    unmask_score,
)
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import TESTING
from grainseal.crypto.signing import SigningKey, verify
from grainseal.crypto.tokens import Decision, jwks, sign_decision
from grainseal.crypto.transcript import (
    opening_transcript,
    probe_transcript,
    template_transcript,
)
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

EXPECTED = authenticating.Expected("enroll", "TESTING", "alice", "grainseal", None, None)


def fingerprint(seed: int, shape: tuple[int, int] = (512, 512)) -> Fingerprint:
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return Fingerprint(values, "developed", 6)


def message(sums: list[MaskedSum]) -> pb.MaskedSums:
    return pb.MaskedSums(sums=[pb.MaskedSum(c1=each.c1, c0=each.c0) for each in sums])


@pytest.fixture(scope="module")
def template() -> NewTemplate:
    return new_template(fingerprint(1), TESTING)


@pytest.fixture(scope="module")
def submitted(template: NewTemplate) -> enrolling.Submitted:
    return enrolling.submit(session(), EXPECTED, template, DEVICE, KEY, NOW)


@pytest.fixture(scope="module")
def checked(submitted: enrolling.Submitted) -> tuple[list[MaskedSum], list[Mask]]:
    request = submitted.request
    keys = LoadedKeys.from_wire(TESTING, PublicKeys(request.relin_key, request.zero_key))
    return mask_template_check(TESTING, keys, load_code(TESTING, request.template))


@pytest.fixture(scope="module")
def enrolled(
    submitted: enrolling.Submitted,
    checked: tuple[list[MaskedSum], list[Mask]],
    template: NewTemplate,
) -> StoredEnrollment:
    answer = message(checked[0])
    return enrolling.finish(submitted, answer, template, DEVICE, KEY).enrollment


def test_an_enrolment_that_a_service_believes(
    submitted: enrolling.Submitted,
    checked: tuple[list[MaskedSum], list[Mask]],
    template: NewTemplate,
) -> None:
    sums, masks = checked
    request, said = submitted.request, submitted.session
    keys = PublicKeys(request.relin_key, request.zero_key)
    verify(
        DEVICE.public,
        template_transcript(context(said), request.template, keys),
        request.signature,
    )
    pending = enrolling.finish(submitted, message(sums), template, DEVICE, KEY)
    finish = pb.Opening.FromString(pending.finish_request)
    opened = list(finish.opened)
    verify(DEVICE.public, opening_transcript(context(said), sums, opened), finish.signature)
    check_template(TESTING, masks, opened)
    stored = pending.enrollment
    assert (stored.enrollment_id, stored.subject, stored.openings) == ("enrollment", "alice", 1)
    assert stored.service_key == SERVICE.public
    assert stored.code_key != new_template(fingerprint(1), TESTING).code_key  # renewable


def test_an_authentication_gives_the_score_in_the_clear(
    submitted: enrolling.Submitted, enrolled: StoredEnrollment, template: NewTemplate
) -> None:
    code = probe_code(fingerprint(2), enrolled)
    key = HomomorphicKey(TESTING, enrolled.homomorphic_secret)
    expected = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    said = session(audience="shop", purpose="authenticate")
    probe = authenticating.submit(said, expected, code, key, DEVICE, KEY, NOW)
    verify(DEVICE.public, probe_transcript(context(said), probe.probe), probe.signature)
    request = submitted.request
    keys = LoadedKeys.from_wire(TESTING, PublicKeys(request.relin_key, request.zero_key))
    blocks = (load_code(TESTING, request.template), load_code(TESTING, probe.probe))
    sums, masks = mask_comparison(TESTING, keys, *blocks)
    finish = opening(said, message(sums), key, DEVICE, KEY)
    expected_score = int(template.code.astype(np.int64) @ code)
    assert unmask_score(TESTING, masks, list(finish.opened)) == expected_score


@pytest.mark.parametrize(
    "changes",
    [
        {"session_id": ""},  # C1
        {"session_id": "x" * 1000},
        {"nonce": b""},
        {"nonce": b"n" * 31},
        {"service_key": b"short"},
        {"service_key": SigningKey(b"o" * 32).public},  # C2
        {"audience": ""},  # C3
        {"audience": "another"},
        {"enrollment_id": "another"},
        {"subject": "mallory"},
        {"purpose": "renew"},
        {"purpose": ""},
        {"profile": "AUTH_RAW_V1"},
        {"expires_at": 0},  # C4
        {"expires_at": int(NOW) - 3600},
        {"expires_at": int(NOW) + 86400},
    ],
)
def test_a_session_that_is_not_what_was_asked(changes: dict[str, object]) -> None:
    expected = authenticating.Expected(
        "enroll", "TESTING", "alice", "grainseal", "enrollment", SERVICE.public
    )
    checked_session(session(), expected, NOW)
    with pytest.raises(UntrustedService):
        checked_session(session(**changes), expected, NOW)


def test_a_clock_that_is_minutes_wrong_is_no_reason() -> None:
    for wrong in (-500, 500):
        checked_session(session(), EXPECTED, NOW + wrong)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sums: sums[:2],
        lambda sums: [*sums, sums[0]],
        lambda sums: [],
        lambda sums: [MaskedSum(sums[0].c1[:-8], sums[0].c0), *sums[1:]],
        lambda sums: [MaskedSum(bytes(len(sums[0].c1)), sums[0].c0), *sums[1:]],
        lambda sums: [MaskedSum(b"\xff" * len(sums[0].c1), sums[0].c0), *sums[1:]],
        lambda sums: [MaskedSum(sums[0].c1, TESTING.ring.last_prime), *sums[1:]],
    ],
    ids=["fewer", "more", "none", "short", "transparent", "c1 too large", "c0 too large"],
)
def test_an_answer_that_is_none(
    submitted: enrolling.Submitted,
    checked: tuple[list[MaskedSum], list[Mask]],
    tamper: Callable[[list[MaskedSum]], list[MaskedSum]],
) -> None:
    answer = message(tamper(checked[0]))
    with pytest.raises(UntrustedService, match="answer"):
        opening(submitted.session, answer, submitted.key, DEVICE, KEY)


def test_openings_are_counted_and_capped(enrolled: StoredEnrollment) -> None:
    kept = authenticating.OPENINGS_KEPT_FOR_RENEWAL
    last = replace(enrolled, openings=TESTING.max_openings - kept - 1)
    authenticating.require_openings_left(last, "authenticate")
    asked = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    state = authenticating.counted(VaultState(b"d" * 32, last), asked)
    used = state.enrollment
    assert used == replace(last, openings=last.openings + 1)
    with pytest.raises(RenewalDue, match="renew it"):  # another thread took the last one
        authenticating.counted(state, asked)
    with pytest.raises(RenewalDue, match="renew it"):
        authenticating.require_openings_left(used, "authenticate")
    authenticating.require_openings_left(used, "renew")
    with pytest.raises(RenewalDue, match="new ticket"):
        authenticating.require_openings_left(replace(used, openings=TESTING.max_openings), "renew")


def test_an_opening_of_an_enrolment_that_has_left_the_vault(enrolled: StoredEnrollment) -> None:
    asked = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    renewed = VaultState(b"d" * 32, replace(enrolled, enrollment_id="another"))
    for state in (VaultState(b"d" * 32), renewed):
        with pytest.raises(ClientError, match="in the meantime"):
            authenticating.counted(state, asked)


@pytest.mark.parametrize(
    "said", ["", "rubbish", '{"keys": []}', jwks([SigningKey(b"o" * 32).public])]
)
def test_a_key_set_without_the_pinned_key(said: str) -> None:
    others = [SigningKey(b"o" * 32).public, SERVICE.public]
    check_keys(pb.GetKeysResponse(jwks=jwks(others)), SERVICE.public)
    with pytest.raises(UntrustedService):
        check_keys(pb.GetKeysResponse(jwks=said), SERVICE.public)


def decision(**changes: object) -> Decision:
    honest = Decision(
        "grainseal", "alice", "shop", "shop", "authenticate", "enrollment", "TESTING",
        int(NOW), int(NOW) + 120, "id",
    )  # fmt: skip
    return replace(honest, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("signer", "changes"),
    [
        (SigningKey(b"o" * 32), {}),
        (SERVICE, {"audience": "another"}),
        (SERVICE, {"subject": "mallory"}),
        (SERVICE, {"purpose": "renew"}),
        (SERVICE, {"enrollment_id": "another"}),
        (SERVICE, {"profile": "AUTH_JPEG_V1"}),
        (SERVICE, {"expires_at": int(NOW) - 1}),
    ],
)
def test_a_token_that_is_not_about_this(
    enrolled: StoredEnrollment, signer: SigningKey, changes: dict[str, object]
) -> None:
    expected = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    honest = sign_decision(SERVICE, decision())
    answer = pb.AuthenticationDecision(accepted=True, token=honest)
    assert authenticating.checked_token(answer, expected, NOW) == honest
    forged = sign_decision(signer, decision(**changes))
    with pytest.raises(UntrustedService):
        authenticating.checked_token(
            pb.AuthenticationDecision(accepted=True, token=forged), expected, NOW
        )


def test_a_token_that_is_none(enrolled: StoredEnrollment) -> None:
    expected = authenticating.expected_authentication(enrolled, "authenticate", "shop")
    with pytest.raises(UntrustedService):
        authenticating.checked_token(pb.AuthenticationDecision(accepted=True), expected, NOW)
    rejection = pb.AuthenticationDecision(accepted=False, token="x")
    assert authenticating.checked_token(rejection, expected, NOW) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"enrollment_id": "another"},
        {"subject": "mallory"},
        {"profile": "AUTH_JPEG_V1"},
        {"state": pb.ENROLLMENT_STATE_REVOKED},
        {"state": pb.ENROLLMENT_STATE_UNSPECIFIED},
    ],
)
def test_a_confirmation_of_something_else(
    enrolled: StoredEnrollment, changes: dict[str, object]
) -> None:
    pending = enrolling.PendingEnrollment(enrolled, b"")
    honest = {
        "enrollment_id": "enrollment",
        "subject": "alice",
        "profile": "TESTING",
        "state": pb.ENROLLMENT_STATE_ACTIVE,
    }
    enrolling.require_active(pending, pb.Enrollment(**honest))
    with pytest.raises(UntrustedService):
        enrolling.require_active(pending, pb.Enrollment(**{**honest, **changes}))


def test_photos_of_another_frame(enrolled: StoredEnrollment) -> None:
    with pytest.raises(PhotosRefused, match="640x512"):
        probe_code(fingerprint(2, (512, 640)), enrolled)
    with pytest.raises(PhotosRefused, match="too small"):
        new_template(fingerprint(2, (64, 64)), TESTING)
