"""kill -9, Ctrl-C: nothing is lost, nothing is computed twice, nobody stays behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from mgscreen.database.database import Database
from mgscreen.execution.driver import is_finished
from mgscreen.execution.worker import JobOutputs

SCRIPT = Path(__file__).parent / "run_for_tests.py"
SECONDS = 0.05


class Driver:
    """A driver in a process of its own."""

    def __init__(self, database, folder, seconds=SECONDS, retries=100):
        self.database = database
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), database, str(seconds), str(retries)],
            env={**os.environ, "TRACES": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def workers(self):
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [c for c in children if "mgscreen.execution.child" in " ".join(_command(c))]

    def wait_for_traces(self, n):
        """Wait until jobs have left so many traces beyond those that were there."""
        while len(list(self.folder.iterdir())) < n and self.process.poll() is None:
            time.sleep(0.002)

    def finish(self):
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return out


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def gone(processes, timeout=3.0):
    """Return those that still live after a while."""
    _, alive = psutil.wait_procs(processes, timeout)
    return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def content(path):
    """Everything in a database but times, attempts and random names."""
    with Database(path, read_only=True) as db:
        campaign = db.campaign_id()
        jobs = db.jobs(campaign)
        documents = db.outputs_of(job.uuid for job in jobs)
        names = {job.uuid: job.name for job in jobs}
        store = JobOutputs(documents)
        rows = Counter(
            (
                job.name,
                job.index,
                job.state,
                job.reason,
                tuple(sorted(names[p] for p in job.parents)),
                job.generated_by.rpartition(":")[2],
                job.calculation,
                job.candidate,
                _output(store, job.uuid),
            )
            for job in jobs
        )
        properties = db.frame_properties()
        values = Counter(
            map(
                tuple,
                properties[["candidate", "form", "property", "value", "state"]].astype(str).values,
            )
        )
    return rows, values


def _output(store, uuid):
    try:
        found = store.get_output(uuid)
    except ValueError:
        return None
    if hasattr(found, "model_dump"):
        found = found.model_dump()
    if isinstance(found, dict):
        drop = {"wall_s", "cpu_s", "peak_memory_mb", "host"}
        found = {k: v for k, v in found.items() if k not in drop and not k.startswith("@")}
    return json.dumps(found, sort_keys=True, default=str)


def starts(folder):
    return Counter(p.name.split("-")[1] for p in folder.iterdir() if p.name.startswith("start-"))


def settled(path, folder):
    """Executions so far of the jobs that the database knows as finished."""
    with Database(path, read_only=True) as db:
        campaign = db.campaign_id()
        done = {job.name for job in db.jobs(campaign, ["COMPLETED"])}
    return {name: n for name, n in starts(folder).items() if name in done}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    driver = Driver(root / "a.db", root / "traces")
    assert driver.finish().startswith("finished")
    rows, values = content(root / "a.db")
    assert sum(rows.values()) == 29
    assert Counter(row[2] for row in rows.elements()) == {"COMPLETED": 25, "FAILED": 4}
    found = starts(root / "traces")
    assert set(found.values()) == {1}, "each job runs once, and twins share one run"
    assert "never" not in found
    return rows, values


def disturb(tmp_path, undisturbed, seed, kills):
    """Kill the driver or a worker so many times at random moments, then run to the end."""
    chance = random.Random(seed)  # noqa: S311 - moments to kill at
    path, folder = tmp_path / "a.db", tmp_path / "traces"
    folder.mkdir()
    frozen = {}
    done = 0
    driver = Driver(path, folder)
    while done < kills:
        target = len(list(folder.iterdir())) + chance.randint(0, 6)
        driver.wait_for_traces(target)
        time.sleep(chance.uniform(0.0, 1.2 * SECONDS))
        workers = driver.workers()
        if driver.process.poll() is not None:
            break
        if chance.random() < 0.5 or not workers:
            driver.process.kill()
            driver.process.wait()
            assert gone(workers) == []
            if path.exists() and starts(folder):
                frozen.update(settled(path, folder))
            driver = Driver(path, folder)
        else:
            os.kill(chance.choice(workers).pid, signal.SIGKILL)
        done += 1
    driver.finish()
    if done < kills:
        # it was done before all kills: what a further run does is checked as well
        assert Driver(path, folder).finish().startswith("finished 0")
    rows, values = content(path)
    assert rows == undisturbed[0]
    assert values == undisturbed[1]
    final = starts(folder)
    assert {name: final[name] for name in frozen} == frozen, "a finished job ran again"
    assert sum(final.values()) <= 24 + 4 * done, "more ran again than was in flight at a kill"
    return done


def test_kill_at_random_moments(tmp_path, undisturbed):
    assert disturb(tmp_path, undisturbed, seed=1, kills=5) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_kill_at_twenty_random_moments(tmp_path, undisturbed, seed):
    assert disturb(tmp_path, undisturbed, seed=seed, kills=5) >= 3


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path, undisturbed):
    path, folder = tmp_path / "a.db", tmp_path / "traces"
    driver = Driver(path, folder, seconds=SECONDS)
    driver.wait_for_traces(5)
    workers = driver.workers()
    assert workers
    os.kill(driver.process.pid, signal.SIGINT)
    begin = time.monotonic()
    assert driver.finish().startswith("interrupted")
    assert time.monotonic() - begin < 3
    assert gone(workers) == []
    with Database(path) as db:
        campaign = db.campaign_id()
        states = set(db.count_states(campaign))
        assert states <= {"WAITING", "READY", "COMPLETED", "FAILED"}
        assert not is_finished(db, campaign)
    before = settled(path, folder)
    assert before
    assert Driver(path, folder).finish().startswith("finished")
    assert {name: starts(folder)[name] for name in before} == before
    assert content(path)[0] == undisturbed[0]


def test_second_ctrl_c_quits_at_once(tmp_path):
    path, folder = tmp_path / "a.db", tmp_path / "traces"
    driver = Driver(path, folder, seconds=5.0)
    driver.wait_for_traces(2)
    workers = driver.workers()
    begin = time.monotonic()
    os.kill(driver.process.pid, signal.SIGINT)
    os.kill(driver.process.pid, signal.SIGTERM)
    driver.process.wait(timeout=5)
    assert time.monotonic() - begin < 2
    assert driver.process.returncode in {0, 130, 143}
    assert gone(workers) == []


def test_two_drivers_of_one_campaign(tmp_path):
    path, folder = tmp_path / "a.db", tmp_path / "traces"
    driver = Driver(path, folder, seconds=0.5)
    driver.wait_for_traces(1)
    second = Driver(path, folder)
    _, err = second.process.communicate(timeout=30)
    assert second.process.returncode == 1
    last = err.strip().splitlines()[-1]
    assert f"is being run by process {driver.process.pid} on " in last
    driver.process.kill()
    driver.process.wait()
    # the lock went with its holder
    third = Driver(path, folder, seconds=SECONDS)
    third.finish()
    assert not list(tmp_path.glob(".*.lock"))
