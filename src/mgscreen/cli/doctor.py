"""``mgscreen doctor``: which engines are installed and work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mgscreen.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.engines.doctor import EngineStatus

FIELDS = ("engine", "installed", "works", "version", "licence", "citation", "install", "reason")
_COLUMNS = ("engine", "installed", "works", "version", "licence", "citation")


def doctor(how: FormatOption = Format.TABLE) -> None:
    """Show which engines are installed and work: version, licence, citation, how to install.

    Each installed engine computes a water molecule or MgO, on a GPU too where there is one. Exit
    code 1 if one is installed and does not work. JSON and CSV have the fields engine, installed,
    works, version, licence, citation, install, reason.
    """
    from mgscreen.cli.output import emit
    from mgscreen.engines.doctor import examine

    rows = [_row(found) for found in examine()]
    emit(rows, FIELDS, how.value, columns=_COLUMNS)
    if how is Format.TABLE:
        _say_what_to_do(rows)
    if any(row["installed"] and not row["works"] for row in rows):
        raise typer.Exit(1)


def _row(found: EngineStatus) -> dict[str, Any]:
    names = {"engine": "name", "reason": "note"}
    return {field: getattr(found, names.get(field, field)) for field in FIELDS}


def _say_what_to_do(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        if not row["installed"]:
            why = row["install"] if row["reason"] == "not installed" else row["reason"]
            typer.echo(f"{row['engine']} is not here: {why}")
        elif not row["works"]:
            typer.echo(f"{row['engine']} does not work: {row['reason']}")
