"""Relying parties, the tickets that they issue and the decisions that they are given."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from .changes import changed
from .tables import DecisionRow, RelyingPartyRow, TicketRow


class Warrants:
    """Relying parties, tickets and decisions within one transaction."""

    def __init__(self, sql: Session) -> None:
        self._sql = sql

    def relying_party(self, name: str) -> RelyingPartyRow | None:
        """The relying party of that name, or None."""
        return self._sql.get(RelyingPartyRow, name)

    def relying_party_with_key(self, api_key_hash: bytes) -> RelyingPartyRow | None:
        """The relying party that holds an API key, or None."""
        query = select(RelyingPartyRow).where(RelyingPartyRow.api_key_hash == api_key_hash)
        return self._sql.scalars(query).one_or_none()

    def relying_parties(self) -> list[RelyingPartyRow]:
        """All of them, by name."""
        return list(self._sql.scalars(select(RelyingPartyRow).order_by(RelyingPartyRow.name)))

    def add_relying_party(self, party: RelyingPartyRow) -> None:
        """A new relying party."""
        self._sql.add(party)
        self._sql.flush()

    def ticket(self, ticket_hash: bytes) -> TicketRow | None:
        """The ticket with that hash, or None."""
        return self._sql.get(TicketRow, ticket_hash)

    def add_ticket(self, ticket: TicketRow) -> None:
        """A new ticket."""
        self._sql.add(ticket)
        self._sql.flush()

    def use_ticket(self, ticket_hash: bytes) -> bool:
        """Use a ticket up; False if it already was."""
        used = changed(
            self._sql,
            update(TicketRow)
            .where(TicketRow.ticket_hash == ticket_hash, TicketRow.used.is_(False))
            .values(used=True),
        )
        return bool(used)

    def decision(self, token_id: str) -> DecisionRow | None:
        """The decision whose token has that id, or None."""
        return self._sql.get(DecisionRow, token_id)

    def decision_of_session(self, session_id: str) -> DecisionRow | None:
        """The acceptance in which a session ended, or None."""
        query = select(DecisionRow).where(DecisionRow.session_id == session_id)
        return self._sql.scalars(query).one_or_none()

    def add_decision(self, decision: DecisionRow) -> None:
        """A new acceptance."""
        self._sql.add(decision)
        self._sql.flush()

    def use_token(self, token_id: str) -> bool:
        """Use a decision's token up; False if it is unknown or already was."""
        used = changed(
            self._sql,
            update(DecisionRow)
            .where(DecisionRow.token_id == token_id, DecisionRow.used.is_(False))
            .values(used=True),
        )
        return bool(used)

    def purge(self, now: int, retention: int) -> None:
        """Delete tickets and decisions that expired longer ago than the retention."""
        changed(self._sql, delete(TicketRow).where(TicketRow.expires_at <= now - retention))
        changed(self._sql, delete(DecisionRow).where(DecisionRow.expires_at <= now - retention))
