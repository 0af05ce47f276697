"""The DAG of the section of a campaign that is about migration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from jobflow import Flow, Job

    from mgscreen.campaign.models import Campaign
    from mgscreen.flows.crystals import CrystalJobs


def migration_flows(
    campaign: Campaign,  # noqa: ARG001 - the section has no field yet
    crystals: CrystalJobs,  # noqa: ARG001
    base: Path | None,  # noqa: ARG001
) -> list[Flow | Job]:
    """Return the flows of this section."""
    return []
