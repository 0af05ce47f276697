"""``mgscreen db``: upgrade, back up and copy a database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mgscreen.cli.options import CampaignName, DbOption, unwrapped

app = typer.Typer(
    no_args_is_help=True,
    help="Upgrade, back up and copy databases.",
    epilog="Example: mgscreen db backup laptop-2026-11-20.db laptop",
)

Target = Annotated[str, typer.Argument(metavar="TARGET", help="A new file.")]
CopyTarget = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="A new file, or the URL of an empty database."),
]


def _address(campaign: str | None, db: str | None) -> str:
    from mgscreen.cli.databases import open_database

    database, _ = open_database(campaign, db)
    with database:
        return database.address


def upgrade(campaign: CampaignName = None, db: DbOption = None) -> None:
    """Bring a database to the schema of this mgscreen, in one transaction.

    A SQLite file is also brought up to date by the next run; a shared PostgreSQL database waits for
    this command.
    """
    from mgscreen.database.upgrade import upgrade as run

    before, after = run(_address(campaign, db))
    words = f"schema {after} already" if before == after else f"schema {before} -> {after}"
    sys.stdout.write(f"{words}\n")


def backup(target: Target, campaign: CampaignName = None, db: DbOption = None) -> None:
    """Write a consistent copy to a file, also while others write to the database.

    A SQLite file gives a SQLite file; PostgreSQL gives an archive for pg_restore.
    """
    from mgscreen.database.upgrade import backup as run

    path = run(_address(campaign, db), Path(target))
    sys.stdout.write(f"{path}\n")


def copy(target: CopyTarget, campaign: CampaignName = None, db: DbOption = None) -> None:
    """Copy everything into an empty database of either kind: from SQLite to PostgreSQL, or back.

    Files that rows name (densities, trajectories) stay where they are.
    """
    from mgscreen.database.upgrade import copy as run

    def tell(table: str, rows: int) -> None:
        sys.stdout.write(f"{table}: {rows}\n")

    run(_address(campaign, db), target, tell)


for _function, _example in (
    (upgrade, "mgscreen db upgrade --db postgresql://me@host/mgscreen"),
    (backup, "mgscreen db backup laptop-2026-11-20.db laptop"),
    (copy, "mgscreen db copy postgresql://me@host/mgscreen laptop"),
):
    app.command(_function.__name__, help=unwrapped(_function), epilog=f"Example: {_example}")(
        _function
    )
