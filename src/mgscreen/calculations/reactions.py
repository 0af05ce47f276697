"""Energies of interphase reactions in solution: Grignard, Schlenk, displacement of a metal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.orbitals import OrbitalsDocument
from mgscreen.calculations.steps import absent, value
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.energetics.reactions import (
    EV_PER_KJ_MOL,
    SUBLIMATION_KJ_MOL,
    Term,
    equation,
    metal_energy,
    reaction_energy,
)
from mgscreen.engines.level import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ReactionType = Literal["grignard", "schlenk", "displacement"]
SPECIFIC: Mapping[str, str] = {
    "grignard": "grignard_energy",
    "schlenk": "schlenk_energy",
    "displacement": "displacement_energy",
}
"""The property that each type of reaction has besides ``reaction_energy``."""

ELECTRONIC = (
    "total energies, with the free energy of solvation of the continuum where there is one: no "
    "zero-point, thermal or entropy terms"
)
CONTINUUM = (
    "bare molecules in the continuum: the ether molecules that bind to Mg in a real electrolyte, "
    "and dimers with halide bridges, are left out; two dimethyl ether on each Mg lower the energy "
    "of CH3Br + Mg -> CH3MgBr from -0.92 to -2.34 eV and that of its Schlenk exchange from +0.62 "
    "to +0.22 eV (B3LYP/6-31G(d), C-PCM), so only signs and the order of halides can be read from "
    "these"
)
CHLORIDES = (
    "bare molecules in the continuum: ether on either chloride, dimers of a chloride and the "
    "lattice of {product} are left out; the reaction of the crystals has the lattices"
)
ATOM = (
    "free atoms have no spin-orbit coupling here and the measured heat has it: metals of heavy p "
    "elements come out by up to 0.3 eV per atom (Sn) too high"
)
COORDINATED = (
    "{shell} bind to each Mg; one geometry search per species: conformers that "
    "the search missed weigh on the result, and no entropy of binding is in it"
)


class ReactionTerm(BaseModel):
    """One species of a reaction and the energy that was taken for it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    coefficient: float = Field(description="negative: consumed")
    composition: dict[str, float] = Field(description="atoms of one formula unit")
    charge: int = Field(default=0, description="e")
    energy_ev: float = Field(description="of one formula unit, zero of the level")
    origin: str = Field(default="", description="what the energy is, where it is no plain total")

    def term(self) -> Term:
        """Return it as the reaction sees it."""
        return Term(self.name, self.coefficient, self.composition, self.energy_ev, self.charge)


class ReactionDocument(Document):
    """The energy of a reaction, products minus reactants: negative where it runs."""

    reaction: ReactionType | None = None
    equation: str = ""
    terms: list[ReactionTerm] = Field(default_factory=list)
    energy_ev: float | None = Field(default=None, description="per formula of reaction as written")
    energy_per_metal_ev: float | None = Field(
        default=None, description="per atom of the metal that is consumed; displacement alone"
    )
    product_phases: list[str] = Field(
        default_factory=list,
        description="solids that it leaves on the metal, by their names in the library of crystals",
    )
    caveats: list[str] = Field(default_factory=list)

    def properties(self) -> list[PropertyValue]:
        """Return the energy with the equation as its reference, and the phases that form."""
        names = ["reaction_energy"]
        if self.reaction is not None:
            names.append(SPECIFIC[self.reaction])
        if self.state == "failed":
            return absent(names, self.reason, self.level, self.equation)
        per_metal = self.energy_per_metal_ev
        rows = [value("reaction_energy", self.energy_ev, self.level, reference=self.equation)]
        if self.reaction is not None:
            number = self.energy_ev if per_metal is None else per_metal
            rows.append(value(names[1], number, self.level, reference=self.equation))
        if self.product_phases:
            rows.append(
                value(
                    "product_phase",
                    None,
                    self.level,
                    text=", ".join(self.product_phases),
                    reference=self.equation,
                )
            )
        return rows


@calculation("reaction", ReactionDocument)
def solution_reaction(
    reaction: ReactionType,
    parts: list[OrbitalsDocument | None],
    coefficients: list[float],
    names: list[str],
    product_phases: list[str],
    metal: str = "Mg",
    shell: str = "",
) -> ReactionDocument:
    """Return the energy of a reaction of molecules in solution and, where it takes part, a metal.

    Parameters
    ----------
    reaction
        ``grignard``: RX + M -> RMX. ``schlenk``: 2 RMX -> R2M + MX2. ``displacement``:
        M'X_n + (n/2) M -> (n/2) MX2 + M'.
    parts
        Single points of the species. A single neutral atom of a metal stands for its crystal: its
        energy, in the gas phase, less the experimental enthalpy of sublimation. None: the job of
        this species did not end well.
    coefficients
        Formula units of each, negative for reactants.
    names
        Of each, as the equation has them.
    product_phases
        Crystals that form, by their names in the library.
    metal
        Of the anode.
    shell
        Solvent molecules that bind to each metal atom, ``2 DME``; empty: the continuum alone.

    Raises
    ------
    ScientificFailureError
        Inside the frame: a species has no energy, levels or settings differ, or the reaction does
        not balance.
    """
    document = ReactionDocument(
        reaction=reaction,
        product_phases=list(product_phases),
        caveats=[_around(reaction, shell, product_phases), ELECTRONIC],
    )
    whole = [None if p is None else OrbitalsDocument.model_validate(p) for p in parts]
    document.level = next((p.level for p in whole if p is not None and _size(p) > 1), "")
    document.equation = equation(
        Term(name, n, {}) for name, n in zip(names, coefficients, strict=True)
    )
    try:
        _fill(document, whole, coefficients, names)
    except ScientificFailureError as error:
        return failed(document, str(error))
    if reaction == "displacement" and document.energy_ev is not None:
        consumed = -sum(t.coefficient for t in document.terms if t.composition == {metal: 1.0})
        document.energy_per_metal_ev = document.energy_ev / consumed
        document.caveats.append(ATOM)
    return document


