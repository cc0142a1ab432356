"""The authentication ceremony and signed requests, pure: what to ask, submit, count, believe.

docs/PROTOCOL.md, "Authentication". `begin` → service → `submit` → service → `counted`, into the
vault → `sessions.opening` → service → `checked_token`. A session is answered once and a template
only so often: a service that departs from the protocol could learn a few bits of the template from
every answer.
"""

from dataclasses import replace
from typing import Final

from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import Scheme, profile_named
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import key_id, verify_decision
from grainseal.crypto.transcript import probe_transcript, request_transcript
from grainseal.models.codes import Code
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, RenewalDue, UntrustedService
from .sessions import SERVICE_AUDIENCE, Expected, checked_session
from .vault_state import StoredEnrollment, VaultState

PURPOSE_AUTHENTICATE: Final = "authenticate"
PURPOSE_RENEW: Final = "renew"
PURPOSE_CLAIM: Final = "claim"

# A renewal opens the old template too; these openings are kept for it, with room to fail.
OPENINGS_KEPT_FOR_RENEWAL: Final = 10


def expected_authentication(
    enrolled: StoredEnrollment, purpose: str, audience: str = SERVICE_AUDIENCE
) -> Expected:
    """What a session of that purpose must say."""
    return Expected(
        purpose=purpose,
        profile=enrolled.profile,
        subject=enrolled.subject,
        audience=audience,
        enrollment_id=enrolled.enrollment_id,
        service_key=enrolled.service_key,
    )


def begin(expected: Expected, idempotency_key: bytes) -> pb.BeginAuthenticationRequest:
    """The request for an authentication."""
    return pb.BeginAuthenticationRequest(
        enrollment_id=expected.enrollment_id or "",
        audience=expected.audience or "",
        purpose=expected.purpose,
        idempotency_key=idempotency_key,
    )


def begin_request(expected: Expected, idempotency_key: bytes) -> pb.BeginRequestRequest:
    """The request for a session without a photo."""
    return pb.BeginRequestRequest(
        enrollment_id=expected.enrollment_id or "",
        purpose=expected.purpose,
        idempotency_key=idempotency_key,
    )


def submit(
    session: pb.Session,
    expected: Expected,
    code: Code,
    key: HomomorphicKey,
    device: SigningKey,
    idempotency_key: bytes,
    now: float,
) -> pb.SubmitProbeRequest:
    """The encrypted probe, after the checks C1–C4."""
    context = checked_session(session, expected, now)
    probe = key.encrypt(code)
    return pb.SubmitProbeRequest(
        session_id=session.session_id,
        probe=probe,
        signature=device.sign(probe_transcript(context, probe)),
        idempotency_key=idempotency_key,
    )


def require_openings_left(enrolled: StoredEnrollment, purpose: str) -> None:
    """C5: `RenewalDue` if one more opening for that purpose would pass the profile's cap.

    By the fuzzy extractor nothing is opened, so there is nothing to count.
    """
    if enrolled.scheme is Scheme.FUZZY_EXTRACTOR:
        return
    cap = profile_named(enrolled.profile).max_openings
    if purpose != PURPOSE_RENEW:
        cap -= OPENINGS_KEPT_FOR_RENEWAL
    if enrolled.openings >= cap:
        raise RenewalDue(
            f"this enrolment was used {enrolled.openings} times, as often as is safe: "
            + ("renew it" if purpose != PURPOSE_RENEW else "revoke it and enrol with a new ticket")
        )


def counted(state: VaultState, expected: Expected) -> VaultState:
    """C5: the vault with one more opening counted, to be stored before that opening leaves.

    `RenewalDue` at the cap, `ClientError` if the session's enrolment has left the vault since.
    """
    enrolled = state.enrollment
    if enrolled is None or enrolled.enrollment_id != expected.enrollment_id:
        raise ClientError("the enrolment was renewed or revoked in the meantime: try again")
    require_openings_left(enrolled, expected.purpose)
    return replace(state, enrollment=replace(enrolled, openings=enrolled.openings + 1))


def sign_request(
    session: pb.Session, expected: Expected, device: SigningKey, idempotency_key: bytes, now: float
) -> pb.SignedRequest:
    """A signed request without a photo, after the checks C1–C4."""
    context = checked_session(session, expected, now)
    return pb.SignedRequest(
        session_id=session.session_id,
        signature=device.sign(request_transcript(context)),
        idempotency_key=idempotency_key,
    )


def checked_token(decision: pb.AuthenticationDecision, expected: Expected, now: float) -> str:
    """The token of an acceptance after C7, empty for a rejection."""
    if not decision.accepted:
        return ""
    service_key = expected.service_key or b""
    try:
        said = verify_decision(
            decision.token, {key_id(service_key): service_key}, expected.audience or "", now
        )
    except (MalformedMessage, VerificationFailed) as error:
        raise UntrustedService(f"the service's decision is not worth its name: {error}") from None
    asked = (expected.subject, expected.purpose, expected.enrollment_id, expected.profile)
    if (said.subject, said.purpose, said.enrollment_id, said.profile) != asked:
        raise UntrustedService("the service's decision is about something else than was asked")
    return decision.token
