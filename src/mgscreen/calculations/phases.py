"""Stability of one phase: formation energy, hull, window, reactions with both electrodes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.gas import GasDocument
from mgscreen.calculations.phase_energies import (
    PBE_CONVENTIONS,
    Energy,
    Solid,
    hull_phases,
    phase_energy,
    reduced,
    solid_of,
)
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.energetics.corrections import (
    TEMPERATURE_K,
)
from mgscreen.energetics.hull import Hull


class ProductReaction(BaseModel):
    """What a phase does with a product of the electrolyte."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product: str
    energy_ev: float | None = Field(default=None, description="per atom of the mixture; 0: none")
    equation: str = ""
    reason: str = Field(default="", description="why there is no energy")


class StabilityDocument(Document):
    """What becomes of a phase at each potential, at one level."""

    phase: str = ""
    formula: str = ""
    metal: str = "Mg"
    cathode: str = ""
    temperature_k: float = TEMPERATURE_K
    formation_energy_ev: float | None = Field(default=None, description="per atom, MP2020 scheme")
    formation_energy_legacy_ev: float | None = Field(
        default=None, description="per atom, bromide and iodide uncorrected"
    )
    formation_energy_pbe_ev: float | None = Field(
        default=None, description="per atom, no correction"
    )
    above_hull_ev: float | None = Field(default=None, description="per atom")
    decay: dict[str, float] = Field(
        default_factory=dict, description="what it decays to: fraction of the atoms"
    )
    reduction_limit_v: float | None = Field(
        default=None, description="V vs the metal; None with stable_at_metal: below 0"
    )
    oxidation_limit_v: float | None = None
    stable_at_metal: bool | None = None
    reduction_products: list[str] = Field(default_factory=list)
    oxidation_products: list[str] = Field(default_factory=list)
    metal_reaction_ev: float | None = Field(default=None, description="per atom of the mixture")
    metal_reaction: str = ""
    cathode_reaction_ev: float | None = Field(default=None, description="per atom of the mixture")
    cathode_reaction: str = ""
    cathode_reason: str = Field(default="", description="why there is none")
    product_reactions: list[ProductReaction] = Field(default_factory=list)
    window_reason: str = Field(default="", description="why there is none")
    energies: list[Energy] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list, description="competitors without an energy")

    def properties(self) -> list[PropertyValue]:
        """Energies, limits and reactions; what could not be had, with its reason."""
        if self.state == "failed":
            return []
        scheme = "elements; MP2020 anion corrections"
        rows = [
            self._row("formation_energy", self.formation_energy_ev, "eV/atom", scheme),
            self._row(
                "formation_energy_legacy",
                self.formation_energy_legacy_ev,
                "eV/atom",
                "elements; MP2020 anion corrections but for Br and I",
            ),
            self._row(
                "formation_energy_pbe",
                self.formation_energy_pbe_ev,
                "eV/atom",
                "elements; no anion correction",
            ),
            self._row("energy_above_hull", self.above_hull_ev, "eV/atom", self._considered()),
        ]
        couple = f"{self.metal} metal; {self._considered()}"
        low = self.reduction_limit_v
        if self.stable_at_metal:
            low = 0.0
        why = self.window_reason
        rows += [
            self._row("reduction_limit", low, "V", couple, why or "no range of stability"),
            self._row(
                "oxidation_limit",
                self.oxidation_limit_v,
                "V",
                couple,
                why or "the metal does not leave it in this chemical system",
            ),
            self._row(
                "reaction_with_anode",
                self.metal_reaction_ev,
                "eV/atom",
                self.metal_reaction or "no reaction",
            ),
        ]
        if self.cathode:
            rows.append(
                self._row(
                    "reaction_with_cathode",
                    self.cathode_reaction_ev,
                    "eV/atom",
                    self.cathode_reaction or f"no reaction with {self.cathode}",
                    self.cathode_reason,
                )
            )
        rows += [
            self._row(
                "reaction_with_product",
                one.energy_ev,
                "eV/atom",
                f"{one.product}: {one.equation or 'no reaction'}",
                one.reason,
            )
            for one in self.product_reactions
        ]
        for name, products in (
            ("reduction_products", self.reduction_products),
            ("oxidation_products", self.oxidation_products),
        ):
            text = " + ".join(products) if products else "none"
            rows.append(
                PropertyValue(property=name, text=text, environment="crystal", reference=couple)
            )
        return rows

    def _considered(self) -> str:
        from pymatgen.core import Composition

        system = {*Composition(self.formula).elements, *Composition(self.metal).elements}
        others = sorted(
            {e.name for e in self.energies if set(Composition(e.formula).elements) <= system}
            - {self.phase}
        )
        return f"upper bound: against {', '.join(others)}"

    @staticmethod
    def _row(
        name: str, value: float | None, unit: str, reference: str, reason: str = ""
    ) -> PropertyValue:
        return PropertyValue(
            property=name,
            value=value,
            unit=unit,
            environment="crystal",
            reference=reference,
            state="completed",
            reason="" if value is not None else reason,
        )


