"""Attacks against a running server: every row of docs/THREAT_MODEL.md that has a wire."""

import base64
import json
import random
import sqlite3
from dataclasses import replace

import grpc
import numpy as np
import pytest
from tests.server.device import TestDevice, context_of, new_key, noisy, random_code, reason_of
from tests.server.world import World

from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1, TESTING
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import REQUIRED_CLAIMS
from grainseal.crypto.transcript import probe_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb

PROBE_BYTES = 131_136
T = TESTING.ring.plain_modulus


@pytest.fixture(scope="module")
def party(world):
    return world.backend()


@pytest.fixture
def device(world, party):
    return world.enrolled(party)


def genuine(device, world):
    """What the enrolled camera gives another time."""
    return noisy(device.code, world.rng)


def probed(device, audience, code):
    """A session with its probe submitted, and the sums to open."""
    session = device.begin(audience)
    request = device.probe_request(session, device.encrypt(code))
    return session, device.submit_probe(request)


def refused(call, *arguments, status, reason):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments)
    assert caught.value.code() is status
    assert reason_of(caught.value) == reason


# Stolen keys, wrong camera -----------------------------------------------------------------------


def test_the_owner_is_accepted(device, world, party):
    decision = device.authenticate(genuine(device, world), party.name)
    assert decision.accepted
    assert party.verify(decision.token).enrollment_id == device.enrollment_id


def test_other_camera_is_rejected(device, world, party):
    assert not device.authenticate(random_code(world.rng), party.name).accepted


@pytest.mark.parametrize("lie", ["one", "all alike", "scaled", "zeros", "to the middle"])
def test_lying_opener_is_rejected(device, world, party, lie):
    probe = random_code(world.rng)
    session, sums = probed(device, party.name, probe)
    opened = device.open(sums)
    true = int(device.code.astype(int) @ probe.astype(int)) or 2
    scale = 2000 * pow(true, -1, T)
    wish = 2000 * pow(TESTING.ring.degree, -1, T)
    lies = {
        "one": [(opened[0] + 1) % T, *opened[1:]],
        "all alike": [(y + wish) % T for y in opened],
        "scaled": [y * scale % T for y in opened],
        "zeros": [0] * len(opened),
        "to the middle": [wish % T] * len(opened),
    }
    assert not device.finish(device.opening(session, sums, lies[lie])).accepted


@pytest.mark.parametrize("crooked", ["scaled by 50", "one slot 3", "one slot 0"])
def test_probe_that_is_not_signs_is_rejected(device, world, party, crooked):
    slots = genuine(device, world).astype(np.int64)
    if crooked == "scaled by 50":
        slots *= 50
    else:
        slots[77] = int(crooked[-1])
    session = device.begin(party.name)
    probe = device.homomorphic._secret_ring.encrypt_slots(slots)
    sums = device.submit_probe(device.probe_request(session, probe))
    assert not device.finish(device.opening(session, sums)).accepted


def test_replay_of_the_enrolment_burst_is_rejected(device, party):
    assert not device.authenticate(device.code, party.name).accepted


def test_renewal_needs_the_camera(device, world, party):
    rejected = device.authenticate(random_code(world.rng), "grainseal", "renew")
    assert rejected.token == ""
    accepted = device.authenticate(genuine(device, world), party.name)
    for_login = {"status": grpc.StatusCode.PERMISSION_DENIED, "reason": "TOKEN_INVALID"}
    refused(device.begin_enrollment, "", accepted.token, **for_login)
    renewal = device.authenticate(genuine(device, world), "grainseal", "renew")
    thief = world.device()
    refused(thief.begin_enrollment, "", renewal.token, **for_login)


def test_sixth_failure_in_a_row_is_locked_out(device, world, party):
    for _ in range(5):
        assert not device.authenticate(random_code(world.rng), party.name).accepted
    locked = {"status": grpc.StatusCode.RESOURCE_EXHAUSTED, "reason": "LOCKED"}
    refused(device.authenticate, genuine(device, world), party.name, **locked)
    with world.clock.moved(31):
        assert device.authenticate(genuine(device, world), party.name).accepted


def test_parallel_sessions_do_not_get_more_attempts(device, world, party):
    """Eight probes submitted before the first failure is known: five are answered."""
    waiting = [probed(device, party.name, random_code(world.rng)) for _ in range(8)]
    answered = 0
    for session, sums in waiting:
        try:
            device.finish(device.opening(session, sums))
            answered += 1
        except grpc.RpcError as error:
            assert reason_of(error) == "LOCKED"  # noqa: PT017
    assert answered == 5


