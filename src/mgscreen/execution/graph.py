"""The jobs of a campaign in memory: who waits for whom, and who comes next.

Only what scheduling needs is kept here; payloads and results stay in the database.

A job refers to another by its uuid. What it waits for is that the uuid is *settled*: every job of
that uuid is finished (jobflow gives a replacement the same uuid and the next index), and so is
everything that was put in its place or in its way (``replace`` and ``detour``), to any depth.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgscreen.core.memory import no_collection
from mgscreen.execution.states import State, check_transition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mgscreen.database.jobs import Job

BLOCKING = ("replace", "detour")
"""Generated jobs that the children of their maker wait for."""


@dataclass(slots=True, eq=False)
class Node:
    """One job, as far as its place in the DAG goes."""

    job: Job
    state: State
    parents: tuple[str, ...]
    owner: Node | None = None
    """the job that made this one and is not settled before it"""
    waiting: int = 0
    """parents that are not settled"""
    unsettled: int = 1
    """itself, and the jobs that stand in its place or way"""
    priority: float = 0.0
    """estimated seconds from its start to the end of what waits for it"""
    reason: str = ""
    losses: int = 0
    identity: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Return uuid and index."""
        return self.job.uuid, self.job.index


class Dag:
    """All jobs of a campaign."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, int], Node] = {}
        self.counts: dict[State, int] = defaultdict(int)
        self.failed: dict[str, Node] = {}
        """failed jobs, by uuid"""
        self._by_uuid: dict[str, list[Node]] = defaultdict(list)
        self._children: dict[str, list[Node]] = defaultdict(list)
        self._open: dict[str, int] = defaultdict(int)
        self._heap: list[tuple[float, int, int, Node]] = []
        self._tie = 0

    def add(self, jobs: Iterable[Job]) -> list[Node]:
        """Add jobs, finished or not; return them as nodes.

        Jobs that a finished job generated have to be added before ``finish`` is called for it.
        """
        with no_collection():
            return self._add(jobs)

    def _add(self, jobs: Iterable[Job]) -> list[Node]:
        nodes = [
            Node(
                job=job,
                state=State(job.state),
                parents=tuple(p for p in dict.fromkeys(job.parents) if p != job.uuid),
                reason=job.reason,
            )
            for job in jobs
        ]
        for node in nodes:
            self.nodes[node.key] = node
            self._by_uuid[node.job.uuid].append(node)
            self._open[node.job.uuid] += 1
            self.counts[node.state] += 1
        for node in nodes:
            self._adopt(node)
        for node in nodes:
            self._connect(node)
        self._rank(nodes)
        for node in nodes:
            if node.state.final:
                self._close(node)
        for node in nodes:
            self._offer(node)
        return nodes

    def _adopt(self, node: Node) -> None:
        if not node.job.generated_by:
            return
        uuid, index, kind = node.job.generated_by.rsplit(":", 2)
        owner = self.nodes.get((uuid, int(index)))
        if owner is not None and kind in BLOCKING and owner.unsettled > 0:
            node.owner = owner
            owner.unsettled += 1

    def _connect(self, node: Node) -> None:
        for uuid in node.parents:
            self._children[uuid].append(node)
            # a uuid from outside has no jobs here: nothing to wait for
            if self._open.get(uuid, 0) > 0:
                node.waiting += 1

    def _rank(self, nodes: list[Node]) -> None:
        """Set priorities: the longest way in seconds from each job to an end of the DAG."""
        order: list[Node] = []
        mark: set[int] = set()
        own = {id(node) for node in nodes}
        for root in nodes:
            stack: list[tuple[Node, bool]] = [(root, False)]
            while stack:
                node, expanded = stack.pop()
                if expanded:
                    order.append(node)
                    continue
                if id(node) in mark:
                    continue
                mark.add(id(node))
                stack.append((node, True))
                stack.extend(
                    (child, False)
                    for child in self._children.get(node.job.uuid, ())
                    if id(child) in own and id(child) not in mark
                )
        for node in order:
            below = [c.priority for c in self._children.get(node.job.uuid, ())]
            if node.owner is not None:
                below += [c.priority for c in self._children.get(node.owner.job.uuid, ())]
            node.priority = node.job.cost_s + max(below, default=0.0)

    # changes

    def move(self, node: Node, state: State, reason: str = "") -> None:
        """Change the state of a job that is not finished by it."""
        check_transition(node.state, state)
        self.counts[node.state] -= 1
        self.counts[state] += 1
        node.state = state
        node.reason = reason
        if state is State.READY:
            self._push(node)

    def finish(self, node: Node, state: State, reason: str = "") -> None:
        """Move a job to COMPLETED or FAILED; children that waited only for it become READY."""
        self.move(node, state, reason)
        self._close(node)

    def _close(self, node: Node) -> None:
        if node.state is State.FAILED:
            self.failed[node.job.uuid] = node
        current: Node | None = node
        while current is not None:
            current.unsettled -= 1
            if current.unsettled > 0:
                return
            self._settle(current.job.uuid)
            current = current.owner

    def _settle(self, uuid: str) -> None:
        self._open[uuid] -= 1
        if self._open[uuid] > 0:
            return
        for child in self._children.get(uuid, ()):
            child.waiting -= 1
            self._offer(child)

    def _offer(self, node: Node) -> None:
        if node.waiting <= 0 and node.state is State.WAITING:
            self.move(node, State.READY)

    def _push(self, node: Node) -> None:
        self._tie += 1
        heapq.heappush(self._heap, (-node.priority, node.job.position, self._tie, node))

    # questions

    def pop_ready(self) -> Node | None:
        """Return the READY job on the longest way to an end, each once."""
        while self._heap:
            node = heapq.heappop(self._heap)[-1]
            if node.state is State.READY:
                return node
        return None

    def push_back(self, node: Node) -> None:
        """Return a job to the queue that ``pop_ready`` gave."""
        self._push(node)

    @property
    def has_ready(self) -> bool:
        """Whether jobs wait for a worker."""
        return bool(self._heap)

    def failed_parent(self, node: Node) -> Node | None:
        """Return a parent that failed, if there is one."""
        return next((self.failed[uuid] for uuid in node.parents if uuid in self.failed), None)

    def descendants(self, node: Node) -> Iterator[Node]:
        """Yield the jobs that wait for this one, directly or not, and have not finished."""
        seen: set[int] = set()
        todo = [node.job.uuid]
        while todo:
            for child in self._children.get(todo.pop(), ()):
                if id(child) not in seen:
                    seen.add(id(child))
                    todo.append(child.job.uuid)
                    if not child.state.final:
                        yield child

    def unfinished(self) -> list[Node]:
        """Return the jobs that have not finished, in order."""
        return [node for node in self.nodes.values() if not node.state.final]
