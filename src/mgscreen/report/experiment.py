"""The part of the report that puts measurements beside the rankings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.database.database import Database
    from mgscreen.ranking.coatings import RankedCoating
    from mgscreen.ranking.pairs import RankedPair


def section(
    database: Database,
    campaign_id: int,
    pairs: Sequence[RankedPair],
    coatings: Sequence[RankedCoating],
) -> dict[str, Any] | None:
    """Return what the page shows of experiments; None where nothing measured is comparable.

    Parameters
    ----------
    database
        Opened for reading.
    campaign_id
        Number of the campaign.
    pairs, coatings
        Its rankings, as the page has them already.
    """
    from mgscreen.ranking.experiment import experiment

    found = experiment(database, campaign_id, pairs=pairs, coatings=coatings)
    cells = [c for c in found.cells if c.comparable]
    if not (cells or found.values or found.orders):
        return None
    return {
        "title": "Experiment",
        "anchor": "experiment",
        "summary": found.summary(),
        "orders": found.orders,
        "cells": cells,
        "values": found.values,
        "left_out": len(found.cells) - len(cells),
    }
