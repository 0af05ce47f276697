"""What Alembic runs: the steps, on the connection that ``mgscreen.database.upgrade`` gives it."""

from __future__ import annotations

from alembic import context

from mgscreen.database.schema import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
