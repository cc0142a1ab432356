"""Opening sums of a claim template: by which key, in which session, and how often.

Both a registration and a claim open some. A service that departs from the protocol would learn a
few bits of the template from every one, so the vault counts them (C9).
"""

from dataclasses import replace
from typing import Final

from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import claim_profile_named

from .errors import ClientError, RenewalDue
from .sessions import SERVICE_AUDIENCE, Expected
from .vault_state import StoredClaims, StoredEnrollment, VaultState

PURPOSE_REGISTER: Final = "register"


def claims_of(enrolled: StoredEnrollment) -> StoredClaims:
    """An enrolment's claim template; `ClientError` without one."""
    if enrolled.claims is None:
        raise ClientError(
            "this enrolment has no claim template: add one with `renew --claims` and six or more "
            "photos"
        )
    return enrolled.claims


def key_of(claims: StoredClaims) -> HomomorphicKey:
    """The key that opens the claim template's sums."""
    return HomomorphicKey(claim_profile_named(claims.profile), claims.homomorphic_secret)


def expected_session(enrolled: StoredEnrollment, purpose: str) -> Expected:
    """What a session about the claim template must say, of purpose "register" or "claim"."""
    return Expected(
        purpose=purpose,
        profile=claims_of(enrolled).profile,
        subject=enrolled.subject,
        audience=SERVICE_AUDIENCE,
        enrollment_id=enrolled.enrollment_id,
        service_key=enrolled.service_key,
    )


def require_sums_left(claims: StoredClaims, count: int) -> None:
    """C9: `RenewalDue` if `count` more sums would pass the profile's cap."""
    cap = claim_profile_named(claims.profile).max_sums
    if claims.sums_opened + count > cap:
        raise RenewalDue(
            f"this claim template was opened {claims.sums_opened} times, and {cap} times is as "
            "often as is safe: renew it with `renew --claims`"
        )


def counted_sums(state: VaultState, expected: Expected, count: int) -> VaultState:
    """C9: the vault with `count` more sums counted, to be stored before they are opened.

    `RenewalDue` beyond the cap, `ClientError` if the session's enrolment has left the vault since.
    """
    enrolled = state.enrollment
    if enrolled is None or enrolled.enrollment_id != expected.enrollment_id:
        raise ClientError("the enrolment was renewed or revoked in the meantime: try again")
    claims = claims_of(enrolled)
    require_sums_left(claims, count)
    used = replace(claims, sums_opened=claims.sums_opened + count)
    return replace(state, enrollment=replace(enrolled, claims=used))
