"""The registration ceremony, pure: what to ask, what to state, what to submit, what to believe.

docs/PROTOCOL.md, "Registration". `begin` → service → upload → `submit` → service → counted (C9),
into the vault → opened → service → `checked_registration`.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from grainseal.crypto.certificate import CompetingRegistration
from grainseal.crypto.entries import (
    Grade,
    RegistrationEntry,
    RegistrationStatement,
    check_statement,
)
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.profiles import claim_profile_named
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import registration_transcript
from grainseal.models.identity import PhotoIdentity
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, UntrustedService
from .receipts import checked_registration_receipt
from .sessions import Expected, checked_session
from .statements import Description
from .vault_state import StoredClaims, StoredEnrollment

_GRADES: Final = {
    Grade.DEVICE_ASSERTED: pb.GRADE_DEVICE_ASSERTED,
    Grade.CAMERA_VERIFIED: pb.GRADE_CAMERA_VERIFIED,
}
_GRADES_SAID: Final = {number: grade.value for grade, number in _GRADES.items()}


@dataclass(frozen=True)
class RegistrationInfo:
    """A photo's registration. `grade`: device-asserted or camera-verified.

    `registered_at`: Unix seconds. `competing`: other devices' photos that look the same.
    """

    registration_id: str
    registered_at: int
    grade: str
    competing: tuple[CompetingRegistration, ...]
    receipt: Receipt


@dataclass(frozen=True)
class Registering:
    """What is registered: the photo's identity, what is said of it, how far it is checked."""

    identity: PhotoIdentity
    description: Description
    grade: Grade


def sums_of(claims: StoredClaims, grade: Grade) -> int:
    """Masked sums that a registration opens."""
    return 1 if grade is Grade.DEVICE_ASSERTED else claim_profile_named(claims.profile).openings


def begin(expected: Expected, grade: Grade, idempotency_key: bytes) -> pb.BeginRegistrationRequest:
    """The request for a registration."""
    return pb.BeginRegistrationRequest(
        enrollment_id=expected.enrollment_id or "",
        grade=_GRADES[grade],
        idempotency_key=idempotency_key,
    )


def statement_of(
    wanted: Registering, enrolled: StoredEnrollment, device: SigningKey
) -> RegistrationStatement:
    """The owner's statement; `ClientError` for texts that it cannot hold."""
    identity, texts = wanted.identity, wanted.description
    statement = RegistrationStatement(
        service_key=enrolled.service_key,
        enrollment_id=enrolled.enrollment_id,
        device_key=device.public,
        file_sha256=identity.file_sha256,
        pixels_sha256=identity.pixels_sha256,
        perceptual_hash=identity.perceptual_hash,
        height=identity.height,
        width=identity.width,
        title=texts.title,
        creator=texts.creator,
        licence=texts.licence,
        captured_at=texts.captured_at,
        camera=texts.camera,
    )
    try:
        check_statement(statement)
    except MalformedMessage as error:
        raise ClientError(f"this cannot be stated: {error}") from None
    return statement


def submit(
    session: pb.Session,
    expected: Expected,
    statement: RegistrationStatement,
    grade: Grade,
    upload: bytes,
    device: SigningKey,
    idempotency_key: bytes,
    now: float,
) -> pb.SubmitRegistrationRequest:
    """The statement with both of its signatures, after the checks C1–C4 and the upload."""
    context = checked_session(session, expected, now)
    encoded = statement.encoded
    by_itself = device.sign(encoded)
    digest = hashlib.sha256(upload).digest()
    transcript = registration_transcript(context, grade.value, encoded, by_itself, digest)
    return pb.SubmitRegistrationRequest(
        session_id=session.session_id,
        statement=_message(statement),
        statement_signature=by_itself,
        signature=device.sign(transcript),
        idempotency_key=idempotency_key,
    )


def checked_registration(
    answer: pb.Registration,
    statement: RegistrationStatement,
    grade: Grade,
    enrolled: StoredEnrollment,
) -> RegistrationInfo:
    """C8: what the service registered is what was stated; `UntrustedService` otherwise."""
    receipt = checked_registration_receipt(answer.receipt, statement.device_key)
    entry = receipt.entry
    if not isinstance(entry, RegistrationEntry) or entry.statement != statement:
        raise UntrustedService("the service registered something else than was stated")
    competing = tuple(_competing(each) for each in answer.competing)
    said = (answer.registration_id, answer.registered_at, _GRADES_SAID.get(answer.grade))
    logged = (entry.registration_id, entry.registered_at, entry.grade)
    if said != logged or entry.grade != grade.value or entry.subject != enrolled.subject:
        raise UntrustedService("the service's receipt is of another registration than it says")
    # Fewer may be left: one can be erased between a request and its repetition.
    if not {each.registration_id for each in competing} <= set(entry.competing_ids):
        raise UntrustedService("the service logged other competing registrations than it says")
    return RegistrationInfo(*logged, competing, receipt)


def _competing(said: pb.Competing) -> CompetingRegistration:
    grade = _GRADES_SAID.get(said.grade, "")
    return CompetingRegistration(said.registration_id, grade, said.registered_at, said.distance)


def _message(statement: RegistrationStatement) -> pb.Statement:
    return pb.Statement(
        file_sha256=statement.file_sha256,
        pixels_sha256=statement.pixels_sha256,
        perceptual_hash=statement.perceptual_hash,
        height=statement.height,
        width=statement.width,
        title=statement.title,
        creator=statement.creator,
        licence=statement.licence,
        captured_at=statement.captured_at,
        camera=statement.camera,
    )
