"""One worker process: started, watched, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_PATIENCE_S = 2.0
"""How long a worker may take to end by itself."""


class WorkerProcess:
    """A subprocess that runs ``mgscreen.execution.child``, and our ends of its pipes.

    Parameters
    ----------
    folder
        Its working and temporary folder.
    threads
        Threads of OpenMP and BLAS, set before anything is imported.
    preload
        Modules that it imports before its first task.
    log_file
        Receives what it prints; None: discarded.

    Attributes
    ----------
    calls, replies
        Where tasks go and answers come from.
    monitor
        A ``psutil.Process``.

    Raises
    ------
    OSError
        If the process cannot be started.
    """

    def __init__(
        self, folder: Path, *, threads: int, preload: Iterable[str], log_file: Path | None
    ) -> None:
        import psutil

        calls_child, calls = os.pipe()
        replies, replies_child = os.pipe()
        lifeline_child, lifeline = os.pipe()
        theirs = (calls_child, replies_child, lifeline_child)
        output: Any = subprocess.DEVNULL
        if log_file is not None:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            output = log_file.open("ab")
        command = [sys.executable, "-P", "-m", "mgscreen.execution.child"]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, our own module
                [*command, *(str(fd) for fd in theirs), *preload],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=theirs,
                # a group of its own: Ctrl-C reaches the driver alone, and a kill its children too
                start_new_session=True,
                cwd=folder,
                env=_environment(folder, threads),
            )
        except OSError:
            for fd in (calls, replies, lifeline):
                os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
            if output is not subprocess.DEVNULL:
                output.close()
        self.pid = self._process.pid
        self.calls = Connection(calls, readable=False)
        self.replies = Connection(replies, writable=False)
        self.monitor = psutil.Process(self.pid)
        self._lifeline = lifeline

    def kill(self) -> None:
        """Kill it with every process that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self, *, kill: bool) -> str:
        """Close its pipes, wait for its end (it returns when they close) and say how it ended."""
        self.calls.close()
        if kill:
            self.kill()
        try:
            code = self._process.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self.replies.close()
        os.close(self._lifeline)
        if code < 0:
            return f"worker process {self.pid} was killed by {signal.Signals(-code).name}"
        return f"worker process {self.pid} ended with exit code {code}"


_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024**3),
    "MALLOC_TOP_PAD_": str(64 * 1024**2),
}
"""glibc keeps what an SCF cycle frees for the next one: handing large arrays back to the kernel and
getting them again took a fifth of a PySCF run (a DFT potential of 14 atoms: 12.2 s of system time
against 6.8 s). Nothing is mapped apart from the heap either, where glibc would for what is over 32
MB: of 95 atoms of MgO, a call of 7net-0 took 2.5 s and takes 1.9, one of CHGNet 0.9 and 0.8, and a
DFT energy 191 s and 180, with the same peak memory. A worker gives it back after each task. Other C
libraries ignore these."""


def _environment(folder: Path, threads: int) -> dict[str, str]:
    limits = {name: str(threads) for name in _THREAD_VARIABLES}
    # as multiprocessing does: what the driver can import, a worker can
    path = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    return {**_MALLOC, **os.environ, **limits, "TMPDIR": str(folder), "PYTHONPATH": path}
