"""What an honest service says when a session begins, for tests of what a dishonest one says."""

from typing import Any

from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import SessionContext
from grainseal.proto.v1 import grainseal_pb2 as pb

NOW = 1_800_000_000.0
SERVICE, DEVICE = SigningKey(b"s" * 32), SigningKey(b"d" * 32)
KEY = b"i" * 32  # of idempotency


def session(**changes: object) -> pb.Session:
    """A session to enrol alice, with what a test has changed."""
    honest: dict[str, Any] = {
        "session_id": "session",
        "nonce": b"n" * 32,
        "service_key": SERVICE.public,
        "audience": "grainseal",
        "enrollment_id": "enrollment",
        "subject": "alice",
        "purpose": "enroll",
        "profile": "TESTING",
        "expires_at": int(NOW) + 300,
    }
    return pb.Session(**{**honest, **changes})


def context(said: pb.Session) -> SessionContext:
    return SessionContext(
        said.nonce,
        said.service_key,
        said.audience,
        said.enrollment_id,
        said.subject,
        said.purpose,
        said.profile,
        said.expires_at,
    )
