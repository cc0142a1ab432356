"""What sessions upload in pieces, until they end or expire."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .changes import changed
from .sessions import sharing_with
from .tables import SessionRow, UploadRow


class Uploads:
    """Uploads within one transaction. The pieces of a session are adjacent: no gap, no overlap."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def received(self, session_id: str) -> int:
        """How many bytes have arrived."""
        ends = UploadRow.offset + func.length(UploadRow.data)
        query = select(func.coalesce(func.max(ends), 0)).where(UploadRow.session_id == session_id)
        return self._sql.scalars(query).one()

    def add(self, session_id: str, offset: int, data: bytes) -> None:
        """Keep the next piece; `offset` is what has arrived before it."""
        self._sql.add(UploadRow(session_id=session_id, offset=offset, data=data))
        self._sql.flush()

    def content(self, session_id: str) -> bytes:
        """All that has arrived, in order."""
        query = select(UploadRow.data).where(UploadRow.session_id == session_id)
        return b"".join(self._sql.scalars(query.order_by(UploadRow.offset)))

    def delete(self, session_id: str) -> None:
        """Forget what a session uploaded."""
        changed(self._sql, delete(UploadRow).where(UploadRow.session_id == session_id))

    def expiries_beside(self, session: SessionRow, now: float) -> list[int]:
        """When the live sessions that hold an upload expire, the soonest first, of those that
        share a ticket or a device key with this one."""
        holding = select(UploadRow.session_id)
        query = (
            select(SessionRow.expires_at)
            .where(
                sharing_with(session),
                SessionRow.session_id.in_(holding),
                SessionRow.expires_at > now,
            )
            .order_by(SessionRow.expires_at)
        )
        return list(self._sql.scalars(query))
