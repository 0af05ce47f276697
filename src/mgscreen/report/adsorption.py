"""The part of the report about adsorption: ranking, bars by fragment and site, structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mgscreen.calculations.adsorption_document import AdsorptionDocument
    from mgscreen.database.database import Database
    from mgscreen.ranking.fragments import RankedFragment

COLORS = ("#0b7ec2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#7d7d7d")
"""Okabe and Ito's palette, as in the other figures."""
MOST_BARS = 60


def section(database: Database, campaign_id: int) -> dict[str, Any] | None:
    """Return what the page shows of adsorption; None where the campaign has nothing of it.

    Parameters
    ----------
    database
        Opened for reading.
    campaign_id
        Number of the campaign.
    """
    documents = _documents(database, campaign_id)
    slabs = _slabs(database, campaign_id)
    if not documents and not slabs:
        return None
    from mgscreen.ranking.fragments import rank_fragments, strongest

    ranked = rank_fragments(database, campaign_id)
    verdicts = strongest(database, campaign_id, parents=("TFSI", "PFTB"))
    shown = list(dict.fromkeys(d.slab_label for d in documents))
    return {
        "title": "Adsorption",
        "anchor": "adsorption",
        "rankings": [
            {"slab": slab, "rows": [r for r in ranked if r.slab == slab]} for slab in shown
        ],
        "verdicts": verdicts,
        "charts": [chart(documents, ranked, slab) for slab in shown],
        "slabs": slabs,
        "references": [row for d in documents for row in _reference_rows(d)],
        "structures": list(_structures(documents)),
        "caveats": _caveats(documents, ranked),
        "commands": ["mgscreen rank fragments"],
    }


def chart(
    documents: list[AdsorptionDocument], ranked: list[RankedFragment], slab: str
) -> dict[str, Any]:
    """Return the bar chart of one slab: energy by fragment and site, with the spread over models.

    A bar is the mean over the levels that have the fragment at this site, the line its range; a
    point is one level. Energies against the fragment alone (half X2 where that is missing).
    """
    alt = _altair()
    points = _points([d for d in documents if d.slab_label == slab])
    order = [r.fragment for r in ranked if r.slab == slab]
    levels = list(dict.fromkeys(p["level"] for p in points))
    # an order by name in each layer is one that Vega-Lite need not merge
    x = alt.X("fragment:N", title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=order))
    sites = list(dict.fromkeys(p["site"] for p in points))
    offset = alt.XOffset("site:N", title=None, scale=alt.Scale(domain=sites))
    base = alt.Chart(alt.Data(values=points[: MOST_BARS * max(1, len(levels))]))
    y = alt.Y("mean(energy):Q", title="Adsorption energy, eV (negative: bound)")
    color = alt.Color(
        "site:N",
        scale=alt.Scale(domain=sites, range=[COLORS[k % len(COLORS)] for k in range(len(sites))]),
        legend=alt.Legend(title="Site", orient="top", columns=6),
    )
    bars = base.mark_bar(opacity=0.75).encode(
        x=x,
        xOffset=offset,
        y=y,
        color=color,
        tooltip=[
            alt.Tooltip("fragment:N"),
            alt.Tooltip("site:N"),
            alt.Tooltip("mean(energy):Q", title="mean, eV", format=".2f"),
            alt.Tooltip("min(energy):Q", title="lowest, eV", format=".2f"),
            alt.Tooltip("max(energy):Q", title="highest, eV", format=".2f"),
        ],
    )
    spread = base.mark_rule(strokeWidth=2).encode(
        x=x, xOffset=offset, y=alt.Y("min(energy):Q"), y2="max(energy):Q"
    )
    dots = base.mark_point(size=28, filled=True).encode(
        x=x,
        xOffset=offset,
        y=alt.Y("energy:Q"),
        shape=alt.Shape("level:N", legend=alt.Legend(title="Level", orient="bottom", columns=1)),
        tooltip=[
            alt.Tooltip("fragment:N"),
            alt.Tooltip("site:N"),
            alt.Tooltip("level:N"),
            alt.Tooltip("reference:N"),
            alt.Tooltip("what:N"),
            alt.Tooltip("energy:Q", title="eV", format=".3f"),
        ],
    )
    figure = alt.layer(bars, spread, dots).properties(
        width=max(420, 70 * len(order)), height=300, title=f"Adsorption on {slab}"
    )
    best = next((r for r in ranked if r.slab == slab and r.rank == 1), None)
    said = "" if best is None else f"; {best.fragment} lowest at {best.energy_ev:.2f} eV"
    return {
        "id": f"adsorption-{_slug(slab)}",
        "title": f"Adsorption energies on {slab}",
        "spec": figure.to_dict(validate=False),
        "alt": f"Adsorption energies of {len(order)} fragments by site on {slab} at "
        f"{len(levels)} levels{said}",
    }


