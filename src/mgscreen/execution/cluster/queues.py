"""What a queue itself says of its jobs: state, reason, who is left over; and how to cancel them.

Parsl asks as well, but knows less: it reports a job that ran out of walltime as completed where
there is no accounting database, and takes no notice of why a job ended.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mgscreen.core.errors import InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mgscreen.execution.cluster.profile import Scheduler

COMMAND_S = 60.0
"""How long a command of a queue may take."""
PENDING, RUNNING = "PENDING", "RUNNING"
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
TIMEOUT, OUT_OF_MEMORY = "TIMEOUT", "OUT_OF_MEMORY"
NODE_FAIL, PREEMPTED = "NODE_FAIL", "PREEMPTED"
UNKNOWN = "UNKNOWN"
"""The queue does not know the job any more."""
ACTIVE = frozenset({PENDING, RUNNING})


@dataclass(frozen=True)
class QueueJob:
    """What a queue says of one of its jobs.

    Attributes
    ----------
    state
        One of this module's states.
    reason
        In the queue's own words.
    """

    state: str
    reason: str = ""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE


class Queue(Protocol):
    """A queue."""

    def states(self, ids: Iterable[str]) -> dict[str, QueueJob]:
        """Return the state of each job; a job that is not known any more is UNKNOWN."""
        ...

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel jobs; one that is gone is no error."""
        ...

    def named(self, part: str) -> list[str]:
        """Return the user's jobs that wait or run and have this in their name."""
        ...

    def present(self) -> str:
        """Return what is wrong with this machine as a place to submit from; empty if nothing."""
        ...


def queue_for(scheduler: Scheduler) -> Queue:
    """Return the queue of a kind of scheduler."""
    from mgscreen.execution.cluster.queues_other import Lsf, Pbs

    kinds: dict[str, type[Queue]] = {"slurm": Slurm, "pbs": Pbs, "lsf": Lsf, "local": Local}
    return kinds[scheduler]()


def wait_gone(queue: Queue, ids: Iterable[str], timeout_s: float = 120.0) -> list[str]:
    """Wait until jobs neither wait nor run; return those that still do after the time."""
    left = list(ids)
    end = time.monotonic() + timeout_s
    pause = 0.1
    while left:
        states = queue.states(left)
        left = [one for one in left if states[one].active]
        if not left or time.monotonic() > end:
            break
        time.sleep(pause)
        pause = min(2 * pause, 5.0)
    return left


