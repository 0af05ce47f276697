"""``mgscreen import``: results of programs that mgscreen does not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.options import DbOption


def import_(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of `mgscreen export inputs`.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
) -> None:
    """Read the outputs in an exported folder back as results of the campaign.

    Each output is checked against the step that it was written for (atoms and their places, charge
    and multiplicity, method, basis, continuum), kept by its SHA-256 and read by the calculation
    that the step is. Then `mgscreen run` goes on with what stands on it. Exit code 1 if an output
    that is there could not be used.
    """
    from mgscreen.cli import databases
    from mgscreen.cli.export_inputs import tell
    from mgscreen.core.errors import InputError
    from mgscreen.database.database import Database
    from mgscreen.execution.exchange import MANIFEST, import_outputs
    from mgscreen.execution.lock import campaign_lock

    try:
        name = str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["campaign"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"'{folder}' is no exported folder: there is no {MANIFEST}") from None
    database, found = databases.open_results(databases.campaign_name(name), db)
    with database:
        campaign_id, address = database.campaign_id(found), database.address
    results = databases.place_of(found, db, out).folder.absolute()
    with Database(address) as database, campaign_lock(database, campaign_id):
        steps = import_outputs(
            database, campaign_id, folder, results / "files", results / "scratch"
        )
    tell(steps, "read")
    if any(step.problem and step.problem != "no output yet" for step in steps):
        raise typer.Exit(1)
