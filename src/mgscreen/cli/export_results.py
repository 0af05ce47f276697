"""``mgscreen export results``: a campaign's results for other tools."""

from __future__ import annotations

import re
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mgscreen.cli.options import CampaignName, DbOption, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mgscreen.database.database import Database


class Target(StrEnum):
    """What other tools read."""

    CSV = "csv"
    PARQUET = "parquet"
    ROCRATE = "rocrate"
    ASE = "ase"
    OPTIMADE = "optimade"


ENDINGS = {
    Target.CSV: "-csv",
    Target.PARQUET: "-parquet",
    Target.ROCRATE: "-crate.zip",
    Target.ASE: "-ase.db",
    Target.OPTIMADE: "-optimade.json",
}


def results(
    campaign: CampaignName = None,
    how: Annotated[
        Target, typer.Option("--format", "-f", help="What to write; see above.")
    ] = Target.CSV,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="PATH",
            help="File (a folder for csv and parquet); by default beside the database.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(
            "--license", help="Licence of an RO-Crate, URL or SPDX name.", show_default=False
        ),
    ] = "",
    db: DbOption = None,
) -> None:
    """Write the results of a campaign for other tools.

    csv, parquet: a folder with properties, jobs, calculations, candidates, references and one
    table for each ranking. rocrate: one zip with the campaign file, its database, report, tables,
    structures, artefacts and versions, described by ro-crate-metadata.json. ase: every structure
    with its values, for ase.db.connect. optimade: every distinct structure as an OPTIMADE response.
    """
    from mgscreen.cli.databases import open_results

    database, name = open_results(campaign, db)
    path = to
    if path is None:
        path = _beside(database, name) / f"{_stem(name)}{ENDINGS[how]}"
        path.parent.mkdir(parents=True, exist_ok=True)
    if how in {Target.CSV, Target.PARQUET}:
        from mgscreen.export.tables import write_tables

        form: Literal["csv", "parquet"] = "csv" if how is Target.CSV else "parquet"
        for file in write_tables(database, name, path, form):
            typer.echo(file)
        return
    with _whole(path) as part:
        _write(database, name, how, part, licence)
    typer.echo(path)


def _write(database: Database, name: str, how: Target, path: Path, licence: str) -> None:
    if how is Target.ASE:
        from mgscreen.export.ase_db import write_ase_db

        write_ase_db(database, name, path)
    elif how is Target.OPTIMADE:
        import json

        from mgscreen.export.optimade import optimade

        path.write_text(json.dumps(optimade(database, name), allow_nan=False), encoding="utf-8")
    else:
        from mgscreen.export.crate import write_crate

        files = _beside(database, name) / "files"
        write_crate(database, name, path, files=files, licence=licence)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a path of the same ending that takes the place of ``path`` when all went well."""
    import tempfile

    from mgscreen.core.errors import InputError

    if not path.parent.is_dir():
        raise InputError(f"there is no folder '{path.parent}'")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        part = Path(folder) / f"part{''.join(path.suffixes[-1:])}"
        yield part
        try:
            part.replace(path)
        except OSError as error:
            raise InputError(f"cannot write '{path}': {error.strerror or error}") from error


def _beside(database: Database, name: str) -> Path:
    """Return the folder of a SQLite file, or that of the campaign's results."""
    from mgscreen.cli.databases import place_of

    if "://" in database.address:
        return place_of(name).folder
    return Path(database.address).parent


def _stem(name: str) -> str:
    """Return a file name for a campaign, whatever its name is: it cannot leave the folder."""
    return re.sub(r"[^A-Za-z0-9_+-]+", "-", name).strip("-") or "campaign"


def add_to(group: typer.Typer) -> None:
    """Make it a command of a group."""
    group.command(
        "results",
        help=unwrapped(results),
        epilog="Example: mgscreen export results laptop --format rocrate",
    )(results)
