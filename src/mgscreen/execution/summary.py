"""What a run tells while it goes on, and what remains of it at its end."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mgscreen.execution.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job

EventKind = Literal[
    "begin", "started", "finished", "cached", "failed", "lost", "tick", "interrupted", "end"
]

NOT_RUN = "not run: "
STOPPED = f"{NOT_RUN}stopped by "


@dataclass(frozen=True)
class Running:
    """A job that runs now."""

    name: str
    elapsed_s: float
    estimate_s: float
    """seconds that it will take in all, after the jobs that finished so far"""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    counts
        Jobs by state.
    total
        All jobs known so far; jobs may generate others.
    computed
        Jobs that this run computed.
    cached
        Jobs taken over from the database by this run.
    running
        What runs now.
    elapsed_s
        Since the start of this run.
    left_s
        Estimated seconds to the end; None before there is anything to estimate from.
    """

    counts: Mapping[State, int]
    total: int
    computed: int
    cached: int
    running: tuple[Running, ...]
    elapsed_s: float
    left_s: float | None

    @property
    def done(self) -> int:
        """Jobs that are finished, completed or failed."""
        return self.counts.get(State.COMPLETED, 0) + self.counts.get(State.FAILED, 0)


@dataclass(frozen=True)
class Event:
    """Something happened to a job, or to the run (``job`` is None)."""

    kind: EventKind
    progress: Progress
    job: Job | None = None
    reason: str = ""
    wall_s: float | None = None


@dataclass(frozen=True)
class Failure:
    """A job that failed, and why."""

    name: str
    reason: str
    uuid: str = ""
    index: int = 1

    @property
    def not_run(self) -> bool:
        """Whether it was never started, because of another job."""
        return self.reason.startswith(NOT_RUN)


def failures_of(database: Database, campaign_id: int) -> list[Failure]:
    """Return the jobs of a campaign that failed, in the order of its DAG."""
    return [
        Failure(name=job.name, reason=job.reason, uuid=job.uuid, index=job.index)
        for job in database.jobs(campaign_id, [State.FAILED])
    ]


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    counts
        All jobs of the campaign by state, at the end of the run.
    computed
        Jobs that this run computed, also those that failed.
    cached
        Jobs that this run took over from the database.
    lost
        How often a worker was lost.
    failed
        All failed jobs of the campaign.
    wall_s, cpu_s
        Seconds of this run; CPU of the jobs that finished in it.
    peak_memory_mb
        Most resident memory of the driver and its workers together, MB.
    interrupted
        Whether it was stopped before the end (Ctrl-C).
    """

    counts: dict[State, int] = field(default_factory=dict)
    computed: int = 0
    cached: int = 0
    lost: int = 0
    failed: list[Failure] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    interrupted: bool = False

    @property
    def total(self) -> int:
        """All jobs of the campaign."""
        return sum(self.counts.values())

    @property
    def ok(self) -> bool:
        """Whether every job is completed."""
        return not self.interrupted and self.counts.get(State.COMPLETED, 0) == self.total

    def sentence(self) -> str:
        """Return what was done and what it took, for the end of a run."""
        return (
            f"{self.computed} jobs computed, {self.cached} taken over, {len(self.failed)} failed; "
            f"{self.wall_s / 60:.1f} min wall, {self.cpu_s / 60:.1f} min CPU, "
            f"peak memory {self.peak_memory_mb / 1000:.1f} GB"
        )


class Estimator:
    """Estimates the time left from the jobs that finished: their real against estimated cost.

    A kind of job is calibrated by its own finished jobs, else by all of them, else the estimate
    is taken as it is.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._left: dict[str, float] = defaultdict(float)
        self._spent: dict[str, float] = defaultdict(float)
        self._expected: dict[str, float] = defaultdict(float)

    @staticmethod
    def cost(job: Job) -> float:
        """Return the estimated seconds of a job; 1 where nobody gave an estimate."""
        return job.cost_s if job.cost_s > 0 else 1.0

    def add(self, job: Job) -> None:
        """Count a job that has to be done."""
        self._left[job.kind] += self.cost(job)

    def remove(self, job: Job, wall_s: float | None = None) -> None:
        """Count a job as done; ``wall_s`` where it was computed."""
        self._left[job.kind] -= self.cost(job)
        if wall_s is not None:
            self._spent[job.kind] += wall_s
            self._expected[job.kind] += self.cost(job)

    def factor(self, kind: str) -> float:
        """Return real over estimated seconds for a kind of job."""
        if self._expected.get(kind, 0.0) > 0:
            return self._spent[kind] / self._expected[kind]
        expected = sum(self._expected.values())
        return sum(self._spent.values()) / expected if expected > 0 else 1.0

    def left(self, running: list[tuple[Job, float]]) -> float | None:
        """Estimate the seconds to the end.

        Parameters
        ----------
        running
            Jobs that run now and the seconds for which they have run.
        """
        if not any(self._expected.values()) and not any(self._left.values()):
            return None
        work = sum(max(cost, 0.0) * self.factor(kind) for kind, cost in self._left.items())
        rest = [self.cost(job) * self.factor(job.kind) - spent for job, spent in running]
        work -= sum(spent for (_, spent), r in zip(running, rest, strict=True) if r > 0)
        return max([work / self._workers, 0.0, *rest])


def clock() -> float:
    """Return seconds of a clock that nobody sets."""
    return time.monotonic()
