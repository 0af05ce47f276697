"""The part of the report about phases: ranking, windows, hulls, voltages, reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from mgscreen.core.errors import MissingEngineError
from mgscreen.ranking.coatings import Kind
from mgscreen.report.voltages import cathode_references, voltage_charts

if TYPE_CHECKING:
    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database
    from mgscreen.ranking.coatings import RankedCoating

STABLE, REACTS, CATHODE = "#009e73", "#d55e00", "#0b7ec2"
"""Okabe and Ito's palette, as in the other figures."""
ON_FRONT, BEHIND = "on the Pareto front", "behind it, or a value is missing"
TITLES = {"insulator": "Coatings", "alloy": "Alloy interphases", "unknown": "Of unknown class"}
REFERENCES = ("formation_energy", "oxidation_limit", "band_gap", "alloy_voltage")


def section(database: Database, campaign_id: int) -> dict[str, Any] | None:
    """Return what the page shows of phases; None where the campaign has none."""
    from mgscreen.ranking.coatings import coating_sensitivity, criteria_of, rank_coatings
    from mgscreen.ranking.roles import read_campaign

    ranked = rank_coatings(database, campaign_id)
    if not ranked:
        return None
    campaign = read_campaign(database, campaign_id)
    documents = _documents(database, campaign_id)
    charts = [_windows(ranked, campaign)]
    pareto = _pareto(ranked)
    if pareto is not None:
        charts.append(pareto)
    charts += voltage_charts(database, campaign_id)
    charts += [c for c in (_hull(d) for d in documents.values()) if c is not None]
    return {
        "title": "Coatings",
        "anchor": "coatings",
        "metal": campaign.anode.metal,
        "groups": [
            {
                "title": title,
                "kind": kind,
                "rows": [r for r in ranked if r.kind == kind],
                "criteria": criteria_of(campaign, kind),
                "changes": coating_sensitivity(database, campaign_id, kind)
                if kind != "unknown"
                else [],
            }
            for kind, title in ((k, TITLES[k]) for k in get_args(Kind))
            if any(r.kind == kind for r in ranked)
        ],
        "charts": [{"folded": False, **c} for c in charts if c is not None],
        "published": _published(database, ranked),
        "cathodes": cathode_references(database, campaign_id),
        "others": _others(database, campaign_id),
        "caveats": _caveats(ranked, documents),
        "commands": ["mgscreen rank coatings"],
    }


def _documents(database: Database, campaign_id: int) -> dict[str, dict[str, Any]]:
    """Return the stability documents of the campaign, by calculation."""
    frame = database.frame_properties(campaign=campaign_id)
    names = frame[frame["property"] == "energy_above_hull"]["calculation"].unique()
    rows = database.find_calculations(map(str, names))
    return {name: row["document"] for name, row in rows.items() if row["document"].get("energies")}


def _alt() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    return alt


def _windows(ranked: list[RankedCoating], campaign: Campaign) -> dict[str, Any] | None:
    alt = _alt()
    low, high = campaign.cathode.window
    points = []
    for r in ranked:
        reduction, oxidation = r.get("reduction_limit"), r.get("oxidation_limit")
        if reduction.value is None or oxidation.value is None:
            continue
        points.append(
            {
                "phase": r.phase,
                "from": round(reduction.value, 3),
                "to": round(oxidation.value, 3),
                "kind": "stable against the metal" if reduction.value <= 0 else "reduced by it",
                "level": oxidation.level,
            }
        )
    if not points:
        return None
    order = [p["phase"] for p in sorted(points, key=lambda p: float(str(p["to"])), reverse=True)]
    bars = (
        alt.Chart(alt.Data(values=points))
        .mark_bar(height=14)
        .encode(
            y=alt.Y("phase:N", sort=order, title=None),
            x=alt.X("from:Q", title=f"Potential, V vs {campaign.anode.metal}"),
            x2=alt.X2("to:Q"),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(
                    domain=["stable against the metal", "reduced by it"], range=[STABLE, REACTS]
                ),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("phase:N"),
                alt.Tooltip("from:Q"),
                alt.Tooltip("to:Q"),
                alt.Tooltip("level:N"),
            ],
        )
    )
    rules = (
        alt.Chart(alt.Data(values=[{"v": low}, {"v": high}]))
        .mark_rule(strokeDash=[4, 3], color=CATHODE)
        .encode(x=alt.X("v:Q"))
    )
    return {
        "id": "coatings-windows",
        "title": "Electrochemical windows",
        "spec": (bars + rules).properties(width=640).to_dict(validate=False),
        "alt": (
            "Window of each phase against the anode metal; dashed: the cathode's window, "
            f"{low:g} to {high:g} V"
        ),
    }


