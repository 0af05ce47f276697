"""The part of the report about migration: barriers, profiles, networks, structures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError
from mgscreen.core.structure import AtomicStructure

if TYPE_CHECKING:
    from mgscreen.database.database import Database

COLORS = ("#0b7ec2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#7d7d7d")
"""Okabe and Ito's palette, as in the other figures."""
KINDS = ("phase_migration", "phase_migration_dft")


def section(database: Database, campaign_id: int) -> dict[str, Any] | None:
    """Return what the page shows of migration; None where the campaign has none of it."""
    from mgscreen.ranking.phases import rank_phases

    ranked = rank_phases(database, campaign_id)
    if not ranked:
        return None
    documents = _documents(database, campaign_id)
    paths = [d for d in documents if d["kind"] == "phase_migration"]
    charts = []
    for phase in [r.phase for r in ranked]:
        mine = [d for d in paths if d["phase"] == phase]
        charts += [c for c in (_profile(phase, mine), _network(phase, mine)) if c is not None]
    return {
        "title": "Migration",
        "anchor": "migration",
        "ranked": ranked,
        "hops": [row for d in paths for row in _hop_rows(d)],
        "dft": [p for d in documents if d["kind"] == "phase_migration_dft" for p in _points(d)],
        "charts": charts,
        "structures": [s for d in paths for s in _structures(d)],
        "caveats": _caveats(documents),
        "commands": ["mgscreen rank phases"],
    }


def _documents(database: Database, campaign_id: int) -> list[dict[str, Any]]:
    jobs = database.frame_jobs(campaign_id)
    names = jobs[jobs["kind"].isin(KINDS) & jobs["calculation"].notna()]["calculation"].unique()
    found = database.find_calculations(map(str, names))
    return [found[str(n)]["document"] for n in names if str(n) in found]


def _hop_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = (
        "name", "mechanism", "layer", "distance_a", "multiplicity", "dimension", "barrier_ev",
        "barrier_backward_ev", "verified", "method", "force_calls", "formation_ev", "state",
        "reason",
    )  # fmt: skip
    return [
        {
            "phase": document["phase"],
            "level": document["level"],
            "lowest": hop["name"] in document["path"],
            **{key: hop.get(key) for key in wanted},
        }
        for hop in document["hops"]
    ]


def _points(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"phase": document["phase"], "level": document["level"], **point}
        for point in document.get("points", [])
    ]


def _alt() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    return alt


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text)


def _profile(phase: str, documents: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return energies along the lowest path of each level, with a curve without extrema between."""
    alt = _alt()
    points = []
    for document in documents:
        for hop in document["hops"]:
            if hop["name"] not in document["path"] or len(hop["energies_ev"]) < 3:  # noqa: PLR2004
                continue
            series = f"{document['level']} {hop['name']}"
            total = hop["coordinates_a"][-1] or 1.0
            x = [c / total for c in hop["coordinates_a"]]
            points += [
                {"series": series, "x": round(a, 4), "energy": round(e, 4)}
                for a, e in zip(x, hop["energies_ev"], strict=True)
            ]
    if not points:
        return None
    color = alt.Color(
        "series:N",
        scale=alt.Scale(range=list(COLORS)),
        legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=320),
    )
    y = alt.Y("energy:Q", title="Energy, eV")
    axis = alt.X("x:Q", title="Way along the path", scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(alt.Data(values=points)).encode(x=axis, y=y, color=color)
    line = base.mark_line(interpolate="monotone")
    dots = base.mark_point(filled=True, size=45).encode(
        tooltip=[alt.Tooltip("series:N"), alt.Tooltip("x:Q"), alt.Tooltip("energy:Q")]
    )
    return {
        "id": f"profile-{_slug(phase)}",
        "title": f"Energy along the lowest path through {phase}",
        "spec": (line + dots).properties(width=520, height=240).to_dict(validate=False),
        "alt": f"Energy profile of the lowest percolating path of {phase} at each level",
        "folded": False,
    }


def _network(phase: str, documents: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the hops of a phase as seen along the third cell vector, coloured by barrier."""
    alt = _alt()
    document = next((d for d in documents if d["state"] == "completed"), None)
    if document is None:
        return None
    lines = []
    for hop in document["hops"]:
        if hop.get("barrier_ev") is None or not hop.get("initial"):
            continue
        start = hop["initial"]["positions"][hop["mobile"]]
        length, (dx, dy, dz) = hop["distance_a"], hop["direction"]
        lines.append(
            {
                "hop": hop["name"],
                "x": start[0],
                "y": start[1],
                "x2": start[0] + length * dx,
                "y2": start[1] + length * dy,
                "dz": round(length * dz, 2),
                "barrier": round(hop["barrier_ev"], 3),
                "lowest": hop["name"] in document["path"],
                "dimension": hop["dimension"],
            }
        )
    if not lines:
        return None
    chart = (
        alt.Chart(alt.Data(values=lines))
        .mark_rule(strokeWidth=4)
        .encode(
            x=alt.X("x:Q", title="x, A", scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", title="y, A", scale=alt.Scale(zero=False)),
            x2=alt.X2("x2:Q"),
            y2=alt.Y2("y2:Q"),
            color=alt.Color("barrier:Q", scale=alt.Scale(scheme="viridis"), title="Barrier, eV"),
            strokeDash=alt.StrokeDash("lowest:N", title="On the lowest path"),
            tooltip=[
                alt.Tooltip("hop:N"),
                alt.Tooltip("barrier:Q"),
                alt.Tooltip("dimension:Q"),
                alt.Tooltip("dz:Q"),
            ],
        )
        .properties(width=320, height=260)
    )
    return {
        "id": f"network-{_slug(phase)}",
        "title": f"Distinct hops of {phase}, {document['level']}, seen along z",
        "spec": chart.to_dict(validate=False),
        "alt": f"{len(lines)} symmetry-distinct hops of {phase}, coloured by their barrier",
        "folded": True,
    }


def _structures(document: dict[str, Any]) -> list[dict[str, str]]:
    """Return initial and saddle structure of the hops on the lowest path."""
    from ase.io import write

    found = []
    for hop in document["hops"]:
        if hop["name"] not in document["path"]:
            continue
        for what in ("initial", "saddle"):
            if not hop.get(what):
                continue
            atoms = AtomicStructure.model_validate(hop[what]).to_ase()
            atoms.info.clear()
            text = io.StringIO()
            write(text, atoms, format="extxyz")
            title = f"{document['phase']} {hop['name']}, {what}, {document['level']}"
            found.append({"id": _slug(title), "title": title, "xyz": text.getvalue()})
    return found


def _caveats(documents: list[dict[str, Any]]) -> list[str]:
    found = ["a barrier alone gives no conductivity: that needs the number of defects too"]
    for document in documents:
        if document["kind"] == "phase_migration":
            unverified = [
                h["name"]
                for h in document["hops"]
                if h["name"] in document["path"] and h.get("verified") is False
            ]
            if unverified:
                found.append(
                    f"{document['phase']}, {document['level']}: the saddle of "
                    f"{', '.join(unverified)} is not verified"
                )
    return found
