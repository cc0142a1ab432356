"""The SDK: one client, one service, one vault.

Photos become a fingerprint and a code here, `ceremonies` does the talking. Fingerprint and code
live as long as a call.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from grainseal.crypto.profiles import Profile, profile_named
from grainseal.crypto.receipts import Receipt
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

from . import authenticating, enrolling
from .ceremonies import Ceremonies
from .coding import new_template, probe_code
from .errors import ClientError
from .photos import Photos, Progress, fingerprint_of, profile_for, require_fit
from .sessions import new_idempotency_key
from .transport import Transport
from .vault import Vault
from .vault_state import StoredEnrollment


@dataclass(frozen=True)
class EnrollmentInfo:
    """One enrolment as the service has it. `state`: active, replaced, revoked or disabled."""

    enrollment_id: str
    subject: str
    profile: str
    state: str
    created_at: int
    needs_reenrollment: bool


@dataclass(frozen=True)
class AuthenticationResult:
    """The service's decision; `token` is for the relying party, empty unless accepted."""

    accepted: bool
    token: str = field(repr=False)


class Client:
    """A device's connection to a service; a context manager that hangs up at its end.

    The vault stays open: it is the caller's.
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
    def bytes_sent(self) -> int:
        """Size of all request messages so far."""
        return self._transport.sent

    def enroll(
        self,
        subject: str,
        ticket: str,
        photos: Photos,
        *,
        profile: str | None = None,
        any_photos: bool = False,
        progress: Progress | None = None,
    ) -> EnrollmentInfo:
        """Enrol the camera that took the photos under `subject`, with a single-use ticket.

        The profile follows the kind of photos unless named. Unsuitable photos raise
        `PhotosRefused` before anything is sent; `any_photos` tries them all the same.
        """
        resumed = self._ceremonies.resume()
        if resumed is not None and resumed.subject == subject:
            return _info(resumed)
        if self._vault.state.enrollment is not None:
            raise ClientError("this vault has an enrolment: renew it, revoke it, or use another")
        chosen = profile_for(photos, profile)
        fingerprint = _fingerprint(photos, chosen, any_photos, progress)
        request = enrolling.begin_with_ticket(
            ticket, chosen, self._ceremonies.device, new_idempotency_key()
        )
        expected = enrolling.expected_enrollment(chosen, subject)
        template = new_template(fingerprint, chosen)
        return _info(self._ceremonies.enroll(request, expected, template))

    def renew(
        self, photos: Photos, *, any_photos: bool = False, progress: Progress | None = None
    ) -> EnrollmentInfo:
        """Replace the template: new code key, new homomorphic key, the same device key.

        The photos are compared with the old template first, then make the new one, so take
        fresh ones and as many as for an enrolment. `ClientError` if they do not match.
        """
        resumed = self._ceremonies.resume()
        if resumed is not None:
            return _info(resumed)
        old = self._enrolled()
        profile = profile_named(old.profile)
        fingerprint = _fingerprint(photos, profile, any_photos, progress)
        expected = authenticating.expected_authentication(old, authenticating.PURPOSE_RENEW)
        token = self._ceremonies.authenticate(expected, probe_code(fingerprint, old), old)
        if not token:
            raise ClientError("the photos do not match the enrolled camera: nothing was renewed")
        request = enrolling.begin_with_token(
            token, profile, self._ceremonies.device, new_idempotency_key()
        )
        expected = enrolling.expected_renewal(profile, old)
        template = new_template(fingerprint, profile)
        return _info(self._ceremonies.enroll(request, expected, template))

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
        purpose = authenticating.PURPOSE_AUTHENTICATE
        authenticating.require_openings_left(enrolled, purpose)
        profile = profile_named(enrolled.profile)
        fingerprint = _fingerprint(photos, profile, any_photos, progress)
        expected = authenticating.expected_authentication(enrolled, purpose, audience)
        code = probe_code(fingerprint, enrolled)
        token = self._ceremonies.authenticate(expected, code, enrolled)
        return AuthenticationResult(accepted=bool(token), token=token)

    def revoke(self) -> EnrollmentInfo:
        """End the enrolment at the service, then forget its keys; the vault can enrol anew."""
        self._ceremonies.resume()
        return _info(self._ceremonies.revoke(self._enrolled()))

    def list(self) -> list[EnrollmentInfo]:
        """All enrolments of the vault's subject, whatever their state."""
        self._ceremonies.resume()
        return [_info(each) for each in self._ceremonies.list(self._enrolled())]

    def receipt(self) -> Receipt:
        """The proof that the log has the vault's enrolment; `to_json` is the file to keep.

        What is checked here needs no key of the log (C8). `crypto.receipts.verify_receipt` checks
        the log's signature too. `ServiceError` with reason NOT_LOGGED for an enrolment that is
        older than the log.
        """
        self._ceremonies.resume()
        return self._ceremonies.receipt(self._enrolled())

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _enrolled(self) -> StoredEnrollment:
        enrolled = self._vault.state.enrollment
        if enrolled is None:
            raise ClientError("this vault has no enrolment: enrol first")
        return enrolled


def _fingerprint(
    photos: Photos,
    profile: Profile,
    any_photos: bool,
    progress: Progress | None,
) -> Fingerprint:
    """Fingerprint of photos that pass the quality gate, or of any."""
    if not any_photos:
        require_fit(photos, profile)
    return fingerprint_of(photos, profile, progress)


def _info(answer: pb.Enrollment) -> EnrollmentInfo:
    state = pb.EnrollmentState.Name(answer.state).removeprefix("ENROLLMENT_STATE_").lower()
    return EnrollmentInfo(
        enrollment_id=answer.enrollment_id,
        subject=answer.subject,
        profile=answer.profile,
        state=state,
        created_at=answer.created_at,
        needs_reenrollment=answer.needs_reenrollment,
    )
