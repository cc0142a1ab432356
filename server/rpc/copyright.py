"""`CopyrightService`."""

from typing import Any

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc
from grainseal.server import audit, claim, claim_result, registration, registration_result, uploads
from grainseal.server.errors import Reason, Refused
from grainseal.server.service import Service

from .copyright_messages import (
    claim_message,
    claim_of,
    grade_of,
    registration_message,
    registration_of,
)
from .guard import deadline_of
from .messages import opening_of, session_message, sums_message, write_of


class CopyrightServicer(rpc.CopyrightServiceServicer):
    """Uploads, and what they are for: registrations of photos and claims of copies."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._longest = service.authority.config.max_deadline

    async def Upload(self, request: pb.UploadChunk, context: Any) -> pb.UploadState:  # noqa: N802
        """U1–U6."""
        received = await self._service.transact(
            deadline_of(context, self._longest),
            uploads.put,
            request.session_id,
            request.offset,
            request.data,
            request.signature,
        )
        return pb.UploadState(received=received)

    async def BeginRegistration(  # noqa: N802 - gRPC's name
        self, request: pb.BeginRegistrationRequest, context: Any
    ) -> pb.Session:
        """X1–X3."""
        session = await self._service.transact(
            deadline_of(context, self._longest),
            registration.begin,
            write_of(request),
            request.enrollment_id,
            grade_of(request.grade),
        )
        return session_message(session)

    async def SubmitRegistration(  # noqa: N802
        self, request: pb.SubmitRegistrationRequest, context: Any
    ) -> pb.MaskedSums:
        """X4–X11."""
        sums = await registration.submit(
            self._service,
            deadline_of(context, self._longest),
            write_of(request),
            registration_of(request),
        )
        return sums_message(sums)

    async def FinishRegistration(  # noqa: N802
        self, request: pb.Opening, context: Any
    ) -> pb.Registration:
        """X12–X18."""
        registered = await self._service.transact(
            deadline_of(context, self._longest),
            registration_result.finish,
            write_of(request),
            opening_of(request),
            self._service.near,
        )
        if registered is None:
            audit.record("registration refused", session=request.session_id)
            message = (
                "this photo does not show the pattern of the enrolled camera, or is one of those "
                "that the template was made from"
            )
            raise Refused(Reason.REGISTRATION_REFUSED, message)
        row = registered.row
        audit.record(
            "registered",
            registration=row.registration_id,
            enrollment=row.enrollment_id,
            grade=row.grade,
        )
        return registration_message(registered)

    async def BeginClaim(  # noqa: N802
        self, request: pb.BeginClaimRequest, context: Any
    ) -> pb.Session:
        """Y1."""
        session = await self._service.transact(
            deadline_of(context, self._longest),
            claim.begin,
            write_of(request),
            request.claim_token,
        )
        return session_message(session)

    async def SubmitClaim(  # noqa: N802
        self, request: pb.SubmitClaimRequest, context: Any
    ) -> pb.MaskedSums:
        """Y2–Y10."""
        sums = await claim.submit(
            self._service,
            deadline_of(context, self._longest),
            write_of(request),
            claim_of(request),
        )
        return sums_message(sums)

    async def FinishClaim(self, request: pb.Opening, context: Any) -> pb.Claim:  # noqa: N802
        """Y11–Y17."""
        claimed = await self._service.transact(
            deadline_of(context, self._longest),
            claim_result.finish,
            write_of(request),
            opening_of(request),
            self._service.near,
        )
        row = claimed.row
        audit.record(
            "claim decided", claim=row.claim_id, enrollment=row.enrollment_id, verdict=row.verdict
        )
        return claim_message(claimed)
