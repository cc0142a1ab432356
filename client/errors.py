"""What can go wrong for a caller of the SDK; every message says what to do about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grainseal.models.quality import Problem


class ClientError(Exception):
    """Base of every error that the SDK raises on purpose."""


class VaultError(ClientError):
    """The vault cannot be opened, written or used for this."""


class UntrustedService(ClientError):  # noqa: N818 - the name says what happened
    """The service said something that an honest one does not say; nothing was answered to it."""


class PhotosRefused(ClientError):  # noqa: N818 - the name says what happened
    """Photos that would not lead to a useful code; `problems` has the advice for each."""

    def __init__(self, message: str, problems: "Sequence[Problem]" = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class ServiceError(ClientError):
    """The service refused or could not be reached.

    `reason` is one of docs/PROTOCOL.md, "Errors", or the name of a gRPC status; `retry_after` is
    in seconds, None when waiting is not what helps.
    """

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class RenewalDue(ClientError):  # noqa: N818 - the name says what happened
    """A template must be replaced before it is used again, as the message says; mostly by
    `Client.renew`: it was opened as often as is safe, or is of an extractor that is not here."""


class NotProvable(ClientError):  # noqa: N818 - the name says what happened
    """No claim proof can be made of this photo: its score is not one that a proof shows."""


class CameraNotRecognised(ClientError):  # noqa: N818 - the name says what happened
    """The fresh photos do not match the enrolled camera, so what they should allow was not done."""
