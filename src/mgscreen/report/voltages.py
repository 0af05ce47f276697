"""Voltage profiles of cathodes, beside what was measured or published and the cathode's window."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError

if TYPE_CHECKING:
    import pandas as pd

    from mgscreen.database.database import Database

CUTOFF, MEASURED = "#0b7ec2", "#7d7d7d"
PUBLISHED = {
    "voltage": "voltage",
    "charge_cutoff": "cut-off of the charge",
    "window_low": "window from",
    "window_high": "window to",
}
RANGE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*$")


def voltage_charts(database: Database, campaign_id: int) -> list[dict[str, Any]]:
    """Return a chart of each computed cathode: the voltage over the ions that are in it.

    Solid: each composition to the next, at each level. Dashed: the window that the campaign gives
    its cathode. Grey: measured, where the reference tables have a range.
    """
    from mgscreen.ranking.roles import read_campaign

    frame = database.frame_properties(campaign=campaign_id)
    names = frame[frame["property"] == "insertion_voltage"]["calculation"].unique()
    rows = database.find_calculations(map(str, names))
    documents = [r["document"] for r in rows.values() if r["document"].get("steps")]
    window = read_campaign(database, campaign_id).cathode
    references = database.frame_references()
    return [
        _chart(
            host,
            [d for d in documents if d["host"] == host],
            window.window if _same(window.name, host) else None,
            measured_range(references, host),
        )
        for host in sorted({str(d["host"]) for d in documents})
    ]


def cathode_references(database: Database, campaign_id: int) -> list[dict[str, Any]]:
    """Return what is published of the cathodes: voltages, cut-offs, windows of materials.

    Those of computed hosts and of the campaign's cathode, and every window as a reference.
    """
    from mgscreen.ranking.roles import read_campaign

    frame = database.frame_properties(campaign=campaign_id)
    computed = frame[frame["property"] == "insertion_voltage"]
    if computed.empty:
        return []
    systems = {*map(str, computed["candidate"]), read_campaign(database, campaign_id).cathode.name}
    return published_voltages(database.frame_references(), systems)


def published_voltages(references: pd.DataFrame, systems: set[str]) -> list[dict[str, Any]]:
    """Return the rows of reference tables about the voltage of these systems, and all windows."""
    wanted = references[references["property"].isin(PUBLISHED)]
    rows = []
    for row in wanted.to_dict("records"):
        if row["system"] not in systems and not str(row["property"]).startswith("window_"):
            continue
        value = row["value"]
        blank = value is None or value != value  # noqa: PLR0124 - NaN
        number = "" if blank else f"{float(value):g}"
        rows.append(
            {
                "system": row["system"],
                "quantity": PUBLISHED[str(row["property"])],
                "value": number or str(row["text"] or ""),
                "unit": row["unit"],
                "conditions": row["conditions"],
                "source": row["source"],
            }
        )
    return rows


def profile_points(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the corners of the steps, two of each, as a line draws them."""
    level = str(document["level"])
    return [
        {"x": x, "volt": round(float(step["volt"]), 4), "level": level}
        for step in document["steps"]
        for x in (step["start"], step["end"])
    ]


def measured_range(references: pd.DataFrame, host: str) -> tuple[float, float] | None:
    """Return the published range of a host's voltage, V; None where there is none."""
    rows = references[
        (references["system"] == host) & (references["property"] == "voltage")
    ].to_dict("records")
    for row in rows:
        found = RANGE.match(str(row["text"] or ""))
        if found:
            return float(found[1]), float(found[2])
    return None


def _alt() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    return alt


def _same(name: str, host: str) -> bool:
    return name.strip().lower() == host.strip().lower()


def _chart(
    host: str,
    documents: list[dict[str, Any]],
    window: tuple[float, float] | None,
    measured: tuple[float, float] | None,
) -> dict[str, Any]:
    alt = _alt()
    species = str(documents[0]["species"])
    points = [p for d in documents for p in profile_points(d)]
    layers = []
    last = max(p["x"] for p in points)
    if measured is not None:
        band = [{"x": 0, "x2": last, "low": measured[0], "high": measured[1]}]
        layers.append(
            alt.Chart(alt.Data(values=band))
            .mark_rect(color=MEASURED, opacity=0.2)
            .encode(x=alt.X("x:Q"), x2=alt.X2("x2:Q"), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
        )
    if window is not None:
        layers.append(
            alt.Chart(alt.Data(values=[{"v": v} for v in window]))
            .mark_rule(strokeDash=[4, 3], color=CUTOFF)
            .encode(y=alt.Y("v:Q"))
        )
    layers.append(
        alt.Chart(alt.Data(values=points))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("x:Q", title=f"{species} per cell of {host}"),
            y=alt.Y("volt:Q", title=f"Voltage, V vs {species}", scale=alt.Scale(zero=False)),
            color=alt.Color("level:N", legend=alt.Legend(title=None, orient="top")),
            order="x:Q",
            tooltip=[alt.Tooltip("x:Q"), alt.Tooltip("volt:Q"), alt.Tooltip("level:N")],
        )
    )
    means = ", ".join(f"{float(d['mean_v']):.2f} V ({d['level']})" for d in documents)
    grey = f"; grey: measured, {measured[0]:g} to {measured[1]:g} V" if measured else ""
    dashed = f"; dashed: window, {window[0]:g} to {window[1]:g} V" if window else ""
    return {
        "id": f"voltage-{''.join(c if c.isalnum() else '-' for c in host)}",
        "title": f"Voltage profile of {host}",
        "spec": alt.layer(*layers).properties(width=520, height=280).to_dict(validate=False),
        "alt": f"Voltage of {host} on insertion of {species}, mean {means}{grey}{dashed}",
    }
