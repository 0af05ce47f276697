"""What queues say of their jobs, and what is done about each kind of end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from mgscreen.execution.cluster import queues
from mgscreen.execution.cluster.faults import HANDLERS, Demand, TaskFaultError, decide, fault_of
from mgscreen.execution.cluster.ledger import Ledger, reap
from mgscreen.execution.cluster.profile import Faults, Resources
from mgscreen.execution.cluster.queues import QueueJob, Slurm
from mgscreen.execution.cluster.queues_other import Lsf, Pbs
from mgscreen.execution.cluster.spool import Begun, Spool, task_key

CLASS = Resources.model_validate(
    {
        "walltime": "01:00:00",
        "max_walltime": "04:00:00",
        "memory_gb": 8,
        "max_memory_gb": 16,
        "memory_per_task_gb": 4.0,
    }
)
POLICY = Faults(retries=2, continuations=3)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"JobState": "RUNNING"}, queues.RUNNING),
        ({"JobState": "COMPLETING"}, queues.RUNNING),
        ({"JobState": "TIMEOUT", "Reason": "TimeLimit", "ExitCode": "0:0"}, queues.TIMEOUT),
        ({"JobState": "FAILED", "Reason": "TimeLimit"}, queues.TIMEOUT),
        ({"JobState": "OUT_OF_MEMORY", "ExitCode": "0:125"}, queues.OUT_OF_MEMORY),
        ({"JobState": "CANCELLED", "ExitCode": "0:15"}, queues.CANCELLED),
        ({"JobState": "NODE_FAIL", "Reason": "NodeDown"}, queues.NODE_FAIL),
        ({"JobState": "PREEMPTED"}, queues.PREEMPTED),
        ({"JobState": "FAILED", "Reason": "NonZeroExitCode", "ExitCode": "1:0"}, queues.FAILED),
    ],
)
def test_slurm(fields, state):
    assert Slurm.job(fields).state == state


@pytest.mark.parametrize(
    ("job", "state"),
    [
        ({"job_state": "Q"}, queues.PENDING),
        ({"job_state": "R"}, queues.RUNNING),
        ({"job_state": "F", "Exit_status": 0}, queues.COMPLETED),
        ({"job_state": "F", "Exit_status": -29}, queues.TIMEOUT),
        ({"job_state": "F", "Exit_status": -27}, queues.OUT_OF_MEMORY),
        ({"job_state": "F", "Exit_status": 271}, queues.CANCELLED),
        (
            {"job_state": "F", "Exit_status": 271, "comment": "walltime 60 exceeded limit 30"},
            queues.TIMEOUT,
        ),
        ({"job_state": "F", "Exit_status": 1}, queues.FAILED),
    ],
)
def test_pbs(job, state):
    assert Pbs.job(job).state == state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("PEND|-|-", queues.PENDING),
        ("RUN|-|-", queues.RUNNING),
        ("DONE|-|-", queues.COMPLETED),
        ("EXIT|140|TERM_RUNLIMIT: job killed after reaching LSF run time limit", queues.TIMEOUT),
        (
            "EXIT|137|TERM_MEMLIMIT: job killed after memory limit",
            queues.OUT_OF_MEMORY,
        ),
        ("EXIT|130|TERM_OWNER: job killed by owner", queues.CANCELLED),
        ("EXIT|1|-", queues.FAILED),
    ],
)
def test_lsf(text, state):
    assert Lsf.job(text).state == state


def test_memory_is_given_until_there_is_no_more():
    demand = Demand()
    fault = TaskFaultError("memory", "peak 4.1 GB")
    for factor in (2.0, 4.0):
        demand = decide(fault, demand, CLASS, POLICY).demand
        assert demand.memory == factor
    verdict = decide(fault, demand, CLASS, POLICY)
    assert verdict.demand is None
    assert "no more than 16 GB is allowed" in verdict.reason


def test_walltime_grows_only_for_what_used_it():
    late = TaskFaultError("timeout", ran_s=60.0)
    long = TaskFaultError("timeout", ran_s=3500.0)
    first = decide(late, Demand(), CLASS, POLICY).demand
    assert (first.walltime, first.timeouts) == (1.0, 1)
    second = decide(long, first, CLASS, POLICY).demand
    assert (second.walltime, second.timeouts) == (2.0, 2)
    third = decide(TaskFaultError("timeout", ran_s=7000.0), second, CLASS, POLICY).demand
    assert third.walltime == 4.0
    assert decide(long, third, CLASS, POLICY).demand is None


def test_losses_have_a_limit_and_requests_none():
    demand = Demand()
    for kind in ("node", "preempted"):
        demand = decide(TaskFaultError(kind), demand, CLASS, POLICY).demand
    verdict = decide(TaskFaultError("cancelled"), demand, CLASS, POLICY)
    assert verdict.demand is None
    assert "lost after 3 attempts" in verdict.reason
    assert decide(TaskFaultError("stopped"), Demand(), CLASS, POLICY).demand is None
    assert [h.__name__ for h in HANDLERS] == ["_stopped", "_memory", "_timeout", "_lost"]


def test_the_end_of_a_block_tells_the_fault():
    assert fault_of(QueueJob(queues.TIMEOUT), "", 1.0).kind == "timeout"
    assert fault_of(QueueJob(queues.NODE_FAIL), "", 1.0).kind == "node"
    assert fault_of(QueueJob(queues.COMPLETED), "", 1.0).kind == "lost"
    text = str(fault_of(QueueJob(queues.CANCELLED, "CANCELLED, exit 0:15"), "on n1, job 7", 1.0))
    assert text == "its job in the queue was cancelled: on n1, job 7, CANCELLED, exit 0:15"


def test_ledger_reaps_what_is_ours_and_nothing_else(tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    mine, other = subprocess.Popen(sleep), subprocess.Popen(sleep)
    named = subprocess.Popen([*sleep, "--token=mgtest123"])
    foreign = subprocess.Popen([*sleep, "--token=mgtest1234"])
    try:
        ledger = Ledger(tmp_path / "q" / "ledger.jsonl")
        ledger.process("interchange", mine.pid)
        with ledger.path.open("a") as file:
            # a pid that is somebody else's by now, and a line that a kill cut off
            file.write(
                json.dumps(
                    {
                        "what": "interchange",
                        "pid": other.pid,
                        "created": 1.0,
                        "host": os.uname().nodename,
                    }
                )
                + "\n"
            )
            file.write('{"what": "blo')
        told = []
        assert reap(ledger, "mgtest123", "local", told.append) >= 2
        for _ in range(100):
            if mine.poll() is not None and named.poll() is not None:
                break
            time.sleep(0.02)
        assert mine.poll() is not None
        assert named.poll() is not None
        assert psutil.Process(other.pid).is_running()
        assert other.poll() is None
        assert foreign.poll() is None
        assert ledger.entries() == []
        assert "ended what an earlier driver left behind" in told[0]
    finally:
        for process in (mine, other, named, foreign):
            process.kill()
            process.wait()


def test_spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    text = '{"job": {"x": 1}, "runtime": {"threads": 1}}'
    key = task_key("u", 1, text)
    assert key == task_key("u", 1, text.replace('"threads": 1', '"threads": 4'))
    assert key != task_key("u", 1, text.replace('"x": 1', '"x": 2'))
    assert spool.begun(key) is None
    spool.begin(key, Begun(host="n1", pid=7, job="3"))
    assert spool.begun(key).host == "n1"
    assert spool.begun_keys() == {key}
    (spool.folder / f"{key}.reply").write_text('{"half": ')
    assert spool.find_reply(key) is None
    spool.reply(key, '{"wall_s": 1.0}')
    assert spool.find_reply(key) == '{"wall_s": 1.0}'
    assert spool.reply_keys() == {key}
    spool.forget(key)
    assert list(spool.folder.iterdir()) == []
