"""Filters over a million property rows, and the size and time of reports.

``python tests/benchmarks/bench_query.py [ROWS [FILE [DATABASE ...]]]`` writes
``docs/benchmarks/query.md``. FILE keeps the rows for another time; reports of the databases are
measured beside that of the example.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "benchmarks" / "query.md"
EXAMPLE = ROOT / "results" / "example" / "mgscreen.db"
ROWS = 1_000_000
REPEATS = 15
FORMS = ("ion", "contact-ion-pair", "salt", "molecule", "solvated-contact-ion-pair")
METHODS = tuple(
    f"pyscf:{functional}/{basis}//xtb:gfn2"
    for functional in ("b3lyp", "wb97x-d3bj")
    for basis in ("6-31g(d)", "def2-svpd")
)
REPORT = (
    "import resource, sys;"
    "from mgscreen.database.database import Database;"
    "from mgscreen.report.html import write_report;"
    "write_report(Database(sys.argv[1], read_only=True), None, sys.argv[2]);"
    "used = resource.getrusage(resource.RUSAGE_SELF);"
    "print(used.ru_utime + used.ru_stime)"
)


def rows(n):
    """Give property rows of very many candidates, each in every form, by every method."""
    from mgscreen.core.properties import PROPERTIES

    names = list(PROPERTIES)[:20]
    per = len(FORMS) * len(METHODS) * len(names)
    for k in range(n):
        candidate, rest = divmod(k, per)
        form, rest = divmod(rest, len(METHODS) * len(names))
        method, name = divmod(rest, len(names))
        yield {
            "calculation": f"c{k // len(names):08d}",
            "candidate": f"M{candidate:05d}",
            "form": FORMS[form],
            "species": f"M{candidate:05d}",
            "property": names[name],
            "value": (k * 7919 % 10_007) / 1000.0 - 5.0,
            "unit": "eV",
            "method": METHODS[method],
            "environment": "gas",
        }


def fill(path, n):
    """Write the rows and a campaign of 50 of the candidates."""
    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database
    from mgscreen.database.tables import PROPERTIES

    with Database(path) as database:
        campaign = Campaign.model_validate({"name": "b", "candidates": {"library": ["TFSI"]}})
        number = database.register_campaign(campaign, "", "", [])
        source = rows(n)
        jobs = {}
        while part := list(islice(source, 20_000)):
            with database.writing() as connection:
                connection.execute(PROPERTIES.insert(), part)
            for row in part:
                if row["candidate"] < "M00050":
                    jobs[row["calculation"]] = row
        database.add_jobs(
            number,
            (
                {
                    "uuid": f"u{name}",
                    "name": name,
                    "kind": "orbitals",
                    "candidate": row["candidate"],
                    "form": row["form"],
                    "calculation": name,
                    "state": "COMPLETED",
                }
                for name, row in jobs.items()
            ),
        )


FILTERS = {
    "one candidate": {"candidates": ["M01234"]},
    "one candidate in one form": {"candidates": ["M01234"], "form": "salt"},
    "one property of ten candidates": {
        "property": "homo",
        "candidates": [f"M{n:05d}" for n in range(100, 2100, 200)],
    },
    "one property at a part of a method's name, ten candidates": {
        "property": "lumo",
        "method": "wb97x",
        "candidates": [f"M{n:05d}" for n in range(100, 2100, 200)],
    },
    "a method that nothing was computed at": {"method": "ccsd(t)"},
    "a state that no row is in": {"state": "failed"},
    "one property of a campaign of 50": {"property": "homo", "campaign": "b"},
}
SQL = {
    "the hundred lowest of one property (SQL)": (
        "SELECT candidate, form, method, value FROM properties WHERE property = 'homo' "
        "ORDER BY value LIMIT 100"
    ),
    "one property within a range (SQL)": (
        "SELECT candidate, form, method, value FROM properties WHERE property = 'homo' "
        "AND value BETWEEN 1.0 AND 1.002"
    ),
    "all values by method, no filter (SQL)": (
        "SELECT method, count(*) FROM properties GROUP BY method"
    ),
}


def timed(function):
    """Return rows, and median and longest time of a call, ms."""
    n = len(function())
    spent = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        function()
        spent.append(1000 * (time.perf_counter() - begin))
    return n, median(spent), max(spent)


def cpu_of(function):
    """Return the CPU time of a call, ms: what it takes where no other program runs."""
    spent = []
    for _ in range(REPEATS):
        begin = time.process_time()
        function()
        spent.append(1000 * (time.process_time() - begin))
    return median(spent)


def queries(n, kept=None):
    """Return a table of filters, and the size of the database in MB."""
    from mgscreen.database.database import Database

    lines = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(kept or Path(folder) / "million.db")
        if not path.exists():
            fill(path, n)
        size = path.stat().st_size / 1e6
        with Database(path, read_only=True) as database:
            calls = {k: lambda f=f: database.frame_properties(**f) for k, f in FILTERS.items()}
            calls |= {k: lambda s=s: database.query(s) for k, s in SQL.items()}
            for name, call in calls.items():
                found, middle, longest = timed(call)
                lines.append((name, found, middle, longest, cpu_of(call)))
    return lines, size


def reports(addresses):
    """Return size, CPU and wall time of reports, each in a process of its own."""
    lines = []
    for label, address in addresses:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "report.html"
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", REPORT, str(address), str(target)],
                capture_output=True,
                text=True,
                check=True,
            )
            wall = time.perf_counter() - begin
            lines.append((label, target.stat().st_size / 1e6, float(done.stdout), wall))
    return lines


def main(n=ROWS, kept=None, *more):
    lines, size = queries(int(n), kept)
    addresses = [("the example (all parts)", EXAMPLE)]
    addresses += [(Path(a).parent.name, Path(a)) for a in more]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    where = (
        f"Measured by `tests/benchmarks/bench_query.py` on {time.strftime('%Y-%m-%d')} on "
        f"{os.cpu_count()} cores ({platform.machine()}) that other programs used as well (load "
        f"{os.getloadavg()[0]:.0f}), so CPU times stand beside wall times."
    )
    text = [
        "# Queries and reports",
        "",
        where,
        "",
        f"## Filters over {int(n):,} property rows (SQLite, {size:.0f} MB)",
        "",
        f"From the filter to a pandas frame, {REPEATS} repeats of each.",
        "",
        "| filter | rows | wall, ms (median) | longest | CPU, ms (median) |",
        "|---|---|---|---|---|",
        *(f"| {k} | {r:,} | {m:.1f} | {x:.1f} | {c:.1f} |" for k, r, m, x, c in lines),
        "",
        f"Peak memory: {peak:.0f} MB.",
        "",
        "## Reports",
        "",
        "| campaign | size, MB | CPU, s (all imports included) | wall, s |",
        "|---|---|---|---|",
        *(f"| {k} | {s:.2f} | {c:.1f} | {w:.1f} |" for k, s, c, w in reports(addresses)),
        "",
    ]
    OUT.write_text("\n".join(text), encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))  # noqa: T201 - a script


if __name__ == "__main__":
    main(*sys.argv[1:])
