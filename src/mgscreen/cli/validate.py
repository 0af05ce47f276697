"""``mgscreen validate``: computed values beside those of the literature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLUMNS = (
    "source",
    "system",
    "form",
    "property",
    "reported",
    "computed",
    "difference",
    "unit",
    "method",
    "environment",
    "state",
)


def validate(
    campaign: CampaignName = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also values of candidates that are not in the campaign.")
    ] = False,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Show computed values beside literature values, with the difference and the conditions.

    Where a source does not say which species it means, every form that was computed stands beside
    its value, and the nearest one is named. States: within, outside (of the uncertainty that the
    source states), no tolerance stated, no pass/fail (species unresolved), other level, agrees,
    differs (texts), failed, not computed. Below the table: measurements of cells and of phases
    beside the ranking, with Spearman's and Kendall's coefficients where at least three systems are
    comparable, and a plain statement where not.

    JSON and CSV have the fields source, system, property, reported, computed, difference, unit,
    method, state, candidate, form, environment, reported_text, computed_text, uncertainty,
    verdict, conditions, place, conflict, note, url, calculation.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import emit, writing
    from mgscreen.database.validate import COLUMNS, comparison
    from mgscreen.ranking.experiment import experiment

    database, name = open_results(campaign, db)
    names = None if everything else sorted(database.frame_candidates(name)["name"])
    rows = comparison(database, candidates=names, campaign=name).to_dict("records")
    with writing(output):
        if how is Format.TABLE:
            rows = [_shown(row) for row in rows]
        emit(rows, COLUMNS, how.value, columns=_COLUMNS, title=f"Literature values and {name}")
        if how is Format.TABLE:
            _say_which_fit(rows)
            for line in experiment(database, name).statements():
                typer.echo(f"- {line}")


def _shown(row: dict[Any, Any]) -> dict[Any, Any]:
    """Put value and text where a table has room for one of them."""
    from mgscreen.cli.output import value_or_text

    return {
        **row,
        **{key: value_or_text(row[key], row[f"{key}_text"]) for key in ("reported", "computed")},
    }


def _say_which_fit(rows: Iterable[dict[Any, Any]]) -> None:
    verdicts = {
        f"{row['source']}, {row['property']} of {row['system']} = {row['reported']:g} "
        f"{row['unit']}: {row['verdict']}": None
        for row in rows
        if row["state"] == "no pass/fail" and row["verdict"]
    }
    for line in verdicts:
        typer.echo(line)
