"""What an operator does, on the server's own store; the server may run meanwhile.

Only `initialise` makes a service. The rest raise `MisuseError` for a folder that has none: keys
and tickets of a service that was made by a mistyped name would be of no use to anybody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grainseal.crypto.checkpoint import VerifierKey
from grainseal.crypto.errors import MisuseError

from . import relying_parties
from .authority import Authority
from .config import ServerConfig
from .keys import ServiceKeys, load_keys
from .names import are_alike
from .relying_parties import Ticket
from .store.erasure import Erased
from .store.store import Store, Transaction


def initialise(data: Path) -> None:
    """Make a service's keys and store, as its first start would; keeps what is there."""
    load_keys(data)
    # Last: where there is a database, there are keys.
    Store.open_sqlite(ServerConfig(data).database).close()


def issue_ticket(data: Path, subject: str, relying_party: str | None = None) -> Ticket:
    """A ticket for a relying party's subject, or the operator's own, who may go to any of them.

    The relying party may be named in upper or lower case: no two differ by that alone.
    """
    with _transaction(data) as (tx, authority):
        issuer = authority.config.service_name
        if relying_party is not None:
            party = relying_parties.named(tx, relying_party)
            if party is None:
                raise MisuseError(f"no relying party {relying_party!r}: add it first")
            issuer = party.name
        row = relying_parties.issue_ticket(tx, authority, issuer, subject)
        return relying_parties.ticket_of(authority, row)


def add_relying_party(data: Path, name: str) -> str:
    """Register a relying party; its API key, which cannot be shown again."""
    with _transaction(data) as (tx, authority):
        return relying_parties.register(tx, authority, name)


@dataclass(frozen=True)
class Subject:
    """Somebody, by the name that one issuer gave them."""

    name: str
    issuer: str


def subject_named(data: Path, name: str, issuer: str | None = None) -> Subject:
    """The subject of that name, of a given issuer; without one, of the only issuer that has it.

    `MisuseError` if there is none, or more than one: their subjects are different people.
    """
    with _transaction(data) as (tx, _):
        issuers = tx.erasure.issuers_of(name)
    chosen = issuers if issuer is None else [each for each in issuers if are_alike(each, issuer)]
    if not chosen:
        whose = "" if issuer is None else f" of {issuer!r}"
        raise MisuseError(f"nothing is known of a subject {name!r}{whose}: see how it is written")
    if len(chosen) > 1:
        message = f"{', '.join(chosen)} each have a subject {name!r}: say whose with --issuer"
        raise MisuseError(message)
    return Subject(name, chosen[0])


def erase(data: Path, subject: Subject) -> list[Erased]:
    """Delete all that is known of a subject; rows by table. The log's leaves stay.

    Not reached are a running server's memory, its audit trail, backups, and the receipts and
    certificates that were given out.
    """
    store = Store.open_sqlite(_existing(data).database)
    try:
        return store.erase(subject.name, subject.issuer)
    finally:
        store.close()


def list_relying_parties(data: Path) -> list[str]:
    """Names of the registered relying parties."""
    with _transaction(data) as (tx, _):
        return [party.name for party in tx.warrants.relying_parties()]


def jwks(data: Path) -> str:
    """The service's public keys as a JSON Web Key Set."""
    return _keys(data).jwks


def log_key(data: Path) -> VerifierKey:
    """The key by which receipts and checkpoints of the log are verified."""
    return _keys(data).log.verifier


def _existing(data: Path) -> ServerConfig:
    config = ServerConfig(data)
    if not config.database.is_file():
        raise MisuseError(
            f"no service in {data}: start it once with `grainseal serve --data {data}`"
        )
    return config


def _keys(data: Path) -> ServiceKeys:
    return load_keys(_existing(data).data)


@contextmanager
def _transaction(data: Path) -> Iterator[tuple[Transaction, Authority]]:
    config = _existing(data)
    store = Store.open_sqlite(config.database)
    try:
        with store.transaction() as tx:
            yield tx, Authority(config, load_keys(data))
    finally:
        store.close()
