"""Can an enrolment's template still be used here, and should another one take its place?

Codes of two extractors say nothing about each other, so a template whose extractor is not the
installed one is refused, never compared. One whose profile was superseded works, and its owner is
told.
"""

from collections.abc import Callable
from typing import Final

from grainseal.crypto.profiles import (
    FuzzyProfile,
    Profile,
    enrolled_profile_named,
    needs_reenrolment,
    successor_of,
)
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import CodeError, CodeSpec, code_for, extractor_for
from grainseal.models.fingerprint import Fingerprint

from .errors import RenewalDue
from .photos import Photos
from .vault_state import StoredClaims, StoredEnrollment

HOW: Final = "`grainseal renew` with six or more fresh photos of the camera"


def renewal_advice(enrolled: StoredEnrollment) -> str:
    """One sentence for the owner of a template that a better one should replace; else empty."""
    claims = [] if enrolled.claims is None else [enrolled.claims.profile]
    old = [name for name in (enrolled.profile, *claims) if needs_reenrolment(name)]
    if not old:
        return ""
    by = " and ".join(f"{name} by {successor_of(name)}" for name in old)
    return f"this enrolment still works, but it should be renewed ({by}): {HOW}"


def renewed_profile(enrolled: StoredEnrollment, photos: Photos) -> Profile | FuzzyProfile:
    """What a renewal enrols under: what superseded the old profile.

    A fingerprint that was made before serves the old one only.
    """
    old = enrolled_profile_named(enrolled.profile)
    return (
        old if isinstance(photos, Fingerprint) else enrolled_profile_named(successor_of(old.name))
    )


def require_usable(enrolled: StoredEnrollment) -> None:
    """`RenewalDue` unless this installation has what the enrolment's template was made with."""
    _require(code_for, enrolled.profile, "or revoke the enrolment and enrol with a new ticket")


def require_usable_claims(claims: StoredClaims) -> None:
    """The same of a claim template, which a renewal replaces."""
    _require(claim_for, claims.profile, f"or renew the enrolment: {HOW}")


def _require(spec_named: Callable[[str], CodeSpec], profile: str, otherwise: str) -> None:
    try:
        extractor_for(spec_named(profile))
    except CodeError as error:
        raise RenewalDue(f"this template cannot be compared here: {error}; {otherwise}") from None
