"""``mgscreen query``: property rows by filter, or read-only SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgscreen.cli.options import DbOption, FileFormat, OutputOption
from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FIELDS = (
    "candidate",
    "form",
    "species",
    "property",
    "value",
    "text",
    "unit",
    "uncertainty",
    "environment",
    "reference",
    "method",
    "state",
    "reason",
    "calculation",
)
_COLUMNS = ("candidate", "form", "property", "value", "unit", "environment", "method", "state")


def query(
    prop: Annotated[
        list[str] | None,
        typer.Option("--property", "-p", help="Name of a property; repeat it for more."),
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", "-c", help="Name of a candidate; repeat it for more."),
    ] = None,
    form: Annotated[
        str | None, typer.Option(help="Species form, such as contact-ion-pair.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Part of the level of theory.")] = None,
    state: Annotated[str | None, typer.Option(help="completed or failed.")] = None,
    campaign: Annotated[
        str | None, typer.Option(help="Only what this campaign asked for: its name or file.")
    ] = None,
    sql: Annotated[
        str | None, typer.Option(help="A read-only SQL statement instead of the filters.")
    ] = None,
    output: OutputOption = None,
    how: Annotated[
        FileFormat | None,
        typer.Option("--format", "-f", help="table, csv, json, or parquet with --output."),
    ] = None,
    db: DbOption = None,
) -> None:
    """Ask the database for values: by property, candidate, form, method, or with SQL.

    JSON and CSV have the fields candidate, form, species, property, value, text, unit,
    uncertainty, environment, reference, method, state, reason, calculation.
    """
    from mgscreen.cli.databases import open_database

    chosen = _format(how, output)
    filters = (prop, candidate, form, method, state)
    if sql is not None and any(f for f in filters):
        raise InputError("give either --sql or filters, not both")
    _check_names(prop, form, state)
    database, name = open_database(campaign, db)
    if sql is not None:
        frame = database.query(sql)
    else:
        frame = database.frame_properties(
            candidates=candidate or None,
            form=form,
            property=prop or None,
            method=method,
            state=state,
            campaign=name,
        )
        if candidate and frame.empty:
            _check_candidates(candidate, set(database.frame_candidates()["name"]))
    fields = tuple(str(c) for c in frame.columns) if sql is not None else FIELDS
    _print(frame, fields, chosen, output, None if sql is not None else _COLUMNS)


def _format(how: FileFormat | None, output: Path | None) -> FileFormat:
    if how is None and output is not None:
        known = {f".{f.value}": f for f in FileFormat if f is not FileFormat.TABLE}
        if output.suffix not in {*known, ".txt"}:
            raise InputError(
                f"{output}: expected a name that ends in .csv, .json, .parquet or .txt, or --format"
            )
        return known.get(output.suffix, FileFormat.TABLE)
    if how is FileFormat.PARQUET and output is None:
        raise InputError("parquet is a binary format: give --output FILE.parquet")
    return how or FileFormat.TABLE


def _check_names(properties: list[str] | None, form: str | None, state: str | None) -> None:
    from typing import get_args

    from mgscreen.core.documents import State
    from mgscreen.core.properties import PROPERTIES
    from mgscreen.core.species import Form

    for what, names, known in (
        ("property", properties or [], tuple(PROPERTIES)),
        ("form", [form] if form is not None else [], get_args(Form)),
        ("state", [state] if state is not None else [], get_args(State)),
    ):
        for name in names:
            _known(what, name, known)


def _known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        from mgscreen.campaign.faults import did_you_mean

        raise InputError(f"there is no {what} '{name}' ({did_you_mean(name, known)})")


def _check_candidates(names: list[str], known: set[str]) -> None:
    for name in names:
        _known("candidate", name, tuple(sorted(known)))


def _print(
    frame: pd.DataFrame,
    fields: tuple[str, ...],
    how: FileFormat,
    output: Path | None,
    columns: tuple[str, ...] | None,
) -> None:
    from mgscreen.cli.output import emit, replacing, value_or_text, writing

    if how is FileFormat.PARQUET and output is not None:
        with replacing(output) as file:
            frame.to_parquet(file, index=False)
        return
    rows = frame.to_dict("records")
    if how is FileFormat.TABLE and columns is not None:
        for row in rows:
            row["value"] = value_or_text(row["value"], row["text"])
    with writing(output):
        emit(rows, fields, how.value, columns=columns)
