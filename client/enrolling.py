"""The enrolment ceremony, pure: what to ask, what to submit, what to answer.

docs/PROTOCOL.md, "Enrolment". `begin_*` → service → `submit` → service → `finish` → service; the
caller carries the messages and keeps the vault. A claim template is encrypted beforehand
(`encrypt_claims`) and uploaded between the first two.
"""

from dataclasses import dataclass, field

from grainseal.crypto.claim_template import ClaimTemplateFacts
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import (
    FuzzyProfile,
    Profile,
    claim_profile_named,
    profile_named,
)
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import claim_template_facts, template_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb

from .claim_coding import NewClaimTemplate
from .coding import NewTemplate
from .errors import UntrustedService
from .schemes import scheme_message
from .sessions import SERVICE_AUDIENCE, Expected, checked_session, opening_by
from .vault_state import PendingEnrollment, StoredClaims, StoredEnrollment

PURPOSE_ENROLL = "enroll"
PURPOSE_RENEW = "renew"


@dataclass(frozen=True)
class EncryptedClaims:
    """A claim template as it is uploaded, what is public of it, and what the vault will keep.

    `marks`: of its photos, where proofs are asked for: no key may be made of them.
    """

    upload: bytes = field(repr=False)
    facts: ClaimTemplateFacts
    stored: StoredClaims
    key: HomomorphicKey = field(repr=False)
    marks: tuple[bytes, ...] = ()

    @property
    def sha256(self) -> bytes:
        """The claim template's hash, 32 bytes."""
        return self.facts.sha256

    @property
    def parameters(self) -> pb.ClaimParameters:
        """What the service is told at the beginning."""
        height, width = self.stored.frame
        return pb.ClaimParameters(
            profile=self.stored.profile,
            height=height,
            width=width,
            seed=self.stored.seed,
            commitment_sha256=self.facts.commitment_sha256,
        )


@dataclass(frozen=True)
class Submitted:
    """Where an enrolment stands between its two answers."""

    session: pb.Session
    request: pb.SubmitTemplateRequest
    key: HomomorphicKey = field(repr=False)
    claims: EncryptedClaims | None = None


def encrypt_claims(template: NewClaimTemplate, commitment_sha256: bytes = b"") -> EncryptedClaims:
    """A claim template under a homomorphic key of its own.

    `commitment_sha256`: of the commitment to its code; empty: there is none.
    """
    profile = claim_profile_named(template.profile)
    key = HomomorphicKey(profile)
    code, keys = key.encrypt(template.code), key.public_keys()
    stored = StoredClaims(
        profile=profile.name,
        frame=template.frame,
        sums_opened=profile.openings,  # C9: those of the template's check
        seed=template.seed,
        positions=template.positions,
        homomorphic_secret=key.secret(),
    )
    facts = claim_template_facts(
        profile.name,
        *template.frame,
        template.seed,
        code,
        keys,
        template.positions,
        commitment_sha256,
    )
    upload = b"".join((code, keys.relin_key, keys.zero_key, template.positions))
    return EncryptedClaims(upload, facts, stored, key)


def begin_with_ticket(
    ticket: str,
    profile: Profile | FuzzyProfile,
    device: SigningKey,
    idempotency_key: bytes,
    claims: EncryptedClaims | None = None,
) -> pb.BeginEnrollmentRequest:
    """The request for a first enrolment."""
    return pb.BeginEnrollmentRequest(
        ticket=ticket,
        profile=profile.name,
        device_key=device.public,
        idempotency_key=idempotency_key,
        claims=_parameters(claims),
        scheme=scheme_message(profile),
    )


def begin_with_token(
    renewal_token: str,
    profile: Profile | FuzzyProfile,
    device: SigningKey,
    idempotency_key: bytes,
    claims: EncryptedClaims | None = None,
) -> pb.BeginEnrollmentRequest:
    """The request for a renewal: a decision of purpose "renew" stands in for the ticket."""
    return pb.BeginEnrollmentRequest(
        renewal_token=renewal_token,
        profile=profile.name,
        device_key=device.public,
        idempotency_key=idempotency_key,
        claims=_parameters(claims),
        scheme=scheme_message(profile),
    )


def expected_enrollment(profile: Profile | FuzzyProfile, subject: str) -> Expected:
    """What a first enrolment's session must say; the service's key is pinned from here on."""
    return Expected(PURPOSE_ENROLL, profile.name, subject, SERVICE_AUDIENCE, None, None)


def expected_renewal(profile: Profile | FuzzyProfile, old: StoredEnrollment) -> Expected:
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
    claims: EncryptedClaims | None = None,
) -> Submitted:
    """The encrypted template under a new homomorphic key, after the checks C1–C4.

    `claims`: the claim template that was uploaded in this session.
    """
    context = checked_session(session, expected, now)
    key = HomomorphicKey(profile_named(expected.profile))
    encrypted, keys = key.encrypt(template.code), key.public_keys()
    transcript = template_transcript(context, encrypted, keys, claims.sha256 if claims else b"")
    request = pb.SubmitTemplateRequest(
        session_id=session.session_id,
        template=encrypted,
        relin_key=keys.relin_key,
        zero_key=keys.zero_key,
        signature=device.sign(transcript),
        idempotency_key=idempotency_key,
    )
    return Submitted(session, request, key, claims)


def finish(
    submitted: Submitted,
    answer: pb.MaskedSums,
    template: NewTemplate,
    device: SigningKey,
    idempotency_key: bytes,
) -> PendingEnrollment:
    """What to keep before the last request is sent, that request included; check C6."""
    session, claims = submitted.session, submitted.claims
    keys = [submitted.key, *([claims.key] if claims else [])]
    counts = [(key, key.profile.openings) for key in keys]
    request = opening_by(session, answer, counts, device, idempotency_key)
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
        claims=claims.stored if claims else None,
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


def _parameters(claims: EncryptedClaims | None) -> pb.ClaimParameters | None:
    return claims.parameters if claims is not None else None
