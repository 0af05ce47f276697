"""Version 3: the lowest values of a property, and what failed, from an index."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Add the indices."""
    op.create_index("ix_properties_property_value", "properties", ["property", "value"])
    op.create_index(
        "ix_properties_failed",
        "properties",
        ["state", "candidate"],
        sqlite_where=text("state <> 'completed'"),
        postgresql_where=text("state <> 'completed'"),
    )
