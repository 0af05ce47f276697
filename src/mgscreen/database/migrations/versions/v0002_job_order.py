"""Version 2: the jobs of a campaign in the order of its DAG from an index."""

from __future__ import annotations

from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_jobs_campaign_id_position", "jobs", ["campaign_id", "position"])
