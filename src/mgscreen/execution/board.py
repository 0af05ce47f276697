"""Where a run stands: the jobs in memory, what of them is to be written, what is told."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mgscreen.execution.graph import Dag, Node
from mgscreen.execution.states import State
from mgscreen.execution.summary import (
    Estimator,
    Event,
    Progress,
    Running,
    Summary,
    clock,
    failures_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from mgscreen.core.runtime import Runtime
    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job
    from mgscreen.execution.limits import Limits
    from mgscreen.execution.summary import EventKind

_TICK_S = 1.0
"""After this long without news an event says that the run goes on."""


@dataclass
class Options:
    """What ``run_flow`` was given."""

    workers: int
    runtime: Runtime
    limits: Limits
    on_event: Callable[[Event], None] | None
    retry: bool
    modules: tuple[str, ...]
    executor: Executor | Callable[[], Executor] | None
    log_folder: Path | None
    control: Path | None = None


@dataclass
class Flight:
    """A job in the executor; ``name`` is its class of tasks."""

    node: Node
    since: float
    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)


class Board:
    """The jobs of one campaign in memory, in step with the database.

    Parameters
    ----------
    database
        Open for writing; this process is the only writer of the campaign.
    campaign_id
        Whose jobs.
    options
        Resources and callbacks.
    """

    def __init__(self, database: Database, campaign_id: int, options: Options) -> None:
        self.database = database
        self.campaign_id = campaign_id
        self.options = options
        self.dag = Dag()
        self.estimator = Estimator(options.workers)
        self.flights: dict[Future[Any], Flight] = {}
        self.dirty: dict[tuple[str, int], dict[str, Any]] = {}
        self.summary = Summary()
        self.start = clock()
        self.next_tick = 0.0
        self.next_position = 0

    def load(self) -> None:
        """Read the jobs; what a driver left in the middle waits again."""
        jobs = self.database.jobs(self.campaign_id)
        self.next_position = 1 + max((job.position for job in jobs), default=-1)
        final = {state.value for state in State if state.final}
        waiting = [
            job if job.state in final or job.state == State.WAITING else _with_state(job)
            for job in jobs
        ]
        for job in jobs:
            if job.state not in final:
                self.estimator.add(job)
        for node in self.dag.add(waiting):
            if node.state is State.READY:
                self.note(node)

    def note(self, node: Node, **values: Any) -> None:
        """Remember to write where a job stands."""
        change = self.dirty.setdefault(node.key, {"uuid": node.job.uuid, "index": node.job.index})
        change.update(values, state=node.state, reason=node.reason)

    def flush(self) -> None:
        """Write what was noted, in one transaction."""
        if self.dirty:
            changes, self.dirty = list(self.dirty.values()), {}
            self.database.set_job_states(changes)

    def close(self, node: Node, state: State, reason: str, wall_s: float | None = None) -> None:
        """Finish a job in memory, after the database."""
        self.estimator.remove(node.job, wall_s)
        self.dag.finish(node, state, reason)

    def fail_unrun(self, failed: list[tuple[Node, str]]) -> None:
        """Record jobs that could not run, each with its reason."""
        if not failed:
            return
        self.database.record_failures((node.job, reason) for node, reason in failed)
        for node, reason in failed:
            self.dirty.pop(node.key, None)
            self.close(node, State.FAILED, reason)
            self.tell("failed", node, reason=reason)

    def finish(self, executor: Executor) -> Summary:
        """Return what the run did."""
        self.summary.counts = {s: n for s, n in self.dag.counts.items() if n}
        self.summary.failed = failures_of(self.database, self.campaign_id)
        self.summary.wall_s = clock() - self.start
        self.summary.peak_memory_mb = getattr(executor, "peak_memory_mb", 0.0)
        self.tell("end")
        return self.summary

    def tell(
        self,
        kind: EventKind,
        node: Node | None = None,
        reason: str = "",
        wall_s: float | None = None,
    ) -> None:
        """Report that something happened."""
        self.next_tick = clock() + _TICK_S
        if self.options.on_event is not None:
            job = None if node is None else node.job
            self.options.on_event(Event(kind, self.progress(), job, reason, wall_s))

    def progress(self) -> Progress:
        """Return where the run stands."""
        moment = clock()
        running = [
            (f.node.job, moment - f.since)
            for f in self.flights.values()
            if f.node.state is State.RUNNING
        ]
        estimator = self.estimator
        return Progress(
            counts={state: n for state, n in self.dag.counts.items() if n},
            total=len(self.dag.nodes),
            computed=self.summary.computed,
            cached=self.summary.cached,
            running=tuple(
                Running(job.name, spent, estimator.cost(job) * estimator.factor(job.kind))
                for job, spent in running
            ),
            elapsed_s=moment - self.start,
            left_s=estimator.left(running),
        )

    def log(self, node: Node, text: str) -> None:
        """Append a traceback to the job's file in the log folder."""
        folder = self.options.log_folder
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.+-]+", "_", node.job.name)[:60].strip("._") or "job"
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with (folder / f"{name}-{node.job.uuid[:8]}.log").open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {node.job.name} ({node.job.uuid}, {node.job.index})\n{text}\n")


def _with_state(job: Job) -> Job:
    """Return a job that a driver left in the middle as one that waits again."""
    return replace(job, state=State.WAITING, reason="")
