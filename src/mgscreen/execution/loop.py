"""The event loop of the driver: examine, submit, wait, record."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MgscreenError
from mgscreen.database.jobs import Job
from mgscreen.database.schema import now
from mgscreen.execution.board import Board, Flight, Options
from mgscreen.execution.codec import decode
from mgscreen.execution.interrupt import Interrupt, interruptible
from mgscreen.execution.pool import LimitExceededError, WorkerPool
from mgscreen.execution.prepare import Identifier, Prepared, prepare
from mgscreen.execution.states import State
from mgscreen.execution.summary import NOT_RUN, STOPPED, Summary, clock
from mgscreen.execution.worker import describe_runtime, run_payload

if TYPE_CHECKING:
    from mgscreen.core.documents import Document
    from mgscreen.database.database import Database
    from mgscreen.execution.graph import Node
    from mgscreen.execution.summary import EventKind

BATCH = 50
"""Jobs that are examined in one go."""
_SPARE = 2
"""Jobs handed to the executor beyond its workers, so that none waits for the driver."""
_KEPT_TEXTS = 200
_WAIT_S = 0.1
_REASON = 400
"""Longest reason that a job's row gets, characters."""
_COLUMNS = {f.name for f in fields(Job)}


class Loop:
    """Drives the jobs of one campaign to their end.

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
        self._queue: list[tuple[float, int, int, Node]] = []
        self._texts: dict[tuple[str, int], str] = {}
        self._doing: dict[str, Node] = {}
        """identities that are queued or run now"""
        self._twins: dict[str, list[Node]] = defaultdict(list)
        self._fresh: set[str] = set()
        """failed calculations of this run: also a retry takes them over"""
        self._stopped_by: str | None = None
        self._stopping: dict[str, str] = {}
        """jobs that told their children not to run: name, by uuid"""
        self._tie = 0

    def run(self) -> Summary:
        """Run until nothing is left to do, or until somebody asks to stop."""
        self._board.load()
        own = self._board.options.executor is None
        executor = self._board.options.executor or self._pool()
        try:
            with interruptible() as interrupt:
                self._board.tell("begin")
                self._run(executor, interrupt)
                if interrupt.requested:
                    self._interrupt(executor, own=own)
        finally:
            if own:
                executor.terminate()  # type: ignore[attr-defined]
            self._release()
        return self._board.finish(executor)

    def _pool(self) -> WorkerPool:
        folder = self._board.options.log_folder
        return WorkerPool(
            self._board.options.workers,
            limits=self._board.options.limits,
            threads=self._board.options.runtime.threads,
            preload=("jobflow", "mgscreen.execution.worker"),
            log_file=None if folder is None else folder / "workers.log",
        )

    def _run(self, executor: Executor, interrupt: Interrupt) -> None:
        while not interrupt.requested:
            self._examine()
            self._submit(executor)
            self._look()
            self._board.flush()
            if not self._board.flights:
                if self._board.dag.has_ready or self._queue:
                    continue
                if not self._break_circle():
                    return
                continue
            more = self._board.dag.has_ready
            done, _ = wait(self._board.flights, 0 if more else _WAIT_S, FIRST_COMPLETED)
            for future in done:
                self._collect(future)
            if clock() > self._board.next_tick:
                self._board.tell("tick")

    # before a job runs

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
        self._tie += 1
        heapq.heappush(self._queue, (-node.priority, node.job.position, self._tie, node))
        if len(self._texts) < _KEPT_TEXTS:
            self._texts[node.key] = prepared.text(self._board.options.modules, self._runtime)

    def _submit(self, executor: Executor) -> None:
        capacity = self._board.options.workers + _SPARE
        while self._queue and len(self._board.flights) < capacity:
            node = heapq.heappop(self._queue)[-1]
            text = self._texts.pop(node.key, None)
            if text is None:
                prepared = prepare(self._board.database, [node])[node.key]
                text = prepared.text(self._board.options.modules, self._runtime)
            future = executor.submit(run_payload, text)
            self._board.flights[future] = Flight(node, clock())
            self._board.dag.move(node, State.SUBMITTED)
            attempts = node.job.attempts + 1 + node.losses
            self._board.note(node, submitted_at=now(), attempts=attempts)

    def _look(self) -> None:
        """See which of the submitted jobs run by now."""
        for future, flight in self._board.flights.items():
            if flight.node.state is State.SUBMITTED and (future.running() or future.done()):
                self._board.dag.move(flight.node, State.RUNNING)
                flight.since = clock()
                flight.values["started_at"] = now()
                self._board.note(flight.node, **flight.values)
                self._board.tell("started", flight.node)

    # after a job ran

    def _collect(self, future: Future[Any]) -> None:
        self._look()
        flight = self._board.flights.pop(future)
        node = flight.node
        if node.identity is not None:
            self._doing.pop(node.identity, None)
        try:
            reply = json.loads(future.result())
        except LimitExceededError as error:
            self._fail(flight, str(error), peak_memory_mb=error.peak_mb)
        except Exception as error:  # noqa: BLE001 - of the executor, not of the job
            self._lose(flight, str(error) or type(error).__name__)
        else:
            problem = reply.get("error")
            self._board.summary.cpu_s += reply["cpu_s"]
            if problem is None:
                self._succeed(flight, reply)
            elif problem["retryable"]:
                self._lose(flight, problem["message"])
            else:
                self._board.log(node, problem["traceback"])
                self._fail(flight, _short(problem), **_usage(reply))
        if node.identity is not None and not node.state.final:
            return
        for twin in self._twins.pop(node.identity or "", []):
            self._board.dag.push_back(twin)

    def _succeed(self, flight: Flight, reply: dict[str, Any]) -> None:
        node = flight.node
        document: Document | None = None
        output = reply["output"]
        for key in ("stop_children", "stop_jobflow"):
            if reply[key]:
                # for a later run, and for whoever asks why the rest did not run
                output[key] = True
        if reply["stop_children"]:
            self._stopping[node.job.uuid] = node.job.name
        if reply["stored_data"] is not None:
            output["stored_data"] = reply["stored_data"]
        state, reason = State.COMPLETED, ""
        if node.identity is not None:
            document = decode(output["output"], self._board.options.modules)
            if document is not None and document.state == "failed":
                state, reason = State.FAILED, document.reason
                self._fresh.add(node.identity)
        rows = self._rows(node, reply["new"])
        if reply["stop_jobflow"]:
            self._stop_all(node)
        self._board.database.record(
            node.job,
            document,
            output,
            state,
            reason,
            new_jobs=rows,
            finished_at=now(),
            **flight.values,
            **_usage(reply),
        )
        self._board.dirty.pop(node.key, None)
        self._board.summary.computed += 1
        for added in self._board.dag.add(_light(row, self._board.campaign_id) for row in rows):
            self._board.estimator.add(added.job)
            self._board.note(added)
        self._board.close(node, state, reason, reply["wall_s"])
        kind: EventKind = "finished" if state is State.COMPLETED else "failed"
        self._board.tell(kind, node, reason=reason, wall_s=reply["wall_s"])

    def _rows(self, node: Node, new: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of generated jobs, in the order in which jobflow runs them."""
        rows = []
        for group in new:
            maker = f"{node.job.uuid}:{node.job.index}:{group['kind']}"
            for row in group["jobs"]:
                position = self._board.next_position
                self._board.next_position += 1
                rows.append({**row, "generated_by": maker, "position": position})
        return rows

    def _stop_all(self, node: Node) -> None:
        """Let nothing start any more: a job ended the whole flow."""
        self._stopped_by = node.job.name
        flying = {id(flight.node) for flight in self._board.flights.values()} | {id(node)}
        rest = [n for n in self._board.dag.unfinished() if id(n) not in flying]
        self._queue.clear()
        self._texts.clear()
        self._twins.clear()
        self._board.fail_unrun(
            [(n, f"{STOPPED}{node.job.name}") for n in rest if not n.state.final]
        )

    def _fail(self, flight: Flight, reason: str, **values: Any) -> None:
        node = flight.node
        self._board.database.record(
            node.job,
            None,
            None,
            State.FAILED,
            reason,
            finished_at=now(),
            **flight.values,
            **{k: v for k, v in values.items() if v is not None},
        )
        self._board.dirty.pop(node.key, None)
        self._board.summary.computed += 1
        self._board.close(node, State.FAILED, reason)
        self._board.tell("failed", node, reason=reason)

    def _lose(self, flight: Flight, reason: str) -> None:
        """Try a job again whose worker was lost, within the limit."""
        node = flight.node
        self._board.summary.lost += 1
        node.losses += 1
        self._board.dag.move(node, State.LOST, reason)
        self._board.database.set_job_state(node.job.uuid, node.job.index, State.LOST, reason)
        self._board.tell("lost", node, reason=reason)
        if node.losses > self._board.options.limits.retries:
            tries = f"{node.losses} attempts" if node.losses > 1 else "1 attempt"
            self._fail(flight, f"lost after {tries}: {reason}")
            return
        self._board.dag.move(node, State.READY)
        self._board.note(node)

    def _break_circle(self) -> bool:
        """Fail what can never run, since it waits for itself; return whether there was any."""
        rest = self._board.dag.unfinished()
        if not rest:
            return False
        self._doing.clear()
        self._twins.clear()
        for node in rest:
            if node.state is State.READY:
                # it waited for its twin, which is gone
                self._board.dag.push_back(node)
        stuck = [n for n in rest if n.state is State.WAITING]
        if len(stuck) == len(rest):
            self._board.fail_unrun([(stuck[0], f"{NOT_RUN}it waits for a job that waits for it")])
        return True

    # bookkeeping

    def _interrupt(self, executor: Executor, *, own: bool) -> None:
        """Stop the workers; what had finished is kept, the rest goes back to READY."""
        self._board.summary.interrupted = True
        if own:
            executor.terminate()  # type: ignore[attr-defined]
        else:
            executor.shutdown(wait=False, cancel_futures=True)
        for future in list(self._board.flights):
            if future.done() and not future.cancelled() and future.exception() is None:
                self._collect(future)
        self._board.tell("interrupted")

    def _release(self) -> None:
        """Put what did not finish back to READY, also when the driver itself failed."""
        for flight in self._board.flights.values():
            if not flight.node.state.final:
                self._board.dag.move(flight.node, State.READY)
                self._board.note(flight.node, started_at=None, submitted_at=None)
        self._board.flights.clear()
        with suppress(MgscreenError):
            # where the database itself failed, its error is on its way already
            self._board.flush()


def _light(row: dict[str, Any], campaign_id: int) -> Job:
    values = {k: v for k, v in row.items() if k in _COLUMNS}
    return Job(**{**values, "campaign_id": campaign_id})


def _usage(reply: dict[str, Any]) -> dict[str, Any]:
    return {"wall_s": reply["wall_s"], "peak_memory_mb": reply["peak_memory_mb"]}


def _short(problem: dict[str, Any]) -> str:
    message = " ".join(problem["message"].split())
    text = f"{problem['type']}: {message}" if message else problem["type"]
    return text if len(text) <= _REASON else f"{text[: _REASON - 1]}…"
