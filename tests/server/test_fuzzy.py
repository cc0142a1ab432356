"""Enrolment and authentication by the fuzzy extractor, over a real server: ceremonies and attacks.

The checks are those of docs/PROTOCOL.md, Q1 to Q17.
"""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest
from tests.server.claims import ClaimMaterial
from tests.server.device import TestDevice, noisy, random_code, refused, retry_after
from tests.server.key_device import BITMAP, FRAME, KeyDevice, reading
from tests.server.world import World

from grainseal.crypto.entries import KeyEnrollmentEntry, entry_of
from grainseal.crypto.fuzzy_extractor import generate
from grainseal.crypto.helper_data import HelperData, helper_data_size
from grainseal.crypto.leaves import Kind, Opening, commit
from grainseal.crypto.profiles import FUZZY_MAX_V1, FUZZY_PROFILES, FUZZY_TESTING, FUZZY_V1
from grainseal.crypto.signing import SigningKey
from grainseal.models.codes import code_for
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server.attempts import POLICY
from grainseal.server.store.store import Store

PROTOCOL = Path(__file__).parents[2] / "docs" / "PROTOCOL.md"


@pytest.fixture
def shop(world):
    return world.backend()


@pytest.fixture
def device(world, shop):
    return world.enrolled(shop, KeyDevice)


def rows(world: World, enrollment_id: str):
    """Camera key and encrypted template of an enrolment, as the store has them."""
    store = Store.open_sqlite(world.config.database)
    try:
        with store.transaction() as tx:
            enrollments = tx.enrollments
            return enrollments.camera_key(enrollment_id), enrollments.template(enrollment_id)
    finally:
        store.close()


def failures(world: World, enrollment_id: str) -> int:
    store = Store.open_sqlite(world.config.database)
    try:
        with store.transaction() as tx:
            return tx.enrollments.find(enrollment_id).failures_total
    finally:
        store.close()


def rejected(decision: pb.AuthenticationDecision) -> bool:
    return decision == pb.AuthenticationDecision()


# Ceremonies --------------------------------------------------------------------------------------


def test_the_enrolled_camera_is_accepted(world, shop, device, rng):
    decision = device.authenticate(reading(device.code, rng), shop.name)
    assert decision.accepted
    said = shop.verify(decision.token)
    assert (said.enrollment_id, said.profile) == (device.enrollment_id, "FUZZY_TESTING")
    refused("TOKEN_INVALID", shop.verify, decision.token)  # once, as any other
    assert failures(world, device.enrollment_id) == 0


def test_the_list_says_the_scheme(world, device):
    assert [each.scheme for each in device.list_enrollments()] == [pb.SCHEME_FUZZY_EXTRACTOR]
    other = world.enrolled()
    assert [each.scheme for each in other.list_enrollments()] == [pb.SCHEME_HOMOMORPHIC]
    assert not device.list_enrollments()[0].needs_reenrollment


def test_a_request_without_a_scheme_is_homomorphic_as_ever(world):
    device = world.device()
    session = device.begin_enrollment(world.ticket())
    device.submit_template(device.template_request(session))


def test_the_leaf_commits_to_helper_data_and_key(device):
    receipt = device.receipt()
    entry = entry_of(Kind.ENROLLMENT, receipt.entry)
    assert isinstance(entry, KeyEnrollmentEntry)
    assert entry.helper_sha256 == hashlib.sha256(device.helper_data).digest()
    assert (entry.camera_key, entry.device_key) == (device.key.public, device.signing.public)
    leaf = commit(Kind.ENROLLMENT, Opening(receipt.salt, receipt.entry))
    proof = device.connection.log.GetInclusionProof(
        pb.GetInclusionProofRequest(index=receipt.index, size=receipt.index + 1), timeout=30
    )
    assert proof.index == receipt.index
    changed = dataclasses.replace(entry, camera_key=SigningKey().public)
    assert commit(Kind.ENROLLMENT, Opening(receipt.salt, changed.encoded)) != leaf


def test_an_answer_that_was_lost_is_given_again(shop, device, rng):
    session = device.begin(shop.name)
    key = device.reproduced(device.fetch(session), reading(device.code, rng))
    request = device.answer_request(session, device.proof(session, key))
    first = device.answer(request)
    assert first.accepted
    assert device.answer(request) == first


