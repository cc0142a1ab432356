"""Enrolment with a claim template: its checks, where it is kept, and what leads to its end."""

from dataclasses import replace

import grpc
import numpy as np
import pytest
from tests.server.claims import SMALL_FRAME, ClaimMaterial, bitmap
from tests.server.device import TestDevice, new_key, noisy, random_code, refused

from grainseal.crypto.entries import parse_enrollment_entry
from grainseal.crypto.masking import PublicKeys
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING, CLAIM_V1, TESTING
from grainseal.crypto.tokens import keys_of_jwks, verify_decision
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import enrollment, homomorphic
from grainseal.server.claim_support import template_of
from grainseal.server.claim_upload import ClaimParameters
from grainseal.server.errors import Reason, Refused
from grainseal.server.idempotency import Write
from grainseal.server.store.enrollments import EnrollmentState
from grainseal.server.warrants import EnrollmentRequest

AUTH_T, CLAIM_T = TESTING.ring.plain_modulus, CLAIM_TESTING.ring.plain_modulus


@pytest.fixture
def device(world):
    device = world.device()
    device.claims = ClaimMaterial.random(world.rng)
    return device


def row_of(world, enrollment_id):
    with world.server.service.store.transaction() as tx:
        return tx.claim_templates.find(enrollment_id)


def uploaded(world, session):
    with world.server.service.store.transaction() as tx:
        return tx.uploads.content(session.session_id)


def submitted(world, device, claims=None, ticket=""):
    """A session whose templates were submitted, and its sums."""
    session = device.begin_enrollment(ticket or world.ticket())
    claims = claims or device.encrypt_claims()
    device.upload_all(session, claims.blob)
    request = device.template_request(session, claims_sha256=claims.sha256)
    return session, device.submit_template(request)


# What is enrolled --------------------------------------------------------------------------------


def test_claim_template_is_kept_and_logged(world, device):
    session = device.begin_enrollment(world.ticket())
    claims = device.encrypt_claims()
    device.upload_all(session, claims.blob)
    request = device.template_request(session, claims_sha256=claims.sha256)
    sums = device.submit_template(request)
    assert [len(each.c1) for each in sums] == [8 * 8192] * 3 + [8 * 16384] * 2
    assert device.submit_template(request) == sums
    opening = device.template_opening(session, sums)
    enrolled = device.finish_enrollment(opening)
    assert device.finish_enrollment(opening) == enrolled
    row = row_of(world, enrolled.enrollment_id)
    assert (row.profile, row.height, row.width) == ("CLAIM_TESTING", *SMALL_FRAME)
    assert (row.seed, row.code) == (device.claims.seed, claims.code)
    assert PublicKeys(row.relin_key, row.zero_key) == claims.keys
    assert (row.positions, row.template_sha256) == (claims.positions, claims.sha256)
    assert (row.scores_told, row.commitment_sha256) == (0, None)
    assert uploaded(world, session) == b""
    device.enrollment_id = enrolled.enrollment_id
    entry = parse_enrollment_entry(device.receipt().entry)
    assert entry.claim_template_sha256 == claims.sha256
    assert enrolled.profile == session.profile == "TESTING"
    party = world.backend()
    assert device.authenticate(noisy(device.code, world.rng), party.name).accepted


def test_a_commitment_is_kept_and_logged(world, device):
    device.claims.commitment_sha256 = b"c" * 32
    enrolled = device.enroll(world.ticket())
    row = row_of(world, enrolled.enrollment_id)
    assert row.commitment_sha256 == b"c" * 32
    assert template_of(row).sha256 == row.template_sha256
    device.enrollment_id = enrolled.enrollment_id
    entry = parse_enrollment_entry(device.receipt().entry)
    assert entry.claim_template_sha256 == row.template_sha256
    assert replace(template_of(row), commitment_sha256=b"").sha256 != row.template_sha256


def test_the_signature_is_over_the_commitment_that_was_begun_with(world, device):
    device.claims.commitment_sha256 = b"c" * 32
    session = device.begin_enrollment(world.ticket())
    claims = device.encrypt_claims()
    device.upload_all(session, claims.blob)
    for another in (b"", b"d" * 32):
        device.claims.commitment_sha256 = another
        request = device.template_request(session, claims_sha256=claims.sha256)
        refused("SIGNATURE_INVALID", device.submit_template, request)
    device.claims.commitment_sha256 = b"c" * 32
    request = device.template_request(session, claims_sha256=claims.sha256)
    assert device.submit_template(request)


