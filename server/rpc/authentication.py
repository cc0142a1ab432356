"""`AuthenticationService`."""

from typing import Any

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc
from grainseal.server import audit, authentication, fuzzy_authentication, relying_parties
from grainseal.server.decisions import Outcome
from grainseal.server.fuzzy_authentication import Answer
from grainseal.server.service import Service

from .credentials import api_key_of
from .guard import deadline_of
from .messages import opening_of, session_message, sums_message, verified_message, write_of


class AuthenticationServicer(rpc.AuthenticationServiceServicer):
    """Authentication, and the verification of its decisions."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._longest = service.authority.config.max_deadline

    async def BeginAuthentication(  # noqa: N802 - gRPC's name
        self, request: pb.BeginAuthenticationRequest, context: Any
    ) -> pb.Session:
        """A1–A3."""
        session = await self._service.transact(
            deadline_of(context, self._longest),
            authentication.begin,
            write_of(request),
            request.enrollment_id,
            request.audience,
            request.purpose,
        )
        return session_message(session)

    async def SubmitProbe(  # noqa: N802
        self, request: pb.SubmitProbeRequest, context: Any
    ) -> pb.MaskedSums:
        """P1–P7."""
        sums = await authentication.submit(
            self._service,
            deadline_of(context, self._longest),
            write_of(request),
            request.session_id,
            request.probe,
            request.signature,
        )
        return sums_message(sums)

    async def FinishAuthentication(  # noqa: N802
        self, request: pb.Opening, context: Any
    ) -> pb.AuthenticationDecision:
        """D1–D8."""
        outcome = await self._service.transact(
            deadline_of(context, self._longest),
            authentication.finish,
            write_of(request),
            opening_of(request),
        )
        return _told(outcome)

    async def FetchHelperData(  # noqa: N802
        self, request: pb.FetchHelperDataRequest, context: Any
    ) -> pb.HelperData:
        """Q8–Q11."""
        helper_data = await self._service.transact(
            deadline_of(context, self._longest),
            fuzzy_authentication.fetch,
            request.session_id,
            request.signature,
        )
        return pb.HelperData(helper_data=helper_data)

    async def AnswerWithKey(  # noqa: N802
        self, request: pb.KeyAnswer, context: Any
    ) -> pb.AuthenticationDecision:
        """Q12–Q17."""
        outcome = await self._service.transact(
            deadline_of(context, self._longest),
            fuzzy_authentication.answer,
            write_of(request),
            Answer(request.session_id, request.proof, request.signature),
        )
        return _told(outcome)

    async def VerifyDecision(  # noqa: N802
        self, request: pb.VerifyDecisionRequest, context: Any
    ) -> pb.VerifiedDecision:
        """T1–T6."""
        decision = await self._service.transact(
            deadline_of(context, self._longest),
            relying_parties.verify_decision,
            write_of(request),
            api_key_of(context),
            request.token,
        )
        audit.record(
            "decision verified", enrollment=decision.enrollment_id, audience=decision.audience
        )
        return verified_message(decision)

    async def GetKeys(  # noqa: N802
        self, request: pb.GetKeysRequest, context: Any
    ) -> pb.GetKeysResponse:
        """The service's public keys."""
        del request, context
        return pb.GetKeysResponse(jwks=self._service.authority.keys.jwks)


def _told(outcome: Outcome) -> pb.AuthenticationDecision:
    """An outcome, recorded and as a device is told it."""
    audit.record(
        "authentication",
        enrollment=outcome.enrollment_id,
        audience=outcome.audience,
        accepted=outcome.accepted,
    )
    return pb.AuthenticationDecision(accepted=outcome.accepted, token=outcome.token)
