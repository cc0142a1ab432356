"""The enrolment ceremony, pure: what to ask, what to submit, what to answer.

docs/PROTOCOL.md, "Enrolment". `begin_*` → service → `submit` → service → `finish` → service; the
caller carries the messages and keeps the vault.
"""

from dataclasses import dataclass, field

from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import Profile, profile_named
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import template_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb

from .coding import NewTemplate
from .errors import UntrustedService
from .sessions import SERVICE_AUDIENCE, Expected, checked_session, opening
from .vault_state import PendingEnrollment, StoredEnrollment

PURPOSE_ENROLL = "enroll"
PURPOSE_RENEW = "renew"


@dataclass(frozen=True)
class Submitted:
    """Where an enrolment stands between its two answers."""

    session: pb.Session
    request: pb.SubmitTemplateRequest
    key: HomomorphicKey = field(repr=False)


def begin_with_ticket(
    ticket: str, profile: Profile, device: SigningKey, idempotency_key: bytes
) -> pb.BeginEnrollmentRequest:
    """The request for a first enrolment."""
    return pb.BeginEnrollmentRequest(
        ticket=ticket,
        profile=profile.name,
        device_key=device.public,
        idempotency_key=idempotency_key,
    )


def begin_with_token(
    renewal_token: str, profile: Profile, device: SigningKey, idempotency_key: bytes
) -> pb.BeginEnrollmentRequest:
    """The request for a renewal: a decision of purpose "renew" stands in for the ticket."""
    return pb.BeginEnrollmentRequest(
        renewal_token=renewal_token,
        profile=profile.name,
        device_key=device.public,
        idempotency_key=idempotency_key,
    )


def expected_enrollment(profile: Profile, subject: str) -> Expected:
    """What a first enrolment's session must say; the service's key is pinned from here on."""
    return Expected(PURPOSE_ENROLL, profile.name, subject, SERVICE_AUDIENCE, None, None)


def expected_renewal(profile: Profile, old: StoredEnrollment) -> Expected:
    """What a renewal's session must say."""
    return Expected(
        PURPOSE_RENEW, profile.name, old.subject, SERVICE_AUDIENCE, None, old.service_key
    )


def submit(
    session: pb.Session,
    expected: Expected,
    template: NewTemplate,
    device: SigningKey,
    idempotency_key: bytes,
    now: float,
) -> Submitted:
    """The encrypted template under a new homomorphic key, after the checks C1–C4."""
    context = checked_session(session, expected, now)
    key = HomomorphicKey(profile_named(expected.profile))
    encrypted, keys = key.encrypt(template.code), key.public_keys()
    request = pb.SubmitTemplateRequest(
        session_id=session.session_id,
        template=encrypted,
        relin_key=keys.relin_key,
        zero_key=keys.zero_key,
        signature=device.sign(template_transcript(context, encrypted, keys)),
        idempotency_key=idempotency_key,
    )
    return Submitted(session, request, key)


def finish(
    submitted: Submitted,
    answer: pb.MaskedSums,
    template: NewTemplate,
    device: SigningKey,
    idempotency_key: bytes,
) -> PendingEnrollment:
    """What to keep before the last request is sent, that request included; check C6."""
    session = submitted.session
    request = opening(session, answer, submitted.key, device, idempotency_key)
    enrollment = StoredEnrollment(
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        profile=session.profile,
        frame=template.frame,
        openings=1,  # C5: the template's check was one
        service_key=session.service_key,
        positions=template.positions,
        code_key=template.code_key,
        homomorphic_secret=submitted.key.secret(),
    )
    return PendingEnrollment(enrollment, request.SerializeToString())


def require_active(pending: PendingEnrollment, answer: pb.Enrollment) -> None:
    """`UntrustedService` unless the service confirms the enrolment that was asked for."""
    wanted = pending.enrollment
    same = (answer.enrollment_id, answer.subject, answer.profile) == (
        wanted.enrollment_id,
        wanted.subject,
        wanted.profile,
    )
    if not same or answer.state != pb.ENROLLMENT_STATE_ACTIVE:
        raise UntrustedService("the service confirmed another enrolment than the one asked for")
