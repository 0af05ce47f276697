"""``mgscreen explain``: from a rank back to each number, its method, reference and input."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mgscreen.cli.options import DbOption, Format, FormatOption, OutputOption

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
    "used",
    "references",
    "calculation",
)


def explain(
    name: Annotated[
        str, typer.Argument(help="An additive, a pair (A+B), a coating, a phase or a fragment.")
    ],
    campaign: Annotated[
        str | None,
        typer.Option("--campaign", help="A campaign's name or file; by default the newest."),
    ] = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Show the evidence behind a rank: each number, method, scale, reference and calculation.

    JSON is a list with one object. Of an additive: campaign, ranked (as of `rank`, with criteria,
    margins, the chain to its film and evidence), of, level, scales, uncertainty_v, how, host, items
    (each value with its meaning, references, code, settings, warnings and files), references,
    caveats. Of anything else: campaign, kind, name, headline, reason, how, lines (each criterion
    with value, sd, level, utility, weight and reported values), items, members, references,
    changes, caveats. CSV has one row per value: candidate, form, species, property, value, text,
    unit, uncertainty, environment, reference, method, state, reason, used, references,
    calculation.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import as_json, emit, show, writing
    from mgscreen.ranking.account import explain_any

    database, found = open_results(campaign, db)
    explanation = explain_any(database, found, name)
    with writing(output):
        if how is Format.JSON:
            sys.stdout.write(as_json([explanation.as_dict()]))
        elif how is Format.CSV:
            rows = [
                {
                    **item.value.model_dump(),
                    "used": item.used,
                    "references": [r.source for r in item.references],
                }
                for item in explanation.items
            ]
            emit(rows, FIELDS, how.value)
        else:
            show(explanation.render(), width=100)
