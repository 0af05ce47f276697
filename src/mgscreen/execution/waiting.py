"""Jobs that could run at once, in the order in which they should, by class of tasks."""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mgscreen.execution.graph import Node


class Waiting:
    """Queues of ready jobs, one for each class: a full class does not hold up another."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[tuple[float, int, int, Node]]] = defaultdict(list)
        self._tie = 0

    def __len__(self) -> int:
        return sum(len(heap) for heap in self._heaps.values())

    def __iter__(self) -> Iterator[Node]:
        return (entry[-1] for heap in self._heaps.values() for entry in heap)

    def push(self, name: str, node: Node) -> None:
        """Add a job."""
        self._tie += 1
        heapq.heappush(self._heaps[name], (-node.priority, node.job.position, self._tie, node))

    def pop(self, room: Callable[[str], bool]) -> tuple[str, Node] | None:
        """Return the most urgent job of a class that has room, with its class."""
        best = min(
            (name for name, heap in self._heaps.items() if heap and room(name)),
            key=lambda name: self._heaps[name][0][:3],
            default=None,
        )
        return None if best is None else (best, heapq.heappop(self._heaps[best])[-1])

    def remove(self, wanted: Callable[[Node], bool]) -> list[Node]:
        """Take out and return the jobs for which ``wanted`` is true."""
        found: list[Node] = []
        for name, heap in self._heaps.items():
            found += [entry[-1] for entry in heap if wanted(entry[-1])]
            self._heaps[name] = [entry for entry in heap if not wanted(entry[-1])]
            heapq.heapify(self._heaps[name])
        return found

    def clear(self) -> None:
        """Take out everything."""
        self._heaps.clear()
