"""What would change the first place of a ranking: a weight, or a value of the present first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.ranking.weighing import SMALL, Scale, clipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class Change:
    """The smallest change of one thing that gives the first place to another.

    Attributes
    ----------
    kind
        ``weight`` of a criterion, or ``value`` of the present first in it.
    now, then
        What it is, and what it would have to be.
    winner
        Who is first then.
    """

    kind: str
    criterion: str
    now: float
    then: float
    winner: str


def sensitivity(table: pd.DataFrame, scales: Sequence[Scale]) -> list[Change]:
    """Return, per criterion, the nearest weight and value at which the first place changes.

    Parameters
    ----------
    table
        As ``weigh`` returns it.
    scales
        The same criteria.

    Returns
    -------
    list of Change
        Those that exist, the smallest relative change of a weight first, then values in the order
        of the criteria. Utilities of missing values count as in the score: nothing.
    """
    ranked = table[table["rank"].notna()].reset_index(drop=True)
    if len(ranked) < 2:  # noqa: PLR2004 - nobody could take over
        return []
    names = [f"utility_{s.name}" for s in scales]
    u = np.nan_to_num(ranked[names].to_numpy(dtype=float)) * ranked["limit"].to_numpy()[:, None]
    weights = np.array([s.weight for s in scales])
    ahead = (u[0] - u) @ weights
    found: list[tuple[float, Change]] = []
    for j, scale in enumerate(scales):
        slope = u[0, j] - u[1:, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            then = weights[j] - ahead[1:] / slope
        then[(np.abs(slope) < SMALL) | (then < 0) | (ahead[1:] <= SMALL)] = np.nan
        if np.isfinite(then).any():
            k = int(np.nanargmin(np.abs(then - weights[j])))
            change = Change(
                "weight", scale.name, scale.weight, float(then[k]), str(ranked["candidate"][k + 1])
            )
            relative = abs(then[k] - weights[j]) / max(weights[j], SMALL)
            found.append((float(relative), change))
    found.sort(key=lambda pair: pair[0])
    changes = [change for _, change in found]
    second = str(ranked["candidate"][1])
    for j, scale in enumerate(scales):
        value = ranked[scale.name][0]
        reach = weights[j] * u[0, j]
        if weights[j] <= 0 or value != value or ahead[1] <= SMALL or reach < ahead[1]:  # noqa: PLR0124
            continue
        limit = float(ranked["limit"][0])
        target = (u[0, j] - ahead[1] / weights[j]) / max(limit, SMALL)
        sd = float(ranked[f"{scale.name}_sd"][0]) if f"{scale.name}_sd" in ranked else 0.0
        then_value = _value_at(target, 0.0 if sd != sd else sd, scale)  # noqa: PLR0124
        changes.append(Change("value", scale.name, float(value), then_value, second))
    return changes


def _value_at(utility: float, sd: float, scale: Scale) -> float:
    """Return the value whose expected utility is ``utility``."""
    from scipy.optimize import brentq

    span = scale.best - scale.worst
    if sd <= 0:
        return scale.worst + utility * span
    s = sd / abs(span)

    def off(x: float) -> float:
        return float(clipped(np.array([x]), np.array([s]))[0][0]) - utility

    low, high = -10.0 * s - 1.0, 2.0 + 10.0 * s
    if off(low) >= 0 or off(high) <= 0:
        # nothing, or everything: reached only where the error leaves no doubt, beyond the scale
        return float(scale.worst + (low if off(low) >= 0 else high) * span)
    return float(scale.worst + brentq(off, low, high) * span)
