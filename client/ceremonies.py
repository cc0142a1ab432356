"""Carries the messages of the ceremonies between the service and the vault.

`enrolling` and `authenticating` say what the messages are; here is only their order, and what is
in the vault before each of them leaves.
"""

from collections.abc import Callable
from typing import Final

from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import Scheme, profile_named
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.models.codes import Code
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

from . import authenticating, enrolling, fuzzy_ceremonies
from .coding import NewTemplate
from .enrolling import EncryptedClaims
from .errors import ServiceError
from .fuzzy_ceremonies import NewCameraKey
from .receipts import checked_receipt, checked_registration_receipt
from .sessions import (
    SESSION_SECONDS,
    Expected,
    check_keys,
    checked_session,
    new_idempotency_key,
    opening,
)
from .transport import Transport
from .uploading import Sending, Upload
from .used_photos import marked, with_template
from .vault import Vault
from .vault_state import PendingEnrollment, StoredEnrollment

# After these the same request will never succeed. Any other failure may pass: try again.
FINAL_REASONS: Final = frozenset(
    {
        "MALFORMED",
        "TEMPLATE_REFUSED",
        "SIGNATURE_INVALID",
        "TICKET_INVALID",
        "TOKEN_INVALID",
        "SESSION_UNKNOWN",
        "SESSION_EXPIRED",
        "SESSION_USED",
        "ENROLLMENT_UNKNOWN",
    }
)


