"""The store: transactions on a database of the newest schema."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from grainseal.crypto.errors import MisuseError
from grainseal.server.errors import Unavailable

from .claim_templates import ClaimTemplates
from .claims import Claims
from .engine import forget_deleted, rewrite, sqlite_engine
from .enrollments import Enrollments
from .erasure import Erased, Erasure
from .log import Log
from .migrate import migrate
from .registrations import Registrations
from .sessions import Sessions
from .uploads import Uploads
from .warrants import Warrants


@dataclass(frozen=True)
class Transaction:
    """All that can be read and written, within one transaction."""

    sessions: Sessions
    enrollments: Enrollments
    warrants: Warrants
    log: Log
    uploads: Uploads
    claim_templates: ClaimTemplates
    registrations: Registrations
    claims: Claims
    erasure: Erasure

    @classmethod
    def on(cls, sql: Session) -> "Transaction":
        """A transaction's parts over one SQLAlchemy session."""
        return cls(
            sessions=Sessions(sql),
            enrollments=Enrollments(sql),
            warrants=Warrants(sql),
            log=Log(sql),
            uploads=Uploads(sql),
            claim_templates=ClaimTemplates(sql),
            registrations=Registrations(sql),
            claims=Claims(sql),
            erasure=Erasure(sql),
        )


class Store:
    """Rows of one service. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        migrate(engine)
        # Rows outlive their transaction as plain records.
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @classmethod
    def open_sqlite(cls, path: Path) -> "Store":
        """The embedded store in a file.

        `MisuseError` if the file is no database, `Unavailable` if it cannot be used now.
        """
        with _translated():
            try:
                return cls(sqlite_engine(path))
            except OperationalError:
                raise
            except DatabaseError:
                message = f"{path} is not a database of this service, or is damaged: restore it"
                raise MisuseError(message) from None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is committed at its end, or undone whole by any exception."""
        with _translated(), self._sessions.begin() as sql:
            yield Transaction.on(sql)

    def purge(self, now: int, retention: int) -> int:
        """Delete what has had its time; the number of sessions whose secrets went."""
        with self.transaction() as tx:
            tx.warrants.purge(now, retention)
            gone = tx.sessions.purge(now, retention)
        forget_deleted(self._engine)
        return gone

    def erase(self, subject: str, issuer: str) -> list[Erased]:
        """Delete every row about an issuer's subject, and their traces in the store's files.

        `Unavailable` if the rows are gone, but the files could not be rewritten.
        """
        with self.transaction() as tx:
            erased = tx.erasure.erase(subject, issuer)
        try:
            rewrite(self._engine)
        except sqlite3.OperationalError as error:
            message = (
                f"all rows about {subject!r} are deleted, but traces may be left in the "
                f"database's file ({error}): make room on the disk and run VACUUM on it"
            )
            raise Unavailable(message) from None
        forget_deleted(self._engine)
        return erased

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # Locked for too long, disk full, or two writers of one key: nothing was written, and
        # the same call may be made again. The driver's text can quote values, so it stays here.
        raise Unavailable(f"the store failed: {type(error.orig).__name__}") from None
