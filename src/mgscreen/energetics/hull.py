"""Phase stability: formation energies, the convex hull, electrochemical windows, reactions.

The thermodynamics is pymatgen's (S. P. Ong et al., Chem. Mater. 20, 1798 (2008); W. D. Richards et
al., Chem. Mater. 28, 266 (2016) for windows and interfaces). All energies in one hull come from one
level with one set of corrections: that is the caller's duty.

Potentials are against the anode metal: an electrode at ``phi`` V holds its chemical potential at
``mu = mu0 - z e phi``, with ``z`` the charge of the ion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError, ScientificFailureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHARGES = {"Mg": 2, "Ca": 2, "Zn": 2, "Al": 3, "Li": 1, "Na": 1, "K": 1}
"""Charge of the ion of each anode metal."""
TINY = 1e-6
_NOTHING = 1e-9
STABLE = 0.005
"""A phase so little above the hull counts as on it, eV/atom: below the error of any level here."""


@dataclass(frozen=True)
class PhaseEnergy:
    """A phase and its energy.

    Attributes
    ----------
    name
        As reports show it.
    formula
        Composition of what the energy is of, in any multiple.
    energy_ev
        Of that composition, eV.
    """

    name: str
    formula: str
    energy_ev: float


@dataclass(frozen=True)
class Window:
    """Potentials at which a phase neither takes up nor gives off the metal, V vs the metal.

    Attributes
    ----------
    reduction_v
        Below it the phase takes up the metal or gives its anions to it; None: down to 0 V and
        beyond it is stable against the metal.
    oxidation_v
        Above it the metal leaves the phase; None: never, in this chemical system.
    reduction_products, oxidation_products
        Phases that form there.
    stable
        Whether the phase is on the hull; a window of one that is not is that of the mixture that
        it decays to.
    """

    reduction_v: float | None
    oxidation_v: float | None
    reduction_products: tuple[str, ...]
    oxidation_products: tuple[str, ...]
    stable: bool


@dataclass(frozen=True)
class Reaction:
    """The most exothermic reaction of two phases, or none."""

    energy_ev_per_atom: float
    """of the reactants' mixture; 0 where they do not react"""
    equation: str
    products: tuple[str, ...]
    fraction: float
    """molar fraction of the first reactant, by atoms as pymatgen mixes them"""


