"""Registered photos, by id and by number."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from .tables import RegistrationRow

# Databases bound how many values one statement may name.
_NUMBERS_AT_ONCE = 500


class Registrations:
    """Registrations within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def add(self, registration: RegistrationRow) -> None:
        """A new registration; it gets the next number.

        Append its leaf first: that lets one transaction at a time through, so whoever reads the
        numbers in order, remembering the last, misses none.
        """
        self._sql.add(registration)
        self._sql.flush()

    def find(self, registration_id: str) -> RegistrationRow | None:
        """The registration of that id, or None."""
        query = select(RegistrationRow).where(RegistrationRow.registration_id == registration_id)
        return self._sql.scalars(query).one_or_none()

    def after(self, number: int) -> list[tuple[int, bytes]]:
        """Number and perceptual hash of all later registrations, by number."""
        query = (
            select(RegistrationRow.number, RegistrationRow.perceptual_hash)
            .where(RegistrationRow.number > number)
            .order_by(RegistrationRow.number)
        )
        return [(each, perceptual) for each, perceptual in self._sql.execute(query)]

    def numbered(self, numbers: Sequence[int]) -> list[RegistrationRow]:
        """Those of the numbered registrations that are there (others were erased), by number."""
        wanted = sorted(set(numbers))
        found: list[RegistrationRow] = []
        for first in range(0, len(wanted), _NUMBERS_AT_ONCE):
            some = wanted[first : first + _NUMBERS_AT_ONCE]
            query = select(RegistrationRow).where(RegistrationRow.number.in_(some))
            found += self._sql.scalars(query.order_by(RegistrationRow.number))
        return found
