"""From the frames of a database to the evidence that a ranking stands on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mgscreen.core.properties import PROPERTIES
from mgscreen.ranking.evidence import POTENTIALS, Evidence, Value, base_method, campaign_scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from mgscreen.campaign.models import Campaign

_REDOX = {p.name for p in PROPERTIES.values() if p.kind.startswith("redox")}


def collect(campaign: Campaign, properties: pd.DataFrame, candidates: pd.DataFrame) -> Evidence:
    """Collect the evidence from the frames of a database.

    Parameters
    ----------
    campaign
        The campaign.
    properties
        Property rows, columns as ``Database.frame_properties`` gives them.
    candidates
        Candidates, columns as ``Database.frame_candidates`` gives them.
    """
    values = list(values_of(properties))
    method = _choose_method(campaign, values)
    rows: dict[tuple[str, str, str], Value] = {}
    by_candidate: dict[str, list[Value]] = {}
    left_out: Counter[str] = Counter()
    for value in values:
        by_candidate.setdefault(value.candidate, []).append(value)
        if value.property in _REDOX and base_method(value.method) not in {method, ""}:
            left_out[base_method(value.method)] += value.property in POTENTIALS
            continue
        key = (value.candidate, value.form, value.property)
        known = rows.get(key)
        # a success counts more than an earlier failure; of two successes the newer one
        if known is None or value.state == "completed" or known.state != "completed":
            rows[key] = value
    caveats = [
        f"{count} potentials at {name} are not used: the ranking stands on {method}"
        for name, count in sorted(left_out.items())
    ]
    hosts: list[bool] = candidates["is_host"].astype(bool).tolist() if len(candidates) else []
    names: list[str] = candidates["name"].tolist() if len(candidates) else []
    host = tuple(n for n, is_host in zip(names, hosts, strict=True) if is_host)
    return Evidence(
        campaign=campaign,
        rows=rows,
        by_candidate=by_candidate,
        method=method,
        scales=campaign_scales(campaign),
        host=host,
        charges=dict(zip(names, candidates["charge"].astype(int), strict=True)) if names else {},
        caveats=caveats,
    )


def values_of(properties: pd.DataFrame) -> Iterable[Value]:
    """Return the rows of a frame of properties as values; NaN becomes None."""
    names = [n for n in Value.model_fields if n in properties.columns]
    columns = [properties[n].astype(object).tolist() for n in names]
    for row in zip(*columns, strict=True):
        yield Value.model_construct(**_filled(names, row))


def _filled(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    optional = {"value", "text", "uncertainty"}
    filled: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=True):
        absent = cell is None or cell != cell  # noqa: PLR0124 - NaN is not itself
        if not absent:
            filled[name] = cell
        elif name in optional:
            filled[name] = None
    return filled


def _choose_method(campaign: Campaign, values: Iterable[Value]) -> str:
    """Return the campaign's level of the potentials, else the one that most values have."""
    counts = Counter(
        base_method(v.method) for v in values if v.property in POTENTIALS and v.usable()
    )
    if not counts:
        return ""
    asked = campaign.levels.redox
    if asked is not None:
        for name in sorted(counts):
            if name == asked.lower() or name.startswith(f"{asked.lower()}/"):
                return name
    return max(sorted(counts), key=lambda name: counts[name])
