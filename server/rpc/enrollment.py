"""`EnrollmentService`."""

from typing import Any

from grainseal.crypto.masking import PublicKeys
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc
from grainseal.server import audit, enrollment, fuzzy_enrollment, relying_parties, requests
from grainseal.server.claim_upload import ClaimParameters
from grainseal.server.errors import Reason, Refused
from grainseal.server.fuzzy_enrollment import CameraKey
from grainseal.server.homomorphic import Upload
from grainseal.server.service import Service
from grainseal.server.store.enrollments import EnrollmentState
from grainseal.server.warrants import EnrollmentRequest

from .credentials import api_key_of
from .guard import deadline_of
from .messages import (
    enrollment_message,
    opening_of,
    receipt_message,
    scheme_from,
    session_message,
    sums_message,
    write_of,
)


class EnrollmentServicer(rpc.EnrollmentServiceServicer):
    """Tickets, enrolments and what devices may do to their own."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._longest = service.authority.config.max_deadline

    async def IssueTicket(  # noqa: N802 - gRPC's name
        self, request: pb.IssueTicketRequest, context: Any
    ) -> pb.IssueTicketResponse:
        """A ticket for a subject of the calling relying party."""
        ticket = await self._service.transact(
            deadline_of(context, self._longest),
            relying_parties.request_ticket,
            write_of(request),
            api_key_of(context),
            request.subject,
        )
        audit.record("ticket issued", subject=request.subject)
        return pb.IssueTicketResponse(ticket=ticket.ticket, expires_at=ticket.expires_at)

    async def BeginEnrollment(  # noqa: N802
        self, request: pb.BeginEnrollmentRequest, context: Any
    ) -> pb.Session:
        """B1–B6, Q1."""
        asked = EnrollmentRequest(
            request.ticket,
            request.renewal_token,
            request.profile,
            request.device_key,
            _claims_of(request),
            scheme_from(request.scheme),
        )
        session = await self._service.transact(
            deadline_of(context, self._longest), enrollment.begin, write_of(request), asked
        )
        return session_message(session)

    async def SubmitTemplate(  # noqa: N802
        self, request: pb.SubmitTemplateRequest, context: Any
    ) -> pb.MaskedSums:
        """S1–S7."""
        upload = Upload(request.template, PublicKeys(request.relin_key, request.zero_key))
        sums = await enrollment.submit(
            self._service,
            deadline_of(context, self._longest),
            write_of(request),
            request.session_id,
            upload,
            request.signature,
        )
        return sums_message(sums)

    async def FinishEnrollment(self, request: pb.Opening, context: Any) -> pb.Enrollment:  # noqa: N802
        """F1–F6."""
        enrolled = await self._service.transact(
            deadline_of(context, self._longest),
            enrollment.finish,
            write_of(request),
            opening_of(request),
        )
        if enrolled is None:
            audit.record("template refused", session=request.session_id)
            message = "the template is not an encryption of ±1, or its opening is false"
            raise Refused(Reason.TEMPLATE_REFUSED, message)
        audit.record("enrolled", enrollment=enrolled.enrollment_id, subject=enrolled.subject)
        # A retry is told what the first call was told, whatever happened since.
        return enrollment_message(enrolled, EnrollmentState.ACTIVE)

    async def EnrollKey(self, request: pb.EnrollKeyRequest, context: Any) -> pb.Enrollment:  # noqa: N802
        """Q2–Q7."""
        frame = (request.height, request.width)
        enrolled = await self._service.transact(
            deadline_of(context, self._longest),
            fuzzy_enrollment.enrol,
            write_of(request),
            request.session_id,
            CameraKey(frame, request.helper_data, request.camera_key),
            request.camera_key_signature,
            request.signature,
        )
        audit.record("enrolled", enrollment=enrolled.enrollment_id, subject=enrolled.subject)
        return enrollment_message(enrolled, EnrollmentState.ACTIVE)

    async def BeginRequest(  # noqa: N802
        self, request: pb.BeginRequestRequest, context: Any
    ) -> pb.Session:
        """R1."""
        session = await self._service.transact(
            deadline_of(context, self._longest),
            requests.begin,
            write_of(request),
            request.enrollment_id,
            request.purpose,
        )
        return session_message(session)

    async def ListEnrollments(  # noqa: N802
        self, request: pb.SignedRequest, context: Any
    ) -> pb.ListEnrollmentsResponse:
        """R2–R5 for purpose list."""
        rows = await self._service.transact(
            deadline_of(context, self._longest),
            requests.list_enrollments,
            write_of(request),
            request.session_id,
            request.signature,
        )
        return pb.ListEnrollmentsResponse(enrollments=[enrollment_message(row) for row in rows])

    async def RevokeEnrollment(  # noqa: N802
        self, request: pb.SignedRequest, context: Any
    ) -> pb.Enrollment:
        """R2–R5 for purpose revoke."""
        revoked = await self._service.transact(
            deadline_of(context, self._longest),
            requests.revoke,
            write_of(request),
            request.session_id,
            request.signature,
        )
        audit.record("revoked", enrollment=revoked.enrollment_id)
        return enrollment_message(revoked)

    async def GetReceipt(  # noqa: N802
        self, request: pb.SignedRequest, context: Any
    ) -> pb.Receipt:
        """R2–R6 for purpose receipt."""
        receipt = await self._service.transact(
            deadline_of(context, self._longest),
            requests.get_receipt,
            write_of(request),
            request.session_id,
            request.signature,
            request.registration_id,
        )
        return receipt_message(receipt)


def _claims_of(request: pb.BeginEnrollmentRequest) -> ClaimParameters | None:
    if not request.HasField("claims"):
        return None
    claims = request.claims
    return ClaimParameters(
        claims.profile, claims.height, claims.width, claims.seed, claims.commitment_sha256
    )
