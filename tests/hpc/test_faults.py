"""A campaign on a real SLURM, disturbed in every way: the database ends as if nothing had been."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest
from kill_tools import content, settled, starts
from slurm_for_tests import ClusterDriver, ours

from mgscreen.database.database import Database

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]

SECONDS = 0.3
EVENTS = (
    *("driver", "worker", "child", "manager", "interchange"),
    *("scancel", "node", "walltime", "memory"),
)


@pytest.fixture(scope="module")
def undisturbed(slurm, tmp_path_factory):  # noqa: ARG001 - brings it up
    driver = ClusterDriver(tmp_path_factory.mktemp("undisturbed"), seconds=SECONDS)
    driver.finish()
    rows, values = content(driver.database)
    assert Counter(row[2] for row in rows.elements()) == {"COMPLETED": 26, "FAILED": 4}
    found = starts(driver.traces)
    assert set(found.values()) == {1}
    return rows, values


def pids(folder, part, without=""):
    found = []
    for process in ours(folder):
        with suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if part in line and (not without or without not in line):
                found.append(process.pid)
    return found


def strike(event, driver):
    """Do one harm; return whether there was anything to harm."""
    if event == "driver":
        driver.kill()
        return True
    if event == "scancel":
        jobs = driver.blocks()
        for job in jobs:
            subprocess.run(["scancel", job], check=True)
        return bool(jobs)
    if event == "walltime":
        jobs = driver.blocks()
        for job in jobs:
            # its walltime ends now
            change = ["scontrol", "update", f"JobId={job}", "EndTime=now"]
            subprocess.run(change, check=False, capture_output=True)
        return bool(jobs)
    if event == "memory":
        # one of the jobs needs more than the limit that the run was given
        return True
    if event == "node":
        change = ["scontrol", "update", "nodename=ALL"]
        subprocess.run([*change, "state=DOWN", "reason=test"], check=True)
        time.sleep(0.5)
        # it may have come back by itself already
        subprocess.run([*change, "state=RESUME"], check=False, capture_output=True)
        return True
    part = {
        "child": "mgscreen.execution.child",
        "interchange": "cluster.interchange",
        "manager": "process_worker_pool.py",
        "worker": "multiprocessing.spawn",
    }[event]
    if event == "worker":
        found = [
            child.pid
            for pid in pids(driver.folder, "process_worker_pool.py", without="cluster.block")
            for child in psutil.Process(pid).children()
            if any("execution.child" in " ".join(g.cmdline()) for g in child.children())
        ]
    else:
        found = pids(driver.folder, part, without="" if event != "manager" else "cluster.block")
    for pid in found[:1]:
        with suppress(ProcessLookupError):
            psutil.Process(pid).send_signal(signal.SIGKILL)
    return bool(found)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.usefixtures("nothing_left")
def test_disturbed(tmp_path, undisturbed, event):
    assert disturb(tmp_path, undisturbed, [event], 1)["struck"] == [event]


def disturb(folder, undisturbed, events, seed):
    """Strike at random moments, start a killed driver again, compare the end."""
    chance = random.Random(f"{events}{seed}")  # noqa: S311 - moments to strike at
    given = {"seconds": SECONDS, "memory_per_task_gb": 0.6 if "memory" in events else 1.0}
    driver = ClusterDriver(folder, **given)
    struck, frozen = [], {}
    for event in events:
        driver.wait_for_traces(len(list(driver.traces.iterdir())) + chance.randint(1, 8))
        time.sleep(chance.uniform(0, SECONDS))
        if driver.process.poll() is not None:
            break
        if strike(event, driver):
            struck.append(event)
        if event == "driver":
            frozen.update(settled(driver.database, driver.traces))
            driver = ClusterDriver(folder, **given)
    driver.finish()
    rows, values = content(driver.database)
    wanted_rows, wanted_values = undisturbed
    assert values == wanted_values
    assert rows == wanted_rows
    found = starts(driver.traces)
    for name, n in frozen.items():
        assert found[name] == n, f"{name} was finished and is computed again"
    with Database(driver.database, read_only=True) as db:
        jobs = db.jobs(db.campaign_id())
    twice = {name for name, n in found.items() if n > 1}
    interrupted = {job.name for job in jobs if job.attempts > 1}
    assert twice <= interrupted, "only what was interrupted is computed again"
    return {"struck": struck, "jobs": len(jobs), "again": len(twice)}
