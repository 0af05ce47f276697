"""The rankings of every part of a campaign as flat tables."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from mgscreen.database.database import Database

RANKS = ("rank", "rank_low", "rank_high")
PARTS = ("additives", "pairs", "fragments", "phases", "coatings")


def ranking(database: Database, campaign: str | int | None, part: str) -> pd.DataFrame:
    """Return the ranking of one part, best first; empty where the campaign has no such part.

    Parameters
    ----------
    database
        Opened for reading.
    campaign
        Name or id.
    part
        One of ``PARTS``.

    Returns
    -------
    pandas.DataFrame
        One row for each candidate. Of coatings, each value with its standard deviation
        (``_sd``) and level (``_level``); of pairs, each criterion; what has more structure than a
        cell is JSON text.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    number = database.campaign_id(campaign)
    makers = {
        "additives": _additives,
        "pairs": _pairs,
        "fragments": _fragments,
        "phases": _phases,
        "coatings": _coatings,
    }
    if part not in makers:
        msg = f"there is no ranking of '{part}' (known: {', '.join(PARTS)})"
        raise ValueError(msg)
    return _frame(makers[part](database, number))


def rankings(database: Database, campaign: str | int | None) -> dict[str, pd.DataFrame]:
    """Return the rankings of the parts that the campaign has, by part."""
    found = {part: ranking(database, campaign, part) for part in PARTS}
    return {part: frame for part, frame in found.items() if len(frame)}


def _additives(database: Database, number: int) -> Iterable[dict[str, Any]]:
    from mgscreen.ranking.roles import rank_additives, read_campaign

    if not read_campaign(database, number).has_molecules:
        return []
    return [one.model_dump(mode="json") for one in rank_additives(database, number)]


def _pairs(database: Database, number: int) -> Iterable[dict[str, Any]]:
    from mgscreen.ranking.pairs import rank_pairs
    from mgscreen.ranking.roles import read_campaign

    if not read_campaign(database, number).has_molecules:
        return []
    rows = []
    for one in rank_pairs(database, number):
        row = one.model_dump(mode="json")
        criteria = row.pop("criteria")
        rows.append({**row, **{c["name"]: c["value"] for c in criteria}})
    return rows


def _fragments(database: Database, number: int) -> Iterable[dict[str, Any]]:
    from mgscreen.ranking.fragments import rank_fragments
    from mgscreen.ranking.roles import read_campaign

    if read_campaign(database, number).surfaces is None:
        return []
    return [dataclasses.asdict(one) for one in rank_fragments(database, number)]


def _phases(database: Database, number: int) -> Iterable[dict[str, Any]]:
    from mgscreen.ranking.phases import rank_phases

    return [dataclasses.asdict(one) for one in rank_phases(database, number)]


def _coatings(database: Database, number: int) -> Iterable[dict[str, Any]]:
    from mgscreen.ranking.coatings import rank_coatings

    rows = []
    for one in rank_coatings(database, number):
        row = one.model_dump(mode="json")
        for value in row.pop("values"):
            name = value["property"]
            row |= {
                name: value["value"],
                f"{name}_sd": value["sd"],
                f"{name}_level": value["level"],
            }
        rows.append(row)
    return rows


def _frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame([{k: _flat(v) for k, v in row.items()} for row in rows])
    for column in RANKS:
        if column in frame:
            frame[column] = frame[column].astype("Int64")
    return frame


def _flat(value: Any) -> Any:
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return "; ".join(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    return value
