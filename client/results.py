"""What the SDK says of an enrolment and of an authentication."""

from dataclasses import dataclass, field

from grainseal.crypto.profiles import Scheme
from grainseal.proto.v1 import grainseal_pb2 as pb


@dataclass(frozen=True)
class EnrollmentInfo:
    """One enrolment as the service has it.

    `scheme`: homomorphic or fuzzy. `state`: active, replaced, revoked or disabled.
    """

    enrollment_id: str
    subject: str
    scheme: str
    profile: str
    state: str
    created_at: int
    needs_reenrollment: bool


@dataclass(frozen=True)
class AuthenticationResult:
    """The service's decision; `token` is for the relying party, empty unless accepted.

    `advice`: after a rejection, what to try next.
    `renewal`: what to tell the camera's owner where the enrolment should be renewed, else empty.
    """

    accepted: bool
    token: str = field(repr=False)
    advice: str = ""
    renewal: str = ""


def enrollment_info(answer: pb.Enrollment) -> EnrollmentInfo:
    """The service's answer in Python's terms."""
    state = pb.EnrollmentState.Name(answer.state).removeprefix("ENROLLMENT_STATE_").lower()
    by_key = answer.scheme == pb.SCHEME_FUZZY_EXTRACTOR
    return EnrollmentInfo(
        enrollment_id=answer.enrollment_id,
        subject=answer.subject,
        scheme=(Scheme.FUZZY_EXTRACTOR if by_key else Scheme.HOMOMORPHIC).value,
        profile=answer.profile,
        state=state,
        created_at=answer.created_at,
        needs_reenrollment=answer.needs_reenrollment,
    )
