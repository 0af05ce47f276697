"""How strongly a coating binds the anode metal, and the electrolyte's fragments.

From slabs of the phase itself in the section ``[surfaces]``. ``metal_binding`` is the energy of an
atom of the anode metal on it against the bulk metal (0: as good as the metal itself, which then
wets it; positive: it rather forms islands). ``fragment_binding`` is that of the fragment that binds
most strongly, on the campaign's reference: a coating that holds on to what the electrolyte leaves
is consumed by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database

BINDING = ("metal_binding", "fragment_binding")


class CoatingValue(BaseModel):
    """One value of a phase over the levels that have it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: str
    value: float | None = None
    sd: float | None = Field(
        default=None,
        description="spread over levels, standard deviation, and the difference of potentials from "
        "DFT where enough phases have both",
    )
    unit: str = ""
    level: str = Field(default="", description="level of the value, or how it was combined")
    by_level: dict[str, float] = Field(default_factory=dict)
    reference: str = ""
    reason: str = Field(default="", description="why there is none, or a remark")
    calculations: tuple[str, ...] = ()


def has_slabs(campaign: Campaign) -> bool:
    """Whether the campaign computes slabs of anything but the anode metal."""
    section = campaign.surfaces
    return section is not None and any(s.crystal != campaign.anode.metal for s in section.slabs)


def bindings(database: Database, number: int) -> dict[str, dict[str, CoatingValue]]:
    """Return both values of each phase that has slabs; the most favourable of several slabs."""
    from mgscreen.ranking.fragments import PROPERTY
    from mgscreen.ranking.roles import read_campaign

    options = read_campaign(database, number)
    if not has_slabs(options) or options.surfaces is None:
        return {}
    wanted = {
        "metal_binding": ("adsorption_energy_bulk", "the bulk metal"),
        "fragment_binding": (PROPERTY[options.surfaces.reference], options.surfaces.reference),
    }
    frame = database.frame_properties(
        campaign=number, property=[name for name, _ in wanted.values()], state="completed"
    )
    good = frame[frame["value"].notna()]
    metal = options.anode.metal
    found: dict[str, dict[str, CoatingValue]] = {}
    for slab in options.surfaces.slabs:
        here = good[good["form"] == slab.label]
        if slab.crystal == metal or not len(here):
            continue
        values = found.setdefault(slab.crystal, {})
        for name, (source, reference) in wanted.items():
            rows = here[here["property"] == source]
            mine = rows[(rows["candidate"] == metal) == (name == "metal_binding")]
            one = _strongest(name, mine, f"{slab.label}, against {reference}")
            known = values.get(name)
            if one is not None and (known is None or (one.value or 0) < (known.value or 0)):
                values[name] = one
    return found


def _strongest(name: str, rows: pd.DataFrame, reference: str) -> CoatingValue | None:
    """Return the lowest energy; DFT decides where there is any, potentials are averaged."""
    by_fragment: dict[str, dict[str, float]] = {}
    for fragment, method, value in zip(
        rows["candidate"], rows["method"], rows["value"], strict=True
    ):
        by_fragment.setdefault(str(fragment), {})[str(method)] = float(value)
    best: tuple[float, str, dict[str, float]] | None = None
    for fragment, levels in by_fragment.items():
        first = {m: v for m, v in levels.items() if not m.startswith("mlip:")} or levels
        value = sum(first.values()) / len(first)
        if best is None or value < best[0]:
            best = (value, fragment, levels)
    if best is None:
        return None
    value, fragment, levels = best
    spread = (max(levels.values()) - min(levels.values())) / 2.0 if len(levels) > 1 else None
    same = rows[rows["candidate"] == fragment]
    return CoatingValue(
        property=name,
        value=value,
        sd=spread,
        unit="eV",
        level=next(iter(levels)) if len(levels) == 1 else f"{len(levels)} levels",
        by_level=levels,
        reference=reference,
        reason=f"{fragment} on {reference}",
        calculations=tuple(dict.fromkeys(map(str, same["calculation"]))),
    )