def test_every_rejection_reads_the_same(world, party):
    """Too low, too high, contradicting, crooked: one message, byte for byte."""
    answers = set()
    for attack in ("low", "high", "lie", "crooked"):
        device = world.enrolled(party)
        code = device.code if attack == "high" else random_code(world.rng)
        probe = device.encrypt(code)
        if attack == "crooked":
            probe = device.homomorphic._secret_ring.encrypt_slots(code.astype(np.int64) * 2)
        session = device.begin(party.name)
        sums = device.submit_probe(device.probe_request(session, probe))
        opened = [0, 0, 0] if attack == "lie" else None
        answers.add(device.finish(device.opening(session, sums, opened)).SerializeToString())
    assert answers == {pb.AuthenticationDecision().SerializeToString()}


def test_a_score_never_leaves(device, world, party):
    assert set(pb.AuthenticationDecision.DESCRIPTOR.fields_by_name) == {"accepted", "token"}
    token = device.authenticate(genuine(device, world), party.name).token
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert set(claims) == set(REQUIRED_CLAIMS)


# The network -------------------------------------------------------------------------------------


def test_replayed_session_is_refused(device, world, party):
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(genuine(device, world)))
    sums = device.submit_probe(request)
    again = pb.SubmitProbeRequest.FromString(request.SerializeToString())
    again.idempotency_key = new_key()
    used = {"status": grpc.StatusCode.FAILED_PRECONDITION, "reason": "SESSION_USED"}
    refused(device.submit_probe, again, **used)
    opening = device.opening(session, sums)
    assert device.finish(opening).accepted
    opening.idempotency_key = new_key()
    refused(device.finish, opening, **used)


def test_expired_nonce_is_refused(device, world, party):
    expired = {"status": grpc.StatusCode.FAILED_PRECONDITION, "reason": "SESSION_EXPIRED"}
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(genuine(device, world)))
    with world.clock.moved(301):
        refused(device.submit_probe, request, **expired)
    session, sums = probed(device, party.name, genuine(device, world))
    with world.clock.moved(301):
        refused(device.finish, device.opening(session, sums), **expired)


def test_bad_signature_is_refused(device, world, party):
    false = {"status": grpc.StatusCode.UNAUTHENTICATED, "reason": "SIGNATURE_INVALID"}
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(genuine(device, world)))
    request.signature = bytes([request.signature[0] ^ 1]) + request.signature[1:]
    refused(device.submit_probe, request, **false)
    # a true signature of another probe
    request = device.probe_request(session, device.encrypt(genuine(device, world)))
    request.probe = device.encrypt(genuine(device, world))
    refused(device.submit_probe, request, **false)
    # a true signature of another opening
    session, sums = probed(device, party.name, genuine(device, world))
    opening = device.opening(session, sums)
    opening.opened[0] = (opening.opened[0] + 1) % T
    refused(device.finish, opening, **false)
    # a template that was exchanged on its way
    other = world.device()
    begun = other.begin_enrollment(world.ticket())
    submitted = other.template_request(begun)
    submitted.template = other.encrypt(random_code(world.rng))
    refused(other.submit_template, submitted, **false)


def test_nobody_is_locked_out_without_a_signature(device, world, party):
    """A stranger who knows the enrolment id burns sessions, not attempts."""
    stranger = TestDevice(device.connection, random_code(world.rng))
    stranger.enrollment_id = device.enrollment_id
    false = {"status": grpc.StatusCode.UNAUTHENTICATED, "reason": "SIGNATURE_INVALID"}
    for _ in range(7):
        refused(stranger.authenticate, stranger.code, party.name, **false)
    for _ in range(7):
        session, sums = probed(device, party.name, random_code(world.rng))
        forged = stranger.opening(session, sums, [1, 2, 3])
        refused(device.finish, forged, **false)
    assert device.authenticate(genuine(device, world), party.name).accepted


def test_someone_else_s_revoke_is_refused(device, world, party):
    stranger = world.enrolled(party)
    false = {"status": grpc.StatusCode.UNAUTHENTICATED, "reason": "SIGNATURE_INVALID"}
    refused(stranger.revoke, device.enrollment_id, **false)
    # a session that was begun to list does not revoke
    session = device.begin_request("list")
    request = device.signed_request(session)
    call = device.connection.enrollment.RevokeEnrollment
    refused(call, request, status=grpc.StatusCode.NOT_FOUND, reason="SESSION_UNKNOWN")
    assert device.authenticate(genuine(device, world), party.name).accepted


def test_transcript_of_another_service_is_refused(device, world, party):
    """Signatures made for a relaying service, audience, enrolment or purpose do not fit here."""
    false = {"status": grpc.StatusCode.UNAUTHENTICATED, "reason": "SIGNATURE_INVALID"}
    for change in (
        {"service_key": SigningKey().public},
        {"audience": "bank"},
        {"enrollment_id": "0" * 32},
        {"purpose": "renew"},
        {"nonce": bytes(32)},
        {"expires_at": 1},
    ):
        session = device.begin(party.name)
        probe = device.encrypt(genuine(device, world))
        relayed = probe_transcript(replace(context_of(session), **change), probe)
        request = device.probe_request(session, probe)
        request.signature = device.sign(relayed)
        refused(device.submit_probe, request, **false)


