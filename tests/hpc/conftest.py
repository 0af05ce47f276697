"""The one-node SLURM of hpc/, brought up once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (str(HERE), str(HERE.parent / "execution")):
    if folder not in sys.path:
        sys.path.insert(0, folder)


@pytest.fixture(scope="session")
def slurm():
    """Environment with the one-node SLURM in it."""
    from slurm_for_tests import start_slurm

    conf, why = start_slurm()
    if conf is None:
        pytest.skip(why)
    os.environ["SLURM_CONF"] = conf
    return conf


@pytest.fixture
def nothing_left(slurm, tmp_path):  # noqa: ARG001 - brings it up
    """Check at the end that no process and no job of the queue stays behind."""
    from slurm_for_tests import ours, squeue

    yield
    end = time.monotonic() + 15
    while time.monotonic() < end:
        left = ours(tmp_path)
        jobs = squeue()
        if not left and not jobs:
            return
        time.sleep(0.2)
    words = [" ".join(p.cmdline()) for p in left]
    for process in left:
        process.kill()
    subprocess.run(["scancel", *jobs], check=False)
    pytest.fail(f"left behind: {words}, jobs {jobs}")
