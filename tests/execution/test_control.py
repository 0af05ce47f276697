"""Requests to a running driver: stop, or end one job."""

from __future__ import annotations

import threading
import time

import pytest
from jobflow import Flow, Job
from jobs_for_tests import add, sleep

from mgscreen.execution.control import Control, ask_to_stop


def start(run, flow, folder):
    found = {}
    thread = threading.Thread(target=lambda: found.update(summary=run(flow, control=folder)))
    thread.start()
    return thread, found


def wait_for(database, campaign, name, state):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if any(j.name == name and j.state == state for j in database.jobs(campaign)):
            return
        time.sleep(0.05)
    raise TimeoutError(name)


def test_one_job_is_ended_and_the_rest_goes_on(run, database, campaign, tmp_path):
    long = Job(sleep, function_args=(60,), name="long")
    child = Job(sleep, function_args=(long.output,), name="child")
    other = add(1, 2)
    thread, found = start(run, Flow([long, child, other]), tmp_path / "control")
    wait_for(database, campaign, "long", "RUNNING")
    begin = time.monotonic()
    ask_to_stop(tmp_path / "control", long.uuid)
    thread.join(timeout=30)
    assert time.monotonic() - begin < 20
    states = {job.name: (job.state, job.reason) for job in database.jobs(campaign)}
    assert states["long"] == ("FAILED", "cancelled on request")
    assert states["add"][0] == "COMPLETED"
    assert states["child"] == ("FAILED", "not run: long failed (cancelled on request)")
    assert not found["summary"].interrupted


def test_a_job_that_waits_is_cancelled_before_it_runs(run, database, campaign, tmp_path):
    first = Job(sleep, function_args=(3,), name="first")
    waiting = Job(sleep, function_args=(first.output,), name="waiting")
    thread, _ = start(run, Flow([first, waiting]), tmp_path / "control")
    wait_for(database, campaign, "first", "RUNNING")
    ask_to_stop(tmp_path / "control", waiting.uuid)
    thread.join(timeout=30)
    states = {job.name: (job.state, job.reason) for job in database.jobs(campaign)}
    assert states == {
        "first": ("COMPLETED", ""),
        "waiting": ("FAILED", "cancelled on request"),
    }


def test_stop_leaves_the_rest_for_the_same_command(run, database, campaign, tmp_path):
    flow = Flow([Job(sleep, function_args=(60,), name="long")])
    thread, found = start(run, flow, tmp_path / "control")
    wait_for(database, campaign, "long", "RUNNING")
    ask_to_stop(tmp_path / "control")
    thread.join(timeout=30)
    assert found["summary"].interrupted
    assert [job.state for job in database.jobs(campaign)] == ["READY"]


def test_requests_of_before_do_not_count(tmp_path):
    ask_to_stop(tmp_path)
    assert Control(tmp_path).asked() == (False, [])
    with pytest.raises(ValueError, match="no uuid"):
        ask_to_stop(tmp_path, "../../etc")
