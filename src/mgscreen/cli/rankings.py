"""The rankings that a run ends with: one table for each part of the campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database


def print_rankings(database: Database, campaign: Campaign) -> None:
    """Print what each part of a campaign found, the answer of each in one table."""
    from mgscreen.cli.output import PAGE, emit

    name = campaign.name
    number = database.campaign_id(name)
    if campaign.has_molecules:
        from mgscreen.cli.rank import FIELDS, rows
        from mgscreen.ranking.roles import rank_additives

        found = rows(rank_additives(database, number))
        emit(found, FIELDS, "table", title=f"Additives, {name}", width=PAGE)
    if campaign.surfaces is not None:
        from mgscreen.cli import rank_fragments
        from mgscreen.ranking.fragments import rank_fragments as fragments

        ranked = fragments(database, number)
        for slab in dict.fromkeys(r.slab for r in ranked):
            emit(
                rank_fragments.rows([r for r in ranked if r.slab == slab]),
                rank_fragments.FIELDS,
                "table",
                columns=rank_fragments.COLUMNS,
                title=f"Fragments on {slab}, {name}",
                width=PAGE,
            )
    if campaign.migration is not None:
        from mgscreen.cli import rank_phases
        from mgscreen.ranking.phases import rank_phases as phases

        emit(
            rank_phases.rows(phases(database, number)),
            rank_phases.FIELDS,
            "table",
            columns=rank_phases.COLUMNS,
            title=f"Phases by migration barrier, {name}",
            width=PAGE,
        )
    if campaign.stability is not None:
        from mgscreen.cli import rank_coatings
        from mgscreen.ranking.coatings import rank_coatings as coatings

        films = coatings(database, number)
        for kind, title in rank_coatings.TITLES.items():
            here = [r for r in films if r.kind == kind]
            if here:
                emit(
                    rank_coatings.rows(here),
                    rank_coatings.FIELDS,
                    "table",
                    columns=rank_coatings.COLUMNS,
                    title=f"{title}, {name}",
                    width=PAGE,
                )
