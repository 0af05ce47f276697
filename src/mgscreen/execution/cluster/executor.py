"""The queue as a ``concurrent.futures.Executor``: lanes of Parsl, faults with their reasons."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError
from mgscreen.execution.cluster.classes import class_of
from mgscreen.execution.cluster.faults import TaskFaultError, decide, fault_of
from mgscreen.execution.cluster.flying import Flying, Known
from mgscreen.execution.cluster.lane import Lane, Setting
from mgscreen.execution.cluster.ledger import Ledger, reap
from mgscreen.execution.cluster.providers import require_parsl
from mgscreen.execution.cluster.queues import queue_for
from mgscreen.execution.cluster.sizes import sized
from mgscreen.execution.cluster.spool import Spool, task_key
from mgscreen.execution.cluster.worker import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mgscreen.database.jobs import Job
    from mgscreen.execution.cluster.faults import Verdict
    from mgscreen.execution.cluster.profile import Profile, Resources, TaskClass
    from mgscreen.execution.cluster.queues import QueueJob

log = logging.getLogger(__name__)

_SPARE = 2
"""Tasks handed to a lane beyond its slots, so that no worker waits for the driver."""
_LOOK_S = 0.5
"""How often the spool is looked at."""
_GRACE_S = 3.0
"""A reply may be on its way for so long after its block has ended."""
_ENGINE_SHARE = 0.7
"""Part of a task's memory that an engine plans with."""


