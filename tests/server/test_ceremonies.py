"""Enrol, authenticate, renew, list and revoke over a real TLS server."""

from dataclasses import replace

import pytest
from tests.server.device import new_key, noisy, random_code, refused

from grainseal.crypto.tokens import keys_of_jwks, verify_decision
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import authentication
from grainseal.server.errors import Reason, Refused
from grainseal.server.idempotency import Write


def test_enrolled_camera_is_accepted_and_its_token_verifies(world):
    party = world.backend()
    device = world.enrolled(party)
    decision = device.authenticate(noisy(device.code, world.rng), party.name)
    assert decision.accepted
    jwks = world.connection.authentication.GetKeys(pb.GetKeysRequest()).jwks
    assert (world.config.data / "jwks.json").read_text() == jwks
    claims = verify_decision(decision.token, keys_of_jwks(jwks), party.name)
    verified = party.verify(decision.token)
    assert verified.enrollment_id == claims.enrollment_id == device.enrollment_id
    assert verified.subject == claims.subject
    assert (verified.purpose, verified.audience) == ("authenticate", party.name)
    assert verified.expires_at == verified.issued_at + 120


def test_enrolment_says_what_was_enrolled(world):
    party = world.backend()
    device = world.device()
    subject = world.name("subject")
    session = device.begin_enrollment(party.ticket(subject))
    assert (session.subject, session.purpose, session.audience) == (subject, "enroll", "grainseal")
    assert len(session.nonce) == len(session.service_key) == 32
    assert session.expires_at == pytest.approx(world.clock() + 300, abs=5)
    sums = device.submit_template(device.template_request(session))
    enrolled = device.finish_enrollment(device.opening(session, sums))
    assert enrolled.enrollment_id == session.enrollment_id
    assert (enrolled.subject, enrolled.profile) == (subject, "TESTING")
    assert enrolled.state == pb.ENROLLMENT_STATE_ACTIVE
    assert not enrolled.needs_reenrollment


def test_every_rejection_reads_the_same(world):
    party = world.backend()
    device = world.enrolled(party)
    another = device.authenticate(random_code(world.rng), party.name)
    replayed = device.authenticate(device.code, party.name)
    session = device.begin(party.name)
    sums = device.submit_probe(device.probe_request(session, device.encrypt(device.code)))
    lied = device.finish(device.opening(session, sums, opened=[1, 2, 3]))
    for decision in (another, replayed, lied):
        assert decision.SerializeToString() == pb.AuthenticationDecision().SerializeToString()


@pytest.mark.parametrize("changes", [{"profile": "AUTH_JPEG_V9"}, {"device_key": b"k" * 31}])
def test_enrolment_needs_a_known_profile_and_a_device_key(world, changes):
    refused("MALFORMED", world.device().begin_enrollment, world.ticket(), **changes)


def test_enrolment_of_a_profile_for_tests_is_worth_nothing_on_a_strict_service(world):
    """As after a start for tests and one without, on the same store."""
    party = world.backend()
    device = world.enrolled(party)
    service = world.server.service
    config = replace(service.authority.config, allow_testing_profiles=False)
    write = Write("BeginAuthenticationRequest", new_key(), bytes(32))
    asked = (device.enrollment_id, party.name, "authenticate")
    strict = replace(service.authority, config=config)
    with pytest.raises(Refused) as caught, service.store.transaction() as tx:
        authentication.begin(tx, strict, write, *asked)
    assert caught.value.reason is Reason.MALFORMED
    with service.store.transaction() as tx:
        assert authentication.begin(tx, service.authority, write, *asked)


def test_enrolment_needs_a_ticket_or_a_token(world):
    refused("MALFORMED", world.device().begin_enrollment)
    refused("TICKET_INVALID", world.device().begin_enrollment, "no ticket of anyone's")
    refused("MALFORMED", world.device().begin_enrollment, renewal_token="no token")


