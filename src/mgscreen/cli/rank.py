"""``mgscreen rank``: the ranked shortlist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = ("rank", "rank_low", "rank_high", "candidate", "role", "score", "state", "reason")

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


def rows(ranked: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one row per ranked additive, with the stable fields."""
    return [{field: getattr(one, field) for field in FIELDS} for one in ranked]