def run(*command: str) -> str:
    """Run a command of a queue and return what it prints.

    Raises
    ------
    InfrastructureError
        If it does not exist, fails or takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the queue's own commands, no shell
            command, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
    except FileNotFoundError:
        raise InfrastructureError(f"there is no command '{command[0]}' here") from None
    except subprocess.TimeoutExpired:
        raise InfrastructureError(f"{command[0]} gave no answer in {COMMAND_S:g} s") from None
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())[:300]
        raise InfrastructureError(f"{command[0]} failed: {words or f'exit {done.returncode}'}")
    return done.stdout


class Slurm:
    """SLURM: ``sacct`` where there is accounting, else ``scontrol`` (until MinJobAge)."""

    _STATES = {  # noqa: RUF012 - constant
        "COMPLETED": COMPLETED,
        "CANCELLED": CANCELLED,
        "REVOKED": CANCELLED,
        "TIMEOUT": TIMEOUT,
        "DEADLINE": TIMEOUT,
        "OUT_OF_MEMORY": OUT_OF_MEMORY,
        "NODE_FAIL": NODE_FAIL,
        "BOOT_FAIL": NODE_FAIL,
        "PREEMPTED": PREEMPTED,
        "FAILED": FAILED,
        "PENDING": PENDING,
        "CONFIGURING": PENDING,
        "REQUEUED": PENDING,
        "REQUEUE_HOLD": PENDING,
        "RESIZING": RUNNING,
        "RUNNING": RUNNING,
        "COMPLETING": RUNNING,
        "STAGE_OUT": RUNNING,
        "SUSPENDED": RUNNING,
        "STOPPED": RUNNING,
    }

    def states(self, ids: Iterable[str]) -> dict[str, QueueJob]:
        """Ask ``scontrol`` for all jobs at once, and ``sacct`` for those it has forgotten."""
        wanted = set(ids)
        found = {one: QueueJob(UNKNOWN) for one in wanted}
        if not wanted:
            return found
        for line in run("scontrol", "-o", "show", "job").splitlines():
            fields = dict(re.findall(r"(\w+)=(\S*)", line))
            if fields.get("JobId") in wanted:
                found[fields["JobId"]] = self.job(fields)
        rest = sorted(one for one in wanted if found[one].state == UNKNOWN)
        if rest:
            with suppress(InfrastructureError):
                text = run(
                    "sacct", "-X", "-n", "-P", "-o", "JobIDRaw,State,ExitCode", "-j", ",".join(rest)
                )
                for line in text.splitlines():
                    name, state, code = line.split("|")
                    if name in wanted:
                        found[name] = self.job(
                            {"JobState": state.split()[0], "ExitCode": code, "Reason": state}
                        )
        return found

    @classmethod
    def job(cls, fields: Mapping[str, str]) -> QueueJob:
        """Read a job as ``scontrol -o show job`` writes it."""
        word = fields.get("JobState", "")
        state = cls._STATES.get(word, UNKNOWN)
        reason = fields.get("Reason", "")
        # a job that the memory watch killed is FAILED or CANCELLED with a telling reason
        if reason in {"OutOfMemory", "JobOOM"}:
            state = OUT_OF_MEMORY
        elif reason == "TimeLimit" and state in {FAILED, CANCELLED}:
            state = TIMEOUT
        elif reason == "NodeDown" and state in {FAILED, CANCELLED}:
            state = NODE_FAIL
        told = [word]
        if reason not in {"", "None"}:
            told.append(reason)
        if fields.get("ExitCode", "0:0") != "0:0":
            told.append(f"exit {fields['ExitCode']}")
        if state in {FAILED, CANCELLED}:
            words = _memory_words(fields.get("StdErr", ""))
            if words:
                state = OUT_OF_MEMORY
                told.append(words)
        return QueueJob(state, ", ".join(told))

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel with ``scancel``."""
        ids = list(ids)
        if ids:
            with suppress(InfrastructureError):
                run("scancel", "-Q", *ids)

    def named(self, part: str) -> list[str]:
        """Ask ``squeue`` for this user's jobs."""
        lines = run("squeue", "-h", "-u", str(os.getuid()), "-o", "%i|%j").splitlines()
        return [one for one, _, name in (line.partition("|") for line in lines) if part in name]

    def present(self) -> str:
        """Ask ``sinfo``."""
        try:
            run("sinfo", "-h")
            run("sbatch", "--version")
        except InfrastructureError as error:
            return str(error)
        return ""

    def partitions(self) -> dict[str, int | None]:
        """Return the partitions with their longest walltime in seconds; None: no limit."""
        found: dict[str, int | None] = {}
        for line in run("sinfo", "-h", "-o", "%R|%l").splitlines():
            name, _, limit = line.partition("|")
            found[name] = _limit(limit)
        return found


def _memory_words(stderr: str) -> str:
    """Return what slurmstepd wrote of a job that it killed for its memory; empty if nothing.

    Where memory is watched by polling (OverMemoryKill) and not by cgroups, the job's state does
    not tell: it is FAILED or CANCELLED like any other.
    """
    with suppress(OSError, ValueError):
        with Path(stderr).open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - 8192, 0))
            text = stream.read().decode(errors="replace")
        for line in text.splitlines():
            found = re.search(r"slurmstepd.*?((?:exceeded memory limit|oom.kill).*)", line)
            if found is not None:
                return found[1][:200]
    return ""


def _limit(text: str) -> int | None:
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(x or 0) for x in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class Local:
    """No queue: a block is a process of this machine, named by its id."""

    def states(self, ids: Iterable[str]) -> dict[str, QueueJob]:
        """Look at the processes."""
        import psutil

        found = {}
        for one in ids:
            alive = False
            with suppress(psutil.Error, ValueError):
                alive = psutil.Process(int(one)).status() != psutil.STATUS_ZOMBIE
            found[one] = QueueJob(RUNNING if alive else COMPLETED, "" if alive else "it has ended")
        return found

    def cancel(self, ids: Iterable[str]) -> None:
        """Kill the processes with all that they started."""
        for one in ids:
            kill_tree(int(one))

    def named(self, part: str) -> list[str]:
        """Return the blocks whose command names the campaign."""
        import psutil

        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = process.cmdline()
                ours = process.uids().real == os.getuid()
                if ours and f"--token={part}" in command:
                    found.append(str(process.pid))
        return found

    def present(self) -> str:
        """Find nothing wrong: it is this machine."""
        return ""


def kill_tree(pid: int, number: int = signal.SIGKILL) -> None:
    """Kill a process with its descendants, the youngest generations last."""
    import psutil

    with suppress(psutil.Error):
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
        for one in family:
            with suppress(psutil.Error):
                one.send_signal(number)
