"""Query results as pandas data frames, with the same columns and types every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Float, and_, func, select, text, tuple_

from mgscreen.database.jobs import aware
from mgscreen.database.remember import remembered
from mgscreen.database.tables import (
    CALCULATIONS,
    CAMPAIGNS,
    CANDIDATES,
    JOBS,
    PROPERTIES,
    REFERENCES,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy import ColumnElement, Select

    from mgscreen.database.database import Database

PROPERTY_COLUMNS = (
    "candidate",
    "form",
    "species",
    "property",
    "value",
    "text",
    "unit",
    "uncertainty",
    "environment",
    "reference",
    "method",
    "state",
    "reason",
    "calculation",
)


@dataclass(frozen=True)
class Filter:
    """Which property rows; None: all.

    ``method`` matches any part of the method, in either case ("b3lyp"); all others match whole.
    """

    candidates: Sequence[str] | None = None
    form: str | None = None
    property: str | Sequence[str] | None = None
    method: str | None = None
    environment: str | None = None
    state: str | None = None
    campaign: str | int | None = None


def _names(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _frame(database: Database, query: Select[Any]) -> pd.DataFrame:
    """Run a query; numbers become float64 with NaN for no value, times become UTC."""
    import pandas as pd

    columns = list(query.selected_columns)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    data: dict[str, Any] = {}
    for place, column in enumerate(columns):
        values = [row[place] for row in rows]
        if isinstance(column.type, Float):
            data[column.name] = pd.Series(values, dtype="float64")
        elif isinstance(column.type, DateTime):
            moments = [aware(v) for v in values]
            data[column.name] = pd.Series(moments, dtype="datetime64[us, UTC]")
        else:
            data[column.name] = pd.Series(values, dtype=None if rows else "object")
            if data[column.name].dtype.kind not in "iub":
                data[column.name] = pd.Series(values, dtype="object")
    return pd.DataFrame(data, columns=[c.name for c in columns])


@remembered
def properties(database: Database, chosen: Filter) -> pd.DataFrame:
    """Return property rows, in the order candidate, form, property, method."""
    conditions: list[ColumnElement[bool]] = []
    if chosen.candidates is not None:
        conditions.append(PROPERTIES.c.candidate.in_(_names(chosen.candidates)))
    if chosen.form is not None:
        conditions.append(PROPERTIES.c.form == chosen.form)
    if chosen.property is not None:
        conditions.append(PROPERTIES.c.property.in_(_names(chosen.property)))
    if chosen.method is not None:
        named = _methods_with(database, chosen.method)
        # beside a narrower filter, the index of methods would be the wrong one to go by
        narrow = any((chosen.candidates, chosen.property, chosen.campaign))
        column = PROPERTIES.c.method.concat("") if narrow else PROPERTIES.c.method
        conditions.append(column.in_(named))
    if chosen.environment is not None:
        conditions.append(PROPERTIES.c.environment == chosen.environment)
    if chosen.state is not None:
        conditions.append(_state(chosen.state))
    if chosen.campaign is not None:
        campaign_id = database.campaign_id(chosen.campaign)
        used = select(
            func.coalesce(JOBS.c.calculation, "job:" + JOBS.c.uuid), JOBS.c.candidate, JOBS.c.form
        ).where(JOBS.c.campaign_id == campaign_id)
        row = tuple_(PROPERTIES.c.calculation, PROPERTIES.c.candidate, PROPERTIES.c.form)
        conditions.append(row.in_(used))
    query = (
        select(*(PROPERTIES.c[name] for name in PROPERTY_COLUMNS))
        .where(*conditions)
        .order_by(
            PROPERTIES.c.candidate,
            PROPERTIES.c.form,
            PROPERTIES.c.property,
            PROPERTIES.c.method,
            PROPERTIES.c.id,
        )
    )
    return _frame(database, query)


def _methods_with(database: Database, part: str) -> list[str]:
    """Return the methods that contain a text in either case.

    There are few methods and very many rows: the methods come from their index, each found as the
    next one after the last, instead of reading every row.
    """
    first = select(func.min(PROPERTIES.c.method).label("name")).cte("methods", recursive=True)
    later = (
        select(func.min(PROPERTIES.c.method))
        .where(PROPERTIES.c.method > first.c.name)
        .scalar_subquery()
    )
    every = first.union_all(select(later).where(first.c.name.is_not(None)))
    with database.reading() as connection:
        found = connection.execute(select(every.c.name).where(every.c.name.is_not(None))).scalars()
        return [str(name) for name in found if part.lower() in str(name).lower()]


def _state(state: str) -> ColumnElement[bool]:
    """Return the condition; what is not completed is named such that its index is seen."""
    if state == "completed":
        return PROPERTIES.c.state == state
    return and_(PROPERTIES.c.state == state, text("properties.state <> 'completed'"))


def jobs(database: Database, campaign: str | int | None) -> pd.DataFrame:
    """Return jobs in the order of the DAG, without payloads."""
    columns = [c for c in JOBS.columns if c.name not in {"payload", "campaign_id"}]
    query = select(CAMPAIGNS.c.name.label("campaign"), *columns).join_from(JOBS, CAMPAIGNS)
    if campaign is not None:
        query = query.where(JOBS.c.campaign_id == database.campaign_id(campaign))
    return _frame(database, query.order_by(JOBS.c.campaign_id, JOBS.c.position, JOBS.c.uuid))


@remembered
def candidates(database: Database, campaign: str | int | None) -> pd.DataFrame:
    """Return candidates with the name of their campaign, in the order that they were given."""
    columns = [c for c in CANDIDATES.columns if c.name not in {"id", "campaign_id"}]
    query = select(CAMPAIGNS.c.name.label("campaign"), *columns).join_from(CANDIDATES, CAMPAIGNS)
    if campaign is not None:
        query = query.where(CANDIDATES.c.campaign_id == database.campaign_id(campaign))
    return _frame(database, query.order_by(CANDIDATES.c.id))


def calculations(database: Database) -> pd.DataFrame:
    """Return finished calculations without their documents, oldest first."""
    columns = [c for c in CALCULATIONS.columns if c.name != "document"]
    query = select(*columns).order_by(CALCULATIONS.c.created_at, CALCULATIONS.c.hash)
    return _frame(database, query)


@remembered
def references(database: Database) -> pd.DataFrame:
    """Return the literature values in the order of their tables."""
    columns = [c for c in REFERENCES.columns if c.name != "id"]
    return _frame(database, select(*columns).order_by(REFERENCES.c.id))
