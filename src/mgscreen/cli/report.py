"""``mgscreen report``: the self-contained HTML report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.options import CampaignName, DbOption


def report(
    campaign: CampaignName = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The HTML file; by default report.html beside the database.",
            show_default=False,
        ),
    ] = None,
    db: DbOption = None,
) -> None:
    """Write the HTML report of a campaign: ranking, level diagram, every value and failure."""
    from mgscreen.cli.databases import open_results, place_of
    from mgscreen.cli.output import replacing
    from mgscreen.report.html import write_report

    database, name = open_results(campaign, db)
    path = output
    if path is None:
        path = place_of(name).report if "://" in database.address else beside(database.address)
    with replacing(path) as part:
        write_report(database, name, part)
    typer.echo(path)


def beside(address: str) -> Path:
    """Return the path of the report beside a SQLite file."""
    return Path(address).parent / "report.html"
