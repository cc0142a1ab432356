"""`LogService`: for anybody, without a signature or a key."""

from typing import Any

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc
from grainseal.server import log
from grainseal.server.errors import Reason, Refused
from grainseal.server.service import Service

from .guard import deadline_of


class LogServicer(rpc.LogServiceServicer):
    """The log's signed state and its proofs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._longest = service.authority.config.max_deadline

    async def GetCheckpoint(  # noqa: N802 - gRPC's name
        self, request: pb.GetCheckpointRequest, context: Any
    ) -> pb.Checkpoint:
        """The log as it is now."""
        del request
        deadline = deadline_of(context, self._longest)
        return pb.Checkpoint(note=await self._service.transact(deadline, log.checkpoint))

    async def GetInclusionProof(  # noqa: N802
        self, request: pb.GetInclusionProofRequest, context: Any
    ) -> pb.InclusionProof:
        """G1."""
        which = request.WhichOneof("leaf")
        if which is None:
            raise Refused(Reason.MALFORMED, "a proof is for a leaf's index or hash")
        index, hashes = await self._service.transact(
            deadline_of(context, self._longest),
            log.inclusion_proof,
            getattr(request, which),
            request.size,
        )
        return pb.InclusionProof(index=index, hashes=hashes)

    async def GetConsistencyProof(  # noqa: N802
        self, request: pb.GetConsistencyProofRequest, context: Any
    ) -> pb.ConsistencyProof:
        """G2."""
        hashes = await self._service.transact(
            deadline_of(context, self._longest),
            log.consistency_proof,
            request.old_size,
            request.new_size,
        )
        return pb.ConsistencyProof(hashes=hashes)
