"""What can happen to a task on a cluster, told apart, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mgscreen.core.errors import MgscreenError
from mgscreen.execution.cluster import queues

if TYPE_CHECKING:
    from mgscreen.execution.cluster.profile import Faults, Resources

Kind = Literal["lost", "node", "preempted", "cancelled", "timeout", "memory", "stopped", "config"]

LATE = 0.5
"""A task that ran for less than this part of its block's walltime was stopped because it began
late, not because it needs more."""

_KINDS: dict[str, Kind] = {
    queues.TIMEOUT: "timeout",
    queues.OUT_OF_MEMORY: "memory",
    queues.NODE_FAIL: "node",
    queues.PREEMPTED: "preempted",
    queues.CANCELLED: "cancelled",
}
_WORDS: dict[Kind, str] = {
    "lost": "worker lost",
    "node": "node failed",
    "preempted": "preempted",
    "cancelled": "its job in the queue was cancelled",
    "timeout": "walltime reached",
    "memory": "out of memory",
    "stopped": "cancelled",
    "config": "the blocks do not start",
}


class TaskFaultError(MgscreenError):
    """A task ended without a result of its own making.

    Parameters
    ----------
    kind
        What happened.
    detail
        More of it: where, and in whose words.
    ran_s
        How long the task ran before, as far as is known, s.
    peak_mb
        Its peak memory where that is known, MB.
    """

    retryable = True

    def __init__(
        self, kind: Kind, detail: str = "", *, ran_s: float = 0.0, peak_mb: float | None = None
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.ran_s = ran_s
        self.peak_mb = peak_mb
        super().__init__(f"{_WORDS[kind]}: {detail}" if detail else _WORDS[kind])


def fault_of(job: queues.QueueJob, detail: str, ran_s: float) -> TaskFaultError:
    """Return what happened to a task whose job in the queue stands like this."""
    kind = _KINDS.get(job.state, "lost")
    words = ", ".join(part for part in (detail, job.reason) if part)
    return TaskFaultError(kind, words, ran_s=ran_s)


@dataclass(frozen=True)
class Demand:
    """What a task is given, as factors on its class, and what has happened to it so far.

    Attributes
    ----------
    walltime, memory
        Factors of the class's walltime and of its memory per task.
    losses
        How often it was lost with its worker, node or block.
    timeouts
        How often walltime ended it.
    """

    walltime: float = 1.0
    memory: float = 1.0
    losses: int = 0
    timeouts: int = 0


@dataclass(frozen=True)
class Verdict:
    """What to do: try again with this demand, or give up with this reason."""

    demand: Demand | None
    reason: str


def decide(fault: TaskFaultError, demand: Demand, resources: Resources, policy: Faults) -> Verdict:
    """Return what is done about a fault; the handlers are asked in the order of ``HANDLERS``."""
    for handler in HANDLERS:
        found = handler(fault, demand, resources, policy)
        if found is not None:
            return found
    return Verdict(None, str(fault))


def _stopped(
    fault: TaskFaultError, _demand: Demand, _resources: Resources, _policy: Faults
) -> Verdict | None:
    """Somebody asked for it, or no block can start: that is the end."""
    if fault.kind in {"stopped", "config"}:
        return Verdict(None, str(fault))
    return None


def _memory(
    fault: TaskFaultError, demand: Demand, resources: Resources, policy: Faults
) -> Verdict | None:
    """Retry with more memory, up to what the profile allows."""
    if fault.kind != "memory":
        return None
    most = resources.largest_gb / resources.memory_per_task_gb
    if demand.memory >= most:
        return Verdict(
            None, f"{fault} (no more than {resources.largest_gb:g} GB is allowed: max_memory_gb)"
        )
    return Verdict(replace(demand, memory=min(demand.memory * policy.growth, most)), str(fault))


def _timeout(
    fault: TaskFaultError, demand: Demand, resources: Resources, policy: Faults
) -> Verdict | None:
    """Go on from the checkpoint, with more walltime where the task had most of a block's."""
    if fault.kind != "timeout":
        return None
    times = demand.timeouts + 1
    if times > policy.continuations:
        return Verdict(None, f"{fault} ({times} times: continuations)")
    most = resources.longest_s / resources.walltime_s
    factor = demand.walltime
    if fault.ran_s >= LATE * factor * resources.walltime_s:
        factor = min(factor * policy.growth, most)
    return Verdict(replace(demand, walltime=factor, timeouts=times), str(fault))


def _lost(
    fault: TaskFaultError, demand: Demand, _resources: Resources, policy: Faults
) -> Verdict | None:
    """Try again within the limit: worker lost, node failed, preempted, cancelled."""
    losses = demand.losses + 1
    if losses > policy.retries:
        times = f"{losses} attempts" if losses > 1 else "1 attempt"
        return Verdict(None, f"lost after {times}: {fault}")
    return Verdict(replace(demand, losses=losses), str(fault))


Handler = "Callable[[TaskFaultError, Demand, Resources, Faults], Verdict | None]"
HANDLERS = (_stopped, _memory, _timeout, _lost)
"""In the order in which they are asked."""
