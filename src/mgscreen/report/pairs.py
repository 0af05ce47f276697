"""The part of the report about formulations: which two additives belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.campaign.criteria import CriterionSpec
    from mgscreen.database.database import Database
    from mgscreen.ranking.pairs import RankedPair
    from mgscreen.ranking.results import RankedAdditive

FRONT, BEHIND = "#009e73", "#7d7d7d"
"""Okabe and Ito's palette, as in the other figures."""
MOST_ROWS = 25
MOST_POINTS = 400
NAMED = 12
"""Points that carry their name; more would lie over each other."""


def section(
    database: Database, campaign_id: int, additives: Sequence[RankedAdditive]
) -> dict[str, Any] | None:
    """Return what the page shows of formulations; None with fewer than two judged additives.

    Parameters
    ----------
    database
        Opened for reading.
    campaign_id
        Number of the campaign.
    additives
        The ranked additives, as the page has them already.
    """
    from mgscreen.ranking.pairs import pair_sensitivity, pairs_of
    from mgscreen.ranking.roles import read_campaign
    from mgscreen.ranking.score import Sampling

    judged = [r for r in additives if r.state in {"completed", "partial"}]
    if len(judged) < 2:  # noqa: PLR2004 - no pair
        return None
    options = read_campaign(database, campaign_id).ranking
    criteria = options.pairs
    ranked = pairs_of(additives, criteria, Sampling(samples=options.samples, seed=options.seed))
    front = on_the_front(ranked)
    chart = pareto(ranked, front)
    unknown = sum(1 for p in ranked if p.formulation not in front)
    return {
        "title": "Pairs",
        "anchor": "pairs",
        "ranked": ranked,
        "rows": [
            {"pair": p, "front": front.get(p.formulation), "values": _values(p, criteria)}
            for p in ranked[:MOST_ROWS]
        ],
        "left_out": max(0, len(ranked) - MOST_ROWS),
        "criteria": criteria,
        "changes": pair_sensitivity(additives, criteria),
        "charts": [chart] if chart is not None else [],
        "caveats": [f"{unknown} formulations miss a value and are on no Pareto front"]
        if unknown
        else [],
        "commands": ["mgscreen rank pairs"],
    }


def _values(pair: RankedPair, criteria: Sequence[CriterionSpec]) -> list[dict[str, Any]]:
    by_name = {c.name: c for c in pair.criteria}
    return [
        {
            "name": spec.property,
            "value": by_name[spec.property].value,
            "reason": by_name[spec.property].reason,
        }
        for spec in criteria
        if spec.property in by_name
    ]


def on_the_front(ranked: Sequence[RankedPair]) -> dict[str, bool]:
    """Return, for each formulation with every weighted value, whether no other dominates it."""
    import numpy as np

    from mgscreen.ranking.weighing import pareto_front

    rows: dict[str, list[float]] = {}
    for pair in ranked:
        values = [c.value for c in pair.criteria if c.weight > 0]
        known = [v for v in values if v is not None]
        if values and len(known) == len(values):
            rows[pair.formulation] = known
    if not rows:
        return {}
    front = pareto_front(np.array(list(rows.values())))
    return {name: bool(on) for name, on in zip(rows, front, strict=True)}


def pareto(ranked: Sequence[RankedPair], front: dict[str, bool]) -> dict[str, Any] | None:
    """Return the plot of the two electrodes against each other."""
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    points: list[dict[str, Any]] = []
    for pair in ranked[:MOST_POINTS]:
        by_name = {c.name: c.value for c in pair.criteria}
        anode, cathode = by_name.get("anode_protected"), by_name.get("cathode_protected")
        if anode is None or cathode is None:
            continue
        on = front.get(pair.formulation)
        points.append(
            {
                "formulation": pair.formulation,
                "label": pair.formulation if len(points) < NAMED else "",
                "anode": round(anode, 4),
                "cathode": round(cathode, 4),
                "members": "pair" if len(pair.members) > 1 else "single",
                "front": _STANDING[on],
                "score": None if pair.score is None else round(pair.score, 4),
                "rank": pair.rank,
            }
        )
    if len(points) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    domain = alt.Scale(domain=[0, 1.05], nice=False)
    base = alt.Chart({"values": points}).encode(
        x=alt.X("anode:Q", title="Probability that the anode is protected", scale=domain),
        y=alt.Y("cathode:Q", title="Probability that the cathode is protected", scale=domain),
    )
    dots = base.mark_point(filled=True, size=80, opacity=0.85).encode(
        color=alt.Color(
            "front:N",
            scale=alt.Scale(domain=list(_STANDING.values()), range=[FRONT, BEHIND, "#d55e00"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        shape=alt.Shape(
            "members:N",
            scale=alt.Scale(domain=["pair", "single"], range=["circle", "triangle-up"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[
            alt.Tooltip("formulation:N"),
            alt.Tooltip("rank:Q"),
            alt.Tooltip("score:Q"),
            alt.Tooltip("anode:Q"),
            alt.Tooltip("cathode:Q"),
            alt.Tooltip("front:N"),
        ],
    )
    # names run to the left of the points at the right edge
    text = base.mark_text(align="right", dx=-8, fontSize=11).encode(text=alt.Text("label:N"))
    on_front = [name for name, on in front.items() if on]
    shown = ", ".join(on_front[:5]) or "nobody"
    return {
        "id": "pairs-pareto",
        "title": "Anode against cathode",
        "spec": (dots + text)
        .properties(width=560, height=380, padding={"left": 60})
        .to_dict(validate=False),
        "alt": (
            f"Protection of the anode against that of the cathode for {len(points)} formulations; "
            f"on the Pareto front of all criteria: {shown}"
        ),
    }


_STANDING: dict[bool | None, str] = {
    True: "on the Pareto front",
    False: "behind it",
    None: "a value is missing",
}