# Malformed ciphertexts ---------------------------------------------------------------------------

MALFORMED = {"status": grpc.StatusCode.INVALID_ARGUMENT, "reason": "MALFORMED"}


def signed_junk(device, party, probe):
    return device.probe_request(device.begin(party.name), probe)


def malformed_probes(device, world):
    honest = device.encrypt(genuine(device, world))
    too_large = (TESTING.ring.last_prime).to_bytes(8, "little")
    yield b""
    yield honest[:-1]
    yield honest[:1000]
    yield honest + b"\0"
    yield bytes(PROBE_BYTES)
    yield bytes(PROBE_BYTES - 64) + honest[-64:]
    yield honest[:-64] + bytes(64)
    yield too_large + honest[8:]
    yield b"\xff" * PROBE_BYTES
    yield HomomorphicKey(AUTH_JPEG_V1).encrypt(random_code(world.rng, AUTH_JPEG_V1))


def test_malformed_probes_are_refused(device, world, party):
    for probe in malformed_probes(device, world):
        refused(device.submit_probe, signed_junk(device, party, probe), **MALFORMED)
    assert device.authenticate(genuine(device, world), party.name).accepted


def test_a_refused_probe_does_not_use_the_session_up(device, world, party):
    session = device.begin(party.name)
    refused(device.submit_probe, device.probe_request(session, b"junk"), **MALFORMED)
    sums = device.submit_probe(
        device.probe_request(session, device.encrypt(genuine(device, world)))
    )
    assert device.finish(device.opening(session, sums)).accepted


def test_flipped_and_truncated_probes_never_crash_the_server(device, world, party):
    """Whatever the bytes: INVALID_ARGUMENT, or numbers in range that end in a rejection."""
    chance, refusals = random.Random(5), 0
    for round_ in range(12):
        victim = world.enrolled(party)
        probe = bytearray(victim.encrypt(genuine(victim, world)))
        if round_ % 3 == 0:
            del probe[chance.randrange(len(probe)) :]
        for _ in range(1 + round_):
            if probe:
                probe[chance.randrange(len(probe))] ^= 1 << chance.randrange(8)
        session = victim.begin(party.name)
        try:
            sums = victim.submit_probe(victim.probe_request(session, bytes(probe)))
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017
            refusals += 1
        else:
            assert not victim.finish(victim.opening(session, sums)).accepted
    assert refusals >= 4
    assert device.authenticate(genuine(device, world), party.name).accepted


def test_malformed_templates_and_keys_are_refused(world):
    device = world.device()
    session = device.begin_enrollment(world.ticket())
    honest_keys = device.public_keys()
    junk = {
        "template": (b"x" * PROBE_BYTES, honest_keys),
        "relin": (device.encrypt(device.code), replace(honest_keys, relin_key=b"")),
        "zero": (device.encrypt(device.code), replace(honest_keys, zero_key=bytes(131_136))),
        "full": (
            device.encrypt(device.code),
            replace(honest_keys, zero_key=honest_keys.zero_key + bytes(65_536)),
        ),
    }
    for template, keys in junk.values():
        device.encrypt, device.public_keys = (lambda _, t=template: t), (lambda k=keys: k)
        refused(device.submit_template, device.template_request(session), **MALFORMED)


def test_wrong_parameters_are_refused(world, tmp_path):
    device = world.device()
    refused(lambda: device.begin_enrollment(world.ticket(), profile="AUTH_JPEG_V9"), **MALFORMED)
    with World.started(tmp_path, allow_testing_profiles=False, workers=1) as strict:
        outside = strict.device()
        refused(lambda: outside.begin_enrollment(strict.ticket()), **MALFORMED)


def test_template_with_a_crooked_slot_is_refused(world):
    device = world.device()
    slots = device.code.astype(np.int64)
    slots[5] = 3
    device.encrypt = lambda _: device.homomorphic._secret_ring.encrypt_slots(slots)
    with pytest.raises(grpc.RpcError) as caught:
        device.enroll(world.ticket())
    assert reason_of(caught.value) == "TEMPLATE_REFUSED"


def test_lying_about_a_template_is_refused(world):
    device = world.device()
    device.open = lambda sums: [0] * len(sums)
    with pytest.raises(grpc.RpcError) as caught:
        device.enroll(world.ticket())
    assert reason_of(caught.value) == "TEMPLATE_REFUSED"


