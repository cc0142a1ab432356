"""What the SDK says of an enrolment and of an authentication."""

from dataclasses import dataclass, field

from grainseal.proto.v1 import grainseal_pb2 as pb


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
    """The service's decision; `token` is for the relying party, empty unless accepted.

    `renewal`: what to tell the camera's owner where the enrolment should be renewed, else empty.
    """

    accepted: bool
    token: str = field(repr=False)
    renewal: str = ""


def enrollment_info(answer: pb.Enrollment) -> EnrollmentInfo:
    """The service's answer in Python's terms."""
    state = pb.EnrollmentState.Name(answer.state).removeprefix("ENROLLMENT_STATE_").lower()
    return EnrollmentInfo(
        enrollment_id=answer.enrollment_id,
        subject=answer.subject,
        profile=answer.profile,
        state=state,
        created_at=answer.created_at,
        needs_reenrollment=answer.needs_reenrollment,
    )
