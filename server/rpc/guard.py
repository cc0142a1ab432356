"""Around every call of our services: parse, give a deadline, turn exceptions into statuses.

Requests are parsed here rather than by the transport, which would answer bytes that are no
message with INTERNAL. Nothing of a request is logged.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from grainseal.crypto.errors import MalformedMessage
from grainseal.server.errors import DeadlinePassed, Reason, Refused, Unavailable

from .errors import status_of

LOG = logging.getLogger("grainseal.server")
Behaviour = Callable[[Any, Any], Awaitable[Any]]


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Wraps the methods of the services whose names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """The handler of a call, wrapped if it is ours."""
        handler = await continuation(details)
        if handler is None or not details.method.startswith(self._prefix):
            return handler
        guarded = _guarded(details.method, handler.unary_unary, handler.request_deserializer)
        return grpc.unary_unary_rpc_method_handler(
            guarded, request_deserializer=None, response_serializer=handler.response_serializer
        )


def deadline_of(context: Any, longest: float) -> float:
    """When the caller stops waiting, by `time.monotonic`."""
    remaining = context.time_remaining()
    return time.monotonic() + (longest if remaining is None else min(remaining, longest))


def _guarded(method: str, behaviour: Behaviour, parse: Callable[[bytes], Any]) -> Behaviour:
    async def call(raw: bytes, context: Any) -> Any:
        try:
            return await behaviour(_parsed(parse, raw), context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise
        except Exception as error:  # the last line of defence
            _log(method, error)
            status = status_of(error)
        # No exception is being handled any more, so the transport prints none.
        return await context.abort(status.code, status.details, status.trailing_metadata)

    return call


def _parsed(parse: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return parse(raw)
    except (DecodeError, ValueError):
        raise Refused(Reason.MALFORMED, "the request is not a message of this method") from None


def _log(method: str, error: Exception) -> None:
    if isinstance(error, Refused):
        LOG.info("%s refused: %s", method, error.reason.value)
    elif isinstance(error, (Unavailable, DeadlinePassed)):
        LOG.warning("%s not served: %s", method, error)
    elif isinstance(error, MalformedMessage):
        LOG.info("%s refused: %s", method, Reason.MALFORMED.value)
    else:
        LOG.error("%s failed: %s", method, _where(error))


def _where(error: BaseException) -> str:
    # Type and place only: an exception's text and arguments can quote what it failed on.
    places, frame = [], error.__traceback__
    while frame is not None:
        places.append(f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}")
        frame = frame.tb_next
    return f"{type(error).__name__} at {' > '.join(places)}"
