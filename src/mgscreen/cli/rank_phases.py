"""``mgscreen rank phases``: what an ion crosses most easily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mgscreen.cli.options import CampaignName, DbOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELDS = (
    "rank",
    "phase",
    "species",
    "barrier_ev",
    "spread_ev",
    "charged_ev",
    "level",
    "mechanism",
    "dimension",
    "formation_ev",
    "rate_hz",
    "diffusivity_cm2_s",
    "state",
    "reason",
)
COLUMNS = ("rank", "phase", "barrier_ev", "spread_ev", "level", "mechanism", "dimension", "state")


def phases(
    campaign: CampaignName = None,
    how: FormatOption = Format.TABLE,
    output: OutputOption = None,
    db: DbOption = None,
) -> None:
    """Rank phases by the migration barrier of their lowest percolating path (eV).

    JSON and CSV have the fields rank, phase, species, barrier_ev, spread_ev (over potentials),
    charged_ev, level, mechanism, dimension, formation_ev, rate_hz and diffusivity_cm2_s (estimates
    for one defect), state, reason; JSON also by_level and reported.
    """
    from mgscreen.cli.databases import open_results
    from mgscreen.cli.output import PAGE, emit, writing
    from mgscreen.ranking.phases import rank_phases

    database, name = open_results(campaign, db)
    ranked = rank_phases(database, name)
    with writing(output):
        if how is Format.JSON:
            emit(
                rows(ranked, (*FIELDS, "by_level", "reported")),
                (*FIELDS, "by_level", "reported"),
                how.value,
            )
            return
        if how is Format.TABLE and not ranked:
            typer.echo(f"{name} has no barriers: a section [migration] asks for them")
            return
        title = f"Phases by migration barrier, {name}"
        emit(rows(ranked), FIELDS, how.value, columns=COLUMNS, title=title, width=PAGE)
        if how is Format.TABLE:
            for one in ranked:
                if one.state == "failed":
                    typer.echo(f"- {one.phase}: {one.reason}")
                elif one.reported:
                    typer.echo(f"- {one.phase}, reported: {', '.join(one.reported)}")


def rows(ranked: Iterable[Any], fields: tuple[str, ...] = FIELDS) -> list[dict[str, Any]]:
    """Return one row per phase, with the stable fields."""
    return [{field: getattr(one, field) for field in fields} for one in ranked]
