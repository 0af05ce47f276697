"""``mgscreen rank``: the ranked shortlist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mgscreen.cli import rank_coatings, rank_fragments, rank_phases
from mgscreen.cli.options import (
    CampaignName,
    DbOption,
    Format,
    FormatOption,
    OutputOption,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = ("rank", "rank_low", "rank_high", "candidate", "role", "score", "state", "reason")
PAIR_FIELDS = (
    "rank",
    "rank_low",
    "rank_high",
    "formulation",
    "score",
    "score_high",
    "anode_by",
    "cathode_by",
    "open_sides",
    "state",
    "reason",
)
PAIR_COLUMNS = ("rank", "rank_low", "rank_high", "formulation", "score", "state", "reason")

app = typer.Typer(
    no_args_is_help=True,
    help="Rank what a campaign computed.",
    epilog="Example: mgscreen rank additives laptop --format csv",
)


@app.callback()
def _rank() -> None:
    """Rank what a campaign computed."""


@app.command("additives", epilog="Example: mgscreen rank additives laptop --format json")
def additives(
    campaign: CampaignName = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Rank electrolyte additives: role, score and the interval of ranks that errors allow.

    JSON and CSV have the fields rank, rank_low, rank_high, candidate, role, score, state, reason.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, writing
    from mgscreen.ranking.roles import rank_additives

    database, name = open_results(campaign, db)
    with writing(output):
        emit(
            rows(rank_additives(database, name)),
            FIELDS,
            how.value,
            title=f"Additives, {name}",
            width=PAGE,
        )


@app.command("pairs", epilog="Example: mgscreen rank pairs laptop --format csv")
def pairs(
    campaign: CampaignName = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Show the first so many only.", show_default=False)
    ] = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Rank single additives and pairs in the host: who protects which electrode, what stays open.

    JSON and CSV have the fields rank, rank_low, rank_high, formulation, score, score_high (with
    the best possible values where some are missing), anode_by, cathode_by, open_sides, state,
    reason; JSON also criteria, each with name, value, weight, reason. Below the table: whether
    orders that the literature reports come out, and if not, which criterion stands against them.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, writing
    from mgscreen.ranking.experiment import experiment
    from mgscreen.ranking.pairs import rank_pairs

    database, name = open_results(campaign, db)
    ranked = rank_pairs(database, name)
    found = [one.model_dump(mode="json") for one in ranked[:top]]
    fields = (*PAIR_FIELDS, "criteria") if how is Format.JSON else PAIR_FIELDS
    for one in found:
        if how is not Format.JSON:
            one["open_sides"] = ", ".join(one["open_sides"])
    with writing(output):
        emit(found, fields, how.value, columns=PAIR_COLUMNS, title=f"Pairs, {name}", width=PAGE)
        if how is Format.TABLE:
            beside = experiment(database, name, pairs=ranked)
            for line in (*(order.statement for order in beside.orders), beside.summary()):
                typer.echo(line)


def rows(ranked: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one row per ranked additive, with the stable fields."""
    return [{field: getattr(one, field) for field in FIELDS} for one in ranked]


for _name, _function in (
    ("fragments", rank_fragments.fragments),
    ("phases", rank_phases.phases),
    ("coatings", rank_coatings.coatings),
):
    app.command(_name, help=unwrapped(_function), epilog=f"Example: mgscreen rank {_name} laptop")(
        _function
    )
