"""The vectorised core of the ranking: probabilities, score, ranks and their intervals.

No database and no chemistry here: numbers in, numbers out, ten thousand candidates at a time.

The model
---------
A computed potential is the true one plus an error of standard deviation ``u``. Part of that error
is the same for all molecules, since they share functional, basis and solvent model:
``error = common + own`` with ``var(common) = SHARED u_a u_b`` for any two molecules. So a margin
between a candidate and the host is known better than a potential against the electrode:

``sd(margin)^2 = u_c^2 + u_h^2 - 2 SHARED u_c u_h``,  ``sd(potential) = u_c``.

``SHARED = 0.5`` is a choice, stated wherever a result is explained: with it and equal ``u`` the
margin has the error of one potential, where independent errors would give 1.41 times as much.
Calibrated DFT potentials of one family scatter less than that after a common shift is removed
(Marenich, Ho, Coote, Cramer and Truhlar, Phys. Chem. Chem. Phys. 2014, 16, 15068, discuss the
cancellation of systematic errors), candidate and host need not be of one family, hence a half.

Three probabilities, ``Phi`` being the normal cumulative distribution:

``p_SEI = Phi(margin_red / sd) * mean over scales of Phi(E_red,scale / u) * Phi((f - 0.5) / 0.1)
* film``
    reduced before the host, reduced at the anode (0 V against the metal) with every energy scale
    taken as equally likely, the added electron on the candidate (fraction ``f``; population
    analyses disagree by about 0.1), and a film that protects: ``film`` is the product of the
    utilities of its links (`mgscreen.ranking.chain`), 1 in a campaign that computes no films. Of a
    film that is not known the score has the lower bound; in the worlds that intervals are drawn
    from it lies anywhere between its bounds.
``p_CEI = Phi(margin_ox / sd)``
    oxidised before the host. Whether that lies inside the cathode's window is another question
    and another verdict: a sacrificial oxidation needs only to come first.
``score = 1 - (1 - p_SEI) (1 - p_CEI)``
    probability of a job at one electrode at least. A side that was not computed contributes
    nothing, so the score is then a lower bound: nothing is imputed, and more knowledge never
    lowers a score. The score rises with the reduction potential, with ``f``, and as the oxidation
    potential falls, so that improving a value never lowers a rank. The maximum of the two would
    ignore the weaker job, and their mean would rank a mediocre both-sided one above a certain
    one-sided one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.ranking.draws import (
    Chance,
    Errors,
    PhiTable,
    both,
    chance,
    either,
    logit,
    quantiles,
    ranks_by_chance,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

SHARED = 0.5
"""Part of the variance of a potential's error that candidate and host have in common."""
FRACTION_SD = 0.1
"""Standard deviation of the fraction of an electron on a fragment."""
INTERVAL = 0.90
"""Probability content of a rank interval."""
_COMMON = np.float32(np.sqrt(SHARED))
_OWN = np.float32(np.sqrt(1.0 - SHARED))

COLUMNS = (
    "candidate",
    "reduction",
    "reduction_sd",
    "reduction_host",
    "reduction_host_sd",
    "fraction",
    "oxidation",
    "oxidation_sd",
    "oxidation_host",
    "oxidation_host_sd",
)
"""Columns that `rank_table` reads: potentials and their standard deviations in V against the
metal on the first scale; NaN where there is no value."""
FILM = ("film_low", "film_high")
"""Bounds of what the film is worth, between 0 and 1; without these columns 1."""


@dataclass(frozen=True)
class Sampling:
    """How rank intervals are drawn."""

    samples: int = 2000
    seed: int = 0


