"""One class of tasks on the queue: a Parsl executor, its interchange and its blocks."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InfrastructureError
from mgscreen.execution.cluster.faults import TaskFaultError
from mgscreen.execution.cluster.providers import launch_command, provider_of
from mgscreen.execution.cluster.queues import UNKNOWN, QueueJob, wait_gone

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from mgscreen.execution.cluster.ledger import Ledger
    from mgscreen.execution.cluster.profile import Profile, Resources
    from mgscreen.execution.cluster.queues import Queue

log = logging.getLogger(__name__)

_COMMAND_S = 10.0
"""An interchange that gives no answer for so long is taken for dead."""
_MOST_REFUSED = 1000
_EXECUTE = "mgscreen.execution.cluster.worker.execute"
_LATER = (
    "Limit",
    "limit",
    "temporarily",
    "Temporarily",
    "busy",
    "Unable to contact",
    "Socket timed",
)
"""Words of a queue that takes no more jobs now."""


@dataclass
class Setting:
    """What all lanes of a driver share."""

    profile: Profile
    token: str
    folder: Path
    ledger: Ledger
    queue: Queue


@dataclass
class Blocks:
    """What is known of the jobs that a lane has submitted."""

    states: dict[str, QueueJob] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)
    """Parsl's ids of blocks whose workers have come"""
    later: str = ""
    """why the queue takes no more jobs just now"""


