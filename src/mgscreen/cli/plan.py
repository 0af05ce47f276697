"""``mgscreen plan``: the DAG of a campaign before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignFile, DbOption, Format, FormatOption
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.campaign.loader import Loaded
    from mgscreen.cli.databases import Place

FIELDS = ("kind", "level", "jobs", "in_database", "cost_s", "left_s")
JOB_FIELDS = (
    "job",
    "kind",
    "candidate",
    "form",
    "species",
    "level",
    "geometry_level",
    "cost_s",
    "state",
    "calculation",
)


def plan(
    campaign: CampaignFile,
    graph: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw the DAG: FILE.svg, FILE.mmd, or - for Mermaid."),
    ] = None,
    jobs: Annotated[bool, typer.Option("--jobs", help="List every job.")] = False,
    how: FormatOption = Format.TABLE,
    db: DbOption = None,
) -> None:
    """Show what a campaign would compute: jobs, levels, cost, and what the database already has.

    JSON and CSV have the fields kind, level, jobs, in_database, cost_s, left_s (CPU seconds, an
    estimate good to a factor of two); with --jobs: job, kind, candidate, form, species, level,
    geometry_level, cost_s, state (known, open; failed where it is known to fail), calculation.
    """
    from mgscreen.cli import databases
    from mgscreen.cli.output import emit
    from mgscreen.cli.planning import planned_jobs

    if graph is not None:
        _check_graph(graph)
    loaded = databases.load(campaign)
    place = databases.place_of(loaded.campaign.name, db)
    planned = planned_jobs(loaded, place)
    if graph is not None:
        _draw(graph, planned, f"{loaded.campaign.name}: {len(planned)} jobs")
        if graph == "-":
            return
    if jobs:
        columns = ("job", "level", "cost_s", "state")
        emit(planned, JOB_FIELDS, how.value, columns=columns)
        return
    _show(planned, loaded, how)


def show_plan(loaded: Loaded, place: Place, *, quiet: bool = False) -> None:
    """Plan a campaign, and print the plan unless ``quiet``; raises what ``run`` would raise."""
    from mgscreen.cli.planning import planned_jobs

    planned = planned_jobs(loaded, place)
    if not quiet:
        _show(planned, loaded, Format.TABLE)


def _show(planned: Sequence[dict[str, Any]], loaded: Loaded, how: Format) -> None:
    from mgscreen.cli.output import emit
    from mgscreen.cli.planning import totals

    emit(totals(planned), FIELDS, how.value, title=f"Plan of {loaded.campaign.name}")
    if how is Format.TABLE:
        _summary(planned, loaded.campaign.execution.workers)


def _summary(planned: Sequence[dict[str, Any]], workers: int | None) -> None:
    import os

    from mgscreen.cli.output import duration

    left = [job for job in planned if job["state"] == "open"]
    cost = sum(job["cost_s"] for job in left)
    processes = workers or os.cpu_count() or 1
    sys.stdout.write(
        f"{len(planned)} jobs, {len(planned) - len(left)} of them in the database; left: "
        f"{len(left)} jobs, about {duration(cost)} of CPU time "
        f"({duration(cost / processes)} on {processes} workers), good to a factor of two\n"
    )


def _check_graph(graph: str) -> None:
    if graph != "-" and Path(graph).suffix not in {".svg", ".mmd"}:
        raise InputError(f"--graph {graph}: expected a name that ends in .svg or .mmd, or -")


def _draw(graph: str, planned: Sequence[dict[str, Any]], title: str) -> None:
    from mgscreen.cli.graph import Node, mermaid, svg
    from mgscreen.cli.output import replacing

    nodes = [
        Node(
            uuid=job["uuid"],
            kind=job["kind"],
            species=job["species"],
            label=job["job"],
            parents=tuple(job["parents"]),
            done=job["state"] != "open",
        )
        for job in planned
    ]
    if graph == "-":
        sys.stdout.write(mermaid(nodes))
        return
    path = Path(graph)
    text = svg(nodes, title) if path.suffix == ".svg" else mermaid(nodes)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    typer.echo(f"{path} written", err=True)
