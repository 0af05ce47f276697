"""What the executor keeps of a task that is on its way, and of a job between its attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgscreen.execution.cluster.faults import Demand

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mgscreen.database.jobs import Job
    from mgscreen.execution.cluster.lane import Lane
    from mgscreen.execution.cluster.profile import TaskClass
    from mgscreen.execution.cluster.spool import Begun
    from mgscreen.execution.cluster.worker import Task


@dataclass
class Flying:
    """A task that a lane has."""

    future: Future[str]
    inner: Future[Any]
    lane: Lane
    task: Task
    job: Job
    started: float | None = None
    begun: Begun | None = None
    ended_at: float | None = None


@dataclass
class Known:
    """What the driver keeps of a job between its attempts."""

    demand: Demand = field(default_factory=Demand)
    task_class: TaskClass | None = None
