"""Names of a campaign's lanes, and what a task that needs more is given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mgscreen.core.identity import digest
from mgscreen.execution.cluster.profile import walltime_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mgscreen.execution.cluster.faults import Demand
    from mgscreen.execution.cluster.profile import Resources, TaskClass


def token_of(address: str, campaign: str) -> str:
    """Return the mark of a campaign in names of jobs and in command lines."""
    return "mg" + digest({"address": address, "campaign": campaign, "user": os.getuid()})[:10]


def sized(
    name: TaskClass, classes: Mapping[TaskClass, Resources], demand: Demand
) -> tuple[str, Resources]:
    """Return the name of a lane and what its blocks are, for a demand on a class.

    More memory for a task first takes that of its neighbours on the node, then a larger node.
    """
    base = classes[name]
    if demand.walltime <= 1.0 and demand.memory <= 1.0:
        return name, base
    seconds = min(base.walltime_s * demand.walltime, base.longest_s)
    per_task = min(base.memory_per_task_gb * demand.memory, float(base.largest_gb))
    node = max(base.memory_gb, int(-(-per_task // 1)))
    resources = base.model_copy(
        update={
            "walltime": walltime_of(seconds),
            "memory_per_task_gb": per_task,
            "memory_gb": min(node, base.largest_gb),
        }
    )
    return f"{name}-{seconds:.0f}s-{per_task:g}gb", resources
