"""``mgscreen export inputs``: input files for programs that mgscreen does not run."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgscreen.cli.options import CampaignFile, DbOption, unwrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.campaign.loader import Loaded
    from mgscreen.cli.databases import Place
    from mgscreen.execution.exchange import Step

app = typer.Typer(
    no_args_is_help=True,
    help="Write results for other tools, or input files for other programs.",
    epilog="Example: mgscreen export results laptop --format csv",
)


class Code(StrEnum):
    """Programs whose outputs are read back."""

    GAUSSIAN = "gaussian"
    VASP = "vasp"


def inputs(
    campaign: CampaignFile,
    code: Annotated[Code, typer.Option(help="The program.")],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Folder for the inputs; made if missing.")
    ],
    again: Annotated[
        bool, typer.Option("--all", help="Also steps that are computed already.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the results; by default results/<campaign>."),
    ] = None,
    db: DbOption = None,
) -> None:
    """Write the inputs of every open step that the program can do and whose geometry is known.

    Gaussian: orbitals and vertical potentials. VASP: relaxations of crystals; POTCAR.spec names the
    potentials, which are VASP's. Run them, leave the outputs beside the inputs (*.log or
    vasprun.xml), then `mgscreen import DIR`. Steps that wait for others are written by the same
    command later.
    """
    from mgscreen.cli import databases
    from mgscreen.database.database import Database
    from mgscreen.execution.exchange import export_inputs

    loaded = databases.load(campaign)
    place = databases.place_of(loaded.campaign.name, db, out)
    campaign_id = enrolled(loaded, place)
    with Database(place.address, read_only=True) as database:
        steps = export_inputs(database, campaign_id, code.value, to, again=again)
    tell(steps, f"written to {to}")


def enrolled(loaded: Loaded, place: Place) -> int:
    """Return the campaign's id; put it and its jobs into the database if they are not there."""
    from mgscreen.cli.planning import build_flow
    from mgscreen.cli.running import look_up
    from mgscreen.database.database import Database
    from mgscreen.execution.flatten import flatten

    known = look_up(loaded, place)
    if known.same and known.campaign_id is not None:
        return known.campaign_id
    resolved, flow = build_flow(loaded)
    with Database(place.address) as database:
        campaign_id = database.register_campaign(
            loaded.campaign, loaded.text, loaded.path, resolved.candidates
        )
        database.remove_jobs(campaign_id)
        database.add_jobs(campaign_id, flatten(flow))
    return campaign_id


def tell(steps: Sequence[Step], done: str) -> None:
    """Print how many steps went well, and each of the others with its reason."""
    good = [step for step in steps if not step.problem]
    sys.stdout.write(f"{len(good)} of {len(steps)} steps {done}\n")
    for step in steps:
        if step.problem:
            sys.stdout.write(f"{step.name}: {step.problem}\n")


app.command(
    "inputs",
    help=unwrapped(inputs),
    epilog="Example: mgscreen export inputs workflows/laptop.toml --code gaussian --to gaussian",
)(inputs)