# Other parties -----------------------------------------------------------------------------------


def test_probe_of_another_enrolment_is_rejected(device, world, party):
    other = world.enrolled(party)
    session = device.begin(party.name)
    theirs = other.encrypt(genuine(other, world))
    sums = device.submit_probe(device.probe_request(session, theirs))
    assert not device.finish(device.opening(session, sums)).accepted
    session = device.begin(party.name)
    false = {"status": grpc.StatusCode.UNAUTHENTICATED, "reason": "SIGNATURE_INVALID"}
    refused(other.submit_probe, other.probe_request(session, theirs), **false)


def test_ticket_works_once(world):
    ticket = world.ticket()
    denied = {"status": grpc.StatusCode.PERMISSION_DENIED, "reason": "TICKET_INVALID"}
    first, second = world.device(), world.device()
    session = second.begin_enrollment(ticket)  # begun before the first is done
    sums = second.submit_template(second.template_request(session))
    first.enroll(ticket)
    refused(second.finish_enrollment, second.opening(session, sums), **denied)
    refused(world.device().begin_enrollment, ticket, **denied)
    refused(world.device().begin_enrollment, "made-up", **denied)
    with world.clock.moved(2 * 86_400):
        # issued by the real clock, two days before the service's
        refused(world.device().begin_enrollment, world.ticket(), **denied)


def test_relying_party_cannot_vouch_to_another(world, party):
    shop_user = world.enrolled(party)
    bank = world.backend()
    denied = {"status": grpc.StatusCode.PERMISSION_DENIED, "reason": "AUDIENCE_REFUSED"}
    refused(shop_user.begin, bank.name, **denied)
    refused(shop_user.begin, "nobody", **denied)
    refused(shop_user.begin, "grainseal", **denied)
    operator_s = world.enrolled()
    assert operator_s.authenticate(genuine(operator_s, world), bank.name).accepted


def test_token_says_who_named_the_subject(world, party):
    """The operator's "alice" and the relying party's are two people; both may go to the party."""
    ours, operator_s = world.device(), world.device()
    ours.enroll(party.ticket("alice"))
    operator_s.enroll(world.ticket("alice"))
    said = [
        party.verify(d.authenticate(genuine(d, world), party.name).token)
        for d in (ours, operator_s)
    ]
    assert [s.subject for s in said] == ["alice", "alice"]
    assert [s.enrolled_by for s in said] == [party.name, "grainseal"]


def test_token_for_another_audience_is_refused(world, party):
    device, bank = world.enrolled(), world.backend()
    token = device.authenticate(genuine(device, world), party.name).token
    denied = {"status": grpc.StatusCode.PERMISSION_DENIED, "reason": "TOKEN_INVALID"}
    refused(bank.verify, token, **denied)
    assert party.verify(token).audience == party.name


def test_token_works_once(device, world, party):
    token = device.authenticate(genuine(device, world), party.name).token
    party.verify(token)
    denied = {"status": grpc.StatusCode.PERMISSION_DENIED, "reason": "TOKEN_INVALID"}
    refused(party.verify, token, **denied)
    late = device.authenticate(genuine(device, world), party.name).token
    with world.clock.moved(121):
        refused(party.verify, late, **denied)


# The store ---------------------------------------------------------------------------------------


def test_swapped_template_is_rejected(world, party):
    """Somebody who writes to the store gives one enrolment another's template."""
    ours, theirs = world.enrolled(party), world.enrolled(party)
    database = next(world.config.data.glob("*.db"))
    with sqlite3.connect(database) as sql:
        sql.execute(
            "UPDATE templates SET template ="
            " (SELECT template FROM templates WHERE enrollment_id = ?) WHERE enrollment_id = ?",
            (theirs.enrollment_id, ours.enrollment_id),
        )
    assert not ours.authenticate(genuine(ours, world), party.name).accepted
    assert theirs.authenticate(genuine(theirs, world), party.name).accepted


def test_renewal_and_revocation_delete_the_template(world, party):
    device = world.enrolled(party)
    old = device.enrollment_id
    device.renew(random_code(world.rng))
    assert device.enrollment_id != old
    assert templates_of(world, old) == 0
    assert templates_of(world, device.enrollment_id) == 1
    device.revoke()
    assert templates_of(world, device.enrollment_id) == 0
    gone = {"status": grpc.StatusCode.NOT_FOUND, "reason": "ENROLLMENT_UNKNOWN"}
    refused(device.begin, party.name, **gone)


def templates_of(world, enrollment_id):
    with sqlite3.connect(next(world.config.data.glob("*.db"))) as sql:
        query = "SELECT count(*) FROM templates WHERE enrollment_id = ?"
        return sql.execute(query, (enrollment_id,)).fetchone()[0]
