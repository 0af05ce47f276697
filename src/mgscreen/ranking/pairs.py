"""Which additives belong together: single additives and pairs in the host, against both electrodes.

A formulation is the host electrolyte with one or two of the candidates. What is asked of it are
probabilities, from the same evidence as the roles of its members:

``anode_protected``, ``cathode_protected``
    at least one member forms an SEI (a CEI): ``1 - prod (1 - p)`` over the members. A member whose
    question is withheld (its electron lands on the metal ion, or its film is not known) adds
    nothing to the score and widens the interval; where that is so of all members, there is no
    value.
``both_sides``
    the product of the two: an open side lets its products reach the other electrode.
``selective``
    both jobs are done, and each member reacts at its own electrode first. With *a* for the anode
    and *k* for the cathode, the better of the two ways to share them:
    ``p_SEI(a) p_CEI(k) Phi((E_red(a) - E_red(k)) / sd) Phi((E_ox(a) - E_ox(k)) / sd)``. A single
    additive has no rival, but both jobs. A weight on who reacts where alone would let a better
    protector lower the score, as its job changes. Where the electron of one lands on the metal
    ion, its reduction potential is not its own, and there is no value.
``compatible``
    the members do not oxidise each other in solution: ``Phi(gap / sd)`` with the smallest
    ``E_ox(x) - E_red(y)`` over two different members.

The criteria and their weights are those of the campaign (``[[ranking.pairs]]``). Nothing here knows
the name of any molecule.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.ranking.protection import (
    COVERED,
    best_possible,
    cei_chance,
    covered,
    sei_chance,
    who,
    withheld,
)
from mgscreen.ranking.score import SHARED, Sampling
from mgscreen.ranking.sensitivity import Change, sensitivity
from mgscreen.ranking.weighing import Scale, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from mgscreen.campaign.criteria import CriterionSpec
    from mgscreen.database.database import Database
    from mgscreen.ranking.results import Margin, RankedAdditive

_ROUNDING = 1e-9
DERIVED = ("anode_protected", "cathode_protected", "both_sides", "selective", "compatible")


class PairCriterion(BaseModel):
    """One criterion of a formulation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float | None = Field(description="of what is known; None: nothing is, see reason")
    high: float | None = Field(
        default=None, description="if what is not known turned out well; None: no bound"
    )
    weight: float
    reason: str


class RankedPair(BaseModel):
    """A formulation with its rank and what it stands on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    formulation: str = Field(description="members joined by +")
    members: tuple[str, ...]
    anode_by: str = Field(description="who protects the anode; empty where nobody is known to")
    cathode_by: str = ""
    open_sides: tuple[str, ...] = Field(description="sides left open, or not known to be covered")
    score: float | None
    score_high: float | None = Field(description="with the best possible values where some miss")
    state: str = Field(description="completed, or partial where a criterion has no value")
    reason: str
    criteria: tuple[PairCriterion, ...]


def rank_pairs(
    database: Database, campaign: str | int | None = None, *, samples: int | None = None
) -> list[RankedPair]:
    """Rank all single additives and pairs of a campaign, best first.

    Raises
    ------
    InputError
        If there is no such campaign, or a criterion is about something that is not derived here.
    """
    from mgscreen.ranking.roles import rank_additives, read_campaign

    options = read_campaign(database, campaign).ranking
    return pairs_of(
        rank_additives(database, campaign, samples=100),
        options.pairs,
        Sampling(samples=options.samples if samples is None else samples, seed=options.seed),
    )


def pairs_of(
    ranked: Iterable[RankedAdditive],
    criteria: Sequence[CriterionSpec],
    sampling: Sampling | None = None,
) -> list[RankedPair]:
    """Rank the formulations that candidates can make; see the module's text for the values."""
    members = sorted(
        (r for r in ranked if r.state in {"completed", "partial"}), key=lambda r: r.candidate
    )
    groups = [(m,) for m in members] + list(combinations(members, 2))
    if not groups:
        return []
    scales = [_scale(spec) for spec in criteria]
    judged = [_judge(group) for group in groups]
    table = weigh(_frame(judged), scales, sampling)
    by_name = {one["candidate"]: one for one in judged}
    return [_pair(by_name[str(row["candidate"])], row, scales) for row in table.to_dict("records")]