def test_an_enrolment_whose_confirmation_was_lost_is_confirmed_again(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    request = device.key_request(session)
    first = device.enroll_key(request)
    assert device.enroll_key(request) == first
    changed = pb.EnrollKeyRequest()
    changed.CopyFrom(request)
    changed.height += 4
    refused("IDEMPOTENCY_CONFLICT", device.enroll_key, changed)


def test_renewal_replaces_key_and_helper_data(world, shop, device, rng):
    old_id, old_key, old_helper = device.enrollment_id, device.key, device.helper_data
    device.renew()
    assert device.enrollment_id != old_id
    assert device.key.public != old_key.public
    assert rows(world, old_id) == (None, None)
    assert device.authenticate(reading(device.code, rng), shop.name).accepted
    session = device.begin(shop.name)  # the old key, under the new enrolment
    assert rejected(device.answer(device.answer_request(session, device.proof(session, old_key))))
    new_id, device.enrollment_id = device.enrollment_id, old_id
    refused("ENROLLMENT_UNKNOWN", device.begin, shop.name)
    device.enrollment_id = new_id
    assert old_helper != device.helper_data


def test_renewal_from_one_scheme_to_the_other_and_back(world, shop, rng):
    device = world.enrolled(shop)
    other = KeyDevice(device.connection, random_code(rng))
    other.signing = device.signing
    other.make_key()
    other.enroll(renewal_token=device.renewal_token())
    assert rows(world, device.enrollment_id) == (None, None)
    assert rows(world, other.enrollment_id)[0] is not None
    assert other.authenticate(reading(other.code, rng), shop.name).accepted
    device.enroll(renewal_token=other.renewal_token())
    assert rows(world, other.enrollment_id) == (None, None)
    assert device.authenticate(noisy(device.code, rng), shop.name).accepted


def test_revocation_deletes_key_and_helper_data(world, shop, device):
    session = device.begin(shop.name)
    assert device.revoke().state == pb.ENROLLMENT_STATE_REVOKED
    assert rows(world, device.enrollment_id) == (None, None)
    refused("ENROLLMENT_UNKNOWN", device.begin, shop.name)
    refused("ENROLLMENT_UNKNOWN", device.fetch, session)
    answer = device.answer_request(session, device.proof(session, device.key))
    refused("ENROLLMENT_UNKNOWN", device.answer, answer)


def test_two_enrolments_of_one_camera_have_nothing_in_common(world, rng):
    one, other = (world.device(random_code(rng), KeyDevice) for _ in range(2))
    other.code = one.code
    one.make_key()
    other.make_key()
    one.enroll(world.ticket())
    other.enroll(world.ticket())
    (first, _), (second, _) = (rows(world, each.enrollment_id) for each in (one, other))
    assert first.public_key != second.public_key
    header = len(first.helper_data) - 2048  # of the box the last 2 kB, which are sketch and tag
    a, b = (int.from_bytes(row.helper_data[header:], "big") for row in (first, second))
    assert abs((a ^ b).bit_count() / (8 * 2048) - 0.5) < 0.02  # five deviations of chance


# Attacks: enrolment ------------------------------------------------------------------------------


def test_a_key_that_the_device_does_not_have_is_not_enrolled(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    refused(
        "SIGNATURE_INVALID", device.enroll_key, device.key_request(session, signer=SigningKey())
    )
    another = device.key_request(session, camera_key=SigningKey().public)
    refused("SIGNATURE_INVALID", device.enroll_key, another)
    device.enroll_key(device.key_request(session))  # nothing was used up


def test_the_device_key_signs_too(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    device.signing, own = SigningKey(), device.signing
    refused("SIGNATURE_INVALID", device.enroll_key, device.key_request(session))
    device.signing = own
    device.enroll_key(device.key_request(session))


def test_what_was_signed_is_what_is_enrolled(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    for name, value in (
        ("height", 1024),
        ("helper_data", device.helper_data[:-1] + b"\0"),
        ("camera_key", SigningKey().public),
    ):
        request = device.key_request(session)
        setattr(request, name, value)
        refused("SIGNATURE_INVALID", device.enroll_key, request)


def test_a_key_of_small_order_is_no_key(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    for point in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32):
        request = device.key_request(session, camera_key=point)
        refused("MALFORMED", device.enroll_key, request)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: bytes(len(data)),
        lambda data: data.replace(b"FUZZY_TESTING", b"FUZZY_TESTONG"),
        lambda data: os.urandom(len(data)),
    ],
    ids=["longer", "shorter", "none", "zeros", "unknown profile", "anything"],
)
def test_helper_data_that_is_none_is_refused(world, change):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    request = device.key_request(session, helper_data=change(device.helper_data))
    refused("MALFORMED", device.enroll_key, request)
    device.enroll_key(device.key_request(session))


@pytest.mark.parametrize("frame", [(0, 0), (256, 256), (512, 516), (2**17, 512), (2**32 - 1,) * 2])
def test_helper_data_of_another_frame_is_refused(world, frame):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    request = device.key_request(session, height=frame[0], width=frame[1])
    refused("MALFORMED", device.enroll_key, request)


def test_helper_data_of_another_profile_is_refused(world, rng):
    """Of the right length for the session's profile, and of another one."""
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    other = HelperData(FUZZY_V1, os.urandom(32), FRAME, b"", b"", b"")
    box = len(device.helper_data) - len(other.to_bytes(device.secret))
    renamed = HelperData(FUZZY_V1, other.seed, FRAME, bytes(box), b"", b"").to_bytes(device.secret)
    assert len(renamed) == len(device.helper_data)
    request = device.key_request(session, helper_data=renamed)
    assert "another profile" in refused("MALFORMED", device.enroll_key, request).details()


@pytest.mark.parametrize("profile", FUZZY_PROFILES.values(), ids=lambda each: each.name)
def test_the_exact_length_is_that_of_real_helper_data(profile, rng):
    spec = code_for(profile.name)
    frame = (200 * spec.step, 201 * spec.step + 3)
    features = spec.feature_count(frame)
    helper = generate(
        profile, random_code(rng, profile), bytes(32), bytes(32), frame, bytes(-(-features // 8))
    )[1]
    assert len(helper.to_bytes(bytes(32))) == helper_data_size(profile, features)


@pytest.mark.parametrize(
    ("profile", "frame", "size"),
    [
        (FUZZY_V1, (3000, 4000), 8_080),
        (FUZZY_V1, (4000, 6000), 13_955),
        (FUZZY_MAX_V1, (3000, 4000), 98_038),
        (FUZZY_MAX_V1, (4000, 6000), 191_788),
    ],
)
def test_the_lengths_that_the_documents_name(profile, frame, size):
    assert helper_data_size(profile, code_for(profile.name).feature_count(frame)) == size
    assert f"{size:,}" in PROTOCOL.read_text()


def test_profiles_belong_to_their_scheme(world):
    device, other = world.device(cls=KeyDevice), world.device()
    ticket = world.ticket()
    for profile in ("TESTING", "AUTH_JPEG_V1", "CLAIM_V1", "FUZZY_V9", ""):
        refused("MALFORMED", device.begin_enrollment, ticket, profile=profile)
    for profile in FUZZY_PROFILES:
        refused("MALFORMED", other.begin_enrollment, ticket, profile=profile)
    refused("MALFORMED", device.begin_enrollment, ticket, scheme=7)
    for profile in (FUZZY_V1, FUZZY_MAX_V1):
        assert device.begin_enrollment(ticket, profile=profile.name).profile == profile.name


def test_a_service_that_was_not_started_for_tests_refuses_the_testing_profile(tmp_path):
    with World.started(tmp_path, allow_testing_profiles=False, workers=1) as strict:
        device = strict.device(cls=KeyDevice)
        ticket = strict.ticket()
        refused("MALFORMED", device.begin_enrollment, ticket)
        device.begin_enrollment(ticket, profile="FUZZY_V1")


def test_claims_take_the_other_scheme(world, shop, device, rng):
    claiming = world.device(cls=KeyDevice)
    parameters = ClaimMaterial.random(rng).parameters
    error = refused("MALFORMED", claiming.begin_enrollment, world.ticket(), claims=parameters)
    assert "without claims" in error.details()
    refused("CLAIMS_UNKNOWN", device.begin, "grainseal", "claim")


# Attacks: authentication -------------------------------------------------------------------------


def test_another_camera_is_rejected_and_counts(world, shop, device, rng):
    impostor = random_code(rng, FUZZY_TESTING)
    assert rejected(device.authenticate(reading(impostor, rng), shop.name))
    assert failures(world, device.enrollment_id) == 1
    assert device.authenticate(reading(device.code, rng), shop.name).accepted


def test_a_vault_without_the_camera_is_rejected(world, shop, device):
    """Whatever the device key signs, it takes the camera key."""
    session = device.begin(shop.name)
    for wrong in (device.signing, SigningKey()):
        session = device.begin(shop.name)
        proof = device.proof(session, wrong)
        assert rejected(device.answer(device.answer_request(session, proof)))
    assert failures(world, device.enrollment_id) == 2


def test_the_camera_key_without_the_vault_is_refused_and_does_not_count(world, shop, device):
    session = device.begin(shop.name)
    device.signing, own = SigningKey(), device.signing
    request = device.answer_request(session, device.proof(session, device.key))
    refused("SIGNATURE_INVALID", device.answer, request)
    request = device.answer_request(session, b"")
    refused("SIGNATURE_INVALID", device.answer, request)
    refused("SIGNATURE_INVALID", device.fetch, session)
    device.signing = own
    assert failures(world, device.enrollment_id) == 0
    assert device.answer(device.answer_request(session, device.proof(session, device.key))).accepted


def test_a_proof_of_another_session_is_rejected(shop, device):
    earlier, later = device.begin(shop.name), device.begin(shop.name)
    proof = device.proof(earlier, device.key)
    assert rejected(device.answer(device.answer_request(later, proof)))
    # the whole answer does not even reach the counters
    request = device.answer_request(earlier, proof)
    request.session_id = later.session_id
    refused("SESSION_USED", device.answer, request)
    fresh = device.begin(shop.name)
    request.session_id = fresh.session_id
    refused("SIGNATURE_INVALID", device.answer, request)


@pytest.mark.parametrize("transcript", ["enrolment", "other audience", "other helper data"])
def test_a_signature_of_something_else_is_rejected(world, shop, device, transcript):
    session = device.begin(shop.name)
    if transcript == "enrolment":
        proof = device.key_request(session).camera_key_signature
    elif transcript == "other audience":
        elsewhere = pb.Session()
        elsewhere.CopyFrom(session)
        elsewhere.audience = "elsewhere"
        proof = device.proof(elsewhere, device.key)
    else:
        own, device.helper_data = device.helper_data, bytes(len(device.helper_data))
        proof = device.proof(session, device.key)
        device.helper_data = own
    assert rejected(device.answer(device.answer_request(session, proof)))


def test_a_proof_of_another_enrolment_is_rejected(world, shop, device):
    other = world.enrolled(shop, KeyDevice)
    session = device.begin(shop.name)
    assert rejected(device.answer(device.answer_request(session, device.proof(session, other.key))))


def test_a_session_is_answered_once(shop, device):
    session = device.begin(shop.name)
    proof = device.proof(session, device.key)
    assert device.answer(device.answer_request(session, proof)).accepted
    refused("SESSION_USED", device.answer, device.answer_request(session, proof))
    refused("SESSION_USED", device.fetch, session)


def test_an_expired_session_is_refused(world, shop, device):
    enrolling = world.device(cls=KeyDevice)
    begun = enrolling.begin_enrollment(world.ticket())
    session = device.begin(shop.name)
    with world.clock.moved(301):
        refused("SESSION_EXPIRED", enrolling.enroll_key, enrolling.key_request(begun))
        refused("SESSION_EXPIRED", device.fetch, session)
        answer = device.answer_request(session, device.proof(session, device.key))
        refused("SESSION_EXPIRED", device.answer, answer)


@pytest.mark.parametrize("length", [1, 63, 65, 4096])
def test_a_proof_of_another_length_is_refused_and_does_not_count(world, shop, device, length):
    session = device.begin(shop.name)
    refused("MALFORMED", device.answer, device.answer_request(session, bytes(length)))
    assert failures(world, device.enrollment_id) == 0


def test_failed_answers_lock_the_enrolment_as_failed_probes_do(world, shop, device, rng):
    for _ in range(POLICY.free_failures):
        session = device.begin(shop.name)
        assert rejected(device.answer(device.answer_request(session, b"")))
    error = refused("LOCKED", device.begin, shop.name)
    assert 0 < retry_after(error) <= POLICY.first_lock
    with world.clock.moved(POLICY.first_lock + 1):
        assert device.authenticate(reading(device.code, rng), shop.name).accepted


def test_a_lock_holds_for_sessions_that_were_begun_before(shop, device):
    waiting = device.begin(shop.name)
    for session in [device.begin(shop.name) for _ in range(POLICY.free_failures)]:
        device.answer(device.answer_request(session, b""))
    refused("LOCKED", device.fetch, waiting)
    proof = device.proof(waiting, device.key)
    refused("LOCKED", device.answer, device.answer_request(waiting, proof))


def test_fifty_failures_disable_the_enrolment_and_delete_its_key(world, shop, device):
    ahead = 0
    for _ in range(POLICY.failures_in_all):
        with world.clock.moved(ahead):
            session = device.begin(shop.name)
            assert rejected(device.answer(device.answer_request(session, b"")))
        ahead += POLICY.longest_lock + 1
    with world.clock.moved(ahead):
        refused("ENROLLMENT_UNKNOWN", device.begin, shop.name)
        assert [each.state for each in device.list_enrollments()] == [pb.ENROLLMENT_STATE_DISABLED]
    assert rows(world, device.enrollment_id) == (None, None)


def test_the_helper_data_is_given_to_its_device_only(world, shop, device):
    session = device.begin(shop.name)  # which anybody may begin
    other = world.enrolled(shop, KeyDevice)
    refused("SIGNATURE_INVALID", other.fetch, session)
    assert device.fetch(session) == device.helper_data
    assert device.fetch(session) == device.helper_data  # also after a lost line


def test_renewal_needs_the_camera(shop, device, rng):
    impostor = random_code(rng, FUZZY_TESTING)
    assert not device.authenticate(reading(impostor, rng), "grainseal", "renew").token
    token = device.authenticate(reading(device.code, rng), shop.name).token
    refused("TOKEN_INVALID", device.begin_enrollment, renewal_token=token)


# Attacks: one scheme's messages in the other's sessions -------------------------------------------


def test_a_homomorphic_answer_to_a_key_s_session_is_refused(world, shop, device, rng):
    other = TestDevice(device.connection, random_code(rng))
    other.signing, other.enrollment_id = device.signing, device.enrollment_id
    session = device.begin(shop.name)
    probe = other.probe_request(session, other.encrypt(other.code))
    refused("SESSION_UNKNOWN", other.submit_probe, probe)
    opening = other.opening(session, [], [0, 0, 0])
    refused("SESSION_UNKNOWN", other.finish, opening)
    begun = device.begin_enrollment(world.ticket())
    refused("SESSION_UNKNOWN", other.submit_template, other.template_request(begun))
    refused("SESSION_UNKNOWN", other.finish_enrollment, other.opening(begun, [], [0, 0, 0]))
    assert failures(world, device.enrollment_id) == 0


def test_a_key_s_answer_to_a_homomorphic_session_is_refused(world, shop):
    device = world.enrolled(shop)
    other = KeyDevice(device.connection, random_code(world.rng))
    other.signing, other.enrollment_id = device.signing, device.enrollment_id
    other.make_key()
    session = device.begin(shop.name)
    refused("SESSION_UNKNOWN", other.fetch, session)
    proof = other.proof(session, other.key)
    refused("SESSION_UNKNOWN", other.answer, other.answer_request(session, proof))
    begun = world.device().begin_enrollment(world.ticket())
    refused("SESSION_UNKNOWN", other.enroll_key, other.key_request(begun))
    enrolled, template = rows(world, device.enrollment_id)
    assert enrolled is None
    assert template is not None


def test_nothing_can_be_uploaded_into_a_key_s_session(world):
    device = world.device(cls=KeyDevice)
    session = device.begin_enrollment(world.ticket())
    refused("SESSION_UNKNOWN", device.upload, session, 0, b"x")


def test_a_thief_of_the_store_has_no_key(world, shop, device, rng):
    """Public key and helper data open nothing, not even with the camera at hand."""
    stored, _ = rows(world, device.enrollment_id)
    thief = KeyDevice(device.connection, device.code)  # the same camera, another vault
    with pytest.raises(Exception, match="another device secret"):
        thief.reproduced(stored.helper_data, reading(device.code, rng))
    assert BITMAP not in stored.helper_data