class Lane:
    """A class of tasks at one size of block.

    Parameters
    ----------
    name
        Of the class, with its size where it is larger than the profile's.
    resources
        What each block is.
    setting
        What all lanes share.
    """

    def __init__(self, name: str, resources: Resources, setting: Setting) -> None:
        self.name = name
        self.resources = resources
        self.blocks = Blocks()
        self._setting = setting
        self._generation = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._htex: Any = None
        self._strategy: Any = None
        self._broken: TaskFaultError | None = None
        self._start()
        self._thread = threading.Thread(target=self._scale, name=f"lane-{name}", daemon=True)
        self._thread.start()

    # what the executor uses

    def submit(self, buffer: bytes, function: str = _EXECUTE) -> Future[Any]:
        """Hand a task to Parsl: ``function`` gets the buffer.

        Raises
        ------
        TaskFaultError
            If the lane's blocks cannot start.
        """
        if self._broken is not None:
            raise self._broken
        context = {"task_executor": {"f": function}}
        found: Future[Any] = self._htex.submit_payload(context, buffer)
        return found

    @property
    def lost(self) -> bool:
        """Whether the interchange has ended by itself."""
        process = self._htex.interchange_proc
        return process is not None and process.poll() is not None

    @property
    def broken(self) -> TaskFaultError | None:
        """Why no block can start, if so."""
        return self._broken

    def job_of(self, block: str) -> str:
        """Return the queue's id of a block by Parsl's."""
        return str(self._htex.blocks_to_job_id.get(block, ""))

    def restart(self) -> None:
        """End the blocks of a lost interchange and start another one."""
        with self._lock:
            old, jobs = self._htex, self._jobs()
            self._setting.queue.cancel(jobs)
            left = wait_gone(self._setting.queue, jobs)
            if left:
                raise InfrastructureError(f"jobs {', '.join(left)} of the queue do not end")
            self._close(old)
            self._start()

    def close(self, *, wait: bool = True) -> None:
        """Give up the blocks and the interchange."""
        self._closing.set()
        self._thread.join(timeout=2 * _COMMAND_S)
        with self._lock:
            jobs = self._jobs()
            with suppress(InfrastructureError):
                self._setting.queue.cancel(jobs)
            self._close(self._htex)
            if wait:
                with suppress(InfrastructureError):
                    wait_gone(self._setting.queue, jobs, 60.0)

    def refresh(self, ids: list[str]) -> dict[str, QueueJob]:
        """Ask the queue for jobs now; what it has forgotten keeps its last known state."""
        if not ids:
            return {}
        try:
            found = self._setting.queue.states(ids)
        except InfrastructureError as error:
            log.warning("the queue gives no answer: %s", error)
            return {one: self.blocks.states.get(one, QueueJob("RUNNING")) for one in ids}
        for one, job in found.items():
            before = self.blocks.states.get(one)
            if job.state != UNKNOWN or before is None or before.active:
                self.blocks.states[one] = job
        return {one: self.blocks.states[one] for one in ids}

    # Parsl

    def _start(self) -> None:
        from parsl.executors import HighThroughputExecutor
        from parsl.jobs.strategy import Strategy

        setting, resources = self._setting, self.resources
        profile = setting.profile
        self._generation += 1
        label = f"{setting.token}-{self.name}-{self._generation}"
        folder = setting.folder / f"{self.name}-{self._generation}"
        scripts = folder / "scripts"
        scripts.mkdir(parents=True, exist_ok=True)
        # keys of the encrypted connection lie here
        folder.chmod(0o700)

        def note(job: str, _name: str) -> None:
            setting.ledger.block(profile.scheduler, job, self.name)
            self.blocks.states[job] = QueueJob("PENDING")

        provider = provider_of(profile, resources, note=note, states=self.refresh)
        provider.script_dir = str(scripts)
        single = resources.launch is not None
        left = max(resources.walltime_s // 10, 1)
        htex: Any = HighThroughputExecutor(
            label=label,
            provider=provider,
            launch_cmd=launch_command(profile, setting.token),
            interchange_launch_cmd=[
                *(sys.executable, "-P", "-m", "mgscreen.execution.cluster.interchange"),
                f"--token={setting.token}",
            ],
            address=profile.address or ("127.0.0.1" if profile.scheduler == "local" else None),
            cores_per_worker=1e-6 if single else float(resources.cores_per_task),
            max_workers_per_node=resources.tasks_per_node,
            available_accelerators=resources.gpus,
            heartbeat_period=profile.heartbeat.period_s,
            heartbeat_threshold=profile.heartbeat.threshold_s,
            # a block that is about to end takes nothing new
            drain_period=None if profile.scheduler == "local" else resources.walltime_s - left,
            worker_logdir_root=str(folder),
            block_error_handler=self._judge,
            encrypted=True,
        )
        htex.run_dir = str(folder)
        htex.run_id = label
        htex.start()
        setting.ledger.process("interchange", htex.interchange_proc.pid)
        self._htex = htex
        self._strategy = Strategy(strategy="simple", max_idletime=profile.idle_s)
        self._strategy.add_executors([htex])

    def _scale(self) -> None:
        """Let Parsl's strategy ask for blocks and give idle ones up, for as long as the lane is."""
        while not self._closing.wait(min(1.0, self._setting.profile.heartbeat.poll_s)):
            with self._lock:
                if self.lost or self._closing.is_set():
                    continue
                try:
                    self._scale_once()
                except Exception:
                    log.exception("scaling of %s failed", self.name)

    def _scale_once(self) -> None:
        htex = self._htex
        now = time.time()
        if now >= htex._last_poll_time + htex.status_polling_interval:  # noqa: SLF001 - as Parsl's poller
            # Parsl waits for its answer without end: a lost interchange would hold us
            answer = htex.command_client.run("CONNECTED_BLOCKS", timeout_s=_COMMAND_S)
            self.blocks.connected.update(answer)
        htex.poll_facade()
        htex.handle_errors(htex.status_facade)
        self._strategy.strategize([htex])

    def _judge(self, htex: Any, status: dict[str, Any]) -> None:
        """Give up where block after block ends before its workers come; else carry on.

        A queue that takes no more jobs for now is no fault: Parsl's strategy asks again.
        """
        from parsl.jobs.states import JobState

        bad = 0
        for block in sorted(status, key=int, reverse=True):
            state, message = status[block].state, status[block].message or ""
            if block in self.blocks.connected or state in {JobState.PENDING, JobState.RUNNING}:
                break
            if state == JobState.FAILED and any(word in message for word in _LATER):
                self.blocks.later = message
                continue
            if state in {JobState.FAILED, JobState.MISSING, JobState.COMPLETED}:
                bad += 1
        if bad >= self._setting.profile.faults.dead_blocks and self._broken is None:
            newest = status[max(status, key=int)]
            words = _last_words(newest) or str(newest.message or "no message")
            self._broken = TaskFaultError("config", f"{bad} in a row ended at once: {words}")
            log.error("%s", self._broken)
        if len(htex._simulated_status) > _MOST_REFUSED:  # noqa: SLF001 - Parsl keeps every refused submit
            for block in sorted(htex._simulated_status, key=int)[: _MOST_REFUSED // 2]:  # noqa: SLF001
                htex._simulated_status.pop(block)  # noqa: SLF001
                htex._status.pop(block, None)  # noqa: SLF001

    def _jobs(self) -> list[str]:
        return [str(job) for job in self._htex.blocks_to_job_id.values()]

    @staticmethod
    def _close(htex: Any) -> None:
        htex._result_queue_thread_exit.set()  # noqa: SLF001 - before its interchange is gone
        with suppress(Exception):
            htex.shutdown(timeout=5.0)


def _last_words(status: Any) -> str:
    """Return the last line that a block wrote to its error stream."""
    for name in ("stderr_path", "stdout_path"):
        path = getattr(status, name, None)
        if path:
            with suppress(OSError):
                from pathlib import Path

                lines = Path(path).read_text(errors="replace").strip().splitlines()
                if lines:
                    return lines[-1][:300]
    return ""
