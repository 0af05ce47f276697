"""Which phase a fragment forms on the anode metal, and whether a phase is a film that protects.

The product is what the convex hull of the campaign's own stability calculations has at the
fragment's composition with the anode metal in excess: no table of names. What is not known is a
range of utility from nothing to everything, with the reason, and never a number.

Solubility has three grades. A statement of the literature decides where there is one. Else, for a
binary phase whose anion is a simple ion, a lower bound follows from computed and tabulated numbers:
the phase dissolves in water where its oxidation limit lies below the potential between the couples
X2/X- and M/Mn+, since both measure a free energy of the same ions,

``dG(dissolution, water) / z e = V_ox(phase) - [E(X2/X-) - E(Mn+/M)]``,

and what water does not dissolve, an ether with a tenth of its dielectric constant does not either.
Otherwise it is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.errors import InputError
from mgscreen.ranking.coatings import CoatingValue, choose, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mgscreen.campaign.criteria import CriterionSpec
    from mgscreen.database.database import Database
    from mgscreen.energetics.hull import Hull

EXCESS = 200.0
"""Atoms of the metal for each atom of a fragment: an excess of it."""
LIMIT_ERROR_V = 0.2
"""Error of an oxidation limit against tabulated free energies, V (docs/stability.md)."""
STAYS = "stays"
ADSORPTION = "adsorption_energy"
BARRIERS = ("percolating_barrier", "charged_barrier")
LABELS = {
    ADSORPTION: "the fragment binds to the metal",
    "band_gap": "insulates electrons",
    "percolating_barrier": "lets the ion pass",
    STAYS: "does not dissolve",
}
_TRACE = 1e-6


class Link(BaseModel):
    """One link of the chain from an additive to its film, and how content its criterion is.

    ``low`` and ``high`` are bounds of the utility: equal where the value is known, 0 and 1 where
    nothing is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str
    of: str = Field(default="", description="phase or fragment that it is about")
    value: float | None = None
    sd: float | None = None
    unit: str = ""
    level: str = ""
    by_level: dict[str, float] = Field(default_factory=dict)
    text: str = ""
    reference: str = ""
    reason: str = Field(default="", description="why it is not known, or a remark")
    weight: float = 1.0
    low: float = 0.0
    high: float = 1.0
    calculations: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything narrows it."""
        return self.low > 0.0 or self.high < 1.0


@dataclass(frozen=True)
class Products:
    """What forms of a fragment with the metal in excess."""

    phases: tuple[str, ...] = ()
    gases: tuple[str, ...] = ()
    level: str = ""
    reason: str = ""
    calculations: tuple[str, ...] = ()


class Hulls:
    """The phases of a campaign with their energies, level by level.

    Parameters
    ----------
    database, campaign
        Where the stability calculations are.
    """

    def __init__(self, database: Database, campaign: int) -> None:
        frame = database.frame_properties(campaign=campaign, property="formation_energy")
        rows = frame[frame["state"] == "completed"]
        hashes: dict[str, list[str]] = {}
        for level, one in zip(rows["method"], rows["calculation"], strict=True):
            hashes.setdefault(str(level), []).append(str(one))
        documents = database.find_calculations({h for some in hashes.values() for h in some})
        self._energies = {
            level: [
                energy
                for h in some
                if h in documents
                for energy in (documents[h].get("document") or {}).get("energies", [])
            ]
            for level, some in hashes.items()
        }
        self._calculations = {level: tuple(dict.fromkeys(some)) for level, some in hashes.items()}
        self._known: dict[tuple[str, frozenset[str]], Hull] = {}

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels with a hull, DFT before potentials."""
        found = [level for level, rows in self._energies.items() if rows]
        return tuple(sorted(found, key=lambda level: (level.startswith("mlip:"), level)))

    def products(self, fragment: str, metal: str) -> Products:
        """Return what forms of a fragment with an excess of the metal, by the first level's hull.

        Where another level's hull has other products, the reason says so.
        """
        if not self.levels:
            return Products(reason="no hull: the campaign has no results of a section [stability]")
        found: dict[str, Products] = {}
        for level in self.levels:
            try:
                found[level] = self._at(level, fragment, metal)
            except InputError as error:
                found[level] = Products(level=level, reason=f"no hull: {error}")
        usable = [p for p in found.values() if p.phases or p.gases]
        if not usable:
            return next(iter(found.values()))
        first = usable[0]
        other = [p for p in usable[1:] if set(p.phases) != set(first.phases)]
        if not other:
            return first
        told = "; ".join(f"{p.level}: {' + '.join(p.phases) or 'no solid'}" for p in other)
        return Products(first.phases, first.gases, first.level, told, first.calculations)

    def _at(self, level: str, fragment: str, metal: str) -> Products:
        from pymatgen.core import Composition

        from mgscreen.energetics.corrections import GAS_ENTROPY

        piece = Composition(fragment)
        hull = self._hull(level, frozenset({*map(str, piece.elements), metal}))
        mixture = piece + Composition({metal: EXCESS * piece.num_atoms})
        solids, gases = [], []
        for phase, share in hull.equilibrium(mixture.get_el_amt_dict()).items():
            formula = str(Composition(phase.formula).reduced_formula)
            if share < _TRACE / EXCESS or formula == metal:
                continue
            if formula in GAS_ENTROPY:
                gases.append(formula)
                continue
            solids.append(phase.name)
        return Products(
            tuple(sorted(solids)), tuple(sorted(gases)), level, "", self._calculations[level]
        )

    def _hull(self, level: str, elements: frozenset[str]) -> Hull:
        from mgscreen.energetics.hull import Hull, PhaseEnergy

        key = (level, elements)
        if key not in self._known:
            phases = {
                PhaseEnergy(
                    str(e["name"]),
                    str(e["formula"]),
                    float(e["pbe_ev"]) + float(e["correction_ev"]) + float(e.get("entropy_ev", 0)),
                )
                for e in self._energies[level]
            }
            self._known[key] = Hull.of(phases, "".join(sorted(elements)))
        return self._known[key]


