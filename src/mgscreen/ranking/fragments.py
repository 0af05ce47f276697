"""Which fragments hold on to a surface most strongly, at every level that was computed.

One reference for a whole ranking (the campaign's): numbers against different references are never
compared. The DFT level decides where it has a value, else the median of the potentials; the spread
over levels stands beside it. A fragment that falls apart has no adsorption energy: it is listed
without a rank, with its products and what they gain. Nothing is imputed.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from mgscreen.database.remember import remembered
from mgscreen.structures.fragments import FRAGMENTS

if TYPE_CHECKING:
    import pandas as pd

    from mgscreen.campaign.models import Campaign
    from mgscreen.database.database import Database

PROPERTY = {
    "radical": "adsorption_energy_radical",
    "half-x2": "adsorption_energy_half_x2",
    "ion": "adsorption_energy_ion",
}
BONDS = {"F": 1, "Cl": 1, "Br": 1, "I": 1, "H": 1, "O": 2, "S": 2, "N": 3}
"""How many electrons an atom takes from a metal: its bonds."""
TIE_EV = 0.02
"""Two energies nearer than this are not told apart."""


@dataclass(frozen=True)
class RankedFragment:
    """One fragment on one slab.

    Attributes
    ----------
    rank
        1 binds most strongly; None where it has no value or does not stay whole.
    energy_ev
        Adsorption energy on ``reference``; negative when bound.
    spread_ev
        Highest minus lowest over the levels with a value; None with one level.
    level
        Level of ``energy_ev`` with that of its geometry; ``median of N potentials``.
    by_level
        By level.
    dissociation_ev
        Lowest energy in pieces against the fragment alone, over the levels.
    state
        ``completed``, ``falls apart`` or ``failed``.
    """

    rank: int | None
    fragment: str
    slab: str
    energy_ev: float | None
    spread_ev: float | None
    site: str
    level: str
    reference: str
    event: str
    products: str
    dissociation_ev: float | None
    state: str
    reason: str
    by_level: dict[str, float]
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Strongest:
    """Which fragment of a set binds most strongly at one level, and whether that is F.

    Attributes
    ----------
    holds
        Whether F does; None where it is not among them, or the difference cannot be told.
    reason
        One sentence with the numbers.
    """

    slab: str
    level: str
    reference: str
    fragment: str
    energy_ev: float
    fluorine_ev: float | None
    holds: bool | None
    reason: str


@remembered
def rank_fragments(
    database: Database, campaign: str | int | None = None, *, reference: str | None = None
) -> list[RankedFragment]:
    """Rank the fragments of a campaign, slab by slab.

    Parameters
    ----------
    database
        Opened for reading.
    campaign
        Name or number.
    reference
        ``radical``, ``half-x2`` or ``ion``; None: the campaign's.

    Returns
    -------
    list of RankedFragment
        By slab, then rank; without a rank at the end.

    Raises
    ------
    InputError
        If the campaign does not exist or has no section ``surfaces``.
    """
    section = surfaces_of(database, campaign)
    chosen = reference or section.reference
    frame = database.frame_properties(campaign=campaign, property=_WANTED)
    ranked: list[RankedFragment] = []
    for slab in [s.label for s in section.slabs]:
        here = frame[frame["form"] == slab]
        rows = [
            _one(here[here["candidate"] == name], str(name), slab, chosen)
            for name in dict.fromkeys(here["candidate"])
        ]
        ranked += _ordered(rows)
    return ranked


def strongest(
    database: Database, campaign: str | int | None = None, *, parents: tuple[str, ...] = ()
) -> list[Strongest]:
    """Say for each slab, level and reference which fragment binds most strongly, and if it is F.

    Parameters
    ----------
    database, campaign
        See ``rank_fragments``.
    parents
        Only fragments of these salts (``TFSI``, ``PFTB``); empty: all.

    Returns
    -------
    list of Strongest
        Where another fragment is ahead of F, the reason says by how much and what for.
    """
    found = []
    tables = {name: rank_fragments(database, campaign, reference=name) for name in PROPERTY}
    for name, rows in tables.items():
        asked = [r for r in rows if not parents or set(r.parents) & set(parents)]
        for slab in dict.fromkeys(r.slab for r in asked):
            here = [r for r in asked if r.slab == slab]
            for level in dict.fromkeys(x for r in here for x in r.by_level):
                values = {r.fragment: r.by_level[level] for r in here if level in r.by_level}
                other = {
                    r.fragment: r.by_level[level]
                    for r in tables["half-x2"]
                    if r.slab == slab and level in r.by_level
                }
                if len(values) > 1:
                    found.append(_verdict(slab, level, name, values, other))
    return found


def surfaces_of(database: Database, campaign: str | int | None) -> Any:
    """Return the section ``surfaces`` of a campaign in the database.

    Raises
    ------
    InputError
        If it has none.
    """
    from mgscreen.core.errors import InputError

    section = _campaign(database, campaign).surfaces
    if section is None:
        raise InputError("this campaign has no section [surfaces]: it computes no adsorption")
    return section


def _campaign(database: Database, campaign: str | int | None) -> Campaign:
    import tomllib

    from mgscreen.campaign.models import Campaign

    text, _ = database.campaign_source(campaign)
    return Campaign.model_validate(tomllib.loads(text))


_WANTED = (
    *PROPERTY.values(),
    "adsorption_energy_bulk",
    "dissociation_energy",
    "adsorption_site",
    "adsorption_event",
    "adsorption_products",
)


def _one(rows: pd.DataFrame, name: str, slab: str, reference: str) -> RankedFragment:
    energies = rows[rows["property"] == PROPERTY[reference]]
    good = energies[energies["state"] == "completed"].dropna(subset=["value"])
    values = {str(r["method"]): float(r["value"]) for _, r in good.iterrows()}
    dft = [m for m in values if not m.startswith("mlip:")]
    energy, level = None, ""
    if dft:
        level = dft[-1]
        energy = values[level]
    elif values:
        energy = median(values.values())
        level = next(iter(values)) if len(values) == 1 else f"median of {len(values)} potentials"
    source = level if level in values else next(iter(values), "")
    pieces = rows[(rows["property"] == "dissociation_energy")].dropna(subset=["value"])
    failed = energies[energies["state"] == "failed"]
    reason = " ".join(dict.fromkeys(str(r) for r in failed["reason"] if r))
    parted = "does not stay whole" in reason
    state = "completed" if energy is not None else "falls apart" if parted else "failed"
    source_row = FRAGMENTS.get(name)
    references = [str(r) for r in good["reference"]] or [str(r) for r in energies["reference"]]
    return RankedFragment(
        rank=None,
        fragment=name,
        slab=slab,
        energy_ev=energy,
        spread_ev=max(values.values()) - min(values.values()) if len(values) > 1 else None,
        site=_text(rows, "adsorption_site", source),
        level=level,
        reference=references[0] if references else "",
        event=_events(rows),
        products=_text(rows, "adsorption_products", source),
        dissociation_ev=float(pieces["value"].min()) if len(pieces) else None,
        state=state,
        reason=reason or ("" if values else "it was not computed"),
        by_level=values,
        parents=source_row.parents if source_row is not None else (),
    )


def _text(rows: pd.DataFrame, name: str, method: str) -> str:
    found = rows[(rows["property"] == name)]
    mine = found[found["method"] == method]
    for table in (mine, found):
        for text in table["text"]:
            if isinstance(text, str) and text:
                return text
    return ""


def _events(rows: pd.DataFrame) -> str:
    """Say what happened, with the levels where they do not agree."""
    found: dict[str, list[str]] = {}
    for _, row in rows[rows["property"] == "adsorption_event"].iterrows():
        if isinstance(row["text"], str):
            found.setdefault(row["text"], []).append(str(row["method"]).split("//")[0])
    if len(found) <= 1:
        return next(iter(found), "")
    return "; ".join(f"{event} ({', '.join(levels)})" for event, levels in found.items())


def _ordered(rows: list[RankedFragment]) -> list[RankedFragment]:
    from dataclasses import replace

    with_value = sorted(
        (r for r in rows if r.energy_ev is not None), key=lambda r: (r.energy_ev or 0.0, r.fragment)
    )
    rest = sorted((r for r in rows if r.energy_ev is None), key=lambda r: (r.state, r.fragment))
    return [*(replace(r, rank=k) for k, r in enumerate(with_value, 1)), *rest]


def _verdict(
    slab: str, level: str, reference: str, values: dict[str, float], half: dict[str, float]
) -> Strongest:
    first = min(values, key=lambda f: values[f])
    fluorine = values.get("F")
    order = sorted(values, key=lambda f: values[f])
    if fluorine is None:
        holds, reason = None, "F has no value here"
    elif first == "F":
        second = order[1]
        gap = values[second] - fluorine
        holds = True if gap > TIE_EV else None
        reason = f"F {fluorine:.2f} eV, next {second} {values[second]:.2f} eV"
    else:
        gap = fluorine - values[first]
        holds = False if gap > TIE_EV else None
        reason = f"{first} {values[first]:.2f} eV, F {fluorine:.2f} eV"
        reason += _why(first, values[first], fluorine, reference, half)
    return Strongest(slab, level, reference, first, values[first], fluorine, holds, reason)


def _why(first: str, value: float, fluorine: float, reference: str, half: dict[str, float]) -> str:
    """Explain why an atom is ahead of F, by numbers that are there."""
    bonds = BONDS.get(first, 1)
    parts = []
    if bonds > 1:
        parts.append(
            f"{first} makes {bonds} bonds and takes {bonds} electrons: {value / bonds:.2f} eV for "
            f"each, F {fluorine:.2f}"
        )
    if reference == "radical" and first in half and "F" in half:
        parts.append(
            f"an isolated {first} atom is a state that no salt releases; against half of X2, "
            f"{first} {half[first]:.2f} and F {half['F']:.2f} eV"
        )
    if reference == "ion":
        parts.append("F- holds on to its solvent most strongly of the halides")
    return (": " + "; ".join(parts)) if parts else ""
