"""Between protobuf messages and what registrations and claims take and give."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from grainseal.crypto.entries import Grade
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import claim, registration
from grainseal.server.claim_result import Claimed
from grainseal.server.near import Neighbour
from grainseal.server.registration import Said
from grainseal.server.registration_result import Registered

from .messages import receipt_message

GRADES: Mapping[Grade, pb.Grade] = MappingProxyType(
    {
        Grade.DEVICE_ASSERTED: pb.GRADE_DEVICE_ASSERTED,
        Grade.CAMERA_VERIFIED: pb.GRADE_CAMERA_VERIFIED,
    }
)


def grade_of(value: int) -> Grade | None:
    """The grade that is asked for; None if there is no such."""
    return next((grade for grade, number in GRADES.items() if number == value), None)


def registration_of(message: pb.SubmitRegistrationRequest) -> registration.Submission:
    """A registration on its way in."""
    statement = message.statement
    said = Said(**{field.name: getattr(statement, field.name) for field in fields(Said)})
    return registration.Submission(
        message.session_id, said, message.statement_signature, message.signature
    )


def claim_of(message: pb.SubmitClaimRequest) -> claim.Submission:
    """A claim on its way in."""
    return claim.Submission(
        message.session_id,
        message.copy_size,
        message.registration_id,
        message.seen_at,
        message.match_map,
        message.signature,
    )


def registration_message(registered: Registered) -> pb.Registration:
    """A registration, what competes with it, and its receipt."""
    row = registered.row
    return pb.Registration(
        registration_id=row.registration_id,
        registered_at=row.registered_at,
        grade=GRADES[Grade(row.grade)],
        competing=[_competing(each) for each in registered.competing],
        receipt=receipt_message(registered.receipt),
    )


def claim_message(claimed: Claimed) -> pb.Claim:
    """A decided claim: the certificate says what was decided."""
    own = claimed.registration_receipt
    return pb.Claim(
        claim_id=claimed.row.claim_id,
        certificate=claimed.row.certificate,
        enrollment_receipt=receipt_message(claimed.enrollment_receipt),
        registration_receipt=None if own is None else receipt_message(own),
    )


def _competing(neighbour: Neighbour) -> pb.Competing:
    row = neighbour.row
    return pb.Competing(
        registration_id=row.registration_id,
        registered_at=row.registered_at,
        grade=GRADES[Grade(row.grade)],
        distance=neighbour.distance,
    )