def test_a_session_of_an_earlier_version_commits_to_nothing(device):
    made = device.claims
    now = ClaimParameters(made.profile.name, *made.shape, made.seed)
    assert ClaimParameters.of_json(now.as_json()) == now
    before = {**now.as_json()}
    del before["commitment_sha256"]
    assert ClaimParameters.of_json(before) == now


def test_a_claim_template_of_full_size(world, device):
    device.claims = ClaimMaterial.random(world.rng, CLAIM_V1, (1088, 1152))
    enrolled = device.enroll(world.ticket())
    row = row_of(world, enrolled.enrollment_id)
    assert len(row.code) == 16 * 262_208
    loaded = homomorphic.loaded_claim_template(
        row.profile, row.code, PublicKeys(row.relin_key, row.zero_key)
    )
    assert len(loaded.template) == 16
    again = homomorphic.loaded_claim_template(
        row.profile, bytes(row.code), PublicKeys(row.relin_key, row.zero_key)
    )
    assert again is loaded


def test_a_stored_claim_template_that_cannot_be_read_is_no_fault_of_the_peer(device):
    claims = device.encrypt_claims()
    with pytest.raises(homomorphic.StoredTemplateDamaged):
        homomorphic.loaded_claim_template("CLAIM_TESTING", claims.code[:-1], claims.keys)


def test_answer_lost_with_its_process_is_computed_once_more(world, device):
    session = device.begin_enrollment(world.ticket())
    claims = device.encrypt_claims()
    device.upload_all(session, claims.blob)
    request = device.template_request(session, claims_sha256=claims.sha256)
    lost = device.submit_template(request)
    with world.server.service.store.transaction() as tx:
        tx.sessions.delete_exchange(session.session_id)
    sums = device.submit_template(request)
    assert sums != lost
    assert device.finish_enrollment(device.template_opening(session, sums))


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"profile": "CLAIM_V9"},
        {"profile": "TESTING"},
        {"profile": ""},
        {"seed": bytes(31)},
        {"seed": bytes(33)},
        {"commitment_sha256": bytes(31)},
        {"commitment_sha256": bytes(33)},
        {"height": 255, "width": 256},
        {"height": 0},
        {"height": 1 << 14, "width": (1 << 14) + 1},
        {"height": 2**32 - 1, "width": 2**32 - 1},
    ],
    ids=str,
)
def test_parameters_of_no_claim_template_are_refused(world, device, changes):
    claims = pb.ClaimParameters()
    claims.CopyFrom(device.claims.parameters)
    for name, value in changes.items():
        setattr(claims, name, value)
    refused("MALFORMED", device.begin_enrollment, world.ticket(), claims=claims)


def test_frame_of_the_smallest_size_is_taken(world, device):
    device.claims = ClaimMaterial.random(world.rng, shape=(256, 256))
    assert device.enroll(world.ticket())


def test_a_strict_service_takes_no_claim_profile_for_tests(world):
    service = world.server.service
    # The authentication profile is a real one, the claim profile is not.
    made = ClaimMaterial.random(world.rng)
    asked = EnrollmentRequest(
        world.ticket(),
        "",
        "AUTH_JPEG_V1",
        world.device().signing.public,
        ClaimParameters(made.profile.name, *made.shape, made.seed),
    )
    config = replace(service.authority.config, allow_testing_profiles=False)
    strict = replace(service.authority, config=config)
    write = Write("BeginEnrollmentRequest", new_key(), bytes(32))
    with pytest.raises(Refused) as caught, service.store.transaction() as tx:
        enrollment.begin(tx, strict, write, asked)
    assert caught.value.reason is Reason.MALFORMED
    with service.store.transaction() as tx:
        assert enrollment.begin(tx, service.authority, write, asked)


def test_incomplete_upload_is_refused_and_can_be_completed(world, device):
    session = device.begin_enrollment(world.ticket())
    claims = device.encrypt_claims()
    request = device.template_request(session, claims_sha256=claims.sha256)
    refused("MALFORMED", device.submit_template, request)
    device.upload_all(session, claims.blob[:-1])
    error = refused("MALFORMED", device.submit_template, request)
    assert f"{len(claims.blob) - 1} bytes of the claim template" in error.details()
    device.upload(session, len(claims.blob) - 1, claims.blob[-1:])
    sums = device.submit_template(request)
    assert device.finish_enrollment(device.template_opening(session, sums))


