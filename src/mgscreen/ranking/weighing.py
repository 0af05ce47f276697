"""Many criteria, one order: utilities, score, ranks with intervals, Pareto front, sensitivity.

No database and no chemistry here: numbers in, numbers out, ten thousand candidates at a time.

The model
---------
A criterion turns a value ``x`` into a utility by a straight line from 0 at its ``worst`` to 1 at
its ``best``, flat beyond both. A computed value is uncertain, so its utility is the expectation
over a normal error of standard deviation ``s``:

``u = E[clip((X - worst) / (best - worst), 0, 1)]``, ``X ~ N(x, s)``,

which is the clipped line itself where ``s`` is 0, and rises with ``x`` for every ``s``. A hard
limit is a probability, ``P(X within the limit)``. The score is

``score = prod_limits P * sum_i w_i u_i / sum_i w_i``,

a weighted mean that no single criterion can rescue from a broken limit (J. Figueira, S. Greco and
M. Ehrgott, Multiple Criteria Decision Analysis, Springer 2005, for additive utilities). A criterion
without a value adds nothing to the sum and stays in the divisor: the score is then a lower bound,
nothing is imputed, and ``score_high`` is what it would be with the best possible values.

Rank intervals come from worlds in which each score is drawn from a normal distribution with the
spread that the errors of its values give it, ``sd^2 = sum_i (w_i / W)^2 Var[clip]``; the errors of
two candidates are independent, which overstates the interval where a level is wrong for all of
them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.ranking.draws import Errors, counted_ranks, quantiles
from mgscreen.ranking.score import INTERVAL, Sampling, competition_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_BINS = 1 << 14
SMALL = 1e-12


@dataclass(frozen=True)
class Scale:
    """A criterion.

    Attributes
    ----------
    name
        Column of its values; ``<name>_sd`` holds their standard deviations.
    worst, best
        Values of utility 0 and 1; ``best`` below ``worst`` where less is better.
    weight
        Relative to the other criteria; 0: only its limits count.
    at_least, at_most
        Hard limits; None: there is none.
    """

    name: str
    worst: float
    best: float
    weight: float = 1.0
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.worst) and np.isfinite(self.best)) or self.worst == self.best:
            msg = f"criterion '{self.name}': worst and best are two different finite numbers"
            raise ValueError(msg)
        if not np.isfinite(self.weight) or self.weight < 0:
            msg = f"criterion '{self.name}': a weight is zero or a positive number"
            raise ValueError(msg)


@dataclass(frozen=True)
class Utilities:
    """Utilities of n candidates by m criteria; NaN where there is no value.

    Attributes
    ----------
    mean, variance
        Shape (n, m).
    limit
        Probability that all hard limits that have a value hold, shape (n,).
    """

    mean: Array
    variance: Array
    limit: Array


def utilities(frame: pd.DataFrame, scales: Sequence[Scale]) -> Utilities:
    """Return expected utility and its variance for each value.

    Parameters
    ----------
    frame
        One row per candidate; for each criterion a column of its name and, optionally, one of
        ``<name>_sd``, in its unit. NaN: no value. A value that is itself a probability may have
        ``<name>_variance`` instead, the variance of its utility.
    """
    n, m = len(frame), len(scales)
    mean, variance = np.full((n, m), np.nan), np.full((n, m), np.nan)
    limit = np.ones(n)
    for j, scale in enumerate(scales):
        x = frame[scale.name].to_numpy(dtype=float, na_value=np.nan)
        column = f"{scale.name}_sd"
        sd = (
            np.nan_to_num(frame[column].to_numpy(dtype=float, na_value=np.nan))
            if column in frame
            else np.zeros(n)
        )
        span = scale.best - scale.worst
        mean[:, j], variance[:, j] = clipped((x - scale.worst) / span, sd / abs(span))
        given = f"{scale.name}_variance"
        if given in frame:
            variance[:, j] = frame[given].to_numpy(dtype=float, na_value=np.nan)
        limit *= _holds(x, sd, scale)
    return Utilities(mean, variance, limit)


def clipped(x: Array, sd: Array) -> tuple[Array, Array]:
    """Return mean and variance of clip(X, 0, 1) for X ~ N(x, sd)."""
    from scipy.special import ndtr

    s = np.maximum(sd, SMALL)
    low, high = -x / s, (1.0 - x) / s
    density_low = np.exp(-0.5 * low**2) / np.sqrt(2 * np.pi)
    density_high = np.exp(-0.5 * high**2) / np.sqrt(2 * np.pi)
    inside = ndtr(high) - ndtr(low)
    above = ndtr(-high)
    mean = x * inside + s * (density_low - density_high) + above
    square = (x**2 + s**2) * inside + s * (x * density_low - (1.0 + x) * density_high) + above
    mean = np.clip(mean, 0.0, 1.0)
    return mean, np.maximum(square - mean**2, 0.0)


def _holds(x: Array, sd: Array, scale: Scale) -> Array:
    from scipy.special import ndtr

    s = np.maximum(sd, SMALL)
    chance = np.ones(len(x))
    if scale.at_least is not None:
        chance = chance * ndtr((x - scale.at_least) / s + SMALL)
        chance[np.equal(x, scale.at_least) & np.equal(sd, 0)] = 1.0
    if scale.at_most is not None:
        chance = chance * ndtr((scale.at_most - x) / s + SMALL)
        chance[np.equal(x, scale.at_most) & np.equal(sd, 0)] = 1.0
    return np.where(np.isnan(x), 1.0, chance)


def weigh(
    frame: pd.DataFrame, scales: Sequence[Scale], sampling: Sampling | None = None
) -> pd.DataFrame:
    """Rank candidates by several criteria, with a 90 % interval for each rank.

    Parameters
    ----------
    frame
        One row per candidate with a column ``candidate`` and those of the criteria, in any order:
        the result does not depend on it. ``<name>_high``: the best that a value could be where
        only a part of it is known.
    scales
        The criteria; at least one of a positive weight.
    sampling
        Number of samples and seed.

    Returns
    -------
    pandas.DataFrame
        Best first: the input, ``score``, ``score_sd``, ``score_high``, ``limit`` (probability that
        the hard limits hold), ``covered`` (part of the weight that has a value), ``rank``,
        ``rank_low`` (best), ``rank_high`` (worst), ``pareto`` (on the front; missing where a value
        is) and ``utility_<name>``. Candidates without any value come last, with no rank.

    Raises
    ------
    ValueError
        If a candidate occurs twice, or no criterion has a weight.
    """
    weights = np.array([scale.weight for scale in scales], dtype=float)
    if weights.sum() <= 0:
        msg = "no criterion has a weight: nothing can be ranked"
        raise ValueError(msg)
    if frame["candidate"].duplicated().any():
        msg = "a candidate occurs twice in the table that is to be ranked"
        raise ValueError(msg)
    table = frame.sort_values("candidate", kind="stable").reset_index(drop=True)
    found = utilities(table, scales)
    share = weights / weights.sum()
    known = ~np.isnan(found.mean)
    score = found.limit * (np.nan_to_num(found.mean) * share).sum(axis=1)
    missing = (np.where(known, _room(table, scales, found), 1.0) * share).sum(axis=1)
    sd = found.limit * np.sqrt((np.nan_to_num(found.variance) * share**2).sum(axis=1))
    any_value = (known & (share > 0)).any(axis=1)
    table = table.assign(
        score=np.where(any_value, score, np.nan),
        score_sd=np.where(any_value, sd, np.nan),
        score_high=np.where(any_value, score + found.limit * missing, np.nan),
        limit=found.limit,
        covered=np.where(known, share, 0.0).sum(axis=1),
        pareto=_pareto_column(found, scales),
        **{f"utility_{s.name}": found.mean[:, j] for j, s in enumerate(scales)},
    )
    rank = np.full(len(table), -1, dtype=np.int64)
    low, high = rank.copy(), rank.copy()
    if any_value.any():
        ranked = np.flatnonzero(any_value)
        rank[ranked] = competition_ranks(_rounded(score[ranked]))
        low[ranked], high[ranked] = _intervals(
            score[ranked], sd[ranked], missing[ranked] * found.limit[ranked], rank[ranked], sampling
        )
    for name, values in (("rank", rank), ("rank_low", low), ("rank_high", high)):
        table[name] = values
        table[name] = table[name].astype("Int64").where(any_value)
    return table.sort_values(
        ["rank", "candidate"], kind="stable", na_position="last", ignore_index=True
    )


def _room(table: pd.DataFrame, scales: Sequence[Scale], found: Utilities) -> Array:
    """Return the utility that a value could gain from what is not known of it, shape (n, m)."""
    room = np.zeros_like(found.mean)
    for j, scale in enumerate(scales):
        column = f"{scale.name}_high"
        if column in table:
            high = table[column].to_numpy(dtype=float, na_value=np.nan)
            best = np.clip((high - scale.worst) / (scale.best - scale.worst), 0.0, 1.0)
            room[:, j] = np.maximum(np.nan_to_num(best - found.mean[:, j]), 0.0)
    return room


def _rounded(score: Array) -> Array:
    """Round away the last bits, so that equal candidates tie whatever the order of a sum."""
    return np.asarray(np.round(score, 12))


def _intervals(
    score: Array,
    sd: Array,
    missing: Array,
    rank: NDArray[np.int64],
    sampling: Sampling | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the 5 % and 95 % quantiles of each rank over worlds.

    What a missing value could add is drawn evenly between nothing and everything: it widens the
    interval of its candidate and fills nothing in.
    """
    options = sampling or Sampling()
    rng = np.random.default_rng(options.seed)
    n = len(score)
    small = n <= np.iinfo(np.int16).max
    ranks = np.empty((options.samples, n), dtype=np.int16 if small else np.int32)
    mean, spread = score.astype(np.float32), sd.astype(np.float32)
    gap = missing.astype(np.float32)
    partial = bool((gap > 0).any())
    errors = Errors(rng)
    for world in ranks:
        drawn = mean + spread * errors.draw(n)
        if partial:
            drawn += gap * rng.random(n, dtype=np.float32)
        world[:] = _binned_ranks(drawn)
    best, worst = quantiles(ranks, INTERVAL)
    low, high = np.minimum(best, rank), np.maximum(worst, rank)
    # equal in everything that counts: one interval
    key = np.stack([_rounded(score), _rounded(sd), _rounded(missing)], axis=1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.reshape(-1)
    lowest = np.full(n, n + 1, dtype=np.int64)
    highest = np.zeros(n, dtype=np.int64)
    np.minimum.at(lowest, group, low)
    np.maximum.at(highest, group, high)
    return lowest[group], highest[group]


def _binned_ranks(drawn: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return competition ranks by counting in bins, 1e-4 of the range wide: no sort per world."""
    low, high = float(drawn.min()), float(drawn.max())
    width = max(high - low, SMALL)
    index = ((high - drawn) * np.float32((_BINS - 1) / width)).astype(np.intp)
    return counted_ranks(index, _BINS)


def _pareto_column(found: Utilities, scales: Sequence[Scale]) -> Any:
    """Return which candidates are on the front: True, False, or missing without all values."""
    import pandas as pd

    counted = [j for j, scale in enumerate(scales) if scale.weight > 0]
    values = found.mean[:, counted]
    complete = ~np.isnan(values).any(axis=1)
    column = pd.array([pd.NA] * len(values), dtype="boolean")
    if complete.any():
        column[np.flatnonzero(complete)] = pareto_front(values[complete])
    return column


def pareto_front(values: Array) -> NDArray[np.bool_]:
    """Return which rows no other row dominates; more is better in every column.

    Parameters
    ----------
    values
        Shape (n, m), no NaN.

    Returns
    -------
    numpy.ndarray
        Shape (n,). A row is dominated by another that is nowhere worse and somewhere better; equal
        rows are on the front together.
    """
    values = np.asarray(values, dtype=float)
    if not len(values):
        return np.zeros(0, dtype=bool)
    # among distinct rows, nowhere worse is somewhere better; best first: who dominates is earlier
    distinct, place = np.unique(values, axis=0, return_inverse=True)
    rows = distinct[::-1]
    front = np.zeros(len(rows), dtype=bool)
    kept = rows[:0]
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        left = np.flatnonzero(~_dominated(block, kept))
        left = left[~_dominated(block[left], block[left], own=True)]
        front[start + left] = True
        kept = np.vstack([kept, block[left]])
    return front[::-1][place.reshape(-1)]


_BLOCK = 256
"""Rows that are compared with the front at once."""


def _dominated(rows: Array, others: Array, *, own: bool = False) -> NDArray[np.bool_]:
    """Return for which rows another is nowhere worse; ``own``: the same rows, but themselves."""
    nowhere_worse = np.ones((len(rows), len(others)), dtype=bool)
    for j in range(rows.shape[1]):
        nowhere_worse &= others[:, j] >= rows[:, j, None]
    if own:
        np.fill_diagonal(nowhere_worse, val=False)
    return np.asarray(nowhere_worse.any(axis=1))
