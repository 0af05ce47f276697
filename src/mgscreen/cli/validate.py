"""``mgscreen validate``: computed values beside those of the literature."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIELDS = (
    "source",
    "system",
    "candidate",
    "form",
    "property",
    "reported",
    "computed",
    "difference",
    "unit",
    "method",
    "environment",
    "state",
    "reason",
    "conditions",
    "place",
    "conflict",
    "note",
)
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
TOLERANCE = 0.1
"""eV or V. What two programs, conformers and grids leave between equal methods is below it."""
_RELATIVE = 0.05


def validate(
    campaign: CampaignName = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also references that this campaign has no candidate or property for."
        ),
    ] = False,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="eV or V up to which a value without an uncertainty agrees; other units 5 %.",
        ),
    ] = TOLERANCE,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Show computed values beside literature values: difference, conditions, and which agree.

    Where a source does not say which species form its value is of, each form stands beside it.
    Within two standard deviations, or --tolerance where none is known, the state is "agrees", else
    "differs"; or "not computed", "failed", "other unit".

    JSON and CSV have the fields source, system, candidate, form, property, reported, computed,
    difference, unit, method, environment, state, reason, conditions, place, conflict, note.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import emit, plain, writing
    from mgscreen.core.properties import PROPERTIES

    database, name = open_results(campaign, db)
    references = [
        {str(k): plain(v) for k, v in row.items()}
        for row in database.frame_references().to_dict("records")
    ]
    computed = [
        {str(k): plain(v) for k, v in row.items()}
        for row in database.frame_properties(campaign=name).to_dict("records")
    ]
    if not everything:
        names = set(database.frame_candidates(name)["name"])
        references = [
            r for r in references if r["candidate"] in names and r["property"] in PROPERTIES
        ]
    rows = [row for r in references for row in compare(r, computed, tolerance)]
    with writing(output):
        emit(rows, FIELDS, how.value, columns=_COLUMNS, title=f"Literature and {name}")
        if how is Format.TABLE:
            _say_which(rows)


def compare(
    reference: Mapping[str, Any], computed: Iterable[Mapping[str, Any]], tolerance: float
) -> list[dict[str, Any]]:
    """Put every computed value of the same quantity beside a literature value.

    Parameters
    ----------
    reference
        A row of the reference table; an empty ``form`` stands for every form.
    computed
        Property rows.
    tolerance
        In eV or V, for values without an uncertainty.

    Returns
    -------
    list of dict
        At least one row: "not computed" where there is no value.
    """
    base = {
        "source": reference["source"],
        "system": reference["system"],
        "candidate": reference["candidate"],
        "form": reference["form"],
        "property": reference["property"],
        "reported": _value(reference),
        "unit": reference["unit"],
        "conditions": reference["conditions"],
        "place": reference["place"],
        "conflict": reference["conflict"],
        "note": reference["note"],
    }
    matching = [
        row
        for row in computed
        if reference["candidate"]
        and row["candidate"] == reference["candidate"]
        and row["property"] == reference["property"]
        and reference["form"] in {"", row["form"]}
    ]
    if not matching:
        return [{**base, "state": "not computed"}]
    return [
        {
            **base,
            "form": row["form"],
            "computed": _value(row),
            "method": row["method"],
            "environment": " ".join(p for p in (row["environment"], row["reference"]) if p),
            "reason": row["reason"],
            **_judge(reference, row, tolerance),
        }
        for row in matching
    ]


def _value(row: Mapping[str, Any]) -> float | str | None:
    value: float | str | None = row["value"] if row["value"] is not None else row["text"]
    return value


def _judge(
    reference: Mapping[str, Any], row: Mapping[str, Any], tolerance: float
) -> dict[str, Any]:
    if row["state"] != "completed":
        return {"state": "failed"}
    reported, value = reference["value"], row["value"]
    if reported is None or value is None:
        same = _value(reference) is not None and _value(reference) == _value(row)
        return {"state": "agrees" if same else "differs"}
    if reference["unit"] != row["unit"]:
        return {"state": "other unit"}
    difference = value - reported
    known = [u for u in (reference["uncertainty"], row["uncertainty"]) if u is not None]
    if known:
        limit = 2.0 * math.hypot(*known)
    else:
        limit = tolerance if row["unit"] in {"eV", "V"} else _RELATIVE * abs(reported)
    return {
        "difference": difference,
        "state": "agrees" if abs(difference) <= limit else "differs",
    }


def _say_which(rows: list[dict[str, Any]]) -> None:
    """Say for each reported value which species forms it fits."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row["state"] in {"agrees", "differs"}:
            key = (row["source"], row["system"], row["property"], row["reported"], row["unit"])
            groups.setdefault(key, []).append(row)
    for (source, system, prop, reported, unit), members in groups.items():
        fits = list(dict.fromkeys(r["form"] for r in members if r["state"] == "agrees"))
        value = f"{reported:g} {unit}" if isinstance(reported, float | int) else reported
        verdict = f"fits {', '.join(fits)}" if fits else "fits none of the forms computed"
        typer.echo(f"{source}: {prop} of {system}, {value}: {verdict}")