def _altair() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingEngineError("altair", "report") from None
    return alt


def _points(documents: Iterable[AdsorptionDocument]) -> list[dict[str, Any]]:
    """One point for each level, fragment and kind of site: the lowest end there."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for document in documents:
        if document.energies is None:
            continue
        base = document.energies.radical
        if base.offset_ev is None:
            base = document.energies.half_x2
        if base.offset_ev is None:
            continue
        level = _method(document)
        for end in document.ends:
            site = end.site.split("-")[0] if end.intact else "in pieces"
            key = (level, document.fragment, site)
            energy = end.difference_ev + base.offset_ev
            if key in found and found[key]["energy"] <= energy:
                continue
            found[key] = {
                "fragment": document.fragment,
                "site": site,
                "level": level,
                "energy": round(energy, 4),
                "reference": base.reference,
                "what": f"{end.label}; {end.stage}; {' + '.join(end.products)}",
            }
    return list(found.values())


def _reference_rows(document: AdsorptionDocument) -> list[dict[str, Any]]:
    if document.energies is None:
        return []
    from mgscreen.calculations.adsorption_reference import REFERENCES

    rows = []
    for name in REFERENCES:
        given = getattr(document.energies, name)
        if given.value_ev is None and name == "bulk":
            continue
        rows.append(
            {
                "fragment": document.fragment,
                "slab": document.slab_label,
                "level": _method(document),
                "energy": given.value_ev,
                "reference": given.reference or name.replace("_", " "),
                "reason": given.reason,
            }
        )
    return rows


def _structures(documents: Iterable[AdsorptionDocument]) -> Iterable[dict[str, str]]:
    from mgscreen.calculations.adsorption_document import extxyz

    for document in documents:
        number = document.best if document.best is not None else document.lowest
        if number is None:
            continue
        end = document.ends[number]
        yield {
            "id": f"adsorption-{_slug(document.slab_label)}-{_slug(document.fragment)}-"
            f"{_slug(_method(document))}",
            "title": f"{document.fragment} on {document.slab_label}, {end.label}, "
            f"{_method(document)}",
            "xyz": extxyz(document, [end]),
        }


def _caveats(documents: list[AdsorptionDocument], ranked: list[RankedFragment]) -> list[str]:
    rows = [w for d in documents for w in d.warnings]
    rows += [
        f"{r.fragment} on {r.slab}: {r.reason}" for r in ranked if r.energy_ev is None and r.reason
    ]
    rows.append(
        "adsorption energies are electronic energies at 0 K: no zero-point or entropic term, and "
        "no solvent on the surface"
    )
    return list(dict.fromkeys(rows))


def _slabs(database: Database, campaign_id: int) -> list[dict[str, Any]]:
    """One row per clean slab and level."""
    frame = database.frame_properties(
        campaign=campaign_id, property=["work_function", "fermi_level", "interlayer_relaxation"]
    )
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for _, row in frame.iterrows():
        one = rows.setdefault(
            (row["candidate"], row["method"]), {"slab": row["candidate"], "level": row["method"]}
        )
        one[row["property"]] = None if row["state"] == "failed" else _number(row["value"])
    return list(rows.values())


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)  # noqa: PLR0124 - NaN


def _documents(database: Database, campaign_id: int) -> list[AdsorptionDocument]:
    from mgscreen.calculations.adsorption_document import AdsorptionDocument

    jobs = database.frame_jobs(campaign_id)
    mine = jobs[(jobs["kind"] == "adsorption") & jobs["calculation"].notna()]
    found = database.find_calculations(dict.fromkeys(mine["calculation"]))
    documents = []
    for name in dict.fromkeys(mine["calculation"]):
        row = found.get(name)
        if row is None or row["state"] != "completed":
            continue
        plain = {k: v for k, v in row["document"].items() if not k.startswith("@")}
        documents.append(AdsorptionDocument.model_validate(plain))
    return documents


def _method(document: AdsorptionDocument) -> str:
    if document.geometry_level in ("", document.level):
        return document.level
    return f"{document.level}//{document.geometry_level}"


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text).strip("-").lower()
