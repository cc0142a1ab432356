"""What an operator does, on the server's own store; the server may run meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grainseal.crypto.checkpoint import VerifierKey
from grainseal.crypto.errors import MisuseError

from . import relying_parties
from .authority import Authority
from .config import ServerConfig
from .files import private_folder
from .keys import load_keys
from .relying_parties import Ticket
from .store.store import Store, Transaction


def issue_ticket(data: Path, subject: str, relying_party: str | None = None) -> Ticket:
    """A ticket for a relying party's subject, or the operator's own, who may go to any of them."""
    with _transaction(data) as (tx, authority):
        if relying_party is not None and tx.warrants.relying_party(relying_party) is None:
            raise MisuseError(f"no relying party {relying_party!r}: add it first")
        issuer = relying_party or authority.config.service_name
        row = relying_parties.issue_ticket(tx, authority, issuer, subject)
        return relying_parties.ticket_of(authority, row)


def add_relying_party(data: Path, name: str) -> str:
    """Register a relying party; its API key, which cannot be shown again."""
    with _transaction(data) as (tx, authority):
        return relying_parties.register(tx, authority, name)


def list_relying_parties(data: Path) -> list[str]:
    """Names of the registered relying parties."""
    with _transaction(data) as (tx, _):
        return [party.name for party in tx.warrants.relying_parties()]


def jwks(data: Path) -> str:
    """The service's public keys as a JSON Web Key Set."""
    return load_keys(data).jwks


def log_key(data: Path) -> VerifierKey:
    """The key by which receipts and checkpoints of the log are verified."""
    return load_keys(data).log.verifier


@contextmanager
def _transaction(data: Path) -> Iterator[tuple[Transaction, Authority]]:
    config = ServerConfig(private_folder(data))
    store = Store.open_sqlite(config.database)
    try:
        with store.transaction() as tx:
            yield tx, Authority(config, load_keys(data))
    finally:
        store.close()
