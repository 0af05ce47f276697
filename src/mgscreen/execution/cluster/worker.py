"""What runs on a node: one task of the driver, in a child process that limits can be put on.

Parsl's worker calls ``execute``. The task itself runs in a process of ``mgscreen``'s own pool,
which is kept for the next task: it can be killed for its memory, its time or on request without
taking the worker with it, and it dies with the worker, however that ends.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import TimeoutError as NotYetError
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgscreen.execution.cluster.spool import Begun, Spool
from mgscreen.execution.limits import Limits, resident_mb
from mgscreen.execution.pool import LimitExceededError, WorkerLostError, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOK_S = 0.05
_SLOW_LOOK_S = 1.0
"""How often a worker asks whether it is still wanted; the folder is looked at more rarely."""
_JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")


@dataclass(frozen=True)
class Task:
    """A task as it travels to a worker.

    Attributes
    ----------
    key
        Its name in the spool.
    text
        What ``execution.worker.run_payload`` takes.
    spool
        The folder of the spool.
    attempt
        Counted by the driver.
    memory_mb, walltime_s
        Limits; None: none.
    threads
        For OpenMP and BLAS.
    runtime
        Resources that take the place of those in ``text``.
    launch
        Command that starts MPI ranks; empty: one process.
    """

    key: str
    text: str
    spool: str
    attempt: int = 1
    memory_mb: float | None = None
    walltime_s: float | None = None
    threads: int = 1
    runtime: dict[str, Any] | None = None
    launch: str = ""

    def dumps(self) -> bytes:
        """Write it as JSON."""
        return json.dumps(asdict(self)).encode()


class _Held:
    """The pool of this worker; one for as long as the limits stay the same."""

    pool: WorkerPool | None = None
    limits: tuple[Any, ...] = ()

    @classmethod
    def get(cls, task: Task) -> WorkerPool:
        """Return a pool with the limits of a task."""
        wanted = (task.memory_mb, task.walltime_s, task.threads)
        if cls.pool is None or cls.limits != wanted:
            if cls.pool is not None:
                cls.pool.terminate()
            cls.pool = WorkerPool(
                1,
                limits=Limits(memory_mb=task.memory_mb, walltime_s=task.walltime_s),
                threads=task.threads,
                preload=("jobflow", "mgscreen.execution.worker"),
            )
            cls.limits = wanted
        return cls.pool

    @classmethod
    def end(cls) -> None:
        """Kill what runs."""
        if cls.pool is not None:
            cls.pool.terminate()
            cls.pool = None


def execute(buffer: bytes) -> str:
    """Run one task: JSON of a ``Task`` to the JSON of a reply.

    The reply is that of ``run_payload``; or ``{"fault": kind, "message": ..., "peak_memory_mb":
    ...}`` where the task was ended for its memory or time, on request, or with its process.
    """
    task = Task(**json.loads(buffer))
    spool = Spool(Path(task.spool))
    done = spool.find_reply(task.key)
    if done is not None:
        return done
    job = next((os.environ[name] for name in _JOB_VARIABLES if os.environ.get(name)), "")
    spool.begin(
        task.key,
        Begun(
            host=platform.node(),
            pid=os.getpid(),
            block=os.environ.get("PARSL_WORKER_BLOCK_ID", ""),
            job=job,
            time=time.time(),
            attempt=task.attempt,
        ),
    )
    text = _with_runtime(task.text, task.runtime)
    reply = _run_ranks(task, text, spool) if task.launch else _run_one(task, text, spool)
    if isinstance(reply, str):
        spool.reply(task.key, reply)
        return reply
    return json.dumps(reply)


def say(_buffer: bytes) -> str:
    """Return where this worker runs, and what of mgscreen cannot be imported here."""
    import mgscreen

    problem = ""
    try:
        import mgscreen.execution.worker
    except ImportError as error:
        problem = str(error)
    return json.dumps(
        {"host": platform.node(), "mgscreen": mgscreen.__version__, "problem": problem}
    )


def _with_runtime(text: str, runtime: Mapping[str, Any] | None) -> str:
    if not runtime:
        return text
    content = json.loads(text)
    content["runtime"] = {**content.get("runtime", {}), **runtime}
    return json.dumps(content)


def _run_one(task: Task, text: str, spool: Spool) -> str | dict[str, Any]:
    from mgscreen.execution.worker import run_payload

    pool = _Held.get(task)
    future = pool.submit(run_payload, text)
    watch = _Watch(task, spool)
    while True:
        try:
            return str(future.result(timeout=_LOOK_S))
        except NotYetError:
            if watch.stopped():
                _Held.end()
                return {"fault": "stopped", "message": "on request"}
        except LimitExceededError as error:
            kind = "timeout" if "walltime" in str(error) else "memory"
            return {"fault": kind, "message": str(error), "peak_memory_mb": error.peak_mb}
        except WorkerLostError as error:
            return {"fault": "lost", "message": f"{error} on {platform.node()}"}


class _Watch:
    """Whether the worker is still wanted."""

    def __init__(self, task: Task, spool: Spool) -> None:
        self._task = task
        self._spool = spool
        self._parent = os.getppid()
        self._next = time.monotonic() + _SLOW_LOOK_S

    def stopped(self) -> bool:
        """Return whether somebody asked to stop; leave at once if Parsl's manager is gone."""
        if os.getppid() != self._parent:
            # nobody takes the result any more, and the task may soon run elsewhere
            _Held.end()
            os._exit(1)
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _SLOW_LOOK_S
        return self._spool.asked_to_stop(self._task.key)


