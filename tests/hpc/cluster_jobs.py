"""Jobs that only the tests of the cluster run; importable on the nodes by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mgscreen.core.runtime import runtime


def hungry(megabytes, seconds=0.5):
    """Hold memory for a while."""
    held = bytearray(megabytes * 1024**2)
    for place in range(0, len(held), 4096):
        held[place] = 1
    time.sleep(seconds)
    return len(held) // 1024**2


def patient(name, steps, seconds):
    """Take steps, each noted in a checkpoint; go on where an earlier attempt stopped."""
    place = runtime().workdir(name) / "steps"
    done = int(place.read_text()) if place.exists() else 0
    traces = Path(os.environ["TRACES"])
    for step in range(done, steps):
        time.sleep(seconds)
        part = place.with_suffix(".part")
        part.write_text(str(step + 1))
        part.replace(place)
        (traces / f"step-{name}.{step}-{os.getpid()}-{time.time_ns()}").touch()
    return steps


def ranks_of(seconds=0.2):
    """Say how many ranks there are."""
    time.sleep(seconds)
    return int(os.environ.get("OMPI_COMM_WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or 1)
