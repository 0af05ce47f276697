"""``mgscreen retry``: run again what failed or was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.options import CampaignFile, DbOption


def retry(
    campaign: CampaignFile,
    job: Annotated[
        list[str] | None,
        typer.Option(help="Only this job, by name or uuid; repeat it for more."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default as many as cores allow.")
    ] = None,
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
) -> None:
    """Run again the jobs that failed or were lost, and what waits for them."""
    from mgscreen.cli import databases, running

    loaded = databases.load(campaign)
    place = databases.place_of(loaded.campaign.name, db, out)
    options = running.Options(workers=workers, memory_gb=memory_gb, quiet=quiet)
    known = running.look_up(loaded, place)
    if running.repeat(loaded, place, known, options, job or []).interrupted:
        raise KeyboardInterrupt
    code = running.finish(loaded, place, report=not no_report, quiet=quiet)
    if code:
        raise typer.Exit(code)
