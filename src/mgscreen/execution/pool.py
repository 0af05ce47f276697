"""A pool of worker processes as a ``concurrent.futures.Executor``.

Each worker has pipes of its own and runs one task at a time, so that killing one at any moment
costs exactly the task that it ran: there is no lock and no queue that a dying worker could leave
broken behind, as the pools of the standard library and of pebble have. Tasks and results are
JSON. Workers are plain subprocesses (no fork of a process with threads, no import of the caller's
``__main__``), started when there is work for them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InfrastructureError, MgscreenError
from mgscreen.execution.child import BEGUN, READY, RESULT
from mgscreen.execution.limits import Limits, resident_mb
from mgscreen.execution.process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""How often limits are checked."""
_TREE_EVERY = 10
"""Child processes of workers are looked for every so many checks."""
_START_ATTEMPTS = 3


class WorkerLostError(InfrastructureError):
    """A worker ended while it ran a task."""


class LimitExceededError(MgscreenError):
    """A task used more than it may; ``peak_mb`` is what it used."""

    def __init__(self, message: str, peak_mb: float | None = None) -> None:
        super().__init__(message)
        self.peak_mb = peak_mb


class RemoteError(MgscreenError):
    """A task raised an exception."""

    def __init__(self, kind: str, message: str, text: str) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.traceback = text


@dataclass
class _Task:
    future: Future[Any]
    message: bytes
    begun: bool = False
    bounces: int = 0
    """workers that died before they began it"""


@dataclass(eq=False)
class _Worker:
    process: WorkerProcess
    ready: bool = False
    task: _Task | None = None
    started: float = 0.0
    peak_mb: float = 0.0
    now_mb: float = 0.0
    verdict: MgscreenError | None = None


