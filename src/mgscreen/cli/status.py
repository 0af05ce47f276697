"""``mgscreen status``: where every job of a campaign stands."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from mgscreen.database.database import Database
    from mgscreen.database.jobs import Job, Tally

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
    elif jobs:
        listed = [_job(job) for job in database.jobs(campaign_id)]
        emit(listed, JOB_FIELDS, how.value, columns=_job_columns())
    elif how is Format.TABLE:
        show(_overview(database, campaign_id, name), PAGE)
    else:
        emit(summary(database.tallies(campaign_id), name), FIELDS, how.value)


def summary(tallies: Iterable[Tally], campaign: str) -> list[dict[str, Any]]:
    """Count the states of jobs by kind and level, in the order of the DAG."""
    groups: dict[tuple[str, str], list[Tally]] = defaultdict(list)
    for tally in tallies:
        groups[tally.kind, tally.level].append(tally)
    rows = []
    for (kind, level), members in groups.items():
        states = Counter({tally.state.lower(): tally.number for tally in members})
        rows.append(
            {
                "campaign": campaign,
                "kind": kind,
                "level": level,
                "total": states.total(),
                **{state: states[state] for state in STATES},
                "cached": sum(tally.cached for tally in members),
                "left_s": round(sum(t.cost_s for t in members if t.state in _OPEN), 1),
            }
        )
    return rows


def _job(job: Job) -> dict[str, Any]:
    return {"job": job.name, **{f: getattr(job, f) for f in JOB_FIELDS if f != "job"}}


def _job_columns() -> tuple[str, ...]:
    return ("job", "level", "state", "wall_s", "reason", "uuid")


def _overview(database: Database, campaign_id: int, name: str) -> RenderableType:
    """Return the table of counts, what runs and what failed; only the latter are read as jobs."""
    from rich.console import Group
    from rich.text import Text

    from mgscreen.cli.output import duration, table

    rows = summary(database.tallies(campaign_id), name)
    if not rows:
        return Text(f"campaign {name}: no jobs yet")
    shown = [s for s in STATES if s == "completed" or any(row[s] for row in rows)]
    left = sum(row["left_s"] for row in rows)
    done, total = (sum(row[key] for row in rows) for key in ("completed", "total"))
    parts: list[RenderableType] = [
        table(rows, ("kind", "level", "total", *shown, "cached"), title=f"Campaign {name}"),
        Text(
            f"{done} of {total} jobs completed; "
            + (f"left: about {duration(left)} of CPU time" if left else "none is left to run")
        ),
    ]
    told = database.jobs(campaign_id, ["RUNNING", "FAILED", "LOST"])
    running = [job.name for job in told if job.state == "RUNNING"]
    if running:
        parts.append(Text(f"running: {', '.join(running)}"))
    bad = [_job(job) for job in told if job.state != "RUNNING"]
    if bad:
        parts.append(table(bad, ("job", "state", "reason"), title="Failed or lost"))
    return Group(*parts)


def _watch(database: Database, campaign_id: int, name: str) -> None:
    from rich.live import Live

    from mgscreen.cli.output import console

    def states() -> Counter[str]:
        return Counter(database.count_states(campaign_id))

    found = states()
    if not sys.stdout.isatty():
        last = ""
        while True:
            parts = (f"{found[s.upper()]} {s}" for s in STATES if found[s.upper()])
            line = ", ".join(parts) or "no jobs yet"
            if line != last:
                typer.echo(f"{name}: {line}")
                last = line
            if found and not _OPEN.intersection(found):
                return
            time.sleep(_REFRESH_S)
            found = states()
    with Live(
        _overview(database, campaign_id, name), console=console(), auto_refresh=False
    ) as live:
        while not found or _OPEN.intersection(found):
            time.sleep(_REFRESH_S)
            found = states()
            live.update(_overview(database, campaign_id, name), refresh=True)