def pair_sensitivity(
    ranked: Iterable[RankedAdditive], criteria: Sequence[CriterionSpec]
) -> list[Change]:
    """Return what would change the first place among the formulations."""
    members = [r for r in ranked if r.state in {"completed", "partial"}]
    groups = [(m,) for m in members] + list(combinations(members, 2))
    scales = [_scale(spec) for spec in criteria]
    table = weigh(_frame([_judge(g) for g in groups]), scales, Sampling(samples=100))
    return sensitivity(table, scales)


def _scale(spec: CriterionSpec) -> Scale:
    from mgscreen.core.errors import InputError

    if spec.property not in DERIVED:
        known = ", ".join(DERIVED)
        raise InputError(
            f"ranking.pairs: there is no value '{spec.property}' of a formulation (known: {known})"
        )
    return Scale(spec.property, spec.worst, spec.best, spec.weight, spec.at_least, spec.at_most)


def _frame(judged: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = [
        "candidate",
        *DERIVED,
        *(f"{name}_{x}" for name in DERIVED for x in ("variance", "high")),
    ]
    rows = []
    for one in judged:
        row: dict[str, Any] = {"candidate": one["candidate"]}
        for name in DERIVED:
            p = one["values"][name][0]
            row[name] = p
            # true or false in a world in which everything were known
            row[f"{name}_variance"] = None if p is None else p * (1.0 - p)
            row[f"{name}_high"] = one["high"].get(name)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(columns[1:], "float64"))


def _judge(group: tuple[RankedAdditive, ...]) -> dict[str, Any]:
    """Return the values of one formulation, each with its reason."""
    names = tuple(m.candidate for m in group)
    anode = {m.candidate: sei_chance(m) for m in group}
    cathode = {m.candidate: cei_chance(m) for m in group}
    a, why_a = covered("SEI", anode)
    c, why_c = covered("CEI", cathode)
    high_a, high_c = best_possible(group)
    both = a * c if a is not None and c is not None else None
    if both is None:
        why_both = "one side is not known"
    else:
        why_both = f"{a:.2f} at the anode times {c:.2f} at the cathode"
    return {
        "candidate": " + ".join(names),
        "members": names,
        "anode_by": who(anode),
        "cathode_by": who(cathode),
        "high": {
            "anode_protected": high_a,
            "cathode_protected": high_c,
            "both_sides": high_a * high_c,
        },
        "values": {
            "anode_protected": (a, why_a),
            "cathode_protected": (c, why_c),
            "both_sides": (both, why_both),
            "selective": _selective(group, anode, cathode),
            "compatible": _compatible(group),
        },
    }


def _margin(member: RankedAdditive, side: str) -> Margin | None:
    return next((m for m in member.margins if m.side == side), None)


def _selective(
    group: tuple[RankedAdditive, ...],
    anode: dict[str, tuple[float | None, str]],
    cathode: dict[str, tuple[float | None, str]],
) -> tuple[float | None, str]:
    whose = [m.candidate for m in group if withheld(m)]
    if whose:
        return None, f"whose reduction comes first is not known: see {', '.join(whose)}"
    if len(group) == 1:
        (name,) = (m.candidate for m in group)
        sei, cei = anode[name], cathode[name]
        if sei[0] is None or cei[0] is None:
            return None, "; ".join(why for p, why in (sei, cei) if p is None)
        return sei[0] * cei[0], "a single additive has no rival, but both jobs"
    x, y = group
    found = [
        (*chance, f"{a.candidate} for the anode {chance[1]}")
        for a, k in ((x, y), (y, x))
        if (chance := _shared_out(a, k, anode[a.candidate][0], cathode[k.candidate][0])) is not None
    ]
    if not found:
        missing = [
            f"{m.candidate} has no {side} potential"
            for m in group
            for side in ("reduction", "oxidation")
            if _margin(m, side) is None
        ]
        missing += [
            f"{name}: {why}"
            for chances in (anode, cathode)
            for name, (p, why) in chances.items()
            if p is None
        ]
        return None, "; ".join(dict.fromkeys(missing))
    best, _, told = max(found)
    return best, told


