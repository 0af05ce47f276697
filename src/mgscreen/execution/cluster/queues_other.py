"""PBS Professional and LSF; their states as ``mgscreen.execution.cluster.queues`` has them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mgscreen.core.errors import InfrastructureError
from mgscreen.execution.cluster.queues import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NODE_FAIL,
    OUT_OF_MEMORY,
    PENDING,
    PREEMPTED,
    RUNNING,
    TIMEOUT,
    UNKNOWN,
    QueueJob,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Pbs:
    """PBS Professional and OpenPBS."""

    _STATES = {  # noqa: RUF012 - constant
        "Q": PENDING,
        "H": PENDING,
        "W": PENDING,
        "T": PENDING,
        "M": PENDING,
        "R": RUNNING,
        "E": RUNNING,
        "S": RUNNING,
        "U": RUNNING,
        "B": RUNNING,
    }
    _EXITS = {-29: TIMEOUT, -28: TIMEOUT, -27: OUT_OF_MEMORY, -26: OUT_OF_MEMORY}  # noqa: RUF012
    """JOB_EXEC_KILL_WALLTIME, _CPUT, _MEM, _VMEM (PBS Professional, "Job Exit Codes")"""
    _RERUN = frozenset({-11, -12, -13, -14})
    """the node's daemon went away"""
    _TERMINATED = 271
    """killed by SIGTERM (256 + 15), which is what qdel sends"""

    def states(self, ids: Iterable[str]) -> dict[str, QueueJob]:
        """Ask ``qstat`` with its history of ended jobs."""
        wanted = set(ids)
        found = {one: QueueJob(UNKNOWN) for one in wanted}
        if not wanted:
            return found
        with suppress(InfrastructureError):
            known = json.loads(run("qstat", "-x", "-f", "-F", "json", *sorted(wanted)))
            for name, job in known.get("Jobs", {}).items():
                for one in wanted:
                    if one == name or one.startswith(f"{name}.") or name.startswith(f"{one}."):
                        found[one] = self.job(job)
        return found

    @classmethod
    def job(cls, job: Mapping[str, object]) -> QueueJob:
        """Read a job as ``qstat -f -F json`` writes it."""
        letter = str(job.get("job_state", ""))
        comment = str(job.get("comment", ""))
        if letter in cls._STATES:
            return QueueJob(cls._STATES[letter], comment)
        if letter not in {"F", "X"}:
            return QueueJob(UNKNOWN, comment)
        code = job.get("Exit_status")
        status = int(code) if isinstance(code, int | str) and str(code).lstrip("-").isdigit() else 0
        words = comment.lower()
        if status in cls._EXITS:
            state = cls._EXITS[status]
        elif "walltime" in words and "exceed" in words:
            state = TIMEOUT
        elif "preempt" in words:
            state = PREEMPTED
        elif status in cls._RERUN or "node fail" in words:
            state = NODE_FAIL
        elif status == cls._TERMINATED:
            state = CANCELLED
        else:
            state = COMPLETED if status == 0 else FAILED
        return QueueJob(state, f"exit {status}" + (f", {comment}" if comment else ""))

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel with ``qdel``."""
        for one in ids:
            with suppress(InfrastructureError):
                run("qdel", one)

    def named(self, part: str) -> list[str]:
        """Ask ``qstat`` for this user's jobs."""
        known = json.loads(run("qstat", "-f", "-F", "json"))
        user = f"{os.environ.get('USER', '')}@"
        return [
            name
            for name, job in known.get("Jobs", {}).items()
            if part in str(job.get("Job_Name", ""))
            and str(job.get("Job_Owner", "")).startswith(user)
        ]

    def present(self) -> str:
        """Ask ``qstat``."""
        try:
            run("qstat", "-B")
        except InfrastructureError as error:
            return str(error)
        return ""


class Lsf:
    """IBM Spectrum LSF."""

    _STATES = {  # noqa: RUF012 - constant
        "PEND": PENDING,
        "PSUSP": PENDING,
        "WAIT": PENDING,
        "PROV": PENDING,
        "RUN": RUNNING,
        "USUSP": RUNNING,
        "SSUSP": RUNNING,
        "DONE": COMPLETED,
        "ZOMBI": NODE_FAIL,
    }
    _REASONS = (
        ("TERM_RUNLIMIT", TIMEOUT),
        ("TERM_DEADLINE", TIMEOUT),
        ("TERM_CPULIMIT", TIMEOUT),
        ("TERM_MEMLIMIT", OUT_OF_MEMORY),
        ("TERM_SWAP", OUT_OF_MEMORY),
        ("TERM_PREEMPT", PREEMPTED),
        ("TERM_OWNER", CANCELLED),
        ("TERM_ADMIN", CANCELLED),
        ("TERM_FORCE_OWNER", CANCELLED),
        ("TERM_FORCE_ADMIN", CANCELLED),
        ("TERM_ZOMBIE", NODE_FAIL),
        ("TERM_LOAD", PREEMPTED),
    )

    def states(self, ids: Iterable[str]) -> dict[str, QueueJob]:
        """Ask ``bjobs``, ended jobs included."""
        wanted = set(ids)
        found = {one: QueueJob(UNKNOWN) for one in wanted}
        if not wanted:
            return found
        fields = "jobid stat exit_code exit_reason delimiter='|'"
        with suppress(InfrastructureError):
            for line in run("bjobs", "-a", "-noheader", "-o", fields, *sorted(wanted)).splitlines():
                name, _, rest = line.partition("|")
                if name in wanted:
                    found[name] = self.job(rest)
        return found

    @classmethod
    def job(cls, text: str) -> QueueJob:
        """Read ``stat|exit_code|exit_reason``."""
        state, code, reason = [*text.split("|"), "", ""][:3]
        if state in cls._STATES:
            return QueueJob(cls._STATES[state], reason.strip("- "))
        found = next((s for word, s in cls._REASONS if word in reason), FAILED)
        if state != "EXIT":
            found = UNKNOWN
        return QueueJob(found, f"exit {code}, {reason}".strip(", -"))

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel with ``bkill``."""
        for one in ids:
            with suppress(InfrastructureError):
                run("bkill", one)

    def named(self, part: str) -> list[str]:
        """Ask ``bjobs`` for this user's jobs."""
        with suppress(InfrastructureError):
            lines = run("bjobs", "-noheader", "-o", "jobid job_name delimiter='|'").splitlines()
            return [one for one, _, name in (x.partition("|") for x in lines) if part in name]
        return []

    def present(self) -> str:
        """Ask for the cluster."""
        try:
            run("lsid")
        except InfrastructureError as error:
            return str(error)
        return ""
