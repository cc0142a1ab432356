"""Enrolments and their encrypted templates or camera keys."""

from collections.abc import Sequence
from enum import Enum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .changes import changed
from .tables import CameraKeyRow, ClaimTemplateRow, EnrollmentRow, TemplateRow


class EnrollmentState(str, Enum):
    """Only an active enrolment has templates or a camera key."""

    ACTIVE = "active"
    REPLACED = "replaced"
    REVOKED = "revoked"
    DISABLED = "disabled"


class Enrollments:
    """Enrolments within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def find(self, enrollment_id: str, *, lock: bool = False) -> EnrollmentRow | None:
        """The enrolment, or None; with `lock` nobody else changes it in the meantime."""
        return self._sql.get(EnrollmentRow, enrollment_id, with_for_update=lock or None)

    def template(self, enrollment_id: str) -> TemplateRow | None:
        """Encrypted template and keys, or None."""
        return self._sql.get(TemplateRow, enrollment_id)

    def camera_key(self, enrollment_id: str) -> CameraKeyRow | None:
        """Camera key and helper data, or None."""
        return self._sql.get(CameraKeyRow, enrollment_id)

    def of_device(self, device_key: bytes) -> list[EnrollmentRow]:
        """All enrolments of a device key, oldest first."""
        query = (
            select(EnrollmentRow)
            .where(EnrollmentRow.device_key == device_key)
            .order_by(EnrollmentRow.created_at, EnrollmentRow.enrollment_id)
        )
        return list(self._sql.scalars(query))

    def add(self, enrollment: EnrollmentRow, template: TemplateRow | CameraKeyRow) -> None:
        """A new enrolment with its template, or with its camera key."""
        self._sql.add(enrollment)
        self._sql.flush()
        self._sql.add(template)
        self._sql.flush()

    def retire(
        self,
        enrollment_id: str,
        state: EnrollmentState,
        among: Sequence[EnrollmentState] = (EnrollmentState.ACTIVE,),
    ) -> bool:
        """End an enrolment that is in one of some states; whether it was in one of them.

        Its templates, keys and helper data are deleted.
        """
        ended = changed(
            self._sql,
            update(EnrollmentRow)
            .where(EnrollmentRow.enrollment_id == enrollment_id, EnrollmentRow.state.in_(among))
            .values(state=state),
        )
        for table in (TemplateRow, CameraKeyRow, ClaimTemplateRow):
            changed(self._sql, delete(table).where(table.enrollment_id == enrollment_id))
        return bool(ended)

    def count_attempts(
        self, enrollment_id: str, in_row: int, total: int, locked_until: float
    ) -> None:
        """Set the failure counters."""
        changed(
            self._sql,
            update(EnrollmentRow)
            .where(EnrollmentRow.enrollment_id == enrollment_id)
            .values(failures_in_row=in_row, failures_total=total, locked_until=locked_until),
        )