class Ceremonies:
    """One vault's conversations with one service. `clock` gives Unix seconds."""

    def __init__(self, transport: Transport, vault: Vault, clock: Callable[[], float]) -> None:
        self._transport, self._vault, self._clock = transport, vault, clock

    @property
    def device(self) -> SigningKey:
        """The vault's device key."""
        return SigningKey(self._vault.state.device_seed)

    def enroll(
        self,
        request: pb.BeginEnrollmentRequest,
        expected: Expected,
        template: NewTemplate,
        claims: EncryptedClaims | None = None,
        sending: Sending | None = None,
    ) -> pb.Enrollment:
        """B, U, S and F: the service's confirmation, with the new enrolment in the vault."""
        session = self._transport.begin_enrollment(request)
        if claims is not None:
            checked_session(session, expected, self._clock())
            Upload(self._transport, session, self.device, claims.upload).send(sending)
        submitted = enrolling.submit(
            session, expected, template, self.device, new_idempotency_key(), self._clock(), claims
        )
        answer = self._transport.submit_template(submitted.request)
        pending = enrolling.finish(submitted, answer, template, self.device, new_idempotency_key())
        # From here on a crash, ours or the service's, is mended by sending the same again.
        marks = claims.marks if claims is not None else ()
        self._vault.update(lambda state: with_template(state, marks).begun(pending))
        return self._complete(pending)

    def enroll_key(
        self, request: pb.BeginEnrollmentRequest, expected: Expected, made: NewCameraKey
    ) -> pb.Enrollment:
        """B and Q2–Q7: the service's confirmation, with the new enrolment in the vault."""
        session = self._transport.begin_enrollment(request)
        pending = fuzzy_ceremonies.submit(
            session, expected, made, self.device, new_idempotency_key(), self._clock()
        )
        # Before the helper data leaves: no other may be made of its photos, whatever becomes of it.
        self._vault.update(lambda state: marked(state, made.marks).begun(pending))
        return self._complete(pending)

    def resume(self) -> pb.Enrollment | None:
        """Bring an interrupted enrolment to its end; None without one, or if it came to nothing.

        `UntrustedService` at another service, whose word on it counts for nothing.
        """
        pending = self._vault.state.pending
        if pending is None:
            return None
        published = self._transport.get_keys(pb.GetKeysRequest())
        check_keys(published, pending.enrollment.service_key)
        try:
            return self._complete(pending)
        except ServiceError as error:
            if error.reason in FINAL_REASONS:
                return None
            raise

    def authenticate(self, expected: Expected, code: Code, enrolled: StoredEnrollment) -> str:
        """A, P and D: the decision's token, empty for a rejection."""
        authenticating.require_openings_left(enrolled, expected.purpose)
        key = HomomorphicKey(profile_named(enrolled.profile), enrolled.homomorphic_secret)
        begun = self._clock()
        request = authenticating.begin(expected, new_idempotency_key())
        session = self._transport.begin_authentication(request)
        probe = authenticating.submit(
            session, expected, code, key, self.device, new_idempotency_key(), begun
        )
        answer = self._transport.submit_probe(probe)
        self._vault.update(lambda state: authenticating.counted(state, expected))
        finish = opening(session, answer, key, self.device, new_idempotency_key())
        decision = self._transport.finish_authentication(finish)
        return self._token(decision, expected, session, begun)

    def authenticate_by_key(
        self, expected: Expected, fingerprint: Fingerprint, enrolled: StoredEnrollment
    ) -> str:
        """A and Q8–Q18: the decision's token, empty for a rejection."""
        begun = self._clock()
        request = authenticating.begin(expected, new_idempotency_key())
        session = self._transport.begin_authentication(request)
        fetch = fuzzy_ceremonies.fetch(session, expected, self.device, begun)
        said = self._transport.fetch_helper_data(fetch)
        key = fuzzy_ceremonies.reproduced(said, fingerprint, enrolled, self.device)
        answer = fuzzy_ceremonies.answer(session, enrolled, key, self.device, new_idempotency_key())
        decision = self._transport.answer_with_key(answer)
        return self._token(decision, expected, session, begun)

    def list(self, enrolled: StoredEnrollment) -> list[pb.Enrollment]:
        """All enrolments of the subject."""
        return list(self._transport.list_enrollments(self._signed("list", enrolled)).enrollments)

    def receipt(self, enrolled: StoredEnrollment, registration_id: str = "") -> Receipt:
        """The receipt of the enrolment, or of a registration of this device's, after C8."""
        request = self._signed("receipt", enrolled)
        request.registration_id = registration_id
        answer = self._transport.get_receipt(request)
        if not registration_id:
            return checked_receipt(answer, enrolled, self.device.public)
        return checked_registration_receipt(answer, self.device.public, registration_id)

    def revoke(self, enrolled: StoredEnrollment) -> pb.Enrollment:
        """End the enrolment at the service, then forget its keys; also if it has ended already."""
        # Outside of the try: before C2 anyone may say that the enrolment is unknown.
        request = self._signed("revoke", enrolled)
        try:
            answer = self._transport.revoke_enrollment(request)
        except ServiceError as error:
            if error.reason == "ENROLLMENT_UNKNOWN":
                self._forget(enrolled)
            raise
        self._forget(enrolled)
        return answer

    def _forget(self, enrolled: StoredEnrollment) -> None:
        self._vault.update(lambda state: state.without(enrolled))

    def _complete(self, pending: PendingEnrollment) -> pb.Enrollment:
        """Send a pending enrolment's last request; only its success drops the old enrolment."""
        answer: pb.Enrollment | None
        try:
            answer = self._sent(pending)
        except ServiceError as error:
            if error.reason not in FINAL_REASONS:
                raise
            answer = self._found(pending.enrollment)
            if answer is None:
                self._vault.update(lambda state: state.without_pending(pending))
                raise
        enrolling.require_active(pending, answer)
        self._vault.update(lambda state: state.completed(pending))
        return answer

    def _sent(self, pending: PendingEnrollment) -> pb.Enrollment:
        if pending.enrollment.scheme is Scheme.FUZZY_EXTRACTOR:
            enrolling_key = pb.EnrollKeyRequest.FromString(pending.finish_request)
            return self._transport.enroll_key(enrolling_key)
        return self._transport.finish_enrollment(pb.Opening.FromString(pending.finish_request))

    def _token(
        self,
        decision: pb.AuthenticationDecision,
        expected: Expected,
        session: pb.Session,
        begun: float,
    ) -> str:
        # The token's times are the service's, so they are judged by the service's clock.
        service_now = session.expires_at - SESSION_SECONDS + self._clock() - begun
        return authenticating.checked_token(decision, expected, service_now)

    def _found(self, wanted: StoredEnrollment) -> pb.Enrollment | None:
        """An enrolment that the service has although it has forgotten the session that made it."""
        try:
            known = self.list(wanted)
        except ServiceError as error:
            if error.reason in FINAL_REASONS:
                return None
            raise
        return next((each for each in known if each.enrollment_id == wanted.enrollment_id), None)

    def _signed(self, purpose: str, enrolled: StoredEnrollment) -> pb.SignedRequest:
        expected = authenticating.expected_authentication(enrolled, purpose)
        begin = authenticating.begin_request(expected, new_idempotency_key())
        session = self._transport.begin_request(begin)
        return authenticating.sign_request(
            session, expected, self.device, new_idempotency_key(), self._clock()
        )
