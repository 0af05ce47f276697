"""``mgscreen rank fragments``: what holds on to a surface, most strongly first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = (
    "rank",
    "fragment",
    "slab",
    "energy_ev",
    "spread_ev",
    "site",
    "event",
    "products",
    "dissociation_ev",
    "level",
    "reference",
    "state",
    "reason",
)
COLUMNS = ("rank", "fragment", "energy_ev", "spread_ev", "site", "event", "products", "level")


def fragments(
    campaign: CampaignName = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    reference: Annotated[
        Literal["radical", "half-x2", "ion"] | None,
        typer.Option(help="What energies are measured against; by default the campaign's."),
    ] = None,
    db: DbOption = None,
) -> None:
    """Rank fragments by how strongly they hold on to each surface (eV, negative when bound).

    JSON and CSV have the fields rank, fragment, slab, energy_ev, spread_ev, site, event, products,
    dissociation_ev, level, reference, state, reason.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, writing
    from mgscreen.ranking.fragments import rank_fragments, strongest

    database, name = open_results(campaign, db)
    ranked = rank_fragments(database, name, reference=reference)
    with writing(output):
        if how is not Format.TABLE:
            emit(rows(ranked), FIELDS, how.value)
            return
        for slab in dict.fromkeys(r.slab for r in ranked):
            here = [r for r in ranked if r.slab == slab]
            emit(rows(here), FIELDS, "table", title=f"{slab}, {name}", columns=COLUMNS, width=PAGE)
            notes = [f"{r.fragment}: {r.reason}" for r in here if r.energy_ev is None]
            for verdict in strongest(database, name, parents=("TFSI", "PFTB")):
                if verdict.slab == slab:
                    answer = {True: "yes", False: "no", None: "not told apart"}[verdict.holds]
                    notes.append(
                        f"F strongest of the salts' fragments at {verdict.level}, "
                        f"{verdict.reference}: {answer} ({verdict.reason})"
                    )
            for note in notes:
                typer.echo(f"- {note}")


def rows(ranked: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one row per fragment and slab, with the stable fields."""
    return [{field: getattr(one, field) for field in FIELDS} for one in ranked]
