"""``mgscreen rank coatings``: films and alloys on the anode, by the declared criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

VALUES = {
    "barrier_ev": "percolating_barrier",
    "reduction_v": "reduction_limit",
    "oxidation_v": "oxidation_limit",
    "gap_ev": "band_gap",
    "anode_reaction_ev": "reaction_with_anode",
    "cathode_reaction_ev": "reaction_with_cathode",
    "formation_ev": "formation_energy",
    "above_hull_ev": "energy_above_hull",
    "alloying_v": "alloy_voltage",
}
FIELDS = (
    "rank",
    "rank_low",
    "rank_high",
    "phase",
    "kind",
    "score",
    "score_high",
    "pareto",
    "state",
    *VALUES,
    "reason",
)
COLUMNS = (
    "rank",
    "rank_low",
    "rank_high",
    "phase",
    "score",
    "barrier_ev",
    "reduction_v",
    "oxidation_v",
    "gap_ev",
    "anode_reaction_ev",
    "state",
)
TITLES = {"insulator": "Coatings", "alloy": "Alloy interphases", "unknown": "Of unknown class"}


def coatings(
    campaign: CampaignName = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Rank coatings and, apart from them, alloy interphases on the anode.

    JSON and CSV have the fields rank, rank_low, rank_high, phase, kind (insulator, alloy), score,
    score_high, pareto (on the front), state, barrier_ev, reduction_v, oxidation_v (V vs the anode
    metal), gap_ev, anode_reaction_ev, cathode_reaction_ev, formation_ev, above_hull_ev (per atom),
    alloying_v, reason; JSON also values, each with its level, spread and calculations.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, writing
    from mgscreen.ranking.coatings import rank_coatings

    database, name = open_results(campaign, db)
    ranked = rank_coatings(database, name)
    with writing(output):
        if how is Format.JSON:
            found = [
                {**row, "values": [v.model_dump(mode="json") for v in one.values]}
                for row, one in zip(rows(ranked), ranked, strict=True)
            ]
            emit(found, (*FIELDS, "values"), how.value)
        elif how is Format.CSV:
            emit(rows(ranked), FIELDS, how.value)
        else:
            if not ranked:
                typer.echo(f"{name} has no phases: a section [stability] or [migration] gives them")
            for kind, title in TITLES.items():
                here = [r for r in ranked if r.kind == kind]
                if here:
                    emit(
                        rows(here),
                        FIELDS,
                        "table",
                        columns=COLUMNS,
                        title=f"{title}, {name}",
                        width=PAGE,
                    )


def rows(ranked: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one row per phase, with the stable fields."""
    plain = [f for f in FIELDS if f not in VALUES]
    return [
        {
            **{field: getattr(one, field) for field in plain},
            **{field: one.get(name).value for field, name in VALUES.items()},
        }
        for one in ranked
    ]