@calculation("stability", StabilityDocument)
def phase_stability(  # noqa: PLR0913, PLR0917 - each is a part of the question
    phase: Solid | dict[str, Any],
    competitors: list[Solid | dict[str, Any] | None],
    gases: list[GasDocument | dict[str, Any] | None],
    metal: str = "Mg",
    cathode: str = "",
    entries: list[dict[str, Any]] | None = None,
    names: list[str] | None = None,
    temperature_k: float = TEMPERATURE_K,
    products: list[str] | None = None,
) -> StabilityDocument:
    """Place a phase among its competitors.

    Parameters
    ----------
    phase
        The relaxed crystal, or a single point at another level's geometry.
    competitors
        Crystals of the same level that may form instead, elements among them. One that
        failed (None, or a failed document) is left out and named.
    gases
        Elements and products that are gases, each alone in a box, at the same level.
    metal
        Of the anode: potentials are against it.
    cathode
        Formula of the cathode material; empty: none.
    entries
        A user's own computed energies: ``name``, ``formula``, ``energy_ev`` of that composition,
        corrections included, and ``source``. They have to be of this level.
    names
        What the competitors and gases are called, in their order, for those that failed.
    temperature_k
        For the entropy of the gases.
    products
        Formulas of what the electrolyte leaves on the electrodes, each among the competitors,
        gases or entries.

    Returns
    -------
    StabilityDocument
        Failed where the phase has no energy, levels are mixed, or an element is missing.
    """
    target = solid_of(phase)
    if target.state == "failed" or target.energy_ev is None or target.structure is None:
        raise ScientificFailureError(f"the crystal failed: {target.reason or 'no energy'}")
    crystals = [None if c is None else solid_of(c) for c in competitors]
    boxes = [None if g is None else GasDocument.model_validate(g) for g in gases]
    labels = list(names or [])
    found, missing = [phase_energy(target)], []
    for n, one in enumerate([*crystals, *boxes]):
        name = labels[n] if n < len(labels) else ""
        if one is None or one.state == "failed" or one.energy_ev is None:
            missing.append(name or (one.structure.label if one and one.structure else "?"))
            continue
        if (one.level, one.code_version) != (target.level, target.code_version):
            raise ScientificFailureError(
                f"{name} is at {one.level} ({one.code_version}), the phase at {target.level} "
                f"({target.code_version}): their energies cannot be subtracted"
            )
        found.append(phase_energy(one, temperature_k))
    found += [
        Energy(
            name=str(entry["name"]),
            formula=str(entry["formula"]),
            pbe_ev=float(entry["energy_ev"]),
            correction_ev=0.0,
            legacy_ev=0.0,
            source=str(entry.get("source", "user")),
        )
        for entry in entries or []
    ]
    document = StabilityDocument(
        level=target.level,
        code=target.code,
        code_version=target.code_version,
        settings=target.settings,
        structure=target.structure,
        phase=found[0].name,
        formula=reduced(found[0].formula),
        metal=metal,
        cathode=cathode,
        temperature_k=temperature_k,
        energies=found,
        missing=sorted(missing),
        converged={"hull": True},
    )
    if missing:
        document.warnings.append(f"without an energy: {', '.join(sorted(missing))}")
    if target.energy_convention not in PBE_CONVENTIONS:
        document.warnings.append("the zero of this potential is not known: no correction was made")
    _fill(document)
    document.product_reactions = [_with_product(document, name) for name in products or []]
    return document


def _with_product(document: StabilityDocument, product: str) -> ProductReaction:
    try:
        hull = Hull.of(hull_phases(document.energies, entropy=True), document.formula, product)
        hull.formation_energy(product)  # its own energy, not that of what it would decay to
        reaction = hull.reaction(document.formula, product)
    except (InputError, ValueError) as error:
        return ProductReaction(product=product, reason=f"no hull with {product}: {error}")
    return ProductReaction(
        product=product, energy_ev=reaction.energy_ev_per_atom, equation=reaction.equation
    )


def _fill(document: StabilityDocument) -> None:
    formula, metal, energies = document.formula, document.metal, document.energies
    try:
        own = Hull.of(hull_phases(energies), formula)
        document.formation_energy_ev = own.formation_energy(formula)
        document.formation_energy_legacy_ev = Hull.of(
            hull_phases(energies, scheme="legacy"), formula
        ).formation_energy(formula)
        document.formation_energy_pbe_ev = Hull.of(
            hull_phases(energies, scheme="pbe"), formula
        ).formation_energy(formula)
        hull = Hull.of(hull_phases(energies, entropy=True), formula, metal)
    except InputError as error:
        raise ScientificFailureError(str(error)) from None
    document.above_hull_ev, document.decay = hull.above_hull(formula)
    if reduced(formula) == metal:
        document.window_reason = f"{metal} itself has no window"
    else:
        try:
            window = hull.window(formula, metal)
        except ScientificFailureError as error:
            document.window_reason = str(error)
        else:
            document.reduction_limit_v = window.reduction_v
            document.oxidation_limit_v = window.oxidation_v
            document.stable_at_metal = window.reduction_v is None
            document.reduction_products = list(window.reduction_products)
            document.oxidation_products = list(window.oxidation_products)
            if not window.stable:
                document.warnings.append(
                    f"{document.above_hull_ev:.3f} eV/atom above the hull: the window is that of "
                    f"{' + '.join(document.decay)}"
                )
        reaction = hull.reaction(formula, metal)
        document.metal_reaction_ev = reaction.energy_ev_per_atom
        document.metal_reaction = reaction.equation
    if document.cathode:
        try:
            both = Hull.of(hull_phases(energies, entropy=True), formula, metal, document.cathode)
            reaction = both.reaction(formula, document.cathode)
        except (InputError, ValueError) as error:
            document.cathode_reason = f"no hull with {document.cathode}: {error}"
        else:
            document.cathode_reaction_ev = reaction.energy_ev_per_atom
            document.cathode_reaction = reaction.equation