def _pareto(ranked: list[RankedCoating]) -> dict[str, Any] | None:
    alt = _alt()
    points = [
        {
            "phase": r.phase,
            "barrier": r.get("percolating_barrier").value,
            "oxidation": r.get("oxidation_limit").value,
            "front": ON_FRONT if r.pareto else BEHIND,
        }
        for r in ranked
        if r.get("percolating_barrier").value is not None
        and r.get("oxidation_limit").value is not None
    ]
    if len(points) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("barrier:Q", title="Barrier of the lowest percolating path, eV"),
        y=alt.Y("oxidation:Q", title="Oxidation limit, V"),
    )
    dots = base.mark_point(filled=True, size=90).encode(
        color=alt.Color(
            "front:N",
            scale=alt.Scale(domain=[ON_FRONT, BEHIND], range=[STABLE, "#7d7d7d"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[alt.Tooltip("phase:N"), alt.Tooltip("barrier:Q"), alt.Tooltip("oxidation:Q")],
    )
    text = base.mark_text(align="left", dx=8).encode(text=alt.Text("phase:N"))
    return {
        "id": "coatings-pareto",
        "title": "Mobility against stability",
        "spec": (dots + text).properties(width=520, height=320).to_dict(validate=False),
        "alt": "Migration barrier and oxidation limit of each phase; low and high is best",
    }


def _hull(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the binary hull between the metal and the other element of a phase."""
    from pymatgen.core import Composition

    phase = Composition(document["formula"])
    metal = document["metal"]
    others = [str(e) for e in phase.elements if str(e) != metal]
    if len(others) != 1 or document.get("above_hull_ev") is None:
        return None
    from mgscreen.energetics.hull import Hull, PhaseEnergy

    hull = Hull.of(
        [
            PhaseEnergy(e["name"], e["formula"], e["pbe_ev"] + e["correction_ev"])
            for e in document["energies"]
        ],
        document["formula"],
        metal,
    )
    points = []
    for one, formed, above in hull.heights():
        made = Composition(one.formula)
        points.append(
            {
                "phase": made.reduced_formula,
                "x": round(float(made.get_atomic_fraction(others[0])), 4),
                "energy": round(formed, 4),
                "on": above < 1e-6,  # noqa: PLR2004 - numerical zero
            }
        )
    level = document["level"]
    name = "".join(c if c.isalnum() else "-" for c in f"{document['formula']}-{level}")
    return {
        "id": f"hull-{name}",
        "title": f"Convex hull {metal}-{others[0]}, {level}",
        "spec": _hull_spec(points, others[0]),
        "alt": f"Formation energies between {metal} and {others[0]} at {level}",
        "folded": True,
    }


def _hull_spec(points: list[dict[str, Any]], other: str) -> dict[str, Any]:
    """Return the plot of a binary hull; there are many of them, so written without Altair."""
    x = {
        "field": "x",
        "type": "quantitative",
        "title": f"Fraction of {other}",
        "scale": {"domain": [0, 1]},
    }
    y = {"field": "energy", "type": "quantitative", "title": "Formation energy, eV/atom"}
    phase = {"field": "phase", "type": "nominal"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": points},
        "width": 420,
        "height": 240,
        "encoding": {"x": x, "y": y},
        "layer": [
            {"transform": [{"filter": "datum.on"}], "mark": {"type": "line", "color": STABLE}},
            {
                "mark": {"type": "point", "filled": True, "size": 70},
                "encoding": {
                    "color": {
                        "condition": {"test": "datum.on", "value": STABLE},
                        "value": REACTS,
                    },
                    "tooltip": [phase, {"field": "energy", "type": "quantitative"}],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 7, "dy": -7},
                "encoding": {"text": phase},
            },
        ],
    }


def _published(database: Database, ranked: list[RankedCoating]) -> list[dict[str, Any]]:
    """Return published numbers beside the computed ones."""
    frame = database.frame_references()
    names = {r.phase: r for r in ranked}
    rows = []
    for row in frame[frame["property"].isin(REFERENCES)].to_dict("records"):
        one = names.get(str(row["system"]))
        if one is None or row["value"] is None or row["value"] != row["value"]:
            continue
        prop = str(row["property"])
        value = one.get(prop)
        if value.value is None and not value.by_level:
            continue
        rows.append(
            {
                "phase": one.phase,
                "property": prop.replace("_", " "),
                "published": float(row["value"]),
                "unit": row["unit"],
                "conditions": row["conditions"],
                "source": row["source"],
                "computed": value.value,
                "level": value.level,
                "legacy": one.get("formation_energy_legacy").value
                if prop == "formation_energy"
                else None,
            }
        )
    return rows


def _others(database: Database, campaign_id: int) -> list[dict[str, Any]]:
    """Return voltages and reactions: properties that belong to no single phase."""
    frame = database.frame_properties(campaign=campaign_id)
    wanted = frame[frame["property"].isin(_LOOSE)]
    return [
        {str(k): (None if v != v else v) for k, v in row.items()}  # noqa: PLR0124 - NaN
        for row in wanted.to_dict("records")
    ]


_LOOSE = (
    "vbm_vs_anode_fermi",
    "cbm_vs_anode_fermi",
    "alloy_formation_energy",
    "alloy_voltage",
    "alloy_toxicity",
    "alloy_melting",
    "reaction_with_product",
    "insertion_voltage",
    "insertion_voltage_step",
    "insertion_volume_change",
    "reaction_energy",
    "grignard_energy",
    "schlenk_energy",
    "displacement_energy",
    "product_phase",
)


def _caveats(ranked: list[RankedCoating], documents: dict[str, dict[str, Any]]) -> list[str]:
    found = [
        (
            "a window is an upper bound: it knows the competing phases that were computed, and "
            "they are named with each value"
        )
    ]
    if any(r.get("band_gap").value for r in ranked):
        found.append("PBE gaps are too small, by 40 % for MgF2 and MgO")
    soluble = [r.phase for r in ranked if r.soluble]
    if soluble:
        found.append(f"{', '.join(soluble)}: {next(r.soluble for r in ranked if r.soluble)}")
    missing = sorted({m for d in documents.values() for m in d.get("missing", [])})
    if missing:
        found.append(f"competitors without an energy: {', '.join(missing)}")
    return found
