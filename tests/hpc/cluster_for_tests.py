"""A driver on a queue in a process of its own: ``cluster_for_tests.py DATABASE FLOW [KEY=VALUE]``.

``FLOW`` is ``campaign`` (the small one of ``jobs_for_tests``, with a job that needs memory),
``many`` (independent short jobs), ``patient`` (one with checkpoints) or ``ranks`` (MPI)."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
EXECUTION = HERE.parent / "execution"
sys.path[:0] = [str(HERE), str(EXECUTION)]


def profile_of(given):
    """Return a profile of small blocks on the one-node SLURM, or on this machine."""
    from mgscreen.execution.cluster.profile import Profile

    resources = {
        "walltime": given.get("walltime", "00:05:00"),
        "max_walltime": given.get("max_walltime"),
        "cores": int(given.get("cores", 2)),
        "memory_gb": int(given.get("memory_gb", 2)),
        "max_memory_gb": int(given.get("max_memory_gb", 4)),
        "memory_per_task_gb": float(given.get("memory_per_task_gb", 1.0)),
        "blocks": int(given.get("blocks", 1)),
        "launch": given.get("launch"),
    }
    return Profile.model_validate(
        {
            "name": "test",
            "scheduler": given.get("scheduler", "slurm"),
            "setup": (f"export PYTHONPATH={EXECUTION}:{HERE}:$PYTHONPATH",),
            "address": "127.0.0.1",
            "idle_s": 5.0,
            "heartbeat": {"period_s": 1, "threshold_s": 6, "poll_s": 1.0},
            "faults": {"retries": 20, "continuations": int(given.get("continuations", 20))},
            "classes": {"molecule": resources},
        },
        strict=False,
    )


def flow_of(name, given):
    from uuid import NAMESPACE_URL, uuid5

    from cluster_jobs import hungry, patient, ranks_of
    from jobflow import Flow, Job
    from jobs_for_tests import counted, small_campaign

    def job(title, function, *arguments):
        uuid = str(uuid5(NAMESPACE_URL, title))
        return Job(function, function_args=arguments, name=title, uuid=uuid)

    seconds = float(given.get("seconds", 0.05))
    if name == "campaign":
        return Flow(
            [small_campaign(seconds), job("hungry", hungry, int(given.get("megabytes", 700)))]
        )
    if name == "patient":
        return Flow([job("patient", patient, "patient", int(given["steps"]), seconds)])
    if name == "ranks":
        return Flow([job("ranks", ranks_of)])
    n = int(given.get("n", 200))
    return Flow([job(f"m{i}", counted, "", f"m{i}", i, seconds) for i in range(n)])


def main(database, flow, *arguments):
    from campaign_for_tests import make_campaign

    from mgscreen.core.runtime import Runtime
    from mgscreen.database.database import Database
    from mgscreen.execution.cluster.executor import ClusterExecutor
    from mgscreen.execution.cluster.sizes import token_of
    from mgscreen.execution.driver import run_flow

    given = dict(a.split("=", 1) for a in arguments)
    logging.basicConfig(level=logging.WARNING)
    folder = Path(database).parent / "queue"
    events = []

    def on_event(event):
        if event.kind in {"started", "finished", "lost"}:
            events.append((event.kind, time.time()))

    with Database(database) as db:
        campaign = make_campaign(db)
        made = []

        def executor():
            made.append(
                ClusterExecutor(profile_of(given), folder, token_of(database, "test"), print)
            )
            return made[0]

        try:
            summary = run_flow(
                flow_of(flow, given),
                db,
                campaign,
                executor=executor,
                workers=2,
                on_event=on_event,
                modules=("jobs_for_tests", "cluster_jobs"),
                control=folder.parent / "control",
                runtime=Runtime(scratch=folder.parent / "scratch"),
            )
        finally:
            for one in made:
                one.shutdown()
    finished = [t for kind, t in events if kind == "finished"]
    started = [t for kind, t in events if kind == "started"]
    print(  # noqa: T201 - what the test reads
        json.dumps(
            {
                "interrupted": summary.interrupted,
                "computed": summary.computed,
                "lost": summary.lost,
                "first_started": min(started, default=None),
                "first_finished": min(finished, default=None),
                "last_finished": max(finished, default=None),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
