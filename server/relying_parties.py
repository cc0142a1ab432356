"""Relying parties: who may ask for tickets and hear decisions, by API key."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.tokens import verify_decision as verify_token

from .authority import ID_BYTES, Authority
from .errors import Reason, Refused
from .idempotency import Write, reference_of, remember
from .names import are_alike, check_party_name, check_subject
from .store.store import Transaction
from .store.tables import DecisionRow, RelyingPartyRow, TicketRow
from .warrants import ticket_hash

API_KEY_BYTES = 32


@dataclass(frozen=True)
class Ticket:
    """Leave to enrol; `expires_at` in Unix seconds."""

    ticket: str
    expires_at: int


def register(tx: Transaction, authority: Authority, name: str) -> str:
    """A new relying party's API key, which is shown this once and stored as a hash."""
    check_party_name(name)
    if are_alike(name, authority.config.service_name):
        raise Refused(Reason.MALFORMED, f"{name!r} is the service's own name")
    if named(tx, name) is not None:
        raise Refused(Reason.MALFORMED, f"relying party {name!r} exists already")
    api_key = urlsafe_b64encode(authority.random(API_KEY_BYTES)).rstrip(b"=").decode()
    created_at = int(authority.clock())
    tx.warrants.add_relying_party(
        RelyingPartyRow(name=name, api_key_hash=_key_hash(api_key), created_at=created_at)
    )
    return api_key


def named(tx: Transaction, name: str) -> RelyingPartyRow | None:
    """The relying party that bears a name, in upper or lower case, or None."""
    return next((p for p in tx.warrants.relying_parties() if are_alike(name, p.name)), None)


def holder_of(tx: Transaction, api_key: str) -> RelyingPartyRow:
    """The relying party that holds an API key."""
    if not api_key:
        raise Refused(Reason.API_KEY_INVALID, "this call takes a relying party's API key")
    # Found by its hash: how long that takes says nothing about a key of 256 random bits.
    party = tx.warrants.relying_party_with_key(_key_hash(api_key))
    if party is None:
        message = "the API key is not one of this service's relying parties"
        raise Refused(Reason.API_KEY_INVALID, message)
    return party


def issue_ticket(tx: Transaction, authority: Authority, issuer: str, subject: str) -> TicketRow:
    """A new ticket of an issuer for one of its subjects."""
    check_subject(subject)
    ticket_id = authority.random(ID_BYTES)
    ticket = TicketRow(
        ticket_hash=ticket_hash(authority.keys.ticket(ticket_id)),
        ticket_id=ticket_id,
        subject=subject,
        issuer=issuer,
        expires_at=int(authority.clock()) + authority.config.ticket_lifetime,
    )
    tx.warrants.add_ticket(ticket)
    return ticket


def ticket_of(authority: Authority, row: TicketRow) -> Ticket:
    """What the issuer is given."""
    return Ticket(authority.keys.ticket(row.ticket_id), row.expires_at)


def request_ticket(
    tx: Transaction, authority: Authority, write: Write, api_key: str, subject: str
) -> Ticket:
    """IssueTicket: a ticket for a subject of the calling relying party."""
    party = holder_of(tx, api_key)
    write = write.by(party.name)
    reference = reference_of(tx, write)
    known = None if reference is None else tx.warrants.ticket(bytes.fromhex(reference))
    if known is not None:
        return ticket_of(authority, known)
    row = issue_ticket(tx, authority, party.name, subject)
    remember(tx, write, row.ticket_hash.hex(), authority.clock())
    return ticket_of(authority, row)


def verify_decision(
    tx: Transaction, authority: Authority, write: Write, api_key: str, token: str
) -> DecisionRow:
    """VerifyDecision: the decision that a token carries for the caller; uses the token up."""
    party = holder_of(tx, api_key)
    write = write.by(party.name)
    reference = reference_of(tx, write)
    known = None if reference is None else tx.warrants.decision(reference)
    if known is not None:
        return known
    now = authority.clock()
    # T1–T5
    try:
        claims = verify_token(token, authority.keys.trusted, party.name, now)
    except VerificationFailed as error:
        raise Refused(Reason.TOKEN_INVALID, str(error)) from None
    # T6: the token was not used before
    if not tx.warrants.use_token(claims.token_id):
        raise Refused(Reason.TOKEN_INVALID, "the token was used before")
    decision = tx.warrants.decision(claims.token_id)
    if decision is None:
        raise Refused(Reason.TOKEN_INVALID, "the token is unknown")
    remember(tx, write, claims.token_id, now)
    return decision


def _key_hash(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode()).digest()
