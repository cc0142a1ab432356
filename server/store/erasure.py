"""Erase all that is known of a subject. What the log commits to them stays, and says nothing.

A leaf is the hash of an entry and a salt. Both go, so nobody can tell any more whom it was about,
while every checkpoint and every proof for the other leaves holds as before.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from .base import Base
from .changes import changed
from .log_tables import LogOpeningRow
from .tables import (
    CameraKeyRow,
    ClaimRow,
    ClaimTemplateRow,
    DecisionRow,
    EnrollmentRow,
    ExchangeRow,
    IdempotencyRow,
    RegistrationRow,
    SessionRow,
    TemplateRow,
    TicketRow,
    UploadRow,
)

# Databases bound how many values one statement may name.
_AT_ONCE = 500


@dataclass(frozen=True)
class Erased:
    """How many rows went from a table."""

    table: str
    rows: int


class Erasure:
    """Erasure within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def issuers_of(self, subject: str) -> list[str]:
        """Who gave somebody that name: each means a person of their own."""
        named = (
            select(EnrollmentRow.issuer).where(EnrollmentRow.subject == subject),
            select(TicketRow.issuer).where(TicketRow.subject == subject),
            select(DecisionRow.enrolled_by).where(DecisionRow.subject == subject),
        )
        return sorted({issuer for query in named for issuer in self._sql.scalars(query)})

    def erase(self, subject: str, issuer: str) -> list[Erased]:
        """Delete every row about an issuer's subject; the tables and how many rows each lost."""
        enrolled = (EnrollmentRow.subject == subject) & (EnrollmentRow.issuer == issuer)
        enrollments = select(EnrollmentRow.enrollment_id).where(enrolled)
        ticketed = (TicketRow.subject == subject) & (TicketRow.issuer == issuer)
        decided = (DecisionRow.subject == subject) & (DecisionRow.enrolled_by == issuer)
        # Sessions name an issuer only where the enrolment is still to be.
        enrolling = (SessionRow.subject == subject) & (SessionRow.issuer == issuer)
        met = or_(enrolling, SessionRow.enrollment_id.in_(enrollments))
        sessions = select(SessionRow.session_id).where(met)
        decisions = select(DecisionRow.token_id).where(decided)
        # What refers to other rows goes before them.
        return [
            self._erase_writes(ticketed, IdempotencyRow.reference.in_(sessions.union(decisions))),
            self._erase(UploadRow, UploadRow.session_id.in_(sessions)),
            self._erase(ExchangeRow, ExchangeRow.session_id.in_(sessions)),
            self._erase(SessionRow, met),
            self._erase(DecisionRow, decided),
            self._erase(TicketRow, ticketed),
            self._erase(ClaimRow, ClaimRow.enrollment_id.in_(enrollments)),
            self._erase(RegistrationRow, RegistrationRow.enrollment_id.in_(enrollments)),
            self._erase(ClaimTemplateRow, ClaimTemplateRow.enrollment_id.in_(enrollments)),
            self._erase(CameraKeyRow, CameraKeyRow.enrollment_id.in_(enrollments)),
            self._erase(TemplateRow, TemplateRow.enrollment_id.in_(enrollments)),
            self._erase(LogOpeningRow, LogOpeningRow.enrollment_id.in_(enrollments)),
            self._erase(EnrollmentRow, enrolled),
        ]

    def _erase(self, table: type[Base], which: ColumnElement[bool]) -> Erased:
        return Erased(table.__tablename__, changed(self._sql, delete(table).where(which)))

    def _erase_writes(self, ticketed: ColumnElement[bool], others: ColumnElement[bool]) -> Erased:
        """The memory of writes. Tickets are referred to by their hash in hexadecimal."""
        hashes = self._sql.scalars(select(TicketRow.ticket_hash).where(ticketed))
        references = [each.hex() for each in hashes]
        rows = self._erase(IdempotencyRow, others).rows
        for first in range(0, len(references), _AT_ONCE):
            some = IdempotencyRow.reference.in_(references[first : first + _AT_ONCE])
            rows += self._erase(IdempotencyRow, some).rows
        return Erased(IdempotencyRow.__tablename__, rows)
