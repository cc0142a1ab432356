"""Whether an enrolment may be used now, and what an attempt does to it."""

import math

from . import attempts
from .attempts import Attempts
from .errors import Reason, Refused
from .store.enrollments import EnrollmentState
from .store.store import Transaction
from .store.tables import EnrollmentRow


def active(tx: Transaction, enrollment_id: str, *, lock: bool = False) -> EnrollmentRow:
    """A1, P4, D5, Q11, Q14: the enrolment is active.

    With `lock`, it stays as it is until the commit.
    """
    enrollment = tx.enrollments.find(enrollment_id, lock=lock)
    if enrollment is None or enrollment.state != EnrollmentState.ACTIVE:
        raise unknown()
    return enrollment


def unknown() -> Refused:
    """The refusal of an enrolment that is none, or no longer."""
    return Refused(
        Reason.ENROLLMENT_UNKNOWN, "no such active enrolment: enrol anew, into a new vault"
    )


def check_not_locked(enrollment: EnrollmentRow, now: float) -> None:
    """A2, P4, D5, Q11, Q14: the enrolment is not locked."""
    wait = attempts.seconds_locked(_attempts(enrollment), now)
    if wait > 0:
        message = f"too many failed attempts: try again in {math.ceil(wait)} seconds"
        raise Refused(Reason.LOCKED, message, retry_after=wait)


def count(tx: Transaction, enrollment: EnrollmentRow, accepted: bool, now: float) -> None:
    """D8, Q17: the failure counters move, and lock or disable the enrolment."""
    before = _attempts(enrollment)
    after = attempts.after_acceptance(before) if accepted else attempts.after_failure(before, now)
    tx.enrollments.count_attempts(
        enrollment.enrollment_id, after.in_row, after.total, after.locked_until
    )
    if attempts.is_disabled(after):
        tx.enrollments.retire(enrollment.enrollment_id, EnrollmentState.DISABLED)


def _attempts(enrollment: EnrollmentRow) -> Attempts:
    return Attempts(enrollment.failures_in_row, enrollment.failures_total, enrollment.locked_until)
