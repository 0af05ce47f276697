"""The worker pool: real processes that are really killed."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading
import time
from concurrent.futures import Future, wait

import jobs_for_tests as jobs
import psutil
import pytest

from mgscreen.execution.limits import Limits
from mgscreen.execution.pool import LimitExceededError, RemoteError, WorkerLostError, WorkerPool


@pytest.fixture
def make():
    made = []

    def new(workers=1, **options):
        made.append(WorkerPool(workers, **options))
        return made[-1]

    yield new
    for one in made:
        one.terminate()


def test_results_and_exceptions(pool):
    futures = [pool.submit(jobs.trivial, {"x": [i, None, "µ"]}) for i in range(20)]
    assert [f.result(30) for f in futures] == [{"x": [i, None, "µ"]} for i in range(20)]
    with pytest.raises(RemoteError, match="ValueError: on purpose") as caught:
        pool.submit(jobs.boom, "on purpose").result(30)
    assert "jobs_for_tests.py" in caught.value.traceback


def test_workers_have_their_threads_and_folder(make):
    found = make(1, threads=3).submit(jobs.environment).result(30)
    assert found["threads"] == "3"
    assert found["pid"] != os.getpid()
    assert found["tmp"].startswith(tempfile.gettempdir())


def test_a_killed_worker_costs_only_its_task(make):
    pool = make(2)
    long = [pool.submit(jobs.sleep, 0.6) for _ in range(2)]
    later = [pool.submit(jobs.trivial, i) for i in range(5)]
    while not all(f.running() for f in long):
        time.sleep(0.01)
    os.kill(pool.pids()[0], signal.SIGKILL)
    wait([*long, *later], timeout=30)
    errors = [f.exception() for f in long]
    assert sum(e is None for e in errors) == 1
    lost = next(e for e in errors if e is not None)
    assert isinstance(lost, WorkerLostError)
    assert lost.retryable
    assert re.fullmatch(r"worker process \d+ was killed by SIGKILL", str(lost))
    assert [f.result() for f in later] == [0, 1, 2, 3, 4]


def test_an_idle_worker_that_dies_costs_nothing(make):
    pool = make(1)
    first = pool.submit(jobs.environment).result(30)["pid"]
    for _ in range(3):
        os.kill(pool.pids()[0], signal.SIGKILL)
        assert pool.submit(jobs.environment).result(30)["pid"] != first


def test_exit_of_a_worker_is_reported(make):
    with pytest.raises(WorkerLostError, match="ended with exit code 3"):
        make(1).submit(jobs.die, 3).result(30)


def test_memory_limit(make):
    pool = make(1, limits=Limits(memory_mb=250))
    future = pool.submit(jobs.eat, 600)
    with pytest.raises(LimitExceededError) as caught:
        future.result(30)
    assert re.fullmatch(r"memory limit of 0\.2 GB exceeded \(peak 0\.[2-6] GB\)", str(caught.value))
    assert caught.value.peak_mb > 250
    assert not caught.value.retryable
    assert pool.submit(jobs.trivial, 1).result(30) == 1
    assert pool.peak_memory_mb > 250


def test_walltime(make):
    pool = make(1, limits=Limits(walltime_s=0.5), preload=["jobs_for_tests"])
    begin = time.monotonic()
    with pytest.raises(LimitExceededError, match=r"walltime of 0\.5 s exceeded"):
        pool.submit(jobs.sleep, 30).result(30)
    assert time.monotonic() - begin < 10
    assert pool.submit(jobs.trivial, 1).result(30) == 1


def test_processes_of_a_task_die_with_it(make, tmp_path):
    pool = make(1, limits=Limits(walltime_s=1.0), preload=["jobs_for_tests"])
    with pytest.raises(LimitExceededError):
        pool.submit(jobs.sleep_with_child, 60, str(tmp_path)).result(30)
    child = int((tmp_path / "child.pid").read_text())
    deadline = time.monotonic() + 3
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_shutdown_waits_for_what_was_accepted(make):
    pool = make(1)
    futures = [pool.submit(jobs.sleep, 0.05) for _ in range(4)]
    pool.shutdown()
    assert [f.result(0) for f in futures] == [0.05] * 4
    assert pool.pids() == []
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(jobs.sleep, 0)


def test_shutdown_can_cancel(make):
    pool = make(1)
    futures = [pool.submit(jobs.sleep, 0.3) for _ in range(4)]
    while not futures[0].running():
        time.sleep(0.01)
    pool.shutdown(cancel_futures=True)
    assert futures[0].result(0) == 0.3
    assert all(f.cancelled() for f in futures[1:])


def test_terminate_ends_everything_now(make):
    pool = make(2)
    futures = [pool.submit(jobs.sleep, 60) for _ in range(4)]
    while not futures[1].running():
        time.sleep(0.01)
    pids = pool.pids()
    begin = time.monotonic()
    pool.terminate()
    assert time.monotonic() - begin < 3
    assert all(f.done() for f in futures)
    assert not any(_lives(pid) for pid in pids)


def test_workers_that_cannot_start(make, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(WorkerLostError, match=r"workers do not start: .* exit code 1"):
        make(1).submit(jobs.trivial, 1).result(30)


def test_submitting_from_many_threads(pool):
    found: list[Future] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(pool.submit(jobs.trivial, i)))
        for i in range(20)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(f.result(30) for f in found) == list(range(20))


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="at least one worker"):
        WorkerPool(0)


def test_what_a_task_has_freed_is_not_counted_against_the_next_one(make):
    pool = make(1)
    first = pool.submit(jobs.resident_after, 800).result(30)
    assert first["held"] > first["before"] + 700
    second = pool.submit(jobs.resident_after, 1).result(30)
    assert second["before"] < first["before"] + 100