def test_the_signature_is_over_the_claim_template_too(world, device):
    session = device.begin_enrollment(world.ticket())
    claims = device.encrypt_claims()
    device.upload_all(session, claims.blob)
    refused("SIGNATURE_INVALID", device.submit_template, device.template_request(session))
    another = replace(claims, positions=claims.positions[::-1])
    request = device.template_request(session, claims_sha256=another.sha256)
    refused("SIGNATURE_INVALID", device.submit_template, request)
    request = device.template_request(session, claims_sha256=claims.sha256)
    assert device.submit_template(request)


def moved_within_the_frame(made):
    """One position fewer in its quota, one more in another."""
    bits = np.unpackbits(np.frombuffer(bitmap(made.positions, made.shape, made.profile), np.uint8))
    first_chosen, last_free = np.flatnonzero(bits)[0], np.flatnonzero(bits == 0)[-1]
    bits[first_chosen], bits[last_free] = 0, 1
    return np.packbits(bits).tobytes()


def test_positions_that_break_the_quotas_are_refused(world, device):
    claims = device.encrypt_claims()
    for positions in (
        moved_within_the_frame(device.claims),
        bytes(len(claims.positions)),
        b"\xff" * len(claims.positions),
    ):
        crooked = replace(claims, positions=positions)
        error = refused("MALFORMED", submitted, world, device, crooked)
        assert "quota" in error.details()


def test_bits_behind_the_last_feature_are_zero(world, device):
    device.claims = ClaimMaterial.random(world.rng, shape=(326, 390))  # 163 · 195 features
    claims = device.encrypt_claims()
    assert len(claims.positions) * 8 - 163 * 195 == 7
    tail = bytes([claims.positions[-1] | 1])
    crooked = replace(claims, positions=claims.positions[:-1] + tail)
    error = refused("MALFORMED", submitted, world, device, crooked)
    assert "filled with zeros" in error.details()
    session, sums = submitted(world, device, claims)
    assert device.finish_enrollment(device.template_opening(session, sums))


def malformed(claims):
    """Claim templates of the right size that fail W2 or W3."""
    code, keys = claims.code, claims.keys
    yield replace(claims, code=b"\xff" * len(code))
    yield replace(claims, code=bytes(len(code)))
    yield replace(claims, keys=replace(keys, relin_key=bytes(len(keys.relin_key))))
    yield replace(claims, keys=replace(keys, zero_key=keys.zero_key[:-64] + bytes(64)))
    # The zero-key of the other ring, with something behind it.
    other = HomomorphicKey(TESTING).public_keys().zero_key
    yield replace(claims, keys=replace(keys, zero_key=(other * 2)[: len(keys.zero_key)]))


def test_malformed_claim_templates_are_refused_and_use_no_nonce_up(world, device):
    honest = device.encrypt_claims()
    for claims in (*malformed(honest), replace(honest, positions=bytes(3840))):
        session = device.begin_enrollment(world.ticket())
        device.upload_all(session, claims.blob)
        request = device.template_request(session, claims_sha256=claims.sha256)
        error = refused("MALFORMED", device.submit_template, request)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        with world.server.service.store.transaction() as tx:
            assert tx.sessions.find(session.session_id).state == "begun"


class CrookedDevice(TestDevice):
    """Its claim code has one slot that is not ±1."""

    def encrypt_claims(self):
        slots = self.claims.code.astype(np.int64)
        slots[4321] = 3
        crooked = self.claims.homomorphic._secret_ring.encrypt_slots(slots)
        return replace(super().encrypt_claims(), code=crooked)


class ForeignKeyDevice(TestDevice):
    """Its zero-key is of another secret key."""

    def encrypt_claims(self):
        claims = super().encrypt_claims()
        foreign = HomomorphicKey(CLAIM_TESTING).public_keys().zero_key
        return replace(claims, keys=replace(claims.keys, zero_key=foreign))


@pytest.mark.parametrize("cls", [CrookedDevice, ForeignKeyDevice])
def test_claim_template_that_is_not_signs_is_refused_and_the_ticket_stays(world, cls):
    ticket, device = world.ticket(), world.device(cls=cls)
    device.claims = ClaimMaterial.random(world.rng)
    session, sums = submitted(world, device, ticket=ticket)
    opening = device.template_opening(session, sums)
    refused("TEMPLATE_REFUSED", device.finish_enrollment, opening)
    refused("TEMPLATE_REFUSED", device.finish_enrollment, opening)
    assert row_of(world, session.enrollment_id) is None
    assert uploaded(world, session) == b""
    honest = world.device()
    honest.claims = ClaimMaterial.random(world.rng)
    assert honest.enroll(ticket)


