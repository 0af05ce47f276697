"""Properties, jobs, calculations, references and rankings of a campaign as CSV or parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mgscreen.export.rankings import rankings

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from mgscreen.database.database import Database

TableFormat = Literal["csv", "parquet"]


def tables(database: Database, campaign: str | int | None) -> dict[str, pd.DataFrame]:
    """Return everything that a campaign has as tables, by name.

    ``candidates``, ``properties``, ``jobs``, ``calculations``, ``references``, and
    ``rank_additives``, ``rank_pairs``, ``rank_fragments``, ``rank_phases``, ``rank_coatings``
    where the campaign has them.
    """
    number = database.campaign_id(campaign)
    jobs = database.frame_jobs(number)
    calculations = database.frame_calculations()
    ours = calculations["hash"].isin(jobs["calculation"].dropna())
    found = {
        "candidates": database.frame_candidates(number),
        "properties": database.frame_properties(campaign=number),
        "jobs": jobs,
        "calculations": calculations[ours].reset_index(drop=True),
        "references": database.frame_references(),
    }
    return found | {f"rank_{part}": f for part, f in rankings(database, number).items()}


def write_tables(
    database: Database, campaign: str | int | None, folder: Path, form: TableFormat
) -> list[Path]:
    """Write each table of a campaign to a file of its own; return the files.

    Texts in CSV that a spreadsheet would run as a formula get an apostrophe in front.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    from mgscreen.core.errors import InputError
    from mgscreen.database.export import export

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to '{folder}': {error.strerror or error}") from error
    return [
        export(frame, folder / f"{name}.{form}", form)
        for name, frame in tables(database, campaign).items()
    ]
