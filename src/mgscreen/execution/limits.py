"""Limits of one job, and how memory is measured."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import psutil

MB = 1024**2


class Resources(Protocol):
    """The limits in a campaign file (``mgscreen.campaign.models.Execution``)."""

    @property
    def memory_gb(self) -> float:
        """Limit of one job, GB (of 1024 MB)."""
        ...

    @property
    def walltime_h(self) -> float | None:
        """Limit of one job, hours."""
        ...

    @property
    def retries(self) -> int:
        """How often a job whose worker was lost is tried again."""
        ...


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes
    ----------
    memory_mb
        Resident memory of the worker with its child processes, MB (1024**2 bytes).
    walltime_s
        Seconds.
    retries
        How often a job is tried again after its worker was lost. A job that failed by itself, or
        that exceeded a limit, is not tried again.
    """

    memory_mb: float | None = None
    walltime_s: float | None = None
    retries: int = 1

    @classmethod
    def of(cls, resources: Resources) -> Limits:
        """Read them from a campaign's ``execution`` table."""
        hours = resources.walltime_h
        return cls(
            memory_mb=resources.memory_gb * 1024,
            walltime_s=None if hours is None else hours * 3600,
            retries=resources.retries,
        )


def resident_mb(process: psutil.Process, *, with_children: bool) -> float:
    """Return the resident memory of a process, with that of its descendants if asked, MB.

    A process that has ended counts as nothing.
    """
    import psutil as ps

    total = 0.0
    with suppress(ps.Error):
        total += process.memory_info().rss
        if with_children:
            for child in process.children(recursive=True):
                with suppress(ps.Error):
                    total += child.memory_info().rss
    return total / MB


def reset_peak() -> None:
    """Forget the peak memory that the kernel has noted of this process, where it can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """Return the peak resident memory of this process since ``reset_peak``, MB.

    Where the kernel cannot reset it, the peak since the process started.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(text for text in lines if text.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MB if sys.platform == "darwin" else 1024)
