"""Overhead of the driver per job, beside jobflow's run_locally in the same run.

    python tests/benchmarks/bench_execution.py [--workers 2] [--write docs/benchmarks/execution.md]

Each job returns its argument, so what is measured is everything else: expanding the flow, writing
the jobs, scheduling, transport, and recording the result in SQLite. The start-up of the workers is
part of it.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "execution"
sys.path.insert(0, str(TESTS))


def flow_of(n, shape):
    from jobflow import Flow, Job
    from jobs_for_tests import trivial

    if shape == "chains of 10":
        jobs = []
        for i in range(n):
            value = i if i % 10 == 0 else jobs[-1].output
            jobs.append(Job(trivial, function_args=(value,)))
        return Flow(jobs)
    return Flow([Job(trivial, function_args=(i,)) for i in range(n)])


def cpu_now():
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system


def driver(n, shape, workers):
    from campaign_for_tests import make_campaign

    from mgscreen.database.database import Database
    from mgscreen.execution.driver import run_flow

    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "bench.db") as database:
        campaign = make_campaign(database)
        flow = flow_of(n, shape)
        wall, cpu = time.perf_counter(), cpu_now()
        summary = run_flow(flow, database, campaign, workers=workers, modules=("jobs_for_tests",))
        wall, cpu = time.perf_counter() - wall, cpu_now() - cpu
        assert summary.counts == {"COMPLETED": n}, summary
        return wall, cpu, summary.peak_memory_mb


def local(n, shape):
    from jobflow import JobStore, run_locally
    from maggma.stores import MemoryStore

    store = JobStore(MemoryStore())
    flow = flow_of(n, shape)
    wall, cpu = time.perf_counter(), cpu_now()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run_locally(flow, log=False, store=store, ensure_success=True)
    assert len(found) == n
    import psutil

    wall, cpu = time.perf_counter() - wall, cpu_now() - cpu
    return wall, cpu, psutil.Process().memory_info().rss / 1024**2


MEMORY_JOBS = 20_000
MEMORY_AT = (2_000, 6_000, 10_000, 14_000, 18_000, 20_000)


def memory_of_driver():
    """Return the driver's resident memory (MB) and live objects as its jobs finish.

    The jobs are written by one process and run by another, so that what is measured is a driver
    that was started on a campaign of this size, without the Flow.
    """
    import gc

    import psutil
    from campaign_for_tests import make_campaign

    from mgscreen.database.database import Database
    from mgscreen.execution.driver import resume
    from mgscreen.execution.flatten import flatten

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        child = os.fork()
        if not child:
            with Database(path) as database:
                rows = flatten(flow_of(MEMORY_JOBS, "chains of 10"))
                database.add_jobs(make_campaign(database), rows)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        found, process = [], psutil.Process()
        left = list(MEMORY_AT)

        def look(event):
            if left and event.progress.done >= left[0]:
                gc.collect()
                found.append(
                    (left.pop(0), process.memory_info().rss / 1024**2, len(gc.get_objects()))
                )

        with Database(path) as database:
            summary = resume(
                database,
                database.campaign_id(),
                workers=2,
                on_event=look,
                modules=("jobs_for_tests",),
            )
        assert summary.counts == {"COMPLETED": MEMORY_JOBS}, summary
    return found


def memory_table():
    command = [sys.executable, __file__, "--memory"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    about = (
        f"One campaign of {MEMORY_JOBS:,} trivial jobs in chains of 10, the driver's own process "
        "(not its workers): what it holds of a job is there from the start, and nothing is added "
        "when the job finishes."
    )
    return [
        "",
        "## Memory of the driver",
        "",
        about,
        "",
        "| finished jobs | resident, MB | live Python objects |",
        "|---|---|---|",
        *(f"| {int(n):,} | {float(mb):.0f} | {int(objects):,} |" for n, mb, objects in rows),
    ]


def measure(who, n, shape, workers):
    """Run in a process of its own, so that memory and caches are not shared."""
    command = [sys.executable, __file__, "--one", who, str(n), shape, str(workers)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wall, cpu, memory = (float(x) for x in text.split()[-3:])
    return wall, cpu, memory


CASES = [
    ("mgscreen", 1_000, "independent"),
    ("run_locally", 1_000, "independent"),
    ("mgscreen", 1_000, "chains of 10"),
    ("run_locally", 1_000, "chains of 10"),
    ("mgscreen", 10_000, "independent"),
]


def header(workers):
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {workers} workers, load average {load:.1f} before the "
        "start (wall times are those of the machine as it was; CPU times compare); made by "
        "`python tests/benchmarks/bench_execution.py --write docs/benchmarks/execution.md`.\n\n"
        "A job returns its argument; wall time holds everything from the Flow to the last row in "
        "SQLite, the start of the workers included. mgscreen keeps every job and output in the "
        "database and can go on after a kill; `run_locally` keeps them in memory."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--one", nargs=4)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if options.memory:
        for row in memory_of_driver():
            print(*row)  # noqa: T201 - what the parent reads
        return
    if options.one:
        who, n, shape, workers = options.one
        found = (
            local(int(n), shape) if who == "run_locally" else driver(int(n), shape, int(workers))
        )
        print(*found)  # noqa: T201 - what the parent reads
        return
    lines = [
        "# Overhead per job",
        "",
        header(options.workers),
        "",
        "| runner | jobs | shape | wall, s | ms per job | CPU, s | memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for who, n, shape in CASES:
        wall, cpu, memory = measure(who, n, shape, options.workers)
        lines.append(
            f"| {who} | {n:,} | {shape} | {wall:.1f} | {1000 * wall / n:.2f} | {cpu:.1f} "
            f"| {memory:.0f} |"
        )
        print(lines[-1], flush=True)  # noqa: T201 - a script
    lines += memory_table()
    print(*lines[-len(MEMORY_AT) :], sep="\n")  # noqa: T201
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
