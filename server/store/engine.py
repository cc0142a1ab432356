"""The embedded store's engine: SQLite, set up so that a killed process loses nothing.

What is particular to SQLite is in this file only.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

# Only other processes (the operator's commands) ever hold the lock; their writes take milliseconds.
BUSY_TIMEOUT_MS = 10_000


def sqlite_engine(path: Path) -> Engine:
    """Engine on a database file, which is made (mode 0600) if it is missing."""
    if not path.exists():
        path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def forget_deleted(engine: Engine) -> None:
    """Empty the write-ahead log, which still has older versions of what was deleted since.

    The file system gets the log's blocks back as they are: whoever reads the bare disk may find
    what was there until they are used again, so encrypt the disk if that matters.
    Best effort: while another process reads, the next time does it.
    """
    connection = engine.raw_connection()
    with closing(connection), suppress(sqlite3.OperationalError):
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rewrite(engine: Engine) -> None:
    """Write the database's file anew, for traces of what was deleted.

    Rows move between pages as tables grow, and `secure_delete` wipes only the place where a row
    was last. Takes about a second for each 100 MB, as much free disk as the file has, and makes
    other writers wait. `OperationalError` of the driver if it cannot be done now.
    """
    connection = engine.raw_connection()
    with closing(connection):
        connection.cursor().execute("VACUUM")


def _configure(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: `_begin` does.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        # A killed process loses no commit with NORMAL either, but a power cut would, and a lost
        # commit here un-uses a nonce, a ticket or a token, or forgives a failure. Hence FULL.
        "synchronous=FULL",
        "foreign_keys=ON",
        # Deleted templates, masks and answers are overwritten in the database's pages. Copies in
        # the log are not: `forget_deleted`.
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and takes the write lock later can fail half-way; one that
    # takes it at once waits its turn. Another database gets the same from the row locks that the
    # statements ask for (`with_for_update`), which SQLite ignores.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
