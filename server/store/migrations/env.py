"""Alembic's environment: always on a connection that the caller gives (`store.migrate`)."""

from alembic import context

from grainseal.server.store.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
)
context.run_migrations()
