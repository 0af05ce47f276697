"""What a hull is made of: the energy of each phase, its corrections and its entropy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.calculations.electronic_solid import CrystalElectronicDocument
from mgscreen.calculations.gas import GasDocument
from mgscreen.core.errors import ScientificFailureError
from mgscreen.energetics.corrections import (
    GAS_ENTROPY,
    LEGACY_UNCORRECTED,
    gas_entropy_term,
    mp2020_correction,
)
from mgscreen.energetics.hull import PhaseEnergy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mgscreen.core.structure import AtomicStructure

PBE_CONVENTIONS = ("pbe", "mp2020")
Solid = CrystalDocument | CrystalElectronicDocument


class Energy(BaseModel):
    """One phase that a hull was built from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    formula: str = Field(description="composition of the cell that was computed")
    pbe_ev: float = Field(description="energy without anion corrections, eV per cell")
    correction_ev: float = Field(description="anion correction, eV per cell")
    legacy_ev: float = Field(description="the part of it that the scheme before 2021 had too")
    entropy_ev: float = Field(default=0.0, description="-TS of a gas, eV per cell")
    gas: bool = False
    source: str = Field(default="", description="identity of the calculation, or file")


def hull_phases(
    energies: Iterable[Energy], *, scheme: str = "mp2020", entropy: bool = False
) -> list[PhaseEnergy]:
    """Return the phases of a hull, in a scheme of corrections, with -TS of gases where asked."""
    part = {"mp2020": "correction_ev", "legacy": "legacy_ev", "pbe": ""}[scheme]
    return [
        PhaseEnergy(
            e.name,
            e.formula,
            e.pbe_ev + (getattr(e, part) if part else 0.0) + (e.entropy_ev if entropy else 0.0),
        )
        for e in energies
    ]


def solid_of(value: Solid | dict[str, Any]) -> Solid:
    """Return the document of a crystal, relaxed or computed at another geometry."""
    if not isinstance(value, dict):
        return value
    return (CrystalElectronicDocument if "gap_ev" in value else CrystalDocument).of(value)


def phase_energy(document: Solid | GasDocument, temperature_k: float = 0.0) -> Energy:
    """Return the energy of a crystal or gas with its corrections.

    Raises
    ------
    ScientificFailureError
        If it has no structure or no energy.
    """
    structure = document.structure
    if structure is None or document.energy_ev is None:
        raise ScientificFailureError("an energy without a structure cannot be placed")
    gas = isinstance(document, GasDocument)
    correction = legacy = 0.0
    if document.energy_convention in PBE_CONVENTIONS:
        correction = mp2020_correction(structure)
        legacy = mp2020_correction(structure, without=LEGACY_UNCORRECTED)
    learned = correction if document.energy_convention == "mp2020" else 0.0
    entropy = 0.0
    if gas:
        formula = reduced(_formula(structure), element=False)
        entropy = gas_entropy_term(formula, temperature_k) if formula in GAS_ENTROPY else 0.0
    return Energy(
        name=structure.label or structure.formula,
        formula=_formula(structure),
        pbe_ev=document.energy_ev - learned,
        correction_ev=correction,
        legacy_ev=legacy,
        entropy_ev=entropy,
        gas=gas,
        source=document.input_hash,
    )


def _formula(structure: AtomicStructure) -> str:
    return "".join(f"{s}{n}" for s, n in sorted(Counter(structure.symbols).items()))


def reduced(formula: str, *, element: bool = True) -> str:
    """Return the reduced formula; an element as it is counted, where ``element`` is false."""
    from pymatgen.core import Composition

    composition = Composition(formula)
    if not element and composition.is_element:
        symbol, number = next(iter(composition.items()))
        return f"{symbol}{int(number)}"
    return str(composition.reduced_formula)
