"""The part of the SDK that is about the camera: enrol it, authenticate, renew, revoke.

Photos become a fingerprint and a code here, `ceremonies` does the talking. Fingerprint and code
live as long as a call.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from grainseal.crypto.profiles import (
    FuzzyProfile,
    Profile,
    Scheme,
    enrolled_profile_named,
)
from grainseal.crypto.receipts import Receipt
from grainseal.models.codes import code_for
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1.grainseal_pb2 import BeginEnrollmentRequest

from . import authenticating, enrolling
from .ceremonies import Ceremonies
from .claim_photos import ClaimPhotos, encrypted_claims, renewed_claims, wanted_claims
from .coding import new_template, probe_code
from .enrolling import EncryptedClaims
from .errors import CameraNotRecognised, ClientError
from .fuzzy_ceremonies import new_camera_key
from .key_coding import ADVICE
from .key_file import KeyBurst, burst_for_key
from .photos import (
    Photos,
    Progress,
    Stages,
    Warn,
    count_of,
    fingerprint_of,
    require_burst,
    require_fit,
    shared_progress,
)
from .renewal import renewal_advice, renewed_profile, require_usable
from .results import AuthenticationResult, EnrollmentInfo, enrollment_info
from .schemes import profile_to_enroll, profile_to_renew, require_scheme_with_claims
from .sessions import SERVICE_AUDIENCE, Expected, new_idempotency_key
from .transport import Transport
from .uploading import Sending
from .used_photos import UsedPhotos
from .vault import Vault
from .vault_state import StoredEnrollment

Own = TypeVar("Own", bound="CameraClient")


@dataclass(frozen=True)
class _Taken:
    """What the photos of an enrolment gave."""

    burst: KeyBurst
    claims: EncryptedClaims | None


class CameraClient:
    """A device's connection to a service; a context manager that hangs up at its end.

    The vault stays open: it is the caller's. `sdk.Client` is the whole of it.
    """

    def __init__(
        self,
        server: str,
        ca: str | Path,
        vault: Vault,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`server`: HOST:PORT. `ca`: PEM file. `clock` gives Unix seconds."""
        self._vault = vault
        self._transport = Transport(server, ca)
        self._ceremonies = Ceremonies(self._transport, vault, clock)

    @property
    def device_key(self) -> bytes:
        """The vault's public device key, Ed25519, 32 bytes."""
        return self._ceremonies.device.public

    @property
    def renewal(self) -> str:
        """Whether and how the enrolment should be renewed, in a sentence; empty if it need not."""
        enrolled = self._vault.state.enrollment
        return renewal_advice(enrolled) if enrolled is not None else ""

    @property
    def bytes_sent(self) -> int:
        """Size of all request messages so far."""
        return self._transport.sent

    def enroll(
        self,
        subject: str,
        ticket: str,
        photos: Photos,
        *,
        scheme: str = Scheme.HOMOMORPHIC.value,
        profile: str | None = None,
        claims: bool = False,
        claim_photos: Photos | None = None,
        claim_profile: str | None = None,
        proofs: bool = False,
        any_photos: bool = False,
        warn: Warn | None = None,
        progress: Progress | None = None,
        proving: Stages | None = None,
        sending: Sending | None = None,
    ) -> EnrollmentInfo:
        """Enrol the camera that took the photos under `subject`, with a single-use ticket.

        `scheme`: "homomorphic", an encrypted template, or "fuzzy", a key that only the camera's
        photos give. The profile follows it and the kind of photos unless named. `claims` adds a
        claim template, made from six or more developed photos: `claim_photos`, of any scenes, or
        else the same photos; it takes the first scheme. `proofs` commits to that template and keeps
        it in the vault, so that claim proofs can be made of it. Whoever opens that vault can pass
        for the camera: use one of its own. `proving` is told how far the commitment's proof is
        (Python 3.11).

        Unsuitable photos, and photos of several cameras, raise `PhotosRefused` before anything is
        sent; `any_photos` tries them all the same, and tells `warn` why not. `sending` is told how
        much of a claim template has arrived.
        """
        resumed = self._ceremonies.resume()
        if resumed is not None and resumed.subject == subject:
            return enrollment_info(resumed)
        if self._vault.state.enrollment is not None:
            raise ClientError("this vault has an enrolment: renew it, revoke it, or use another")
        chosen = profile_to_enroll(photos, scheme, profile)
        require_scheme_with_claims(chosen, claims)
        wanted = wanted_claims(claims, photos, claim_photos, claim_profile, any_photos, proofs)
        taken = self._taken(photos, chosen, wanted, any_photos, warn, progress, proving)
        request = enrolling.begin_with_ticket(
            ticket, chosen, self._ceremonies.device, new_idempotency_key(), taken.claims
        )
        expected = enrolling.expected_enrollment(chosen, subject)
        return self._made(request, expected, taken, chosen, sending)

    def renew(
        self,
        photos: Photos,
        *,
        scheme: str | None = None,
        claims: bool | None = None,
        claim_photos: Photos | None = None,
        claim_profile: str | None = None,
        proofs: bool | None = None,
        any_photos: bool = False,
        warn: Warn | None = None,
        progress: Progress | None = None,
        proving: Stages | None = None,
        sending: Sending | None = None,
    ) -> EnrollmentInfo:
        """Replace the template: new code key, new homomorphic key, the same device key. Profiles
        that were superseded are left for those that took their place.

        The photos are compared with the old template first, then make the new one, so take
        fresh ones and as many as for an enrolment; `CameraNotRecognised` if they do not match.
        `scheme`, `claims` and `proofs`: by default as the enrolment is; a claim template is made
        anew too. Photos, `any_photos` and `warn` as in `enroll`.
        """
        resumed = self._ceremonies.resume()
        if resumed is not None:
            return enrollment_info(resumed)
        old = self._enrolled()
        require_usable(old)
        profile = profile_to_renew(renewed_profile(old, photos).name, scheme)
        keeps_claims = old.claims is not None if claims is None else claims
        require_scheme_with_claims(profile, keeps_claims)
        wanted = renewed_claims(
            old.claims, claims, photos, claim_photos, claim_profile, any_photos, proofs
        )
        taken = self._taken(photos, profile, wanted, any_photos, warn, progress, proving)
        shown = taken.burst.fingerprint
        if code_for(profile.name).source != code_for(old.profile).source:
            shown = fingerprint_for(photos, enrolled_profile_named(old.profile), True, progress)
        token = self._token(old, shown, authenticating.PURPOSE_RENEW)
        if not token:
            raise CameraNotRecognised(
                "the photos do not match the enrolled camera: nothing was renewed"
            )
        request = enrolling.begin_with_token(
            token, profile, self._ceremonies.device, new_idempotency_key(), taken.claims
        )
        expected = enrolling.expected_renewal(profile, old)
        return self._made(request, expected, taken, profile, sending)

    def authenticate(
        self,
        audience: str,
        photos: Photos,
        *,
        any_photos: bool = False,
        progress: Progress | None = None,
    ) -> AuthenticationResult:
        """Prove to `audience` that the enrolled camera is here, with photos it just took.

        `PhotosRefused` as in `enroll`; `RenewalDue` when the template was used too often;
        `ServiceError` with reason LOCKED and `retry_after` after too many failures.
        """
        self._ceremonies.resume()
        enrolled = self._enrolled()
        require_usable(enrolled)
        purpose = authenticating.PURPOSE_AUTHENTICATE
        authenticating.require_openings_left(enrolled, purpose)
        fingerprint = fingerprint_for(
            photos, enrolled_profile_named(enrolled.profile), any_photos, progress
        )
        token = self._token(enrolled, fingerprint, purpose, audience)
        by_key = enrolled.scheme is Scheme.FUZZY_EXTRACTOR
        advice = ADVICE if by_key and not token else ""
        return AuthenticationResult(bool(token), token, advice, renewal_advice(enrolled))

    def revoke(self) -> EnrollmentInfo:
        """End the enrolment at the service, then forget its keys; the vault can enrol anew."""
        self._ceremonies.resume()
        return enrollment_info(self._ceremonies.revoke(self._enrolled()))

    def list(self) -> list[EnrollmentInfo]:
        """All enrolments of the vault's subject, whatever their state."""
        self._ceremonies.resume()
        enrolled = self._enrolled()
        found = [enrollment_info(each) for each in self._ceremonies.list(enrolled)]
        # Of claim templates the vault alone knows the profile.
        due = enrolled.enrollment_id if renewal_advice(enrolled) else ""
        return [
            replace(each, needs_reenrollment=True) if each.enrollment_id == due else each
            for each in found
        ]

    def receipt(self, registration_id: str = "") -> Receipt:
        """The proof that the log has the vault's enrolment, or one of its device's registrations.

        `to_json` is the file to keep. What is checked here needs no key of the log (C8).
        `crypto.receipts.verify_receipt` checks the log's signature too. `ServiceError` with reason
        NOT_LOGGED for an enrolment that is older than the log, REGISTRATION_UNKNOWN for a
        registration that this device has not made.
        """
        self._ceremonies.resume()
        return self._ceremonies.receipt(self._enrolled(), registration_id)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _made(
        self,
        request: BeginEnrollmentRequest,
        expected: Expected,
        taken: _Taken,
        profile: Profile | FuzzyProfile,
        sending: Sending | None,
    ) -> EnrollmentInfo:
        """The enrolment that begins with this request, by the profile's scheme."""
        ceremonies = self._ceremonies
        if isinstance(profile, FuzzyProfile):
            made = new_camera_key(taken.burst, profile, ceremonies.device)
            return enrollment_info(ceremonies.enroll_key(request, expected, made))
        template = new_template(taken.burst.fingerprint, profile)
        made_of = ceremonies.enroll(request, expected, template, taken.claims, sending)
        return enrollment_info(made_of)

    def _taken(
        self,
        photos: Photos,
        profile: Profile | FuzzyProfile,
        claims: ClaimPhotos | None,
        any_photos: bool,
        warn: Warn | None,
        progress: Progress | None,
        proving: Stages | None,
    ) -> _Taken:
        """What an enrolment is made of, all of it before anything is sent."""
        if isinstance(profile, FuzzyProfile):
            used = UsedPhotos(self._vault)
            return _Taken(burst_for_key(photos, profile, used, any_photos, warn, progress), None)
        require_burst(photos, profile, any_photos, warn)
        if claims is None:
            return _Taken(KeyBurst(fingerprint_of(photos, profile, progress)), None)
        marks = UsedPhotos(self._vault).for_proofs(claims.photos) if claims.proofs else ()
        here, there = shared_progress(progress, count_of(photos), claims.count)
        fingerprint = fingerprint_of(photos, profile, here)
        encrypted = encrypted_claims(claims, there, proving)
        return _Taken(KeyBurst(fingerprint), replace(encrypted, marks=marks))

    def _token(
        self,
        enrolled: StoredEnrollment,
        fingerprint: Fingerprint,
        purpose: str,
        audience: str = SERVICE_AUDIENCE,
    ) -> str:
        """The token of an authentication for that purpose; empty for a rejection."""
        expected = authenticating.expected_authentication(enrolled, purpose, audience)
        if enrolled.scheme is Scheme.FUZZY_EXTRACTOR:
            return self._ceremonies.authenticate_by_key(expected, fingerprint, enrolled)
        return self._ceremonies.authenticate(expected, probe_code(fingerprint, enrolled), enrolled)

    def _enrolled(self) -> StoredEnrollment:
        enrolled = self._vault.state.enrollment
        if enrolled is None:
            raise ClientError("this vault has no enrolment: enrol first")
        return enrolled


def fingerprint_for(
    photos: Photos,
    profile: Profile | FuzzyProfile,
    any_photos: bool,
    progress: Progress | None,
) -> Fingerprint:
    """Fingerprint of photos that pass the quality gate, or of any."""
    if not any_photos:
        require_fit(photos, profile)
    return fingerprint_of(photos, profile, progress)
