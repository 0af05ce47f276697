"""Phases by how easily an ion crosses them: the barrier of the lowest path that percolates.

The DFT level decides where it has a value, else the mean over the potentials; the spread over the
potentials stands beside it. A phase without a converged percolating path is listed without a rank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mgscreen.database.database import Database

NAMES = (
    "percolating_barrier",
    "charged_barrier",
    "percolation_dimension",
    "migration_mechanism",
    "defect_formation_energy",
    "hopping_rate",
    "defect_diffusivity",
)
TIE_EV = 0.01
"""Barriers nearer than this share a rank."""


@dataclass(frozen=True)
class RankedPhase:
    """One phase.

    Attributes
    ----------
    rank
        1 has the lowest barrier; None without one.
    barrier_ev
        Of the lowest percolating path.
    spread_ev
        Highest minus lowest over the potentials; None with one.
    charged_ev
        The same path with a charged defect, where it was computed.
    by_level
        Barrier by level.
    rate_hz, diffusivity_cm2_s
        Estimates at the campaign's temperature for one defect, from the barrier of the first
        potential.
    """

    rank: int | None
    phase: str
    species: str
    barrier_ev: float | None
    spread_ev: float | None
    charged_ev: float | None
    level: str
    mechanism: str
    dimension: int | None
    formation_ev: float | None
    rate_hz: float | None
    diffusivity_cm2_s: float | None
    state: str
    reason: str
    by_level: dict[str, float]
    reported: tuple[str, ...] = ()


def rank_phases(database: Database, campaign: str | int | None = None) -> list[RankedPhase]:
    """Rank the phases of a campaign by their barrier, lowest first.

    Raises
    ------
    InputError
        If there is no such campaign.
    """
    number = database.campaign_id(campaign)
    frame = database.frame_properties(campaign=number)
    frame = frame[frame["property"].isin(NAMES)]
    reported = _reported(database)
    found = [
        _one(str(name), frame[frame["candidate"] == name], reported.get(str(name), ()))
        for name in dict.fromkeys(frame["candidate"])
    ]
    known = sorted((p for p in found if p.barrier_ev is not None), key=_key)
    ranked: list[RankedPhase] = []
    for place, one in enumerate(known):
        same = bool(ranked) and (one.barrier_ev or 0) - (ranked[-1].barrier_ev or 0) < TIE_EV
        rank = ranked[-1].rank if same else place + 1
        ranked.append(_with_rank(one, rank))
    return ranked + sorted((p for p in found if p.barrier_ev is None), key=lambda p: p.phase)


def _key(one: RankedPhase) -> tuple[float, str]:
    return (one.barrier_ev if one.barrier_ev is not None else float("inf"), one.phase)


def _with_rank(one: RankedPhase, rank: int | None) -> RankedPhase:
    from dataclasses import replace

    return replace(one, rank=rank)


def _one(name: str, rows: Any, reported: tuple[str, ...]) -> RankedPhase:
    by_level = _numbers(rows, "percolating_barrier")
    potentials = [v for m, v in by_level.items() if m.startswith("mlip:")]
    first = {m: v for m, v in by_level.items() if not m.startswith("mlip:")} or by_level
    barrier = sum(first.values()) / len(first) if first else None
    charged = _numbers(rows, "charged_barrier")
    mechanism = rows[(rows["property"] == "migration_mechanism") & rows["text"].notna()]
    failed = rows[(rows["property"] == "percolating_barrier") & (rows["state"] == "failed")]
    dimension = _numbers(rows, "percolation_dimension")
    reasons = list(dict.fromkeys(f"{r['method']}: {r['reason']}" for _, r in failed.iterrows()))
    level = next(iter(first), "") if len(first) == 1 else f"mean of {len(first)} potentials"
    return RankedPhase(
        rank=None,
        phase=name,
        species=str(rows["species"].iloc[0]).split(" in ")[0] if len(rows) else "",
        barrier_ev=barrier,
        spread_ev=max(potentials) - min(potentials) if len(potentials) > 1 else None,
        charged_ev=next(iter(charged.values()), None),
        level=level if first else "",
        mechanism=str(mechanism["text"].iloc[0]) if len(mechanism) else "",
        dimension=int(next(iter(dimension.values()))) if dimension else None,
        formation_ev=_mean(_numbers(rows, "defect_formation_energy")),
        rate_hz=_at_the_barrier(_numbers(rows, "hopping_rate"), first),
        diffusivity_cm2_s=_at_the_barrier(_numbers(rows, "defect_diffusivity"), first),
        state="completed" if barrier is not None else "failed",
        reason="; ".join(reasons),
        by_level=by_level,
        reported=reported,
    )


def _numbers(rows: Any, name: str) -> dict[str, float]:
    good = rows[(rows["property"] == name) & rows["value"].notna()]
    return {str(m): float(v) for m, v in zip(good["method"], good["value"], strict=True)}


def _at_the_barrier(values: dict[str, float], levels: dict[str, float]) -> float | None:
    """Return a rate at the barrier that counts: that of its level, or at the mean of several.

    The exponential of a mean of barriers is the geometric mean.
    """
    mine = [values[name] for name in levels if name in values]
    if len(mine) < len(levels) or not mine:
        return None
    return math.exp(sum(math.log(v) for v in mine) / len(mine))


def _mean(values: dict[str, float]) -> float | None:
    return sum(values.values()) / len(values) if values else None


def _reported(database: Database) -> dict[str, tuple[str, ...]]:
    frame = database.frame_references()
    rows = frame[frame["property"].isin(["migration_barrier", "diffusion_activation_energy"])]
    found: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        if row["value"] is None:
            continue
        text = f"{row['value']:g} {row['unit']} ({row['source']})"
        found.setdefault(str(row["system"]), []).append(text)
    return {name: tuple(lines) for name, lines in found.items()}
