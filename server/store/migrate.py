"""Bring a database to the newest schema; run at every start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine

from grainseal.crypto.errors import MisuseError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run the missing migrations in one transaction: all of them or none.

    `MisuseError` if the schema is none that this version knows.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            message = f"the store is of another version of grainseal, use that one: {error}"
            raise MisuseError(message) from None
