"""Before a job runs: find out what it needs, a worker or only the database."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError
from mgscreen.execution.board import Board, Options
from mgscreen.execution.prepare import Identifier, Prepared, prepare
from mgscreen.execution.states import State
from mgscreen.execution.summary import NOT_RUN, STOPPED
from mgscreen.execution.waiting import Waiting
from mgscreen.execution.worker import describe_runtime

if TYPE_CHECKING:
    from mgscreen.database.database import Database
    from mgscreen.execution.dispatch import Dispatch
    from mgscreen.execution.graph import Node

BATCH = 50
"""Jobs that are examined in one go."""
_KEPT_TEXTS = 200


class Intake:
    """Takes ready jobs from the board and puts those that need a worker into a queue.

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
        self._board = Board(database, campaign_id, options)
        self._runtime = describe_runtime(options.runtime)
        self._identifier = Identifier(options.modules)
        self._queue = Waiting()
        self._texts: dict[tuple[str, int], str] = {}
        self._doing: dict[str, Node] = {}
        """identities that are queued or run now"""
        self._twins: dict[str, list[Node]] = defaultdict(list)
        self._fresh: set[str] = set()
        """failed calculations of this run: also a retry takes them over"""
        self._stopped_by: str | None = None
        self._stopping: dict[str, str] = {}
        """jobs that told their children not to run: name, by uuid"""
        self._dispatch: Dispatch

    def _examine(self) -> None:
        """Find out what the next READY jobs need: a worker, or only the database."""
        nodes: list[Node] = []
        while len(nodes) < BATCH:
            node = self._board.dag.pop_ready()
            if node is None:
                break
            nodes.append(node)
        if not nodes:
            return
        ready = prepare(self._board.database, nodes)
        nodes = self._without_failed(nodes, ready)
        known = self._known(nodes, ready)
        for node in nodes:
            name = node.identity
            self._board.note(node)
            if name is not None and name in known:
                self._take_over(node, ready[node.key], known[name])
            elif name is not None and self._doing.get(name, node) is not node:
                self._twins[name].append(node)
            else:
                if name is not None:
                    self._doing[name] = node
                self._enqueue(node, ready[node.key])

    def _without_failed(
        self, nodes: list[Node], ready: dict[tuple[str, int], Prepared]
    ) -> list[Node]:
        rest, failed = [], []
        for node in nodes:
            reason = self._obstacle(node, ready[node.key])
            if reason:
                failed.append((node, reason))
            else:
                rest.append(node)
        self._board.fail_unrun(failed)
        return rest

    def _obstacle(self, node: Node, prepared: Prepared) -> str:
        """Return why a job may not run, or an empty text."""
        stop = (
            self._stopped_by
            or prepared.stopped_by
            or next((self._stopping[u] for u in node.parents if u in self._stopping), None)
        )
        if stop is not None:
            return f"{STOPPED}{stop}"
        parent = self._board.dag.failed_parent(node)
        stopped = parent is not None and parent.reason.startswith(STOPPED)
        if parent is None or (prepared.accepts_failed and not stopped):
            return ""
        if parent.reason.startswith(NOT_RUN):
            # the cause, not the chain
            return parent.reason
        return f"{NOT_RUN}{parent.job.name} failed ({parent.reason})"

    def _known(
        self, nodes: list[Node], ready: dict[tuple[str, int], Prepared]
    ) -> dict[str, dict[str, Any]]:
        """Compute identities and return the finished calculations among them."""
        for node in nodes:
            node.identity = self._identifier.identity(ready[node.key])
        names = {node.identity for node in nodes if node.identity is not None}
        found = self._board.database.find_calculations(names) if names else {}
        return {
            name: row
            for name, row in found.items()
            if row["state"] == "completed" or not self._board.options.retry or name in self._fresh
        }

    def _take_over(self, node: Node, prepared: Prepared, row: dict[str, Any]) -> None:
        output = self._identifier.output(prepared.job, row["document"])
        self._board.database.take_over(node.job, row["hash"], output)
        self._board.dirty.pop(node.key, None)
        self._board.summary.cached += 1
        state = State.COMPLETED if row["state"] == "completed" else State.FAILED
        self._board.close(node, state, row["reason"])
        self._board.tell("cached", node, reason=row["reason"])

    def _enqueue(self, node: Node, prepared: Prepared) -> None:
        try:
            name = self._dispatch.class_name(node.job, prepared.job)
        except InputError as error:
            self._doing.pop(node.identity or "", None)
            self._board.fail_unrun([(node, f"{NOT_RUN}{error}")])
            return
        self._queue.push(name, node)
        if len(self._texts) < _KEPT_TEXTS:
            self._texts[node.key] = prepared.text(self._board.options.modules, self._runtime)
