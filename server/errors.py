"""What the service answers instead of a result; `rpc.errors` gives each its status code.

`Refused`: the peer's message or claim fails a check (docs/PROTOCOL.md, "Errors").
`Unavailable`: nothing is wrong with the call; the same call may succeed later.
`DeadlinePassed`: the caller has stopped waiting.
"""

from enum import Enum


class Reason(Enum):
    """`google.rpc.ErrorInfo.reason` of a refusal."""

    MALFORMED = "MALFORMED"
    TEMPLATE_REFUSED = "TEMPLATE_REFUSED"
    PHOTO_REFUSED = "PHOTO_REFUSED"
    REGISTRATION_REFUSED = "REGISTRATION_REFUSED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    API_KEY_INVALID = "API_KEY_INVALID"
    TICKET_INVALID = "TICKET_INVALID"
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a reason, not a secret
    AUDIENCE_REFUSED = "AUDIENCE_REFUSED"
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    ENROLLMENT_UNKNOWN = "ENROLLMENT_UNKNOWN"
    CLAIMS_UNKNOWN = "CLAIMS_UNKNOWN"
    REGISTRATION_UNKNOWN = "REGISTRATION_UNKNOWN"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    SESSION_USED = "SESSION_USED"
    LOCKED = "LOCKED"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    SCORES_USED_UP = "SCORES_USED_UP"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    NOT_LOGGED = "NOT_LOGGED"
    LEAF_UNKNOWN = "LEAF_UNKNOWN"
    LOG_RANGE = "LOG_RANGE"


class Refused(Exception):  # noqa: N818 - the name says what happened
    """A check failed. The message is for the peer: it never carries secrets or scores."""

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after  # seconds


class Unavailable(Exception):  # noqa: N818 - the name says what happened
    """The server cannot do it now; trying again with the same idempotency key is safe."""


class DeadlinePassed(Exception):  # noqa: N818 - the name says what happened
    """The call's deadline passed before its work began."""
