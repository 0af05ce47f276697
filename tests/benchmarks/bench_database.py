"""Many writers at once on PostgreSQL, and a reader beside them; status of very large campaigns.

``python tests/benchmarks/bench_database.py [ROWS]`` writes ``docs/benchmarks/database.md``. Brings
up a PostgreSQL server of its own where its programs are installed.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "benchmarks" / "database.md"
WRITERS = 8
JOBS = 100_000
HEAD = (
    *("rows written", "rows found", "wall, s", "ms per row", "reads"),
    *("median, ms", "99 %, ms", "longest, ms"),
    *("longest without waiting for a core, ms", "waits for a lock"),
)


@contextmanager
def server():
    """Give the end of the URL of a private server, and its log."""
    import pwd
    import shutil

    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None:
        sys.exit("no PostgreSQL server here (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pgbench"))
    prefix = []
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["runuser", "-u", "postgres", "--"]

    def call(program, *arguments):
        subprocess.run(
            [*prefix, str(programs / program), "-D", str(folder / "data"), *arguments],
            check=True,
            capture_output=True,
            cwd=folder,
        )

    call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8")
    options = (
        f"-k {folder} -c listen_addresses='' -c max_connections=40 -c log_lock_waits=on "
        "-c deadlock_timeout=50ms"
    )
    call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"?host={folder}&user=postgres", folder / "log"
    finally:
        call("pg_ctl", "-w", "-m", "fast", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def campaign_of(database, name):
    from mgscreen.campaign.models import Campaign

    campaign = Campaign.model_validate({"name": name, "candidates": {"library": ["TFSI"]}})
    return database.register_campaign(campaign, "", "", [])


def write(address, writer, rows):
    """Add rows to a campaign of its own, one commit for each."""
    from mgscreen.database.database import Database

    with Database(address) as database:
        campaign = campaign_of(database, f"writer-{writer}")
        for n in range(rows):
            row = {"uuid": f"{writer}-{n}", "name": f"job {n}", "kind": "orbitals", "position": n}
            database.add_jobs(campaign, [row])


def waited(pid):
    """Return seconds that a process was ready to run and had no core (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def writers(rows):
    """Return wall time of all writers, rows found, and what a reader met meanwhile.

    Of each read: its latency, and what is left of it without the time in which the reader or its
    server process was ready and had no core: only that can be due to the writers' locks. Another
    connection asks all the while whether the reader waits for a lock (``pg_blocking_pids``), and
    the server logs each wait for a lock of more than 50 ms.
    """
    import psycopg
    from sqlalchemy import text

    from mgscreen.database.database import Database

    with server() as (end, log):
        with psycopg.connect(f"postgresql:///postgres{end}", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        address = f"postgresql:///bench{end}"
        with Database(address) as database:
            campaign = campaign_of(database, "reader")
        begin = time.monotonic()
        running = [
            # what is asked is whether writers block a reader, not who gets a core first
            subprocess.Popen(
                ["nice", sys.executable, __file__, "--write", address, str(n), str(rows)]
            )
            for n in range(WRITERS)
        ]
        latencies, blocked, locks = [], [], 0
        with (
            Database(address, read_only=True) as reader,
            reader.reading() as connection,
            psycopg.connect(f"postgresql:///bench{end}", autocommit=True) as observer,
        ):
            query = text("SELECT count(*) FROM campaigns WHERE id >= :id")
            newest = text("SELECT name FROM jobs WHERE uuid = :uuid")
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            connection.rollback()
            stop = threading.Event()

            def watch():
                nonlocal locks
                while not stop.wait(0.02):
                    row = observer.execute(
                        "SELECT cardinality(pg_blocking_pids(%s))", (backend,)
                    ).fetchone()
                    locks += row[0] > 0

            watcher = threading.Thread(target=watch)
            watcher.start()
            while any(process.poll() is None for process in running):
                idle = waited(os.getpid()) + waited(backend)
                start = time.perf_counter()
                connection.execute(query, {"id": campaign}).scalar_one()
                connection.execute(newest, {"uuid": f"0-{len(latencies)}"}).one_or_none()
                connection.rollback()
                latencies.append(time.perf_counter() - start)
                idle = waited(os.getpid()) + waited(backend) - idle
                blocked.append(max(latencies[-1] - idle, 0.0))
                time.sleep(0.01)
            stop.set()
            watcher.join()
        wall = time.monotonic() - begin
        assert all(process.returncode == 0 for process in running)
        lines = log.read_text(errors="replace").splitlines()
        logged = sum("still waiting for" in x and f"[{backend}]" in x for x in lines)
        with Database(address, read_only=True) as database:
            found = database.count("jobs")
    return wall, found, sorted(latencies), sorted(blocked), locks + logged


def large():
    """Return wall and CPU seconds of each step of planning and showing very many jobs, and MB.

    The jobs are a jobflow Flow of trivial ones in chains of ten; building it is jobflow's part.
    """
    import json

    from jobflow import Flow, Job

    from mgscreen.database.database import Database
    from mgscreen.execution.driver import _enrol
    from mgscreen.execution.flatten import flatten
    from mgscreen.execution.graph import Dag

    rows = []

    def timed(name, function):
        wall, cpu = time.perf_counter(), time.process_time()
        found = function()
        rows.append((name, time.perf_counter() - wall, time.process_time() - cpu))
        return found

    def flow():
        jobs = []
        labels = {"kind": "orbitals", "level": "test", "cost_s": 1.0}
        for n in range(JOBS):
            value = jobs[-1].output if n % 10 else n
            jobs.append(
                Job(json.dumps, function_args=(value,), name=f"job {n}", metadata=dict(labels))
            )
        return Flow(jobs)

    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "a.db") as database:
        campaign = campaign_of(database, "large")
        built = timed("jobflow builds the Flow", flow)
        planned = timed("write its jobs as rows", lambda: flatten(built))
        timed("store them", lambda: _enrol(database, campaign, planned))
        jobs = timed("read them for the driver", lambda: database.jobs(campaign))
        timed("order them", lambda: Dag().add(jobs))
        states = timed("count states in the database", lambda: database.count_states(campaign))
        assert Counter(states) == {"WAITING": JOBS}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        command = [sys.executable, "-m", "mgscreen.cli.main", "status", "large"]
        command += ["--db", str(Path(folder) / "a.db")]

        def status():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            wall = time.perf_counter()
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
            assert f"{JOBS}" in text.replace(",", "")
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return "`mgscreen status`, the whole command", wall, cpu

        rows.append(status())
    return rows, peak


def main(rows=10_000):
    load = os.getloadavg()[0]
    steps, peak = large()
    planning = [sum(step[column] for step in steps[1:-1]) for column in (1, 2)]
    before = os.getloadavg()[0]
    wall, found, latencies, blocked, locks = writers(rows)
    at = {
        p: 1000 * latencies[min(len(latencies) - 1, int(p * len(latencies)))] for p in (0.5, 0.99)
    }
    where = (
        f"Measured by `tests/benchmarks/bench_database.py` on {time.strftime('%Y-%m-%d')} on "
        f"{os.cpu_count()} cores ({platform.machine()}) that other programs used as well."
    )
    about = (
        f"{WRITERS} processes, each {rows:,} rows in a campaign of its own, one commit for each "
        "row (fsync on, at a lower priority: there are more processes than cores); a reader asks "
        "all the while. A read that takes long may have waited for a writer, or for a core: Linux "
        "tells how long the reader and its server process were ready and had none (schedstat), and "
        "what is left is given beside the latency. Waits for a lock are looked for by another "
        "connection every 20 ms (`pg_blocking_pids`) and in the server's log (`log_lock_waits`, "
        f"50 ms). Load average before: {before:.1f}."
    )
    numbers = (
        *(f"{WRITERS * rows:,}", f"{found:,}", f"{wall:.0f}"),
        *(f"{1000 * wall / (WRITERS * rows):.2f}", f"{len(latencies):,}", f"{at[0.5]:.1f}"),
        *(f"{at[0.99]:.1f}", f"{1000 * latencies[-1]:.1f}", f"{1000 * blocked[-1]:.1f}"),
        str(locks),
    )
    lines = [
        "# Databases",
        "",
        where,
        "",
        "## PostgreSQL: many writers and a reader",
        "",
        about,
        "",
        f"| {' | '.join(HEAD)} |",
        "|" + "---|" * len(HEAD),
        f"| {' | '.join(numbers)} |",
        "",
        f"## A campaign of {JOBS:,} jobs (SQLite, trivial jobs)",
        "",
        f"Load average before: {load:.1f} on {os.cpu_count()} cores.",
        "",
        "| step | wall, s | CPU, s |",
        "|---|---|---|",
        *(f"| {name} | {wall:.2f} | {cpu:.2f} |" for name, wall, cpu in steps),
        (
            f"| planning: all but building the Flow and `status` | {planning[0]:.2f} "
            f"| {planning[1]:.2f} |"
        ),
        "",
        f"Peak memory of the process that did all of it: {peak:.0f} MB.",
        "",
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(lines), encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))  # noqa: T201 - a script


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(*(int(a) for a in sys.argv[1:]))
