"""How the loop hands jobs out: to any executor, or to the queue of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mgscreen.execution.worker import run_payload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor, Future

    from mgscreen.database.jobs import Job
    from mgscreen.execution.cluster.executor import ClusterExecutor
    from mgscreen.execution.cluster.faults import TaskFaultError
    from mgscreen.execution.graph import Node

_SPARE = 2
"""Jobs handed to an executor beyond its workers, so that none waits for the driver."""


class Dispatch(Protocol):
    """What the loop asks of whoever runs its jobs."""

    def class_name(self, job: Job, payload: Mapping[str, Any]) -> str:
        """Return the class of tasks that a job belongs to.

        Raises
        ------
        InputError
            If there is none for it.
        """
        ...

    def room(self, name: str, flying: int) -> bool:
        """Whether a class takes another task besides those that it has."""
        ...

    def submit(self, node: Node, text: str) -> Future[str]:
        """Run a job."""
        ...

    def again(self, node: Node, fault: TaskFaultError) -> str | None:
        """Return why a job is not tried again; None if it is."""
        ...

    def recorded(self, node: Node) -> None:
        """Forget a job that the database has now."""
        ...

    def stop(self, node: Node, future: Future[Any]) -> None:
        """End a job that runs."""
        ...

    def tend(self) -> None:
        """Look after what runs."""
        ...


def dispatch_for(executor: Executor, workers: int) -> Dispatch:
    """Return how jobs are handed to an executor."""
    from mgscreen.execution.cluster.executor import ClusterExecutor

    if isinstance(executor, ClusterExecutor):
        return Lanes(executor)
    return Plain(executor, workers)


class Plain:
    """One class of tasks, and as many at once as there are workers."""

    def __init__(self, executor: Executor, workers: int) -> None:
        self._executor = executor
        self._capacity = workers + _SPARE

    def class_name(self, job: Job, payload: Mapping[str, Any]) -> str:
        """Tell no classes apart."""
        del job, payload
        return ""

    def room(self, name: str, flying: int) -> bool:
        """Compare with the workers."""
        del name
        return flying < self._capacity

    def submit(self, node: Node, text: str) -> Future[str]:
        """Run a job."""
        del node
        return self._executor.submit(run_payload, text)

    def again(self, node: Node, fault: TaskFaultError) -> str | None:
        """Leave it at the fault: an executor of this kind has none of these."""
        del node
        return str(fault)

    def recorded(self, node: Node) -> None:
        """Have nothing to forget."""

    def stop(self, node: Node, future: Future[Any]) -> None:
        """End a job that runs, where the executor can; one that waits is cancelled."""
        del node
        stop = getattr(self._executor, "stop", None)
        if not future.cancel() and stop is not None:
            stop(future)

    def tend(self) -> None:
        """Have nothing to look after."""


class Lanes:
    """The classes of a cluster profile."""

    def __init__(self, executor: ClusterExecutor) -> None:
        self._executor = executor

    def class_name(self, job: Job, payload: Mapping[str, Any]) -> str:
        """Ask the profile."""
        return self._executor.class_name(job, payload)

    def room(self, name: str, flying: int) -> bool:
        """Ask the profile."""
        return self._executor.room(name, flying)  # type: ignore[arg-type]

    def submit(self, node: Node, text: str) -> Future[str]:
        """Run a job."""
        return self._executor.submit_job(node.job, node.job.attempts + 1 + node.losses, text)

    def again(self, node: Node, fault: TaskFaultError) -> str | None:
        """Ask the handlers of faults."""
        verdict = self._executor.decide(node.job, fault)
        return verdict.reason if verdict.demand is None else None

    def recorded(self, node: Node) -> None:
        """Remove its files from the spool."""
        self._executor.recorded(node.job)

    def stop(self, node: Node, future: Future[Any]) -> None:
        """Ask its worker."""
        del future
        self._executor.stop_job(node.job)

    def tend(self) -> None:
        """Look after lanes and tasks."""
        self._executor.tend()
