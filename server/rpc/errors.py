"""Exceptions to gRPC statuses with `google.rpc` details (docs/PROTOCOL.md, "Errors")."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import grpc
from google.protobuf import any_pb2, duration_pb2, message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from grainseal.crypto.errors import MalformedMessage
from grainseal.server.errors import DeadlinePassed, Reason, Refused, Unavailable

DOMAIN = "grainseal"
# A text may quote what the peer sent, and statuses travel in headers of a few kilobytes.
MAX_TEXT = 200
# Longer than most queues last, short enough that a person waits for it.
RETRY_UNAVAILABLE_SECONDS = 1.0

CODES: Mapping[Reason, grpc.StatusCode] = MappingProxyType(
    {
        Reason.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
        Reason.TEMPLATE_REFUSED: grpc.StatusCode.INVALID_ARGUMENT,
        Reason.PHOTO_REFUSED: grpc.StatusCode.INVALID_ARGUMENT,
        Reason.REGISTRATION_REFUSED: grpc.StatusCode.INVALID_ARGUMENT,
        Reason.SIGNATURE_INVALID: grpc.StatusCode.UNAUTHENTICATED,
        Reason.API_KEY_INVALID: grpc.StatusCode.UNAUTHENTICATED,
        Reason.TICKET_INVALID: grpc.StatusCode.PERMISSION_DENIED,
        Reason.TOKEN_INVALID: grpc.StatusCode.PERMISSION_DENIED,
        Reason.AUDIENCE_REFUSED: grpc.StatusCode.PERMISSION_DENIED,
        Reason.SESSION_UNKNOWN: grpc.StatusCode.NOT_FOUND,
        Reason.ENROLLMENT_UNKNOWN: grpc.StatusCode.NOT_FOUND,
        Reason.CLAIMS_UNKNOWN: grpc.StatusCode.NOT_FOUND,
        Reason.REGISTRATION_UNKNOWN: grpc.StatusCode.NOT_FOUND,
        Reason.SESSION_EXPIRED: grpc.StatusCode.FAILED_PRECONDITION,
        Reason.SESSION_USED: grpc.StatusCode.FAILED_PRECONDITION,
        Reason.LOCKED: grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.TOO_MANY_SESSIONS: grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.SCORES_USED_UP: grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.IDEMPOTENCY_CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
        Reason.NOT_LOGGED: grpc.StatusCode.NOT_FOUND,
        Reason.LEAF_UNKNOWN: grpc.StatusCode.NOT_FOUND,
        Reason.LOG_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    }
)


def status_of(error: Exception) -> grpc.Status:
    """The status that tells a peer of an exception; of an unexpected one it tells nothing."""
    if isinstance(error, Refused):
        return _status(CODES[error.reason], error.reason.value, str(error), error.retry_after)
    if isinstance(error, MalformedMessage):
        code = CODES[Reason.MALFORMED]
        return _status(code, Reason.MALFORMED.value, str(error))
    if isinstance(error, Unavailable):
        code = grpc.StatusCode.UNAVAILABLE
        return _status(code, "UNAVAILABLE", str(error), RETRY_UNAVAILABLE_SECONDS)
    if isinstance(error, DeadlinePassed):
        return _status(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", str(error))
    return _status(grpc.StatusCode.INTERNAL, "INTERNAL", "internal error")


def _status(
    code: grpc.StatusCode, reason: str, text: str, retry_after: float | None = None
) -> grpc.Status:
    text = text[:MAX_TEXT]
    details: list[message.Message] = [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)]
    if retry_after is not None:
        delay = duration_pb2.Duration(seconds=math.ceil(retry_after))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = [any_pb2.Any() for _ in details]
    for each, detail in zip(packed, details, strict=True):
        each.Pack(detail)
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=text, details=packed))
