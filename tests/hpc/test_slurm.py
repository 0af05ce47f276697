"""The driver on the real one-node SLURM, undisturbed and at the limits of its blocks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from slurm_for_tests import ClusterDriver

from mgscreen.database.database import Database
from mgscreen.execution.cluster import queues

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("nothing_left"),
]


def jobs_of(path):
    with Database(path, read_only=True) as db:
        return db.jobs(db.campaign_id())


def test_200_short_tasks_cost_at_most_50_ms_each(tmp_path):
    driver = ClusterDriver(tmp_path, "many", n=200, seconds=0.0, cores=2)
    found = driver.finish()
    assert (found["computed"], found["lost"]) == (200, 0)
    assert (found["last_finished"] - found["first_finished"]) / 200 < 0.05
    starts = Counter(p.name.split("-")[1] for p in tmp_path.glob("traces/start-*"))
    assert set(starts.values()) == {1}
    assert len(starts) == 200
    assert not list((tmp_path / "queue" / "spool").glob("*")), "nothing is left in the spool"


def test_a_task_longer_than_its_block_goes_on_from_its_checkpoint(tmp_path):
    """110 s of steps in blocks of one minute: the second block begins where the first ended.

    SLURM looks at time limits every 30 s, so that a block of one minute may live for 90 s.
    """
    driver = ClusterDriver(
        tmp_path, "patient", steps=110, seconds=1.0, walltime="00:01:00", max_walltime="00:02:00"
    )
    found = driver.finish(timeout=280)
    assert found["lost"] == 1
    assert jobs_of(driver.database)[0].state == "COMPLETED"
    steps = Counter(p.name.split("-")[1] for p in tmp_path.glob("traces/step-*"))
    assert len(steps) == 110
    assert sum(steps.values()) <= 111, "at most the step that was interrupted runs again"


def test_mpi_ranks_are_started_by_the_launcher(tmp_path):
    driver = ClusterDriver(
        tmp_path, "ranks", cores=2, launch="srun --overlap --ntasks=2 --cpus-per-task=1"
    )
    driver.finish()
    job = jobs_of(driver.database)[0]
    assert job.state == "COMPLETED", job.reason
    with Database(driver.database, read_only=True) as db:
        assert db.outputs_of([job.uuid])[job.uuid]["output"] == 2


def test_memory_beyond_what_is_allowed_fails_with_its_reason(tmp_path):
    given = {"memory_per_task_gb": 0.6, "memory_gb": 1, "max_memory_gb": 1, "cores": 1}
    driver = ClusterDriver(tmp_path, seconds=0.05, megabytes=1200, **given)
    driver.finish()
    hungry = next(job for job in jobs_of(driver.database) if job.name == "hungry")
    assert hungry.state == "FAILED"
    # ours looks more often than SLURM; on a busy node SLURM may still be the first to see it
    assert hungry.reason.startswith("out of memory: ")
    assert "memory limit" in hungry.reason
    assert hungry.reason.endswith("(no more than 1 GB is allowed: max_memory_gb)")
    assert hungry.attempts == 2


def test_a_job_that_slurm_kills_for_its_memory_is_told_from_one_that_fails(tmp_path):
    eats = "held = bytearray(400 * 1024**2); held[::4096] = b'1' * len(held[::4096])"
    scripts = {"eats": f"{eats}; import time; time.sleep(30)", "fails": "raise SystemExit(9)"}
    jobs = {}
    for name, code in scripts.items():
        (tmp_path / f"{name}.sh").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}"\n')
        command = ["sbatch", "--parsable", "--mem=200", f"--error={name}.err", f"{name}.sh"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        jobs[name] = done.stdout.strip()
    assert not queues.wait_gone(queues.Slurm(), jobs.values(), 60)
    found = queues.Slurm().states(jobs.values())
    assert found[jobs["eats"]].state == queues.OUT_OF_MEMORY
    assert "exceeded memory limit" in found[jobs["eats"]].reason
    assert found[jobs["fails"]].state == queues.FAILED


def test_cluster_check_sends_a_task_through_slurm(tmp_path, slurm):
    path = tmp_path / "p.toml"
    path.write_text(
        'name = "one-node"\nscheduler = "slurm"\naddress = "127.0.0.1"\n'
        "[heartbeat]\nperiod_s = 1\nthreshold_s = 6\npoll_s = 1.0\n"
        '[classes.molecule]\npartition = "test"\nwalltime = "00:02:00"\ncores = 1\n'
        "memory_gb = 2\nmemory_per_task_gb = 1.0\n"
        '[classes.potential]\npartition = "nowhere"\nmemory_gb = 4\n'
    )
    command = [sys.executable, "-m", "mgscreen.cli.main", "cluster", "check", str(path)]
    wrong = subprocess.run(command, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "no 'nowhere' (there are: test)" in wrong.stdout
    path.write_text(path.read_text().split("[classes.potential]")[0])
    done = subprocess.run(
        [*command, "--submit", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert slurm
    assert "a task through the queue" in done.stdout
