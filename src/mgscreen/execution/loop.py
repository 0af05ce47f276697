"""The event loop of the driver: examine, submit, wait, record."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MgscreenError
from mgscreen.database.schema import now
from mgscreen.execution.board import Flight, Options
from mgscreen.execution.cluster.faults import TaskFaultError
from mgscreen.execution.codec import decode
from mgscreen.execution.control import Control
from mgscreen.execution.dispatch import dispatch_for
from mgscreen.execution.intake import Intake
from mgscreen.execution.interrupt import Interrupt, interruptible
from mgscreen.execution.pool import LimitExceededError, WorkerPool
from mgscreen.execution.prepare import prepare
from mgscreen.execution.replies import light, short, usage
from mgscreen.execution.states import State
from mgscreen.execution.summary import NOT_RUN, STOPPED, Summary, clock

if TYPE_CHECKING:
    from mgscreen.core.documents import Document
    from mgscreen.database.database import Database
    from mgscreen.execution.graph import Node
    from mgscreen.execution.summary import EventKind

_WAIT_S = 0.1
CANCELLED = "cancelled on request"


class Loop(Intake):
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
        super().__init__(database, campaign_id, options)
        self._flying: Counter[str] = Counter()
        """submitted jobs, by class of tasks"""
        self._control = Control(options.control)

    def run(self) -> Summary:
        """Run until nothing is left to do, or until somebody asks to stop."""
        self._board.load()
        given = self._board.options.executor
        own = given is None
        executor = self._pool() if given is None else given
        if not isinstance(executor, Executor):
            executor = executor()
        self._dispatch = dispatch_for(executor, self._board.options.workers)
        try:
            with interruptible() as interrupt:
                self._board.tell("begin")
                self._run(interrupt)
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

    def _run(self, interrupt: Interrupt) -> None:
        while not interrupt.requested:
            self._obey(interrupt)
            self._examine()
            self._submit()
            self._dispatch.tend()
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

    def _submit(self) -> None:
        while True:
            found = self._queue.pop(lambda name: self._dispatch.room(name, self._flying[name]))
            if found is None:
                return
            name, node = found
            text = self._texts.pop(node.key, None)
            if text is None:
                prepared = prepare(self._board.database, [node])[node.key]
                text = prepared.text(self._board.options.modules, self._runtime)
            future = self._dispatch.submit(node, text)
            self._board.flights[future] = Flight(node, clock(), name)
            self._flying[name] += 1
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
        self._flying[flight.name] -= 1
        node = flight.node
        if node.identity is not None:
            self._doing.pop(node.identity, None)
        self._take(flight, future)
        if node.state.final:
            self._dispatch.recorded(node)
        elif node.identity is not None:
            return
        for twin in self._twins.pop(node.identity or "", []):
            self._board.dag.push_back(twin)

    def _take(self, flight: Flight, future: Future[Any]) -> None:
        """Record what came of a job, or try it again."""
        try:
            reply = json.loads(future.result())
        except LimitExceededError as error:
            self._fail(flight, str(error), peak_memory_mb=error.peak_mb)
        except CancelledError:
            self._fail(flight, CANCELLED)
        except TaskFaultError as error:
            self._face(flight, error)
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
                self._board.log(flight.node, problem["traceback"])
                self._fail(flight, short(problem), **usage(reply))

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
            **usage(reply),
        )
        self._board.dirty.pop(node.key, None)
        self._board.summary.computed += 1
        for added in self._board.dag.add(light(row, self._board.campaign_id) for row in rows):
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

    def _face(self, flight: Flight, fault: TaskFaultError) -> None:
        """Do about a fault of the cluster what its handlers say."""
        node = flight.node
        final = self._dispatch.again(node, fault)
        if final is not None:
            self._fail(flight, final, peak_memory_mb=fault.peak_mb)
            return
        self._set_lost(node, str(fault))
        self._board.dag.move(node, State.READY)
        self._board.note(node)

    def _lose(self, flight: Flight, reason: str) -> None:
        """Try a job again whose worker was lost, within the limit."""
        node = flight.node
        self._set_lost(node, reason)
        if node.losses > self._board.options.limits.retries:
            tries = f"{node.losses} attempts" if node.losses > 1 else "1 attempt"
            self._fail(flight, f"lost after {tries}: {reason}")
            return
        self._board.dag.move(node, State.READY)
        self._board.note(node)

    def _set_lost(self, node: Node, reason: str) -> None:
        self._board.summary.lost += 1
        node.losses += 1
        self._board.dag.move(node, State.LOST, reason)
        self._board.database.set_job_state(node.job.uuid, node.job.index, State.LOST, reason)
        self._board.tell("lost", node, reason=reason)

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

    # requests

    def _obey(self, interrupt: Interrupt) -> None:
        """Do what somebody asked for: stop, or end single jobs."""
        stop, uuids = self._control.asked()
        interrupt.requested = interrupt.requested or stop
        for uuid in uuids:
            for future, flight in list(self._board.flights.items()):
                if flight.node.job.uuid == uuid:
                    self._dispatch.stop(flight.node, future)
            waiting = self._queue.remove(lambda node, uuid=uuid: node.job.uuid == uuid)  # type: ignore[misc]
            flying = {id(flight.node) for flight in self._board.flights.values()}
            rest = {id(n): n for n in waiting}
            rest |= {
                id(n): n
                for n in self._board.dag.unfinished()
                if n.job.uuid == uuid and id(n) not in flying
            }
            for node in rest.values():
                self._doing.pop(node.identity or "", None)
                self._texts.pop(node.key, None)
            self._board.fail_unrun([(node, CANCELLED) for node in rest.values()])
            for node in rest.values():
                for twin in self._twins.pop(node.identity or "", []):
                    self._board.dag.push_back(twin)

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
