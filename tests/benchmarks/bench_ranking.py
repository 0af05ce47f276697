"""Time to rank ten thousand candidates with intervals and all pairs of a hundred, and to report.

``python tests/benchmarks/bench_ranking.py`` writes ``docs/benchmarks/ranking.md``. CPU time of one
process, median of five runs; wall time depends on what else the machine does.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mgscreen.api import open_results
from mgscreen.campaign.criteria import COATINGS, PAIRS
from mgscreen.ranking.coatings import scale_of
from mgscreen.ranking.pairs import pairs_of
from mgscreen.ranking.results import Margin, RankedAdditive
from mgscreen.ranking.score import COLUMNS, FILM, Sampling, rank_table
from mgscreen.ranking.weighing import weigh
from mgscreen.report.html import write_report

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "benchmarks" / "ranking.md"
MANY, SAMPLES, RUNS = 10_000, 2000, 3


def additives(rng, *, films):
    n = MANY
    frame = pd.DataFrame(
        {
            "candidate": [f"c{i}" for i in range(n)],
            "reduction": rng.normal(0.0, 1.5, n),
            "reduction_sd": 0.25,
            "reduction_host": -2.2,
            "reduction_host_sd": 0.25,
            "fraction": rng.random(n),
            "oxidation": rng.normal(5.0, 1.2, n),
            "oxidation_sd": 0.25,
            "oxidation_host": 4.5,
            "oxidation_host_sd": 0.25,
        }
    )[list(COLUMNS)]
    if films:
        low = rng.random(n)
        frame[FILM[0]] = low
        # a third of the films is not known
        frame[FILM[1]] = np.where(rng.random(n) < 1 / 3, 1.0, low)
    return frame


def phases(rng, *, missing):
    columns = {"candidate": [f"p{i}" for i in range(MANY)]}
    for spec in COATINGS:
        value = rng.uniform(min(spec.worst, spec.best), max(spec.worst, spec.best), MANY)
        columns[spec.property] = np.where(rng.random(MANY) < missing, np.nan, value)
        columns[f"{spec.property}_sd"] = 0.05 * abs(spec.best - spec.worst)
    return pd.DataFrame(columns)


def members(rng, count):
    def margin(side, value):
        return Margin(
            side=side,
            potential_v=value,
            potential_sd=0.25,
            kind="vertical",
            host="DME",
            host_v=0.0,
            host_sd=0.25,
            host_kind="vertical",
            margin_v=0.0,
            probability=0.5,
        )

    return [
        RankedAdditive(
            rank=1,
            rank_low=1,
            rank_high=1,
            candidate=f"m{i}",
            role="unknown",
            score=0.5,
            state="completed",
            reason="",
            p_sei=float(rng.random()),
            p_cei=float(rng.random()),
            margins=(
                margin("reduction", float(rng.normal())),
                margin("oxidation", float(rng.normal(5))),
            ),
        )
        for i in range(count)
    ]


def timed(function):
    cpu, wall = [], []
    for _ in range(RUNS):
        start, clock = cpu_s(), time.perf_counter()
        function()
        cpu.append(cpu_s() - start)
        wall.append(time.perf_counter() - clock)
    return statistics.median(cpu), statistics.median(wall)


def report(folder):
    """Write the report of the example, in this process."""
    with open_results(ROOT / "results" / "example" / "mgscreen.db") as found:
        write_report(found.database, None, folder / "report.html")


def command(folder):
    """The same by the command, with all that it has to import."""
    place = ROOT / "results" / "example" / "mgscreen.db"
    subprocess.run(
        [
            *(sys.executable, "-m", "mgscreen.cli.main", "report"),
            *("--db", str(place), "--output", str(folder / "report.html")),
        ],
        check=True,
        capture_output=True,
    )


AFTER = """
import sys, time
from pathlib import Path
from mgscreen.cli.rankings import print_rankings
from mgscreen.database.database import Database
from mgscreen.database.remember import remembering
from mgscreen.ranking.roles import read_campaign
with Database(sys.argv[1], read_only=True) as database, remembering():
    number = database.campaign_id(None)
    print_rankings(database, read_campaign(database, number))
    cpu, wall = time.process_time(), time.perf_counter()
    from mgscreen.report.html import write_report
    write_report(database, number, Path(sys.argv[2]))
    print(time.process_time() - cpu, time.perf_counter() - wall, file=sys.stderr)
"""
"""What a run does at its end; the part that is timed is the report."""


def after_rankings(folder):
    """Return CPU and wall time of the report that a run writes after its rankings."""
    place = ROOT / "results" / "example" / "mgscreen.db"
    rows = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", AFTER, str(place), str(folder / "report.html")],
            check=True,
            capture_output=True,
            text=True,
        )
        rows.append([float(x) for x in done.stderr.split()[-2:]])
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def cpu_s():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main():
    rng = np.random.default_rng(1)
    sampling = Sampling(samples=SAMPLES, seed=0)
    scales = [scale_of(spec) for spec in COATINGS]
    plain, filmed = additives(rng, films=False), additives(rng, films=True)
    full, holes = phases(rng, missing=0.0), phases(rng, missing=0.2)
    group = members(rng, 140)
    pairs = len(group) * (len(group) + 1) // 2
    rows = [
        (f"{MANY} additives", lambda: rank_table(plain, (0.0, 0.16), sampling)),
        (
            f"{MANY} additives, films, a third unknown",
            lambda: rank_table(filmed, (0.0, 0.16), sampling),
        ),
        (f"{MANY} coatings by {len(scales)} criteria", lambda: weigh(full, scales, sampling)),
        (f"{MANY} coatings, a fifth of the values missing", lambda: weigh(holes, scales, sampling)),
        (
            f"{pairs} pairs and singles of {len(group)} additives",
            lambda: pairs_of(group, PAIRS, sampling),
        ),
    ]
    folder = Path(tempfile.mkdtemp())
    report(folder)
    size = (folder / "report.html").stat().st_size / 1e6
    rows += [
        (f"report of the laptop campaign ({size:.1f} MB), a second time", lambda: report(folder)),
        ("the same at the end of a run, after its rankings", None),
        ("`mgscreen report` of it, with its imports", lambda: command(folder)),
    ]
    text = (
        f"`python tests/benchmarks/bench_ranking.py`: {SAMPLES} samples for each interval, one "
        f"process, median of {RUNS} runs, Python {platform.python_version()} with NumPy "
        f"{np.__version__} on {platform.machine()}. Limits: 2 s for {MANY} candidates, 5 s to "
        "write the report. "
        f"Load of the machine meanwhile: {os.getloadavg()[0]:.0f} processes on {os.cpu_count()} "
        "cores, which lengthens wall and, by shared caches, CPU times."
    )
    lines = [
        "# Ranking with intervals, and the report",
        "",
        text,
        "",
        "| what | CPU, s | wall, s |",
        "|---|---|---|",
    ]
    for name, function in rows:
        cpu, wall = after_rankings(folder) if function is None else timed(function)
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} |")
        sys.stdout.write(lines[-1] + "\n")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