def _shared_out(
    a: RankedAdditive, k: RankedAdditive, sei: float | None, cei: float | None
) -> tuple[float, str] | None:
    """Return the chance that *a* does the anode's job and *k* the cathode's, each first there."""
    red_a, red_k = _margin(a, "reduction"), _margin(k, "reduction")
    ox_a, ox_k = _margin(a, "oxidation"), _margin(k, "oxidation")
    if red_a is None or red_k is None or ox_a is None or ox_k is None:
        return None
    if sei is None or cei is None:
        return None
    first = _above(red_a, red_k)[1] * _above(ox_a, ox_k)[1]
    return sei * cei * first, (
        f"(reduced at {red_a.potential_v:.2f} against {red_k.potential_v:.2f} V) and "
        f"{k.candidate} for the cathode (oxidised at {ox_k.potential_v:.2f} against "
        f"{ox_a.potential_v:.2f} V): each first with probability {first:.2f}, both jobs done "
        f"with {sei * cei:.2f}"
    )


def _compatible(group: tuple[RankedAdditive, ...]) -> tuple[float | None, str]:
    if len(group) == 1:
        return 1.0, "a single additive has no partner"
    found: list[tuple[float, float, str]] = []
    for x, y in (group, group[::-1]):
        ox, red = _margin(x, "oxidation"), _margin(y, "reduction")
        if ox is None or red is None:
            continue
        gap, chance = _above(ox, red)
        why = f"{y.candidate} would have to oxidise {x.candidate} against {gap:.2f} V"
        found.append((gap, chance, why))
    if len(found) < 2:  # noqa: PLR2004 - one direction is not known
        return None, "a potential of one member is missing"
    gap, chance, why = min(found)
    return chance, why


def _above(a: Margin, b: Margin) -> tuple[float, float]:
    """Return a - b, V, and the probability that it is positive (see `score.margin_sd`)."""
    gap, u, v = a.potential_v - b.potential_v, a.potential_sd, b.potential_sd
    sd = math.sqrt(u * u + v * v - 2.0 * SHARED * u * v)
    if sd == 0.0:
        return gap, 0.5 if gap == 0.0 else float(gap > 0.0)
    return gap, 0.5 * math.erfc(-gap / (sd * math.sqrt(2.0)))


def _pair(one: dict[str, Any], row: dict[Any, Any], scales: Sequence[Scale]) -> RankedPair:
    import pandas as pd

    values: dict[str, tuple[float | None, str]] = one["values"]
    opened = []
    for side, key in (("anode", "anode_protected"), ("cathode", "cathode_protected")):
        p = values[key][0]
        if p is not None and p >= COVERED:
            continue
        opened.append(f"{side} (not known)" if one["high"][key] >= COVERED else side)
    ranked = not pd.isna(row["rank"])
    best = {name: one["high"].get(name, values[name][0]) for name in values}
    missing = [
        s.name
        for s in scales
        if s.weight > 0 and ((p := values[s.name][0]) is None or best[s.name] > p + _ROUNDING)
    ]
    return RankedPair(
        rank=int(row["rank"]) if ranked else None,
        rank_low=int(row["rank_low"]) if ranked else None,
        rank_high=int(row["rank_high"]) if ranked else None,
        formulation=one["candidate"],
        members=one["members"],
        anode_by=one["anode_by"],
        cathode_by=one["cathode_by"],
        open_sides=tuple(opened),
        score=float(row["score"]) if ranked else None,
        score_high=float(row["score_high"]) if ranked else None,
        state="partial" if missing else "completed",
        reason=_sentence(one, opened),
        criteria=tuple(
            PairCriterion(
                name=s.name,
                value=values[s.name][0],
                high=best[s.name],
                weight=s.weight,
                reason=values[s.name][1],
            )
            for s in scales
        ),
    )


def _sentence(one: dict[str, Any], opened: list[str]) -> str:
    parts = []
    if one["anode_by"]:
        parts.append(f"{one['anode_by']} protects the anode")
    if one["cathode_by"]:
        parts.append(f"{one['cathode_by']} protects the cathode")
    if opened:
        parts.append(f"open: {', '.join(opened)}")
    return "; ".join(parts)
