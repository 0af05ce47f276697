"""What a driver started and left behind: written before it can be forgotten, reaped later."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InfrastructureError
from mgscreen.execution.cluster.queues import kill_tree, queue_for, wait_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mgscreen.execution.cluster.profile import Scheduler

_SLACK_S = 2.0
"""Start times of processes are known to about a clock tick; two are the same within this."""


class Ledger:
    """A file of JSON lines: each process and each job of the queue that belongs to a campaign.

    Parameters
    ----------
    path
        The file; its folder is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def process(self, what: str, pid: int) -> None:
        """Note a process of this machine, with its start time: pids are used again."""
        import psutil

        with suppress(psutil.Error):
            self._add(
                what=what, pid=pid, created=psutil.Process(pid).create_time(), host=platform.node()
            )

    def block(self, scheduler: Scheduler, job: str, label: str) -> None:
        """Note a job of the queue."""
        self._add(what="block", scheduler=scheduler, job=job, label=label, host=platform.node())

    def _add(self, **values: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[dict[str, Any]]:
        """Return what was noted; a line that was cut off by a kill is left out."""
        found = []
        with suppress(OSError):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        found.append(entry)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)


def reap(
    ledger: Ledger,
    token: str,
    scheduler: Scheduler,
    tell: Callable[[str], None] | None = None,
) -> int:
    """End everything that earlier drivers of a campaign left behind; return how much it was.

    Call it only as the campaign's one driver. Processes of this machine are killed where pid and
    start time are those that were noted, or where their command line names the campaign; jobs of
    the queue are cancelled, by the ids that were noted and by name, and waited for: what they ran
    may be started again afterwards.

    Raises
    ------
    InfrastructureError
        If jobs of the queue do not end, or a driver on another machine left processes here
        cannot be reached.
    """
    entries = ledger.entries()
    processes = _processes(entries, token)
    for pid in processes:
        kill_tree(pid)
    queue = queue_for(scheduler)
    ids = {
        str(e["job"])
        for e in entries
        if e.get("what") == "block" and e.get("scheduler") == scheduler and _here(e, scheduler)
    }
    if scheduler == "local":
        # a pid may be somebody else's by now: the command line tells
        ids = set()
    ids |= set(queue.named(token))
    states = queue.states(ids)
    active = sorted(one for one in ids if states[one].active)
    queue.cancel(active)
    left = wait_gone(queue, active)
    if left:
        raise InfrastructureError(
            f"jobs {', '.join(left)} of an earlier driver do not end: cancel them in the queue"
        )
    ledger.clear()
    if tell is not None and (processes or active):
        what = [f"{len(processes)} processes"] * bool(processes)
        what += [f"jobs {', '.join(active)} of the queue"] * bool(active)
        tell(f"ended what an earlier driver left behind: {' and '.join(what)}")
    return len(processes) + len(active)


def _here(entry: dict[str, Any], scheduler: Scheduler) -> bool:
    return scheduler != "local" or entry.get("host") == platform.node()


def _processes(entries: list[dict[str, Any]], token: str) -> list[int]:
    """Return living processes of this machine that are the campaign's."""
    import psutil

    own = os.getpid()
    found = set()
    for entry in entries:
        if "pid" not in entry or entry.get("host") != platform.node():
            continue
        with suppress(psutil.Error):
            process = psutil.Process(int(entry["pid"]))
            if abs(process.create_time() - float(entry["created"])) < _SLACK_S:
                found.add(process.pid)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            ours = process.uids().real == os.getuid()
            if ours and f"--token={token}" in process.cmdline():
                found.add(process.pid)
    found.discard(own)
    return sorted(found)
