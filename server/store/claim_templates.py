"""Claim templates of active enrolments, and how many scores were told for each."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .changes import changed
from .tables import ClaimTemplateRow


class ClaimTemplates:
    """Claim templates within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def find(self, enrollment_id: str, *, lock: bool = False) -> ClaimTemplateRow | None:
        """The claim template of an enrolment, or None; with `lock` nobody else counts meanwhile."""
        return self._sql.get(ClaimTemplateRow, enrollment_id, with_for_update=lock or None)

    def exists(self, enrollment_id: str) -> bool:
        """Whether there is one: cheaper than to read its megabytes."""
        query = select(ClaimTemplateRow.enrollment_id)
        found = self._sql.scalars(query.where(ClaimTemplateRow.enrollment_id == enrollment_id))
        return found.one_or_none() is not None

    def add(self, template: ClaimTemplateRow) -> None:
        """The claim template of a new enrolment."""
        self._sql.add(template)
        self._sql.flush()

    def count_scores(self, enrollment_id: str, number: int) -> None:
        """So many more scores of public probes were told."""
        row = update(ClaimTemplateRow).where(ClaimTemplateRow.enrollment_id == enrollment_id)
        changed(self._sql, row.values(scores_told=ClaimTemplateRow.scores_told + number))
