"""The driver on a real one-node SLURM: overhead of a task, and campaigns that are disturbed.

``python tests/benchmarks/bench_cluster.py [ROUNDS]`` writes ``docs/benchmarks/cluster.md``. Needs
the SLURM of ``hpc/one-node-slurm.sh``; without it one sentence says so.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "hpc"), str(ROOT / "tests" / "execution")]
OUT = ROOT / "docs" / "benchmarks" / "cluster.md"
TASKS = 200


def main(rounds=20):
    from slurm_for_tests import start_slurm

    conf, why = start_slurm()
    if conf is None:
        print(why)  # noqa: T201 - for whoever runs it
        return
    os.environ["SLURM_CONF"] = conf
    with tempfile.TemporaryDirectory(prefix="mgscreen-bench-") as name:
        folder = Path(name)
        overheads = overhead(folder)
        disturbed = disturb_all(folder, rounds)
    OUT.write_text(page(overheads, disturbed), encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))  # noqa: T201


def overhead(folder):
    """Time short tasks on one block, from the start of the first to the end of the last."""
    from slurm_for_tests import ClusterDriver

    rows = []
    for seconds, slots in ((0.0, 1), (0.0, 4), (0.1, 4)):
        place = folder / f"overhead-{seconds}-{slots}"
        driver = ClusterDriver(
            place, "many", n=TASKS, seconds=seconds, cores=slots, memory_gb=4, blocks=1
        )
        found = driver.finish()
        assert found["computed"] == TASKS
        wall = found["last_finished"] - found["first_finished"]
        # the first tasks also start the workers' processes
        per_task = wall * slots / (TASKS - slots) - seconds
        rows.append((seconds, slots, wall, 1000 * per_task, 1000 * wall / TASKS))
    return rows


def disturb_all(folder, rounds):
    """Disturb a campaign in each of so many runs; every check is the tests' own."""
    import test_faults
    from kill_tools import content
    from slurm_for_tests import ClusterDriver, ours, squeue

    driver = ClusterDriver(folder / "undisturbed", seconds=test_faults.SECONDS)
    driver.finish()
    undisturbed = content(driver.database)
    rows = []
    for n in range(rounds):
        events = [test_faults.EVENTS[(n + shift) % len(test_faults.EVENTS)] for shift in (0, 4)]
        begin = time.monotonic()
        place = folder / f"round-{n}"
        found = test_faults.disturb(place, undisturbed, events, n)
        wall = time.monotonic() - begin
        end = time.monotonic() + 15
        while (ours(place) or squeue()) and time.monotonic() < end:
            time.sleep(0.2)
        left = len(ours(place)) + len(squeue())
        rows.append((n + 1, found["struck"], found["jobs"], found["again"], left, wall))
        print(*rows[-1], flush=True)  # noqa: T201 - progress
    return rows


ABOUT = """
30 jobs (chains, a fan-in, jobs generated at run time, failures, one that needs 0.7 GB). After each
run the database equals that of an undisturbed one, jobs that were finished before are not computed
again, and only jobs that were interrupted have run twice; a run for which that does not hold ends
the benchmark. `driver`, `worker` (Parsl's), `child` (the process of the task), `manager` (of a
block) and `interchange`: `kill -9`. `scancel`: of the block. `node`: set DOWN. `walltime`: of the
block, ended at once. `memory`: the limit is below what one job needs.
"""
OVERHEAD = """
From the end of the first task to the end of the last. The overhead is that of one slot between two
of its tasks: driver, database, Parsl, worker, limits and spool.
"""


def page(overheads, disturbed):
    """Return the page."""
    total = Counter(event for row in disturbed for event in row[1])
    where = (
        f"Measured by `tests/benchmarks/bench_cluster.py` on {time.strftime('%Y-%m-%d')}: a "
        f"one-node SLURM (`hpc/one-node-slurm.sh`) on a machine of {os.cpu_count()} cores "
        f"({platform.machine()}) that other programs used as well."
    )
    lines = [
        "# The driver on a queue",
        "",
        where,
        "",
        f"## Overhead of a task: {TASKS} tasks on one block",
        "",
        " ".join(OVERHEAD.split()),
        "",
        "| seconds of a task | slots | wall, s | overhead per task, ms | wall per task, ms |",
        "|---|---|---|---|---|",
        *(f"| {s:g} | {n} | {w:.2f} | {o:.1f} | {p:.1f} |" for s, n, w, o, p in overheads),
        "",
        f"## {len(disturbed)} campaigns, each disturbed twice",
        "",
        " ".join(ABOUT.split()),
        "",
        "| run | disturbed by | jobs | run twice | left behind | wall, s |",
        "|---|---|---|---|---|---|",
        *(
            f"| {n} | {', '.join(struck)} | {jobs} | {again} | {left} | {wall:.0f} |"
            for n, struck, jobs, again, left, wall in disturbed
        ),
        "",
        "In all: " + ", ".join(f"{event} {n}" for event, n in total.items()) + ".",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
