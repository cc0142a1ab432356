"""Carries the messages of registrations and claims between the service and the vault.

`registering` and `claiming` say what the messages are; here is only their order, and what is in
the vault before each of them leaves.
"""

from collections.abc import Callable

from grainseal.crypto.entries import Grade
from grainseal.crypto.signing import SigningKey
from grainseal.proto.v1 import grainseal_pb2 as pb

from . import authenticating, claiming, registering
from .claim_coding import own_code
from .claim_openings import (
    PURPOSE_REGISTER,
    claims_of,
    counted_sums,
    expected_session,
    key_of,
    require_sums_left,
)
from .claiming import Claiming, ClaimOutcome
from .photos import PhotoFile
from .registering import Registering, RegistrationInfo
from .sessions import Expected, checked_session, new_idempotency_key, opening_by
from .transport import Transport
from .uploading import Sending, Upload
from .vault import Vault
from .vault_state import StoredClaims, StoredEnrollment


class CopyrightCeremonies:
    """One vault's conversations with one service about photos. `clock` gives Unix seconds."""

    def __init__(self, transport: Transport, vault: Vault, clock: Callable[[], float]) -> None:
        self._transport, self._vault, self._clock = transport, vault, clock

    @property
    def device(self) -> SigningKey:
        """The vault's device key."""
        return SigningKey(self._vault.state.device_seed)

    def register(
        self,
        enrolled: StoredEnrollment,
        file: PhotoFile,
        wanted: Registering,
        sending: Sending | None = None,
    ) -> RegistrationInfo:
        """X: the registration with its receipt, after C8."""
        claims, device = claims_of(enrolled), self.device
        count = registering.sums_of(claims, wanted.grade)
        require_sums_left(claims, count)
        statement = registering.statement_of(wanted, enrolled, device)
        upload = _registered_upload(file, wanted.grade, claims)
        expected = expected_session(enrolled, PURPOSE_REGISTER)
        session = self._transport.begin_registration(
            registering.begin(expected, wanted.grade, new_idempotency_key())
        )
        self._upload(session, expected, upload, sending)
        request = registering.submit(
            session,
            expected,
            statement,
            wanted.grade,
            upload,
            device,
            new_idempotency_key(),
            self._clock(),
        )
        answer = self._transport.submit_registration(request)
        finish = self._opened(session, answer, expected, claims, count)
        registered = self._transport.finish_registration(finish)
        return registering.checked_registration(registered, statement, wanted.grade, enrolled)

    def require_claimable(self, enrolled: StoredEnrollment, wanted: Claiming) -> None:
        """`ClientError` for a claim that cannot succeed, before a photo is taken for it."""
        claims = claims_of(enrolled)
        claiming.require_past(wanted.seen_at, self._clock())
        claiming.require_placeable(wanted, claims)
        require_sums_left(claims, claiming.fewest_sums(wanted, claims))

    def claim(
        self,
        enrolled: StoredEnrollment,
        token: str,
        wanted: Claiming,
        sending: Sending | None = None,
    ) -> ClaimOutcome:
        """Y: the decision with its certificate and receipts, after C8 and C10.

        `token`: a decision of purpose "claim".
        """
        claims, device = claims_of(enrolled), self.device
        expected = expected_session(enrolled, authenticating.PURPOSE_CLAIM)
        session = self._transport.begin_claim(claiming.begin(token, new_idempotency_key()))
        self._upload(session, expected, wanted.upload, sending)
        request = claiming.submit(
            session, expected, wanted, device, new_idempotency_key(), self._clock()
        )
        answer = self._transport.submit_claim(request)
        count = claiming.sums_in(answer, wanted, claims)
        finish = self._opened(session, answer, expected, claims, count)
        said = self._transport.finish_claim(finish)
        return claiming.checked_claim(said, wanted, enrolled, device.public)

    def _upload(
        self, session: pb.Session, expected: Expected, data: bytes, sending: Sending | None
    ) -> None:
        checked_session(session, expected, self._clock())
        Upload(self._transport, session, self.device, data).send(sending)

    def _opened(
        self,
        session: pb.Session,
        answer: pb.MaskedSums,
        expected: Expected,
        claims: StoredClaims,
        count: int,
    ) -> pb.Opening:
        """C9, then C6: the signed opening of `count` sums that are in the vault's count before."""
        self._vault.update(lambda state: counted_sums(state, expected, count))
        keys = [(key_of(claims), count)]
        return opening_by(session, answer, keys, self.device, new_idempotency_key())


def _registered_upload(file: PhotoFile, grade: Grade, claims: StoredClaims) -> bytes:
    """What the service compares: the photo itself, or its code, encrypted."""
    if grade is Grade.CAMERA_VERIFIED:
        return file.data
    return key_of(claims).encrypt(own_code(file.photo, claims))