def _around(reaction: ReactionType, shell: str, products: Sequence[str]) -> str:
    """Return what surrounds the molecules, and what that leaves out."""
    if reaction == "displacement":
        return CHLORIDES.format(product=products[0] if products else "the product")
    return COORDINATED.format(shell=shell) if shell else CONTINUUM


def _fill(
    document: ReactionDocument,
    parts: Sequence[OrbitalsDocument | None],
    coefficients: Sequence[float],
    names: Sequence[str],
) -> None:
    molecules: list[tuple[str, OrbitalsDocument]] = []
    atoms: list[tuple[str, OrbitalsDocument]] = []
    for part, coefficient, name in zip(parts, coefficients, names, strict=True):
        known = _known(part, name)
        term = _molecule(known, coefficient, name)
        document.terms.append(term)
        if term.origin:
            document.caveats.append(f"{name}: {term.origin}")
        (atoms if term.origin else molecules).append((name, known))
        document.warnings += [f"{name}: {text}" for text in known.warnings]
    _same_method(molecules)
    first = molecules[0][1]
    for name, atom in atoms:
        _check_metal(atom, name, first)
    document.level, document.settings = first.level, first.settings
    document.code, document.code_version = first.code, first.code_version
    document.converged = {"scf": True}
    finish(document)


def failed(document: ReactionDocument, reason: str) -> ReactionDocument:
    """Return a document that still says which reaction it is, without a number."""
    return document.model_copy(
        update={"state": "failed", "reason": reason, "energy_ev": None, "converged": {}}
    )


def _size(part: OrbitalsDocument) -> int:
    return 0 if part.structure is None else len(part.structure.symbols)


def _known(part: OrbitalsDocument | None, name: str) -> OrbitalsDocument:
    if part is None:
        raise ScientificFailureError(f"there is no single point of {name}")
    if part.state == "failed" or part.total_energy_ev is None or part.structure is None:
        why = part.reason or "no energy"
        raise ScientificFailureError(f"the single point of {name} failed: {why}")
    return part


def _molecule(part: OrbitalsDocument, coefficient: float, name: str) -> ReactionTerm:
    if part.structure is None or part.total_energy_ev is None:
        raise ScientificFailureError(f"there is no energy of {name}")
    structure = part.structure
    energy, origin = part.total_energy_ev, ""
    if len(structure.symbols) == 1 and structure.charge == 0:
        element = structure.symbols[0]
        try:
            energy = metal_energy(element, energy)
        except InputError as error:
            raise ScientificFailureError(error.message) from None
        heat = SUBLIMATION_KJ_MOL[element]
        origin = (
            f"energy of the free atom at {part.level} less the experimental enthalpy of "
            f"sublimation at 298 K, {heat:g} kJ/mol ({heat * EV_PER_KJ_MOL:.3f} eV; CRC Handbook)"
        )
    return ReactionTerm(
        name=name,
        coefficient=coefficient,
        composition={e: float(n) for e, n in sorted(Counter(structure.symbols).items())},
        charge=structure.charge,
        energy_ev=energy,
        origin=origin,
    )


def _check_metal(atom: OrbitalsDocument, name: str, molecule: OrbitalsDocument) -> None:
    """Check that the free atom is at the molecules' level, in a vacuum: sublimation ends there."""
    wanted = str(Level.parse(molecule.level).in_gas())
    if atom.level != wanted or atom.code_version != molecule.code_version:
        raise ScientificFailureError(
            f"the free atom of {name} is at {atom.level} ({atom.code_version}): expected {wanted} "
            f"({molecule.code_version})"
        )


def _same_method(molecules: Sequence[tuple[str, OrbitalsDocument]]) -> None:
    """Check that levels, versions and settings agree."""
    if not molecules:
        raise ScientificFailureError("a reaction in solution needs a molecule")
    name, first = molecules[0]
    for other, part in molecules[1:]:
        if (part.level, part.code_version) != (first.level, first.code_version):
            raise ScientificFailureError(
                f"{other} is at {part.level} ({part.code_version}), {name} at {first.level} "
                f"({first.code_version}): their energies cannot be subtracted"
            )
        keys = {*part.settings, *first.settings}
        differ = sorted(k for k in keys if part.settings.get(k) != first.settings.get(k))
        if differ:
            raise ScientificFailureError(
                f"{other} and {name} differ in the settings {', '.join(differ)}: their energies "
                "cannot be subtracted"
            )


def finish(document: ReactionDocument) -> None:
    """Sum the terms of a reaction that balances."""
    terms = [t.term() for t in document.terms]
    document.equation = equation(terms)
    try:
        document.energy_ev = reaction_energy(terms)
    except InputError as error:
        raise ScientificFailureError(error.message) from None
    document.warnings = list(dict.fromkeys(document.warnings))
