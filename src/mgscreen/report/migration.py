"""The part of the report about migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgscreen.database.database import Database


def section(
    database: Database,  # noqa: ARG001 - nothing is stored yet
    campaign_id: int,  # noqa: ARG001
) -> dict[str, Any] | None:
    """Return what the page shows; None where the campaign has nothing of this."""
    return None
