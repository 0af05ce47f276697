"""``mgscreen run``: a campaign from its file to its ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.failures import say
from mgscreen.cli.options import CampaignFile, DbOption


def run(
    campaign: CampaignFile,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default as many as cores allow.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of one job.")] = None,
    memory_gb: Annotated[
        float | None, typer.Option("--memory-gb", min=0.3, help="Memory limit of one job, GB.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no table; errors only.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, show the plan, run nothing.")
    ] = False,
) -> None:
    """Run a campaign, or go on with it after any interruption; nothing is computed twice.

    Ends with the ranking and the place of the report. Exit code 1 if a job failed; the others
    are not held up by it.
    """
    from mgscreen.cli import databases

    loaded = databases.load(campaign)
    name = loaded.campaign.name
    place = databases.place_of(name, db, out)
    if dry_run:
        from mgscreen.cli.plan import show_plan

        show_plan(loaded, place, quiet=quiet)
        return
    from mgscreen.cli import running

    options = running.Options(workers=workers, threads=threads, memory_gb=memory_gb, quiet=quiet)
    known = running.look_up(loaded, place)
    if known.finished:
        if not quiet:
            say(f"campaign '{name}' is finished: nothing to compute")
    else:
        summary = running.execute(loaded, place, known, options)
        if not quiet:
            say(summary.sentence())
        if summary.interrupted:
            raise KeyboardInterrupt
    code = running.finish(loaded, place, report=not no_report, quiet=quiet)
    if code:
        raise typer.Exit(code)