def unknown(spec: CriterionSpec, of: str, reason: str) -> Link:
    """Return a link of which nothing is known, with the reason."""
    return Link(
        name=spec.property,
        label=LABELS.get(spec.property, spec.property.replace("_", " ")),
        of=of,
        reason=reason,
        weight=spec.weight,
    )


def link(spec: CriterionSpec, of: str, value: CoatingValue) -> Link:
    """Return the link of a value, with the expected utility that its criterion gives it."""
    number, sd = choose(value, spec)
    if number is None:
        return unknown(spec, of, value.reason or "not computed")
    utility = _utility(spec, number, sd)
    return Link(
        name=spec.property,
        label=LABELS.get(spec.property, spec.property.replace("_", " ")),
        of=of,
        value=number,
        sd=sd,
        unit=value.unit,
        level=value.level,
        by_level=value.by_level,
        reference=value.reference,
        reason=value.reason,
        weight=spec.weight,
        low=utility,
        high=utility,
        calculations=value.calculations,
    )


def _utility(spec: CriterionSpec, number: float, sd: float) -> float:
    import pandas as pd

    from mgscreen.ranking.weighing import utilities

    row = pd.DataFrame({spec.property: [number], f"{spec.property}_sd": [sd]})
    found = utilities(row, [scale_of(spec)])
    return round(float(found.mean[0, 0] * found.limit[0]), 9)


def phase_links(
    phase: str,
    known: Mapping[str, dict[str, Any]],
    specs: Sequence[CriterionSpec],
    metal: str,
) -> tuple[Link, ...]:
    """Return the links of one phase, one for each criterion that is about phases.

    Parameters
    ----------
    phase
        Its name, as in ``known``.
    known
        What ``mgscreen.ranking.coatings.gather`` returns.
    specs
        The criteria of films.
    metal
        Of the anode.
    """
    one = known.get(phase)
    links = []
    for spec in specs:
        if spec.property == ADSORPTION:
            continue
        if spec.property == STAYS:
            links.append(_stays(spec, phase, one, metal))
        elif one is None:
            links.append(unknown(spec, phase, f"{phase} is no phase of the campaign"))
        else:
            value = one["values"].get(spec.property) or CoatingValue(
                property=spec.property, reason="not computed"
            )
            links.append(link(spec, phase, value))
    return tuple(links)


def _stays(spec: CriterionSpec, phase: str, one: dict[str, Any] | None, metal: str) -> Link:
    """Return whether a phase stays, from the literature, from its ions in water, or unknown."""
    from scipy.special import ndtr

    text = "" if one is None else str(one["soluble"])
    for start, stays in (("dissolves", 0.0), ("insoluble", 1.0)):
        if text.startswith(start):
            value = CoatingValue(property=STAYS, value=stays, level="literature")
            return link(spec, phase, value).model_copy(update={"text": text})
    limit = None if one is None else one["values"]["oxidation_limit"]
    threshold, why = _ions(phase, metal)
    if limit is None or limit.value is None or threshold is None:
        missing = why or f"no oxidation limit of {phase}"
        return unknown(
            spec, phase, f"no statement on its solubility, and none can be derived: {missing}"
        )
    gap = limit.value - threshold
    sd = ((limit.sd or 0.0) ** 2 + LIMIT_ERROR_V**2) ** 0.5
    chance = float(ndtr(gap / sd))
    verb = "costs" if gap > 0 else "gains"
    return Link(
        name=STAYS,
        label=LABELS[STAYS],
        of=phase,
        level=limit.level,
        by_level=limit.by_level,
        text=f"dissolving it in water {verb} {abs(gap):.2f} eV per electron",
        reason=(
            f"stays in water with probability {chance:.2f} ({why}); how much less of it an ether "
            "dissolves was not computed"
        ),
        weight=spec.weight,
        low=_utility(spec, chance, 0.0),
        high=_utility(spec, 1.0, 0.0),
        calculations=limit.calculations,
    )


def _ions(phase: str, metal: str) -> tuple[float | None, str]:
    """Return E(X2/X-) - E(Mn+/M), V, of a binary phase, and where it is from; or why not."""
    from pymatgen.core import Composition

    from mgscreen.energetics.electrodes import electrode
    from mgscreen.structures.fragments import FRAGMENTS

    try:
        others = [str(e) for e in Composition(phase).elements if str(e) != metal]
    except ValueError:
        return None, f"'{phase}' is no formula"
    if len(others) != 1:
        return None, f"{phase} is no binary phase of {metal}"
    source = FRAGMENTS.get(others[0])
    couple = None if source is None else source.ion
    if couple is None:
        return None, f"{others[0]} has no simple ion in solution"
    try:
        metal_v = electrode(metal).potential_vs_she
    except InputError as error:
        return None, str(error)
    return couple.potential_vs_she - metal_v, f"{couple.ion}: {couple.source}"


def combined(name: str, links: Sequence[Link]) -> Link:
    """Return the link of several phases that grow together.

    An ion takes the easiest phase; electrons leak through the most conducting one, and the film
    loses what dissolves of it: the best of the barriers, the worst of everything else.
    """
    best = name in BARRIERS
    pick = max if best else min
    chosen = pick(links, key=lambda one: (one.low, one.high, one.of))
    return chosen.model_copy(
        update={"low": pick(x.low for x in links), "high": pick(x.high for x in links)}
    )