def margin_sd(
    own: NDArray[np.float64] | float, host: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Return the standard deviation, V, of a difference of two computed potentials.

    Parameters
    ----------
    own, host
        Standard deviations of the two potentials, V.
    """
    a, b = np.asarray(own, dtype=float), np.asarray(host, dtype=float)
    return np.asarray(np.sqrt(a * a + b * b - 2.0 * SHARED * a * b))


def probabilities(frame: pd.DataFrame, offsets: Sequence[float]) -> dict[str, NDArray[np.float64]]:
    """Return the probabilities and the score of each candidate.

    Parameters
    ----------
    frame
        One row per candidate with `COLUMNS`.
    offsets
        What each energy scale adds to a potential on the first one, V (the first is 0).

    Returns
    -------
    dict
        ``p_reduced_first``, ``p_anode``, ``p_on_candidate``, ``p_reduced`` (their product),
        ``p_sei`` (with the lower bound of the film), ``p_cei``, ``score``, ``score_high`` (with
        the upper one) and ``logit``, log(score / (1 - score)) without the rounding of 1 - score;
        shape (n,), NaN where a value is missing.
    """
    from scipy.special import ndtr

    get = {c: frame[c].to_numpy(dtype=float, na_value=np.nan) for c in COLUMNS[1:]}
    z_red = (get["reduction"] - get["reduction_host"]) / margin_sd(
        get["reduction_sd"], get["reduction_host_sd"]
    )
    z_ox = (get["oxidation_host"] - get["oxidation"]) / margin_sd(
        get["oxidation_sd"], get["oxidation_host_sd"]
    )
    z_anode = np.stack([(get["reduction"] + shift) / get["reduction_sd"] for shift in offsets])
    z_here = (get["fraction"] - 0.5) / FRACTION_SD
    anode = Chance(ndtr(z_anode).mean(axis=0), ndtr(-z_anode).mean(axis=0))
    reduced = both(both(Chance(ndtr(z_red), ndtr(-z_red)), anode), chance(z_here))
    low, high = (_film(frame, name) for name in FILM)
    sei = both(reduced, Chance(low, 1.0 - low))
    cei = chance(z_ox)
    known = ~(np.isnan(sei.yes) & np.isnan(cei.yes))
    total = either(sei, cei)
    best = either(both(reduced, Chance(high, 1.0 - high)), cei)
    return {
        "p_reduced_first": ndtr(z_red),
        "p_anode": anode.yes,
        "p_on_candidate": ndtr(z_here),
        "p_reduced": reduced.yes,
        "p_sei": sei.yes,
        "p_cei": cei.yes,
        "score": np.where(known, total.yes, np.nan),
        "score_high": np.where(known, best.yes, np.nan),
        "logit": np.where(known, logit(total), np.nan),
    }


def _film(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in frame:
        return np.ones(len(frame))
    return np.asarray(np.clip(frame[name].to_numpy(dtype=float, na_value=1.0), 0.0, 1.0))


def competition_ranks(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rank of each score, best first; equal scores share the better rank (1, 1, 3).

    Parameters
    ----------
    score
        Shape (n,), no NaN.
    """
    ordered = np.sort(-score)
    return np.searchsorted(ordered, -score, side="left") + 1


def rank_table(
    frame: pd.DataFrame, offsets: Sequence[float], sampling: Sampling | None = None
) -> pd.DataFrame:
    """Rank candidates, with a 90 % interval for each rank.

    Parameters
    ----------
    frame
        One row per candidate with `COLUMNS`, in any order: the result does not depend on it.
    offsets
        What each energy scale adds to a potential on the first one, V (the first is 0).
    sampling
        Number of samples and seed.

    Returns
    -------
    pandas.DataFrame
        One row per candidate, best first, with the columns of `probabilities` and ``rank``,
        ``rank_low`` (best) and ``rank_high`` (worst). Candidates without a score come last, with
        no rank.

    Raises
    ------
    ValueError
        If a candidate occurs twice, or there is no scale.
    """
    if frame["candidate"].duplicated().any():
        msg = "a candidate occurs twice in the table that is to be ranked"
        raise ValueError(msg)
    if len(offsets) == 0:
        msg = "no energy scale to rank on"
        raise ValueError(msg)
    table = frame.sort_values("candidate", kind="stable").reset_index(drop=True)
    table = table.assign(**probabilities(table, offsets))
    known = table["score"].notna().to_numpy()
    # Int64: a candidate without a score has no rank, and that is no number
    ranked = table[known].reset_index(drop=True)
    rank = competition_ranks(ranked["logit"].to_numpy())
    low, high = _intervals(ranked, offsets, rank, sampling or Sampling())
    for name, values in (("rank", rank), ("rank_low", low), ("rank_high", high)):
        column = np.full(len(table), -1, dtype=np.int64)
        column[known] = values
        table[name] = column
        table[name] = table[name].astype("Int64").where(known)
    return table.sort_values(
        ["rank", "candidate"], kind="stable", na_position="last", ignore_index=True
    )


def _intervals(
    frame: pd.DataFrame,
    offsets: Sequence[float],
    rank: NDArray[np.int64],
    sampling: Sampling,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw worlds and return the 5 % and 95 % quantiles of each rank.

    One world has one energy scale, one common error, one own error of the host and one of each
    candidate; the candidates are ranked in it by the same score. Equal scores get one interval.
    """
    n = len(frame)
    if n == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    rng = np.random.default_rng(sampling.seed)
    table, errors = PhiTable(), Errors(rng)
    reduction, oxidation = _Drawn.of(frame, "reduction", 1.0), _Drawn.of(frame, "oxidation", -1.0)
    here = table.of(_or_nothing((frame["fraction"] - 0.5) / FRACTION_SD))
    at_anode = _or_nothing(frame["reduction"] / frame["reduction_sd"])
    per_volt = _or_nothing(1.0 / frame["reduction_sd"])
    film = _film(frame, FILM[0]).astype(np.float32)
    gap = _film(frame, FILM[1]).astype(np.float32) - film
    certain, partial = bool((film >= 1).all()), bool((gap > 0).any())
    small = n <= np.iinfo(np.int16).max
    ranks = np.empty((sampling.samples, n), dtype=np.int16 if small else np.int32)
    for world in ranks:
        common_red, host_red, common_ox, host_ox = errors.draw(4)
        own_red, own_ox = errors.draw(n), errors.draw(n)
        shift = np.float32(offsets[int(rng.integers(len(offsets)))])
        z_anode = at_anode + per_volt * shift + (_COMMON * common_red + _OWN * own_red)
        first = table.of(reduction.margin(common_red, own_red, host_red))
        sei = both(both(first, table.of(z_anode)), here)
        if not certain:
            drawn = film + gap * rng.random(n, dtype=np.float32) if partial else film
            sei = both(sei, Chance(drawn, 1 - drawn))
        cei = table.of(oxidation.margin(common_ox, own_ox, host_ox))
        total = Chance(sei.yes + sei.no * cei.yes, sei.no * cei.no)
        world[:] = ranks_by_chance(total)
    best, worst = quantiles(ranks, INTERVAL)
    low, high = np.minimum(best, rank), np.maximum(worst, rank)
    return _shared(rank, low, np.minimum), _shared(rank, high, np.maximum)


def _shared(rank: NDArray[np.int64], bound: NDArray[np.int64], pick: np.ufunc) -> NDArray[np.int64]:
    """Give candidates of equal rank one bound, as they are equal in all that is ranked on."""
    groups, index = np.unique(rank, return_inverse=True)
    start = np.iinfo(np.int64).max if pick is np.minimum else 0
    shared = np.full(len(groups), start, dtype=np.int64)
    pick.at(shared, index, bound)
    return shared[index]


@dataclass(frozen=True)
class _Drawn:
    """A margin in units of its standard deviation as a function of the errors of one world."""

    mean: NDArray[np.float32]
    own: NDArray[np.float32]
    common: NDArray[np.float32]
    host: NDArray[np.float32]

    @classmethod
    def of(cls, frame: pd.DataFrame, side: str, sign: float) -> _Drawn:
        sd, host_sd = frame[f"{side}_sd"], frame[f"{side}_host_sd"]
        unit = sign / margin_sd(sd.to_numpy(dtype=float), host_sd.to_numpy(dtype=float))
        return cls(
            mean=_or_nothing((frame[side] - frame[f"{side}_host"]) * unit),
            own=np.nan_to_num(np.asarray(sd * unit, dtype=np.float32)) * _OWN,
            common=np.nan_to_num(np.asarray((sd - host_sd) * unit, dtype=np.float32)) * _COMMON,
            host=np.nan_to_num(np.asarray(host_sd * unit, dtype=np.float32)) * _OWN,
        )

    def margin(
        self, common: np.float32, own: NDArray[np.float32], host: np.float32
    ) -> NDArray[np.float32]:
        return self.mean + self.own * own + (self.common * common - self.host * host)


def _or_nothing(z: Any) -> NDArray[np.float32]:
    """Return z, with a missing value so low that it contributes no probability."""
    values = np.asarray(z, dtype=np.float32)
    return np.where(np.isnan(values), np.float32(-1e4), values)
