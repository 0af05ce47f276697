"""Try a profile and say what is wrong with it, before a campaign does."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import TimeoutError as NotYetError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mgscreen.core.errors import MgscreenError
from mgscreen.execution.cluster.profile import seconds_of
from mgscreen.execution.cluster.queues import Slurm, queue_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mgscreen.execution.cluster.profile import Profile, TaskClass

_LOOK_S = 0.2


@dataclass(frozen=True)
class Finding:
    """One thing that was tried.

    Attributes
    ----------
    what
        In a few words.
    ok
        Whether it is as it should be.
    detail
        What was found, or what is wrong and what to do.
    """

    what: str
    ok: bool
    detail: str = ""


def look(profile: Profile) -> Iterator[Finding]:
    """Check what can be checked without submitting anything."""
    try:
        import parsl

        yield Finding("Parsl", ok=True, detail=str(parsl.__version__))
    except ImportError:
        yield Finding("Parsl", ok=False, detail="run `pip install 'mgscreen[hpc]'`")
        return
    queue = queue_for(profile.scheduler)
    wrong = queue.present()
    yield Finding(f"queue ({profile.scheduler})", ok=not wrong, detail=wrong or "it answers")
    if wrong:
        return
    if isinstance(queue, Slurm):
        yield from _partitions(profile, queue)
    for name, resources in profile.classes.items():
        if resources.launch is not None and profile.scheduler == "local":
            program = resources.launch.split()[0]
            found = shutil.which(program)
            yield Finding(
                f"{name}: launch", ok=found is not None, detail=found or f"there is no '{program}'"
            )


def _partitions(profile: Profile, queue: Slurm) -> Iterator[Finding]:
    known = queue.partitions()
    for name, resources in profile.classes.items():
        if resources.partition is None:
            continue
        what = f"{name}: partition"
        if resources.partition not in known:
            listed = ", ".join(sorted(known))
            yield Finding(
                what, ok=False, detail=f"no '{resources.partition}' (there are: {listed})"
            )
            continue
        limit = known[resources.partition]
        asked = resources.longest_s
        if limit is not None and asked > limit:
            which = "max_walltime" if seconds_of(resources.walltime) <= limit else "walltime"
            yield Finding(
                what,
                ok=False,
                detail=f"{which} is {asked / 3600:g} h and its limit {limit / 3600:g} h",
            )
        else:
            yield Finding(what, ok=True, detail=resources.partition)


def attempt(profile: Profile, name: TaskClass, folder: Path, timeout_s: float) -> Finding:
    """Send one task of a class through the queue and wait for its answer.

    Parameters
    ----------
    profile
        The profile.
    name
        Class of tasks.
    folder
        That driver and nodes see.
    timeout_s
        How long to wait: blocks may have to wait in the queue.
    """
    from mgscreen.execution.cluster.executor import ClusterExecutor

    what = f"{name}: a task through the queue"
    token = f"mgcheck{uuid4().hex[:8]}"
    begin = time.monotonic()
    try:
        executor = ClusterExecutor(profile, folder, token)
    except MgscreenError as error:
        return Finding(what, ok=False, detail=str(error))
    try:
        lane, future = executor.probe(name)
        while True:
            with suppress(NotYetError):
                answer: dict[str, Any] = json.loads(future.result(timeout=_LOOK_S))
                seconds = time.monotonic() - begin
                return Finding(
                    what,
                    ok=not answer["problem"],
                    detail=answer["problem"]
                    or f"mgscreen {answer['mgscreen']} on {answer['host']} after {seconds:.0f} s",
                )
            if lane.broken is not None:
                return Finding(what, ok=False, detail=str(lane.broken))
            if time.monotonic() - begin > timeout_s:
                later = lane.blocks.later or ", ".join(
                    f"job {job} is {found.state}" + (f" ({found.reason})" if found.reason else "")
                    for job, found in lane.refresh(list(lane.blocks.states)).items()
                )
                return Finding(what, ok=False, detail=f"no answer in {timeout_s:g} s: {later}")
    except MgscreenError as error:
        return Finding(what, ok=False, detail=str(error))
    finally:
        executor.shutdown()
        executor.clear()
