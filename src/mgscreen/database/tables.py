"""The tables as SQLAlchemy Core sees them, and the insert-or-update of both databases."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Table, or_
from sqlalchemy.dialects import postgresql, sqlite

from mgscreen.database import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

META = cast("Table", schema.MetaRow.__table__)
CAMPAIGNS = cast("Table", schema.CampaignRow.__table__)
CANDIDATES = cast("Table", schema.CandidateRow.__table__)
STRUCTURES = cast("Table", schema.StructureRow.__table__)
CALCULATIONS = cast("Table", schema.CalculationRow.__table__)
PROPERTIES = cast("Table", schema.PropertyRow.__table__)
JOBS = cast("Table", schema.JobRow.__table__)
OUTPUTS = cast("Table", schema.OutputRow.__table__)
REFERENCES = cast("Table", schema.ReferenceRow.__table__)

CHUNK = 500
"""Values of one IN list; older SQLite takes no more than 999 parameters."""


@cache
def upsert(
    dialect: str, table: Table, key: tuple[str, ...], *, keep_completed: bool = False
) -> Any:
    """Return an INSERT that replaces an existing row of the same key.

    Parameters
    ----------
    dialect
        "sqlite" or "postgresql".
    key
        Columns that make a row the same.
    keep_completed
        Leave an existing row with state "completed" alone where the new one has failed: a lost
        race never takes a value away.
    """
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    changed = {
        c.name: statement.excluded[c.name]
        for c in table.columns
        if c.name not in {*key, "id", "created_at"}
    }
    where = None
    if keep_completed:
        where = or_(table.c.state != "completed", statement.excluded["state"] == "completed")
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed, where=where)


@cache
def insert_missing(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    """Return an INSERT that leaves an existing row of the same key as it is."""
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return statement.on_conflict_do_nothing(index_elements=list(key))


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Give values in lists of at most ``size``, without holding all of them."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """Split values into lists that one statement can take."""
    rows = list(values)
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