def test_a_crooked_code_beside_a_good_claim_template_is_refused(world, device):
    slots = device.code.astype(np.int64)
    slots[5] = 3
    device.encrypt = lambda _: device.homomorphic._secret_ring.encrypt_slots(slots)
    refused("TEMPLATE_REFUSED", device.enroll, world.ticket())


@pytest.mark.parametrize("place", [0, 2, 3, 4])
def test_every_sum_must_be_opened_truly(world, device, place):
    session, sums = submitted(world, device)
    opened = device.open_templates(sums)
    opened[place] ^= 1
    refused("TEMPLATE_REFUSED", device.finish_enrollment, device.opening(session, sums, opened))


def test_malformed_openings_end_nothing(world, device):
    session, sums = submitted(world, device)
    opened = device.open_templates(sums)
    for wrong in (
        opened[:3],
        opened[:4],
        [*opened, 0],
        [AUTH_T, *opened[1:]],
        [*opened[:4], CLAIM_T],
    ):
        refused("MALFORMED", device.finish_enrollment, device.opening(session, sums, wrong))
    assert device.finish_enrollment(device.opening(session, sums, opened))


# Renewal, and the end ----------------------------------------------------------------------------


def test_renewal_replaces_the_claim_template(world):
    device = world.enrolled(claims=True)
    before, code = device.enrollment_id, row_of(world, device.enrollment_id).code
    renewed = device.renew(random_code(world.rng))
    assert row_of(world, before) is None
    assert row_of(world, renewed.enrollment_id).code != code
    device.claims = None
    without = device.renew(random_code(world.rng))
    assert row_of(world, renewed.enrollment_id) is None
    assert row_of(world, without.enrollment_id) is None


def test_renewal_adds_a_claim_template(world):
    device = world.enrolled()
    device.claims = ClaimMaterial.random(world.rng)
    renewed = device.renew(random_code(world.rng))
    assert row_of(world, renewed.enrollment_id) is not None


def test_renewal_whose_claim_template_is_refused_changes_nothing(world):
    device = world.enrolled(claims=True, cls=TestDevice)
    before = device.enrollment_id
    token = device.renewal_token()
    session = device.begin_enrollment(renewal_token=token)
    sums = device.submit_template(device.whole_request(session))
    lie = device.opening(session, sums, [*device.open_templates(sums)[:4], 1])
    refused("TEMPLATE_REFUSED", device.finish_enrollment, lie)
    assert row_of(world, before) is not None
    assert device.enroll(renewal_token=token)
    assert row_of(world, before) is None


def test_revocation_deletes_the_claim_template(world):
    device = world.enrolled(claims=True)
    device.revoke()
    assert row_of(world, device.enrollment_id) is None


def test_disablement_deletes_the_claim_template(world):
    device = world.enrolled(claims=True)
    with world.server.service.store.transaction() as tx:
        assert tx.enrollments.retire(device.enrollment_id, EnrollmentState.DISABLED)
        assert not tx.claim_templates.exists(device.enrollment_id)


# Authentication before a claim -------------------------------------------------------------------


def test_authentication_for_a_claim_has_a_token_of_its_own_purpose(world):
    device = world.enrolled(claims=True)
    decision = device.authenticate(noisy(device.code, world.rng), "grainseal", "claim")
    keys = keys_of_jwks(world.server.service.authority.keys.jwks)
    token = verify_decision(decision.token, keys, "grainseal")
    assert (token.purpose, token.enrollment_id) == ("claim", device.enrollment_id)
    # It renews nothing.
    refused("TOKEN_INVALID", device.begin_enrollment, renewal_token=decision.token)


def test_authentication_for_a_claim_needs_a_claim_template(world):
    error = refused("CLAIMS_UNKNOWN", world.enrolled().begin, "grainseal", "claim")
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert "renew it" in error.details()


def test_nobody_but_the_service_is_the_audience_of_a_claim(world):
    party = world.backend()
    device = world.enrolled(party, claims=True)
    refused("AUDIENCE_REFUSED", device.begin, party.name, "claim")