class WorkerPool(Executor):
    """Runs functions in worker processes.

    ``submit`` takes functions that can be imported by name, with arguments that JSON can carry.

    Parameters
    ----------
    workers
        Most processes at once.
    limits
        Memory and time of one task; a task over a limit is killed with its worker, and its future
        raises ``LimitExceededError``.
    threads
        Threads of OpenMP and BLAS in each worker.
    preload
        Modules that a worker imports before its first task.
    log_file
        Receives what workers print; None: discarded.
    """

    def __init__(
        self,
        workers: int,
        *,
        limits: Limits | None = None,
        threads: int = 1,
        preload: Iterable[str] = (),
        log_file: Path | None = None,
    ) -> None:
        if workers < 1:
            msg = f"a pool needs at least one worker, got {workers}"
            raise ValueError(msg)
        self.peak_memory_mb = 0.0
        """Most resident memory of driver and workers together so far, MB."""
        self._limits = limits or Limits()
        self._threads = threads
        self._preload = tuple(preload)
        self._log_file = log_file
        self._size = workers
        self._queue: deque[_Task] = deque()
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._closing = False
        self._killing = False
        self._failed_starts = 0
        self._ticks = 0
        self._next_check = 0.0
        self._folder = Path(tempfile.mkdtemp(prefix="mgscreen-workers-"))
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        os.set_blocking(self._wake_reader, False)
        self._thread = threading.Thread(target=self._manage, name="worker-pool", daemon=True)
        self._thread.start()

    # what callers use

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a call.

        Raises
        ------
        RuntimeError
            After ``shutdown``.
        """
        call = {"module": fn.__module__, "name": fn.__qualname__, "args": args, "kwargs": kwargs}
        task = _Task(Future(), json.dumps(call).encode())
        with self._lock:
            if self._closing:
                msg = "the pool was shut down"
                raise RuntimeError(msg)
            self._queue.append(task)
        self._wake()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks; end the workers when the accepted ones are done."""
        with self._lock:
            self._closing = True
            if cancel_futures:
                while self._queue:
                    self._queue.popleft().future.cancel()
        self._wake()
        if wait:
            self._thread.join()

    def terminate(self) -> None:
        """End all workers now; tasks that had not finished raise ``WorkerLostError``."""
        self._killing = True
        self.shutdown(wait=True, cancel_futures=True)

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.process.pid for worker in list(self._workers)]

    def peak_of(self, future: Future[Any]) -> float | None:
        """Return the peak memory of a running task so far, MB."""
        for worker in list(self._workers):
            if worker.task is not None and worker.task.future is future:
                return worker.peak_mb
        return None

    def stop(self, future: Future[Any]) -> None:
        """Kill the worker that runs a task; its future raises ``LimitExceededError``."""
        for worker in list(self._workers):
            if worker.task is not None and worker.task.future is future:
                worker.verdict = LimitExceededError("cancelled on request", worker.peak_mb)
                worker.process.kill()

    # the manager's thread

    def _wake(self) -> None:
        # a full pipe wakes as well
        with suppress(OSError):
            os.write(self._wake_writer, b"x")

    def _manage(self) -> None:
        try:
            while not self._finished():
                self._assign()
                self._wait()
                self._check()
        except Exception:
            log.exception("the worker pool failed")
        finally:
            with self._lock:
                self._closing = True
            for worker in list(self._workers):
                self._discard(worker, kill=worker.task is not None or self._killing)
            self._fail_waiting(WorkerLostError("the worker pool was stopped"))
            os.close(self._wake_reader)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _finished(self) -> bool:
        if self._killing:
            return True
        with self._lock:
            waiting = bool(self._queue)
        return self._closing and not waiting and not any(w.task for w in self._workers)

    def _assign(self) -> None:
        idle = [w for w in self._workers if w.ready and w.task is None and w.verdict is None]
        with self._lock:
            waiting = len(self._queue)
        starting = sum(not w.ready for w in self._workers)
        for _ in range(min(waiting - len(idle) - starting, self._size - len(self._workers))):
            self._start()
        for worker in idle:
            task = self._next()
            if task is None:
                return
            self._send(worker, task)

    def _next(self) -> _Task | None:
        with self._lock:
            while self._queue:
                task = self._queue.popleft()
                if task.future.running() or task.future.set_running_or_notify_cancel():
                    return task
        return None

    def _send(self, worker: _Worker, task: _Task) -> None:
        worker.task = task
        worker.started = time.monotonic()
        worker.peak_mb = 0.0
        try:
            worker.process.calls.send_bytes(task.message)
        except OSError:
            self._bury(worker)

    def _wait(self) -> None:
        watched: list[Any] = [self._wake_reader, *(w.process.replies for w in self._workers)]
        by_pipe = {id(w.process.replies): w for w in self._workers}
        for pipe in wait(watched, timeout=INTERVAL_S):
            if pipe == self._wake_reader:
                with suppress(BlockingIOError):
                    os.read(self._wake_reader, 65536)
                continue
            self._receive(by_pipe[id(pipe)])

    def _receive(self, worker: _Worker) -> None:
        try:
            message = worker.process.replies.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if message[:1] == READY:
            worker.ready = True
            self._failed_starts = 0
            return
        if message[:1] == BEGUN:
            if worker.task is not None:
                worker.task.begun = True
            return
        task, worker.task = worker.task, None
        if task is None:
            return
        value = json.loads(message[1:])
        if message[:1] == RESULT:
            task.future.set_result(value)
        else:
            error = RemoteError(value["type"], value["message"], value["traceback"])
            task.future.set_exception(error)

    def _bury(self, worker: _Worker) -> None:
        """Deal with a worker that has ended."""
        task, worker.task = worker.task, None
        ending = self._discard(worker, kill=True)
        if task is not None and self._bounce(worker, task):
            with self._lock:
                self._queue.appendleft(task)
        elif task is not None:
            task.future.set_exception(worker.verdict or WorkerLostError(ending))
        elif not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _START_ATTEMPTS:
                text = f"workers do not start: {ending}{self._last_words()}"
                self._fail_waiting(WorkerLostError(text))
                self._failed_starts = 0

    @staticmethod
    def _bounce(worker: _Worker, task: _Task) -> bool:
        """Whether a task that its worker never began may go to another one."""
        if task.begun or worker.verdict is not None:
            return False
        task.bounces += 1
        return task.bounces < _START_ATTEMPTS

    def _fail_waiting(self, error: MgscreenError) -> None:
        with self._lock:
            tasks = list(self._queue)
            self._queue.clear()
        for task in tasks:
            if task.future.running() or task.future.set_running_or_notify_cancel():
                task.future.set_exception(error)

    def _check(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + INTERVAL_S
        self._ticks += 1
        tree = self._ticks % _TREE_EVERY == 0
        total = _own_mb()
        for worker in self._workers:
            measured = resident_mb(worker.process.monitor, with_children=tree)
            # between looks at the children, what they used last counts on
            worker.now_mb = measured if tree else max(measured, worker.now_mb)
            total += worker.now_mb
            if worker.task is None:
                continue
            worker.peak_mb = max(worker.peak_mb, worker.now_mb)
            verdict = self._judge(worker, now)
            if verdict is not None and worker.verdict is None:
                worker.verdict = verdict
                worker.process.kill()
        self.peak_memory_mb = max(self.peak_memory_mb, total)

    def _judge(self, worker: _Worker, now: float) -> LimitExceededError | None:
        memory, walltime = self._limits.memory_mb, self._limits.walltime_s
        if memory is not None and worker.now_mb > memory:
            return LimitExceededError(
                f"memory limit of {memory / 1024:.1f} GB exceeded "
                f"(peak {worker.peak_mb / 1024:.1f} GB)",
                worker.peak_mb,
            )
        if walltime is not None and now - worker.started > walltime:
            return LimitExceededError(f"walltime of {_duration(walltime)} exceeded", worker.peak_mb)
        return None

    # processes

    def _start(self) -> None:
        process = WorkerProcess(
            self._folder, threads=self._threads, preload=self._preload, log_file=self._log_file
        )
        self._workers.append(_Worker(process))

    def _discard(self, worker: _Worker, *, kill: bool) -> str:
        """End a worker and return how it ended; its task, if it has one, is lost."""
        if worker in self._workers:
            self._workers.remove(worker)
        ending = worker.process.end(kill=kill)
        task, worker.task = worker.task, None
        if task is not None:
            task.future.set_exception(WorkerLostError(ending))
        return ending

    def _last_words(self) -> str:
        if self._log_file is None:
            return ""
        with suppress(OSError):
            lines = self._log_file.read_text(errors="replace").strip().splitlines()
            return f": {lines[-1]}" if lines else ""
        return ""


def _own_mb() -> float:
    import psutil as ps

    return resident_mb(ps.Process(), with_children=False)


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