class Hull:
    """The convex hull of phases at one level.

    Parameters
    ----------
    phases
        With every element among them.

    Raises
    ------
    InputError
        If an element has no energy.
    """

    def __init__(self, phases: Iterable[PhaseEnergy]) -> None:
        from pymatgen.core import Composition

        self.phases = tuple(sorted(phases, key=lambda p: (p.formula, p.name, p.energy_ev)))
        self.elements = {e for p in self.phases for e in Composition(p.formula).elements}
        given = {
            Composition(p.formula).elements[0]
            for p in self.phases
            if Composition(p.formula).is_element
        }
        missing = sorted(str(e) for e in self.elements - given)
        if missing:
            raise InputError(f"there is no energy of the element {', '.join(missing)}")

    @classmethod
    def of(cls, phases: Iterable[PhaseEnergy], *formulas: str) -> Hull:
        """Build the hull of those phases that are made of the elements of these formulas only.

        Raises
        ------
        InputError
            If one of these elements has no energy.
        """
        from pymatgen.core import Composition

        wanted = {e for f in formulas for e in Composition(f).elements}
        kept = [p for p in phases if set(Composition(p.formula).elements) <= wanted]
        found = {e for p in kept for e in Composition(p.formula).elements}
        missing = sorted(str(e) for e in wanted - found)
        if missing:
            raise InputError(f"there is no energy of the element {', '.join(missing)}")
        return cls(kept)

    @cached_property
    def diagram(self) -> Any:
        """The phase diagram, pymatgen's."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        return PhaseDiagram([PDEntry(Composition(p.formula), p.energy_ev) for p in self.phases])

    def equilibrium(self, mixture: Mapping[str, float]) -> dict[PhaseEnergy, float]:
        """Return the phases of lowest energy that a mixture of elements can form.

        The same as ``diagram.get_decomposition``, by linear programming for this one composition
        instead of the hull of all, and without pymatgen's imports of two plotting libraries.

        Parameters
        ----------
        mixture
            Amount of each element.

        Returns
        -------
        dict
            The share of all atoms that is in each phase.

        Raises
        ------
        InputError
            If the phases cannot make up the mixture.
        """
        import numpy as np
        from pymatgen.core import Composition
        from scipy.optimize import linprog

        elements = sorted({*map(str, self.elements), *mixture})
        made = [Composition(p.formula) for p in self.phases]
        shares = np.array([[c.get_atomic_fraction(e) for c in made] for e in elements])
        amounts = np.array([mixture.get(e, 0.0) for e in elements])
        energies = [p.energy_ev / c.num_atoms for p, c in zip(self.phases, made, strict=True)]
        found = linprog(energies, A_eq=shares, b_eq=amounts / amounts.sum(), method="highs-ds")
        if not found.success:
            raise InputError(f"these phases cannot make up {dict(mixture)}")
        return {p: float(x) for p, x in zip(self.phases, found.x, strict=True) if x > _NOTHING}

    def heights(self) -> list[tuple[PhaseEnergy, float, float]]:
        """Return formation energy and energy above the hull, eV/atom, of each phase.

        The elements' lowest phases are the zero; a phase on the hull has 0 above it.
        """
        from pymatgen.core import Composition

        lowest: dict[str, float] = {}
        for p in self.phases:
            made = Composition(p.formula)
            if made.is_element:
                name = str(made.elements[0])
                energy = p.energy_ev / made.num_atoms
                lowest[name] = min(energy, lowest.get(name, energy))
        rows = []
        for p in self.phases:
            made = Composition(p.formula)
            energy = p.energy_ev / made.num_atoms
            zero = sum(lowest[str(e)] * made.get_atomic_fraction(e) for e in made.elements)
            decayed = sum(
                share * q.energy_ev / Composition(q.formula).num_atoms
                for q, share in self.equilibrium(made.get_el_amt_dict()).items()
            )
            rows.append((p, float(energy - zero), max(0.0, float(energy - decayed))))
        return rows

    def within(self, *formulas: str) -> Hull:
        """Return the hull of the phases made of the elements of these formulas only."""
        return Hull.of(self.phases, *formulas)

    def formation_energy(self, formula: str) -> float:
        """Return the formation energy of the lowest phase of a composition, eV/atom.

        Raises
        ------
        InputError
            If no phase has this composition.
        """
        return float(self.diagram.get_form_energy_per_atom(self._entry(formula)))

    def above_hull(self, formula: str) -> tuple[float, dict[str, float]]:
        """Return the energy above the hull, eV/atom, and what the phase decays to.

        Returns
        -------
        tuple
            The energy, 0 on the hull; and the fraction of atoms in each product.
        """
        entry = self._entry(formula)
        found, energy = self.diagram.get_decomp_and_e_above_hull(entry)
        return max(0.0, float(energy)), {
            str(e.composition.reduced_formula): float(x) for e, x in found.items()
        }

    def window(self, formula: str, metal: str) -> Window:
        """Return the electrochemical window of a phase against a metal.

        Raises
        ------
        InputError
            If no phase has this composition, or the metal's ion is not known here.
        ScientificFailureError
            If there is no range of potentials at which the phase neither takes up nor gives off
            metal.
        """
        from pymatgen.core import Composition, Element

        if metal not in CHARGES:
            raise InputError(f"the charge of the ion of {metal} is not known here")
        composition, element = Composition(formula), Element(metal)
        charge = CHARGES[metal]
        above, _ = self.above_hull(formula)
        steps = self.diagram.get_element_profile(element, composition)
        zero = float(steps[0]["element_reference"].energy_per_atom)
        at = [k for k, s in enumerate(steps) if abs(float(s["evolution"])) < TINY]
        if not at:
            raise ScientificFailureError(
                f"{formula} takes up or gives off {metal} at every potential"
            )
        first, last = at[0], at[-1]
        reduction = None
        down: tuple[str, ...] = ()
        if first > 0:
            reduction = (zero - float(steps[first]["chempot"])) / charge
            down = _products(steps[first - 1], metal)
        oxidation = None
        up: tuple[str, ...] = ()
        if last + 1 < len(steps):
            oxidation = (zero - float(steps[last + 1]["chempot"])) / charge
            up = _products(steps[last + 1], metal)
        return Window(reduction, oxidation, down, up, above <= STABLE)

    def reaction(self, first: str, second: str) -> Reaction:
        """Return the most exothermic reaction of two phases with each other."""
        from pymatgen.analysis.interface_reactions import InterfacialReactivity
        from pymatgen.core import Composition

        a, b = Composition(first), Composition(second)
        if a.reduced_formula == b.reduced_formula:
            return Reaction(0.0, "", (), 0.0)
        found = InterfacialReactivity(a, b, self.diagram, norm=True, use_hull_energy=False)
        kinks = list(found.get_kinks())
        _, fraction, energy, reaction, _ = min(kinks, key=lambda k: (round(float(k[2]), 9), k[1]))
        if float(energy) > -TINY:
            return Reaction(0.0, "", (), 0.0)
        return Reaction(
            energy_ev_per_atom=float(energy),
            equation=str(reaction),
            products=tuple(sorted(c.reduced_formula for c in reaction.products)),
            fraction=float(fraction),
        )

    def _entry(self, formula: str) -> Any:
        from pymatgen.core import Composition

        wanted = Composition(formula).reduced_composition
        same = [e for e in self.diagram.all_entries if e.composition.reduced_composition == wanted]
        if not same:
            raise InputError(f"no phase has the composition {formula}")
        return min(same, key=lambda e: e.energy_per_atom)


def _products(step: Any, metal: str) -> tuple[str, ...]:
    return tuple(
        sorted(c.reduced_formula for c in step["reaction"].products if c.reduced_formula != metal)
    )
