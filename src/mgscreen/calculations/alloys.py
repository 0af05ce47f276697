"""Alloys of an anode metal: formation energy, alloying voltage, and facts about handling them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.energetics.voltage import alloying_voltage, electrons, formation_energy

CRC = "CRC Handbook of Chemistry and Physics, physical constants of inorganic compounds"
MELTING_K = {
    "Li": 453.65, "Na": 370.94, "Mg": 923.0, "Al": 933.47, "Zn": 692.68, "Ga": 302.91,
    "In": 429.75, "Sn": 505.08, "Sb": 903.78, "Hg": 234.32, "Bi": 544.56,
}  # fmt: skip
"""Melting points of the elements, K (CRC Handbook of Chemistry and Physics)."""
ROOM_K = 298.15
WARM_K = 333.15
"""An element that melts below this (60 C) is liquid at temperatures that batteries reach."""
TOXIC = {
    "Hg": "mercury: fatal if inhaled, may damage the unborn child, damages organs, very toxic to "
    "aquatic life (harmonised classification, Regulation (EC) No 1272/2008, index 080-001-00-0); "
    "use restricted by the Minamata Convention",
}


class AlloyFact(BaseModel):
    """A fact that a person who handles the alloy has to know, with its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str = Field(description="toxicity or melting")
    text: str
    source: str


class AlloyDocument(Document):
    """An alloy against the metal of the anode, at one level."""

    alloy: str = ""
    formula: str = ""
    metal: str = "Mg"
    valence: int = 0
    conductor: str = Field(
        default="metallic",
        description="an interphase of alloyed metals conducts electrons: no criterion of a gap",
    )
    formation_energy_ev: float | None = Field(default=None, description="per atom")
    voltage_v: float | None = Field(
        default=None, description="mean, from the other elements to the alloy, vs the metal"
    )
    stable: bool | None = Field(
        default=None, description="against the elements alone; the hull says it for all phases"
    )
    facts: list[AlloyFact] = Field(default_factory=list)

    def properties(self) -> list[PropertyValue]:
        """Return formation energy, voltage and facts."""
        if self.state == "failed":
            return []
        where = {"environment": "crystal"}
        rows = [
            PropertyValue(
                property="alloy_formation_energy",
                value=self.formation_energy_ev,
                unit="eV/atom",
                reference="elements at 0 K, no correction",
                **where,
            ),
            PropertyValue(
                property="alloy_voltage",
                value=self.voltage_v,
                unit="V",
                reference=f"{self.metal}{self.valence}+/{self.metal}, mean of the whole reaction",
                reason=""
                if self.voltage_v is not None
                else f"there is no {self.metal} in {self.formula}",
                **where,
            ),
        ]
        rows.append(PropertyValue(property="conductor", text=self.conductor, **where))
        rows += [
            PropertyValue(
                property=f"alloy_{fact.topic}", text=fact.text, reference=fact.source, **where
            )
            for fact in self.facts
        ]
        return rows


@calculation("alloy", AlloyDocument)
def alloy_voltage(
    alloy: CrystalDocument | dict[str, Any],
    elements: list[CrystalDocument | dict[str, Any] | None],
    metal: str = "Mg",
    valence: int | None = None,
) -> AlloyDocument:
    """Give an alloy its formation energy and its voltage against the metal of the anode.

    Parameters
    ----------
    alloy
        The relaxed alloy.
    elements
        The relaxed crystals of its elements, at the same level; others are ignored.
    metal
        Of the anode.
    valence
        Electrons per atom of the metal; None: the usual one.

    Returns
    -------
    AlloyDocument
        Failed where an element has no energy, or levels are mixed. An alloy without the metal has
        a formation energy and no voltage.

    Notes
    -----
    The crystals are those at 0 K: gallium and mercury are liquids in a warm cell, and their heats
    of fusion (5.6 and 2.3 kJ/mol, 0.06 and 0.02 eV per atom) are not in the voltage.
    """
    target = CrystalDocument.of(alloy)
    if target.state == "failed" or target.structure is None or target.energy_ev is None:
        raise ScientificFailureError(f"the alloy failed: {target.reason or 'no energy'}")
    atoms = Counter(target.structure.symbols)
    energies: dict[str, float] = {}
    for one in elements:
        if one is None:
            continue
        element = CrystalDocument.of(one)
        if element.state == "failed" or element.structure is None or element.energy_ev is None:
            continue
        kinds = set(element.structure.symbols)
        if len(kinds) != 1 or not kinds <= set(atoms):
            continue
        if _level(element) != _level(target):
            raise ScientificFailureError(
                f"{element.structure.label or element.structure.formula} is at {element.level} "
                f"({element.code_version}), the alloy at {target.level} ({target.code_version}): "
                "their energies cannot be subtracted"
            )
        energies[kinds.pop()] = element.energy_ev / len(element.structure.symbols)
    try:
        formation = formation_energy(target.energy_ev, atoms, energies)
        n = electrons(metal, valence)
    except ValueError as error:
        raise ScientificFailureError(str(error)) from None
    voltage = alloying_voltage(formation, atoms, metal, n) if metal in atoms else None
    document = AlloyDocument(
        level=target.level,
        code=target.code,
        code_version=target.code_version,
        settings=target.settings,
        structure=target.structure,
        converged=dict(target.converged),
        alloy=target.structure.label or target.structure.formula,
        formula=target.structure.formula,
        metal=metal,
        valence=n,
        formation_energy_ev=formation,
        voltage_v=voltage,
        stable=formation <= 0,
        facts=alloy_facts(set(atoms)),
    )
    if formation > 0:
        document.warnings.append(f"{document.alloy} would fall apart into its elements")
    return document


def alloy_facts(elements: set[str]) -> list[AlloyFact]:
    """Return what is known about the handling of an alloy of these elements."""
    facts = [
        AlloyFact(topic="toxicity", text=text, source="Regulation (EC) No 1272/2008, Annex VI")
        for element, text in sorted(TOXIC.items())
        if element in elements
    ]
    for element in sorted(elements & MELTING_K.keys(), key=MELTING_K.__getitem__):
        point = MELTING_K[element]
        if point < WARM_K:
            state = "liquid" if point < ROOM_K else "solid"
            facts.append(
                AlloyFact(
                    topic="melting",
                    text=f"{element} melts at {point:.2f} K: {state} at 298.15 K",
                    source=CRC,
                )
            )
    return facts


def _level(document: CrystalDocument) -> tuple[str, str, str, str]:
    settings = {k: v for k, v in sorted(document.settings.items()) if k != "max_steps"}
    return document.level, document.code_version, document.energy_convention, repr(settings)