def test_template_that_is_not_signs_is_refused_and_the_ticket_stays(world):
    ticket, device = world.ticket(), world.device()
    session = device.begin_enrollment(ticket)
    sums = device.submit_template(device.template_request(session))
    opened = device.open(sums)
    lie = device.opening(session, sums, opened=[opened[0] ^ 1, *opened[1:]])
    refused("TEMPLATE_REFUSED", device.finish_enrollment, lie)
    # A retry is told the same, another opening nothing, and the ticket was not used up.
    refused("TEMPLATE_REFUSED", device.finish_enrollment, lie)
    refused("SESSION_USED", device.finish_enrollment, device.opening(session, sums))
    assert device.enroll(ticket).state == pb.ENROLLMENT_STATE_ACTIVE


def test_renewal_replaces_template_and_keys(world):
    party = world.backend()
    device = world.enrolled(party)
    before, old_code = device.enrollment_id, device.code
    renewed = device.renew(random_code(world.rng))
    assert renewed.enrollment_id != before
    assert device.authenticate(noisy(device.code, world.rng), party.name).accepted
    assert not device.authenticate(noisy(old_code, world.rng), party.name).accepted
    with world.server.service.store.transaction() as tx:
        assert tx.enrollments.template(before) is None
        assert tx.enrollments.template(renewed.enrollment_id) is not None
    states = {each.enrollment_id: each.state for each in device.list_enrollments()}
    assert states == {
        before: pb.ENROLLMENT_STATE_REPLACED,
        renewed.enrollment_id: pb.ENROLLMENT_STATE_ACTIVE,
    }
    device.enrollment_id = before
    refused("ENROLLMENT_UNKNOWN", device.begin, party.name)


def test_renewal_session_names_its_purpose_and_keeps_the_subject(world):
    device = world.enrolled()
    session = device.begin_enrollment(renewal_token=device.renewal_token())
    assert (session.purpose, session.audience) == ("renew", "grainseal")
    assert session.subject == device.list_enrollments()[0].subject
    assert session.enrollment_id != device.enrollment_id


def test_renewal_token_works_once_and_for_its_own_device(world):
    device, thief = world.enrolled(), world.enrolled()
    token = device.renewal_token()
    refused("TOKEN_INVALID", thief.begin_enrollment, renewal_token=token)
    first = device.begin_enrollment(renewal_token=token)
    second = device.begin_enrollment(renewal_token=token)
    for session, reason in ((first, None), (second, "TOKEN_INVALID")):
        sums = device.submit_template(device.template_request(session))
        opening = device.opening(session, sums)
        if reason:
            refused(reason, device.finish_enrollment, opening)
        else:
            device.finish_enrollment(opening)


def test_token_for_a_relying_party_renews_nothing(world):
    party = world.backend()
    device = world.enrolled(party)
    token = device.authenticate(noisy(device.code, world.rng), party.name).token
    refused("TOKEN_INVALID", device.begin_enrollment, renewal_token=token)


def test_list_has_the_device_s_own_enrolments(world):
    device, another = world.enrolled(), world.enrolled()
    first = device.enrollment_id
    device.enroll(world.ticket())
    listed = [each.enrollment_id for each in device.list_enrollments()]
    assert set(listed) == {first, device.enrollment_id}
    assert another.enrollment_id not in listed


def test_revoked_enrolment_is_gone(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(device.code))
    assert device.revoke().state == pb.ENROLLMENT_STATE_REVOKED
    with world.server.service.store.transaction() as tx:
        assert tx.enrollments.template(device.enrollment_id) is None
    refused("ENROLLMENT_UNKNOWN", device.submit_probe, request)
    refused("ENROLLMENT_UNKNOWN", device.begin, party.name)
    refused("ENROLLMENT_UNKNOWN", device.revoke)
    assert device.list_enrollments()[0].state == pb.ENROLLMENT_STATE_REVOKED


