"""The one-node SLURM of hpc/, and a driver on it in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "hpc" / "one-node-slurm.sh"
DRIVER = HERE / "cluster_for_tests.py"


def start_slurm():
    """Return the path of slurm.conf, or why there is none."""
    done = subprocess.run(
        [str(SCRIPT), "start"], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["it does not start"])[-1]
    return done.stdout.strip(), ""


def ours(folder):
    """Return living processes that a driver in this folder started, on whatever way."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TRACES", "").startswith(str(folder)):
                found.append(process)
    return found


def squeue():
    done = subprocess.run(
        ["squeue", "-h", "-o", "%i %T"], capture_output=True, text=True, check=True
    )
    return dict(line.split() for line in done.stdout.splitlines())


class ClusterDriver:
    """A driver on the queue in a process of its own."""

    def __init__(self, folder, flow="campaign", **given):
        self.folder = folder
        self.database = folder / "a.db"
        self.traces = folder / "traces"
        self.traces.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "driver.log").open("ab")
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(DRIVER),
                str(self.database),
                flow,
                *(f"{k}={v}" for k, v in given.items()),
            ],
            env={**os.environ, "TRACES": str(self.traces)},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
        )

    def wait_for_traces(self, n, timeout=60):
        """Wait until jobs have left so many traces."""
        end = time.monotonic() + timeout
        while len(list(self.traces.iterdir())) < n and self.process.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError((self.folder / "driver.log").read_text()[-2000:])
            time.sleep(0.01)

    def children(self, part):
        with suppress(psutil.NoSuchProcess):
            return [
                c
                for c in psutil.Process(self.process.pid).children(recursive=True)
                if part in " ".join(c.cmdline())
            ]
        return []

    def blocks(self):
        """Jobs of the queue that this driver noted and that are there."""
        known = [
            json.loads(x) for x in (self.folder / "queue/ledger.jsonl").read_text().splitlines()
        ]
        there = squeue()
        return [e["job"] for e in known if e["what"] == "block" and e["job"] in there]

    def finish(self, timeout=180):
        out, _ = self.process.communicate(timeout=timeout)
        text = (self.folder / "driver.log").read_text()
        assert self.process.returncode == 0, text[-3000:]
        return json.loads(out.strip().splitlines()[-1])

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
