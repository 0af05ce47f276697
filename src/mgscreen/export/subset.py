"""One campaign of a database as a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Connection, Select, Table

    from mgscreen.database.database import Database

_BATCH = 500


def write_subset(database: Database, campaign: str | int | None, path: Path) -> dict[str, int]:
    """Write what belongs to one campaign to a new SQLite file; return the rows of each table.

    A shared database holds other people's campaigns too: they do not go along. Jobs keep their
    payload and their outputs, so that the campaign can be gone on with from the copy.

    Parameters
    ----------
    database
        Opened for reading; SQLite or PostgreSQL.
    campaign
        Name or id.
    path
        A file that does not exist.
    """
    from mgscreen.database.database import Database as Target
    from mgscreen.database.tables import (
        CALCULATIONS,
        CAMPAIGNS,
        CANDIDATES,
        JOBS,
        OUTPUTS,
        PROPERTIES,
        REFERENCES,
        STRUCTURES,
        chunks,
    )

    number = database.campaign_id(campaign)
    counts: dict[str, int] = {}
    with database.reading() as old, Target(path) as made, made.writing() as new:

        def copy(table: Table, queries: Iterable[Select[Any]]) -> None:
            new.execute(table.delete())
            counts[table.name] = sum(_copy(old, new, table, query) for query in queries)

        jobs = old.execute(
            select(JOBS.c.uuid, JOBS.c.calculation).where(JOBS.c.campaign_id == number)
        ).all()
        hashes = sorted({str(row.calculation) for row in jobs if row.calculation is not None})
        uuids = sorted({str(row.uuid) for row in jobs})
        # what could not run has rows under the name of its job
        named = [*hashes, *(f"job:{uuid}" for uuid in uuids)]
        atoms = {
            str(row.structure)
            for part in chunks(hashes)
            for row in old.execute(
                select(CALCULATIONS.c.structure).where(CALCULATIONS.c.hash.in_(part))
            )
            if row.structure is not None
        }
        copy(CAMPAIGNS, [select(CAMPAIGNS).where(CAMPAIGNS.c.id == number)])
        copy(CANDIDATES, [select(CANDIDATES).where(CANDIDATES.c.campaign_id == number)])
        copy(STRUCTURES, _by(STRUCTURES, "hash", sorted(atoms)))
        copy(CALCULATIONS, _by(CALCULATIONS, "hash", hashes))
        copy(PROPERTIES, _by(PROPERTIES, "calculation", named))
        copy(JOBS, [select(JOBS).where(JOBS.c.campaign_id == number)])
        copy(OUTPUTS, _by(OUTPUTS, "uuid", uuids))
        copy(REFERENCES, [select(REFERENCES)])
    return counts


def _by(table: Table, column: str, names: list[str]) -> list[Select[Any]]:
    from mgscreen.database.tables import chunks

    return [select(table).where(table.c[column].in_(part)) for part in chunks(names)]


def _copy(old: Connection, new: Connection, table: Table, query: Select[Any]) -> int:
    from mgscreen.database.tables import batched

    n = 0
    for part in batched((dict(row) for row in old.execute(query).mappings()), _BATCH):
        new.execute(table.insert(), part)
        n += len(part)
    return n
