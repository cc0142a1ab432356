"""Sessions, what they hold while submitted, and the memory of writes."""

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from .changes import changed
from .tables import ExchangeRow, IdempotencyRow, SessionRow, UploadRow


def sharing_with(session: SessionRow) -> ColumnElement[bool]:
    """The sessions with the same ticket or, for a session without one, the same device key."""
    if session.ticket_hash is None:
        return SessionRow.device_key == session.device_key
    return SessionRow.ticket_hash == session.ticket_hash


class Sessions:
    """Sessions within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def find(self, session_id: str) -> SessionRow | None:
        """The session, or None."""
        return self._sql.get(SessionRow, session_id)

    def add(self, session: SessionRow) -> None:
        """A new session."""
        self._sql.add(session)
        self._sql.flush()

    def move(self, session_id: str, before: str, after: str, accepted: bool | None = None) -> bool:
        """Change the state if it still is `before`, and note the outcome; whether it was."""
        moved = changed(
            self._sql,
            update(SessionRow)
            .where(SessionRow.session_id == session_id, SessionRow.state == before)
            .values(state=after, accepted=accepted),
        )
        return bool(moved)

    def expiries_beside(self, session: SessionRow, state: str, now: float) -> list[int]:
        """When the live sessions in a state expire, the soonest first, of those that share a
        ticket or a device key with this one."""
        live = SessionRow.expires_at > now
        query = (
            select(SessionRow.expires_at)
            .where(sharing_with(session), SessionRow.state == state, live)
            .order_by(SessionRow.expires_at)
        )
        return list(self._sql.scalars(query))

    def exchange(self, session_id: str) -> ExchangeRow | None:
        """Answer and secrets of a submitted session, or None."""
        return self._sql.get(ExchangeRow, session_id)

    def add_exchange(self, exchange: ExchangeRow) -> None:
        """Keep what a submitted session needs for its end."""
        self._sql.add(exchange)
        self._sql.flush()

    def delete_exchange(self, session_id: str) -> None:
        """Forget answer and secrets."""
        changed(self._sql, delete(ExchangeRow).where(ExchangeRow.session_id == session_id))

    def write_made(self, scope: str, key: bytes) -> IdempotencyRow | None:
        """The write that was made with this key, or None."""
        return self._sql.get(IdempotencyRow, (scope, key))

    def remember_write(self, write: IdempotencyRow) -> None:
        """Remember a write that is being made in this transaction."""
        self._sql.add(write)
        self._sql.flush()

    def purge(self, now: int, retention: int) -> int:
        """Delete secrets and uploads of expired sessions, and what is older than the retention.

        Number of sessions whose secrets went.
        """
        expired = select(SessionRow.session_id).where(SessionRow.expires_at <= now)
        old = SessionRow.expires_at <= now - retention
        gone = changed(self._sql, delete(ExchangeRow).where(ExchangeRow.session_id.in_(expired)))
        changed(self._sql, delete(UploadRow).where(UploadRow.session_id.in_(expired)))
        changed(self._sql, delete(SessionRow).where(old))
        changed(
            self._sql, delete(IdempotencyRow).where(IdempotencyRow.created_at <= now - retention)
        )
        return gone