def _run_ranks(task: Task, text: str, spool: Spool) -> str | dict[str, Any]:
    """Run a task on MPI ranks, each of them the same Python; rank 0 writes the reply."""
    watch = _Watch(task, spool)
    with tempfile.TemporaryDirectory(prefix="mgscreen-ranks-", dir=spool.folder) as name:
        folder = Path(name)
        (folder / "task.json").write_text(text, encoding="utf-8")
        command = [
            *shlex.split(task.launch),
            *(sys.executable, "-P", "-m", "mgscreen.execution.cluster.ranks", str(folder)),
        ]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        path = os.pathsep.join(p for p in sys.path if p)
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - from the cluster profile of this user
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **threads, "PYTHONPATH": path},
            )
            fault = _attend(process, task, watch)
        if fault is not None:
            return fault
        reply = folder / "reply.json"
        if process.returncode == 0 and reply.exists():
            return reply.read_text(encoding="utf-8")
        words = (folder / "output").read_text(errors="replace").strip().splitlines()
        last = words[-1][:300] if words else "no output"
        return {
            "fault": "lost",
            "message": f"'{task.launch}' ended with {process.returncode}: {last}",
        }


def _attend(process: subprocess.Popen[bytes], task: Task, watch: _Watch) -> dict[str, Any] | None:
    """Wait for the end of a process within its limits; return why it was killed, if it was."""
    import psutil

    begin, peak = time.monotonic(), 0.0
    monitor = psutil.Process(process.pid)
    while process.poll() is None:
        time.sleep(_LOOK_S)
        peak = max(peak, resident_mb(monitor, with_children=True))
        fault: dict[str, Any] | None = None
        if os.getppid() != watch._parent:  # noqa: SLF001 - its owner
            _kill_group(process)
            os._exit(1)
        if task.memory_mb is not None and peak > task.memory_mb:
            fault = {
                "fault": "memory",
                "message": f"memory limit of {task.memory_mb / 1024:.1f} GB",
            }
        elif task.walltime_s is not None and time.monotonic() - begin > task.walltime_s:
            fault = {"fault": "timeout", "message": f"walltime of {task.walltime_s:g} s"}
        elif watch.stopped():
            fault = {"fault": "stopped", "message": "on request"}
        if fault is not None:
            _kill_group(process)
            process.wait()
            return {**fault, "peak_memory_mb": round(peak, 1)}
    return None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
