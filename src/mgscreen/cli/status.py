"""``mgscreen status``: where every job of a campaign stands."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job

STATES = ("waiting", "ready", "submitted", "running", "completed", "failed", "lost")
FIELDS = ("campaign", "kind", "level", "total", *STATES, "cached", "left_s")
JOB_FIELDS = (
    "job",
    "uuid",
    "kind",
    "candidate",
    "form",
    "species",
    "level",
    "state",
    "reason",
    "attempts",
    "cached",
    "cost_s",
    "wall_s",
    "peak_memory_mb",
    "started_at",
    "finished_at",
    "calculation",
)
_OPEN = {"WAITING", "READY", "SUBMITTED", "RUNNING", "LOST"}
_REFRESH_S = 2.0


def status(
    campaign: CampaignName = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay, and show changes until all is done.")
    ] = False,
    jobs: Annotated[bool, typer.Option("--jobs", help="List every job.")] = False,
    how: FormatOption = Format.TABLE,
    db: DbOption = None,
) -> None:
    """Show how many jobs wait, run, are done and failed, and why they failed.

    JSON and CSV have the fields campaign, kind, level, total, waiting, ready, submitted, running,
    completed, failed, lost, cached, left_s (estimated CPU seconds); with --jobs one object per
    job: job, uuid, kind, candidate, form, species, level, state, reason, attempts, cached, cost_s,
    wall_s, peak_memory_mb, started_at, finished_at, calculation.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, show
    from mgscreen.core.errors import InputError

    if watch and how is not Format.TABLE:
        raise InputError("--watch shows a table: leave --format out")
    database, name = open_results(campaign, db)
    campaign_id = database.campaign_id(name)
    if watch:
        _watch(database, campaign_id, name)
        return
    listed = database.jobs(campaign_id)
    if jobs:
        emit([_job(job) for job in listed], JOB_FIELDS, how.value, columns=_job_columns())
    elif how is Format.TABLE:
        show(_overview(listed, name), PAGE)
    else:
        emit(summary(listed, name), FIELDS, how.value)


def summary(jobs: Sequence[Job], campaign: str) -> list[dict[str, Any]]:
    """Count the states of jobs by kind and level, in the order of the DAG."""
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.kind, job.level].append(job)
    rows = []
    for (kind, level), members in groups.items():
        states = Counter(job.state.lower() for job in members)
        rows.append(
            {
                "campaign": campaign,
                "kind": kind,
                "level": level,
                "total": len(members),
                **{state: states[state] for state in STATES},
                "cached": sum(job.cached for job in members),
                "left_s": round(sum(job.cost_s for job in members if job.state in _OPEN), 1),
            }
        )
    return rows


def _job(job: Job) -> dict[str, Any]:
    return {"job": job.name, **{f: getattr(job, f) for f in JOB_FIELDS if f != "job"}}


def _job_columns() -> tuple[str, ...]:
    return ("job", "level", "state", "wall_s", "reason", "uuid")


def _overview(jobs: Sequence[Job], name: str) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from mgscreen.cli.output import duration, table

    if not jobs:
        return Text(f"campaign {name}: no jobs yet")
    rows = summary(jobs, name)
    shown = [s for s in STATES if s == "completed" or any(row[s] for row in rows)]
    left = sum(row["left_s"] for row in rows)
    done = sum(job.state == "COMPLETED" for job in jobs)
    parts: list[RenderableType] = [
        table(rows, ("kind", "level", "total", *shown, "cached"), title=f"Campaign {name}"),
        Text(
            f"{done} of {len(jobs)} jobs completed; "
            + (f"left: about {duration(left)} of CPU time" if left else "none is left to run")
        ),
    ]
    running = [job.name for job in jobs if job.state == "RUNNING"]
    if running:
        parts.append(Text(f"running: {', '.join(running)}"))
    bad = [_job(job) for job in jobs if job.state in {"FAILED", "LOST"}]
    if bad:
        parts.append(table(bad, ("job", "state", "reason"), title="Failed or lost"))
    return Group(*parts)


def _watch(database: Database, campaign_id: int, name: str) -> None:
    from rich.live import Live

    from mgscreen.cli.output import console

    jobs = database.jobs(campaign_id)
    if not sys.stdout.isatty():
        last = ""
        while True:
            states = Counter(job.state.lower() for job in jobs)
            line = ", ".join(f"{states[s]} {s}" for s in STATES if states[s]) or "no jobs yet"
            if line != last:
                typer.echo(f"{name}: {line}")
                last = line
            if jobs and not any(job.state in _OPEN for job in jobs):
                return
            time.sleep(_REFRESH_S)
            jobs = database.jobs(campaign_id)
    with Live(_overview(jobs, name), console=console(), auto_refresh=False) as live:
        while not jobs or any(job.state in _OPEN for job in jobs):
            time.sleep(_REFRESH_S)
            jobs = database.jobs(campaign_id)
            live.update(_overview(jobs, name), refresh=True)
