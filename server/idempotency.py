"""Writes that can be sent again: the same key with the same request gets the same answer.

What is remembered is a reference to the rows that tell the answer again, never the answer: those
rows hold no secret that a second copy would keep alive.
"""

from dataclasses import dataclass, replace

from .errors import Reason, Refused
from .store.store import Transaction
from .store.tables import IdempotencyRow

MIN_KEY_BYTES = 16
MAX_KEY_BYTES = 64


@dataclass(frozen=True)
class Write:
    """A call that changes something. `scope`: its method, and the caller where one is known;
    `request_hash`: SHA-256 of the whole request."""

    scope: str
    key: bytes
    request_hash: bytes

    def __post_init__(self) -> None:
        # B1: the idempotency key has 16 to 64 bytes
        if not MIN_KEY_BYTES <= len(self.key) <= MAX_KEY_BYTES:
            message = f"an idempotency key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes"
            raise Refused(Reason.MALFORMED, message)

    def by(self, caller: str) -> "Write":
        """The same write in a caller's own scope: nobody is given another's answer."""
        return replace(self, scope=f"{self.scope}:{caller}")


def reference_of(tx: Transaction, write: Write) -> str | None:
    """Reference of this very write if it was made before, else None.

    `Refused` (IDEMPOTENCY_CONFLICT) if the key was used for another request.
    """
    made = tx.sessions.write_made(write.scope, write.key)
    if made is None:
        return None
    if made.request_hash != write.request_hash:
        message = "this idempotency key was used for another request"
        raise Refused(Reason.IDEMPOTENCY_CONFLICT, message)
    return made.reference


def remember(tx: Transaction, write: Write, reference: str, now: float) -> None:
    """Remember the write in the transaction that makes it."""
    tx.sessions.remember_write(
        IdempotencyRow(
            scope=write.scope,
            key=write.key,
            request_hash=write.request_hash,
            reference=reference,
            created_at=int(now),
        )
    )