class ClusterExecutor(Executor):
    """Runs tasks on a queue.

    Only one driver of a campaign may have one: at its start everything that earlier drivers left
    behind (interchanges, blocks) is ended. Results that were finished meanwhile are in the spool
    and are taken from there.

    Parameters
    ----------
    profile
        What to ask the queue for.
    folder
        For scripts, logs, the ledger and the spool; the nodes must see it.
    token
        Mark of the campaign; see ``token_of``.
    tell
        Called with a sentence where something is worth telling.

    Raises
    ------
    MissingEngineError
        If Parsl is not installed.
    InfrastructureError
        If what an earlier driver left behind cannot be ended.
    """

    peak_memory_mb = 0.0

    def __init__(
        self,
        profile: Profile,
        folder: Path,
        token: str,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        require_parsl()
        self.profile = profile
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ledger = Ledger(self._folder / "ledger.jsonl")
        self.reaped = reap(self._ledger, token, profile.scheduler, tell)
        self._ledger.process("driver", os.getpid())
        self._spool = Spool(self._folder / "spool")
        self._setting = Setting(
            profile=profile,
            token=token,
            folder=self._folder / "parsl" / time.strftime(f"%Y%m%d-%H%M%S-{os.getpid()}"),
            ledger=self._ledger,
            queue=queue_for(profile.scheduler),
        )
        self._lanes: dict[str, Lane] = {}
        self._flying: dict[str, Flying] = {}
        self._known: dict[tuple[str, int], Known] = {}
        self._lock = threading.Lock()
        self._replied: set[str] = set()
        self._next_look = 0.0
        self._next_queue = 0.0
        self.later = ""
        """why the queue takes no more jobs just now; empty if it does"""

    # what the loop uses

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Refuse: a task has to say which job it is; see ``submit_job``."""
        raise NotImplementedError("give the job to submit_job")

    def class_name(self, job: Job, payload: Mapping[str, Any] | None) -> TaskClass:
        """Return the class of a job; see ``classes.class_of``."""
        known = self._known.setdefault((job.uuid, job.index), Known())
        if known.task_class is None:
            known.task_class = class_of(job, payload, self.profile.classes.keys())
        return known.task_class

    def room(self, name: TaskClass, flying: int) -> bool:
        """Return whether a class takes another task besides those that it has."""
        return flying < self.profile.classes[name].slots + _SPARE

    def submit_job(self, job: Job, attempt: int, text: str) -> Future[str]:
        """Run a job; its future gives the reply of ``run_payload`` or raises ``TaskFaultError``.

        A reply that an earlier driver could not take is returned without running anything.
        """
        future: Future[str] = Future()
        key = task_key(job.uuid, job.index, text)
        self._known.setdefault((job.uuid, job.index), Known())
        done = self._spool.find_reply(key)
        if done is not None:
            future.set_running_or_notify_cancel()
            future.set_result(done)
            return future
        self._spool.forget(key)
        try:
            lane = self._lane(job)
            task = self._task(job, key, text, attempt, lane.resources)
            inner = lane.submit(task.dumps())
        except TaskFaultError as error:
            future.set_exception(error)
            return future
        flying = Flying(future, inner, lane, task, job)
        with self._lock:
            self._flying[key] = flying
        inner.add_done_callback(lambda _: self._finished(key, flying))
        return future

    def decide(self, job: Job, fault: TaskFaultError) -> Verdict:
        """Return what is done about a fault, and remember it for the next attempt."""
        known = self._known.setdefault((job.uuid, job.index), Known())
        resources = self.profile.classes[self.class_name(job, None)]
        verdict = decide(fault, known.demand, resources, self.profile.faults)
        if verdict.demand is not None:
            known.demand = verdict.demand
        return verdict

    def recorded(self, job: Job, text: str | None = None) -> None:
        """Forget a job that the database has now."""
        self._known.pop((job.uuid, job.index), None)
        if text is not None:
            self._spool.forget(task_key(job.uuid, job.index, text))
            return
        for path in self._spool.folder.glob(f"{job.uuid}-{job.index}-*"):
            path.unlink(missing_ok=True)

    def stop_job(self, job: Job) -> None:
        """Ask for the end of a job that runs."""
        with self._lock:
            keys = [k for k, f in self._flying.items() if f.job.uuid == job.uuid]
        for key in keys:
            self._spool.stop(key)

    def tend(self) -> None:
        """Look after the tasks: who has begun, whose block has ended, which interchange is gone."""
        now = time.monotonic()
        for lane in list(self._lanes.values()):
            if lane.lost:
                self._restart(lane)
            elif lane.broken is not None:
                self._fail_lane(lane, lane.broken)
        if now >= self._next_look:
            self._next_look = now + _LOOK_S
            self._see_begun()
        if now >= self._next_queue:
            self._next_queue = now + min(self.profile.heartbeat.poll_s, 5.0)
            self._see_undelivered()
            self._see_ended()
        self.later = next((x.blocks.later for x in self._lanes.values() if x.blocks.later), "")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up all blocks and interchanges; what has not finished raises ``TaskFaultError``."""
        del cancel_futures
        with self._lock:
            flying, self._flying = dict(self._flying), {}
        for lane in self._lanes.values():
            lane.close(wait=wait)
        for key, one in flying.items():
            self._settle(
                one, self._spool.find_reply(key) or TaskFaultError("lost", "driver stopped")
            )
        self._lanes.clear()
        self._ledger.clear()

    def probe(self, name: TaskClass) -> tuple[Lane, Future[Any]]:
        """Send a task of a class that only says where it ran and whether all is there."""
        lane = self._lanes[name] = Lane(name, self.profile.classes[name], self._setting)
        return lane, lane.submit(b"", "mgscreen.execution.cluster.worker.say")

    def terminate(self) -> None:
        """End everything now."""
        self.shutdown(wait=True)

    def clear(self) -> None:
        """Remove the spool, once the campaign is finished."""
        self._spool.clear()

    # lanes

    def _lane(self, job: Job) -> Lane:
        known = self._known[job.uuid, job.index]
        if known.task_class is None:
            msg = f"the class of {job.name} was not asked for"
            raise InputError(msg)
        name, resources = sized(known.task_class, self.profile.classes, known.demand)
        if name not in self._lanes:
            self._lanes[name] = Lane(name, resources, self._setting)
        return self._lanes[name]

    def _task(self, job: Job, key: str, text: str, attempt: int, resources: Resources) -> Task:
        memory = resources.memory_per_task_gb * 1024
        runtime: dict[str, Any] = {
            "threads": resources.cores_per_task,
            "memory_mb": int(_ENGINE_SHARE * memory),
        }
        if self.profile.scratch is not None:
            runtime["scratch"] = os.path.join(  # noqa: PTH118 - with variables filled in
                os.path.expandvars(self.profile.scratch), self._setting.token
            )
        del job
        return Task(
            key=key,
            text=text,
            spool=str(self._spool.folder),
            attempt=attempt,
            memory_mb=memory,
            threads=resources.cores_per_task,
            runtime=runtime,
            launch=resources.launch or "",
        )

    def _restart(self, lane: Lane) -> None:
        """Replace a lost interchange; its tasks are lost unless their replies have come."""
        log.warning("the interchange of %s is gone: its blocks are ended", lane.name)
        lane.restart()
        self._fail_lane(lane, TaskFaultError("lost", "Parsl's interchange was gone"))

    def _fail_lane(self, lane: Lane, error: TaskFaultError) -> None:
        with self._lock:
            keys = [key for key, one in self._flying.items() if one.lane is lane]
        for key in keys:
            self._give_up(key, error)

    # tasks

    def _see_begun(self) -> None:
        with self._lock:
            waiting = [k for k, one in self._flying.items() if one.started is None]
        if not waiting:
            return
        begun = self._spool.begun_keys()
        for key in waiting:
            if key in begun:
                one = self._flying.get(key)
                if one is not None and one.started is None:
                    one.begun = self._spool.begun(key)
                    one.started = time.monotonic()
                    with suppress(RuntimeError):
                        one.future.set_running_or_notify_cancel()

    def _see_undelivered(self) -> None:
        """Take replies that were there at the last look already and have not come through Parsl."""
        there = self._spool.reply_keys()
        with self._lock:
            late = [key for key in self._flying if key in there and key in self._replied]
        self._replied = there
        for key in late:
            self._give_up(key, TaskFaultError("lost", "its reply cannot be read"))

    def _see_ended(self) -> None:
        """Find tasks whose block has ended, rather than wait for missing signs of life."""
        with self._lock:
            flying = [(k, one) for k, one in self._flying.items() if one.begun is not None]
        groups: dict[int, tuple[Lane, set[str]]] = {}
        for _, one in flying:
            job = self._job(one)
            if job:
                groups.setdefault(id(one.lane), (one.lane, set()))[1].add(job)
        states: dict[tuple[int, str], QueueJob] = {}
        for lane, ids in groups.values():
            for job, found in lane.refresh(sorted(ids)).items():
                states[id(lane), job] = found
        now = time.monotonic()
        for key, one in flying:
            state = states.get((id(one.lane), self._job(one)))
            if state is None or state.active:
                one.ended_at = None
            elif one.ended_at is None:
                one.ended_at = now
            elif now - one.ended_at > _GRACE_S:
                self._give_up(key, fault_of(state, self._place(one), self._ran(one)))

    @staticmethod
    def _job(one: Flying) -> str:
        """Return the job of the queue that a task runs in."""
        if one.begun is None:
            return ""
        return one.begun.job or one.lane.job_of(one.begun.block)

    @staticmethod
    def _ran(one: Flying) -> float:
        return 0.0 if one.started is None else time.monotonic() - one.started

    def _place(self, one: Flying) -> str:
        if one.begun is None:
            return "it had not begun"
        job = self._job(one)
        return f"on {one.begun.host}" + (f", job {job}" if job else "")

    def _finished(self, key: str, one: Flying) -> None:
        """Take what Parsl gives for a task; called from Parsl's thread.

        The task may have been given up before, and may even run again under the same key.
        """
        with self._lock:
            if self._flying.get(key) is not one:
                return
            del self._flying[key]
        error = one.inner.exception()
        if error is None:
            self._settle(one, self._read(one, str(one.inner.result())))
            return
        done = self._spool.find_reply(key)
        if done is not None:
            self._settle(one, done)
            return
        one.begun = one.begun or self._spool.begun(key)
        words = f"{error} ({self._place(one)})"
        fault = TaskFaultError("lost", words, ran_s=self._ran(one))
        job = self._job(one)
        if job:
            state = one.lane.refresh([job])[job]
            if not state.active and state.state != "COMPLETED":
                fault = fault_of(state, self._place(one), self._ran(one))
        self._settle(one, fault)

    def _give_up(self, key: str, error: TaskFaultError) -> None:
        with self._lock:
            one = self._flying.pop(key, None)
        if one is not None:
            self._settle(one, self._spool.find_reply(key) or error)

    def _read(self, one: Flying, text: str) -> str | TaskFaultError:
        content = json.loads(text)
        if "fault" not in content:
            return text
        return TaskFaultError(
            content["fault"],
            f"{content['message']} ({self._place(one)})",
            ran_s=self._ran(one),
            peak_mb=content.get("peak_memory_mb"),
        )

    @staticmethod
    def _settle(one: Flying, result: str | TaskFaultError) -> None:
        if one.future.done():
            return
        if not one.future.running() and not one.future.set_running_or_notify_cancel():
            return
        if isinstance(result, str):
            one.future.set_result(result)
        else:
            one.future.set_exception(result)