def test_enrolment_revoked_during_an_authentication_ends_it(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    sums = device.submit_probe(device.probe_request(session, probe))
    device.revoke()
    refused("ENROLLMENT_UNKNOWN", device.finish, device.opening(session, sums))


def test_requests_need_their_purpose_and_signature(world):
    device, other = world.enrolled(), world.enrolled()
    refused("MALFORMED", device.begin_request, "delete everything")
    refused("ENROLLMENT_UNKNOWN", device.begin_request, "list", "no enrolment")
    listing = device.signed_request(device.begin_request("list"))
    refused("SESSION_UNKNOWN", world.connection.enrollment.RevokeEnrollment, listing)
    refused("SIGNATURE_INVALID", other.revoke, device.enrollment_id)


def test_sessions_expire(world):
    party = world.backend()
    device = world.enrolled(party)
    probe = device.encrypt(noisy(device.code, world.rng))
    begun = device.begin(party.name)
    submitted = device.begin(party.name)
    sums = device.submit_probe(device.probe_request(submitted, probe))
    enrolling = device.begin_enrollment(world.ticket())
    asking = device.begin_request("revoke")
    revoke = world.connection.enrollment.RevokeEnrollment
    with world.clock.moved(301):
        refused("SESSION_EXPIRED", device.submit_probe, device.probe_request(begun, probe))
        refused("SESSION_EXPIRED", device.finish, device.opening(submitted, sums))
        refused("SESSION_EXPIRED", device.submit_template, device.template_request(enrolling))
        refused("SESSION_EXPIRED", revoke, device.signed_request(asking))


def test_expired_session_s_secrets_are_purged(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    device.submit_probe(device.probe_request(session, device.encrypt(device.code)))
    store = world.server.service.store
    with store.transaction() as tx:
        assert tx.sessions.exchange(session.session_id) is not None
    assert store.purge(session.expires_at, retention=86400) >= 1
    with store.transaction() as tx:
        assert tx.sessions.exchange(session.session_id) is None


def test_decided_session_keeps_no_secrets(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    sums = device.submit_probe(device.probe_request(session, probe))
    assert device.finish(device.opening(session, sums)).accepted
    with world.server.service.store.transaction() as tx:
        assert tx.sessions.exchange(session.session_id) is None


def test_sessions_are_of_one_kind(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    refused("SESSION_UNKNOWN", device.submit_template, device.template_request(session))
    enrolling = device.begin_enrollment(world.ticket())
    probe = device.encrypt(device.code)
    refused("SESSION_UNKNOWN", device.submit_probe, device.probe_request(enrolling, probe))
    unknown = pb.Session(session_id="none")
    refused("SESSION_UNKNOWN", device.submit_probe, device.probe_request(unknown, probe))


def test_opening_before_an_answer_is_refused(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    refused("SESSION_USED", device.finish, device.opening(session, [], opened=[0, 0, 0]))


@pytest.mark.parametrize("opened", [[], [0, 0], [0, 0, 0, 0], [0, 0, 1032193]], ids=str)
def test_malformed_opening_is_no_attempt(world, opened):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    sums = device.submit_probe(device.probe_request(session, probe))
    refused("MALFORMED", device.finish, device.opening(session, sums, opened=opened))
    assert device.finish(device.opening(session, sums)).accepted


@pytest.mark.parametrize(("length", "reason"), [(32, "SIGNATURE_INVALID"), (33, "MALFORMED")])
def test_opening_far_too_long_is_refused_before_its_signature_is_looked_at(world, length, reason):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    probe = device.encrypt(noisy(device.code, world.rng))
    sums = device.submit_probe(device.probe_request(session, probe))
    unsigned = pb.Opening(session_id=session.session_id, opened=[1] * length)
    unsigned.signature, unsigned.idempotency_key = bytes(64), new_key()
    refused(reason, device.finish, unsigned)
    assert device.finish(device.opening(session, sums)).accepted
