"""How many rows a statement changed: what every conditional update is decided by."""

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Update
from sqlalchemy.orm import Session


def changed(sql: Session, statement: Update | Delete) -> int:
    """Run an UPDATE or DELETE; the number of rows that it found.

    Records that were read before keep what they said then.
    """
    plain = statement.execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", sql.execute(plain)).rowcount
