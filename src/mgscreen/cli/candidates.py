"""``mgscreen candidates``: the built-in library, and a check of a user's own file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import Format, FormatOption
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = (
    "name",
    "formula",
    "charge",
    "multiplicity",
    "kind",
    "role_hypothesis",
    "smiles",
    "description",
    "why",
    "source",
)
_COLUMNS = ("name", "formula", "charge", "kind", "role_hypothesis", "description")

app = typer.Typer(
    no_args_is_help=True,
    help="List, show and check candidates.",
    epilog="Example: mgscreen candidates list --kind anion",
)


@app.callback()
def _candidates() -> None:
    """List, show and check candidates."""


@app.command("list", epilog="Example: mgscreen candidates list --kind anion --format csv")
def list_(
    kind: Annotated[str | None, typer.Option(help="Only this kind: anion, solvent, ...")] = None,
    how: FormatOption = Format.TABLE,
) -> None:
    """List the built-in library.

    JSON and CSV have the fields name, formula, charge, multiplicity, kind, role_hypothesis,
    smiles, description, why, source.
    """
    from mgscreen.candidates.library import load_library
    from mgscreen.cli.output import emit

    found = list(load_library().values())
    if kind is not None:
        kinds = sorted({c.kind for c in found})
        if kind not in kinds:
            raise InputError(f"there is no kind '{kind}' (known: {', '.join(kinds)})")
        found = [c for c in found if c.kind == kind]
    emit(_rows(found), FIELDS, how.value, columns=_COLUMNS)


@app.command("show", epilog="Example: mgscreen candidates show TFSI")
def show(
    name: Annotated[str, typer.Argument(help="Name of a candidate of the library.")],
    how: FormatOption = Format.TABLE,
) -> None:
    """Show everything that the library says of one candidate."""
    from mgscreen.candidates.library import load_library
    from mgscreen.cli.output import emit

    library = load_library()
    found = library.get(name)
    if found is None:
        from mgscreen.campaign.faults import did_you_mean

        raise InputError(f"there is no candidate '{name}' ({did_you_mean(name, library)})")
    if how is Format.TABLE:
        row = _rows([found])[0]
        for field in FIELDS:
            typer.echo(f"{field.replace('_', ' '):>16s}  {row[field]}")
        return
    emit(_rows([found]), FIELDS, how.value)


@app.command("check", epilog="Example: mgscreen candidates check my-molecules.csv")
def check(
    file: Annotated[Path, typer.Argument(help="A CSV or TOML file of candidates.")],
    how: FormatOption = Format.TABLE,
) -> None:
    """Check a file of your own candidates; the first fault is named with its line and field."""
    from mgscreen.candidates.files import load_candidates
    from mgscreen.cli.output import emit

    found = load_candidates(file)
    emit(_rows(found), FIELDS, how.value, columns=_COLUMNS)
    if how is Format.TABLE:
        number = len(found)
        typer.echo(f"{file}: {number} candidate{'s' if number != 1 else ''}, no fault found")


def _rows(found: Iterable[Any]) -> list[dict[str, Any]]:
    return [{field: getattr(one, field) for field in FIELDS} for one in found]
