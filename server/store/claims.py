"""Decided claims and their certificates."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from .tables import ClaimRow


class Claims:
    """Claims within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def add(self, claim: ClaimRow) -> None:
        """A claim that was decided."""
        self._sql.add(claim)
        self._sql.flush()

    def of_session(self, session_id: str) -> ClaimRow | None:
        """The claim that a session ended in, or None."""
        query = select(ClaimRow).where(ClaimRow.session_id == session_id)
        return self._sql.scalars(query).one_or_none()
