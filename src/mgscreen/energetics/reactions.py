"""Reactions: whether they balance, how they are written, and their energy.

Sign: the energy is that of the products minus that of the reactants, so a reaction with a negative
energy runs (downhill in energy; entropy is not in it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

EV_PER_KJ_MOL = 0.010364269656262175
"""1 kJ/mol in eV: 1000 / (e N_A), exact constants of the SI of 2019."""
SUBLIMATION_KJ_MOL: Mapping[str, float] = {
    "Mg": 147.1, "Al": 330.0, "Zn": 130.4, "Ga": 272.0, "Sn": 301.2, "Sb": 262.3, "Bi": 207.1,
}  # fmt: skip
"""Enthalpy of sublimation of a metal at 298 K, kJ/mol: CRC Handbook of Chemistry and Physics,
standard thermodynamic properties of chemical substances, enthalpy of formation of the gaseous atom
(Sn: from the white form)."""
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Term:
    """One species of a reaction.

    Attributes
    ----------
    name
        As it is written in the equation.
    coefficient
        Formula units: negative for what is consumed, positive for what forms.
    composition
        Atoms of each element in one formula unit.
    energy_ev
        Of one formula unit, eV; only differences within one reaction mean anything.
    charge
        Of one formula unit, e.
    """

    name: str
    coefficient: float
    composition: Mapping[str, float]
    energy_ev: float = 0.0
    charge: int = 0


def formula_composition(formula: str) -> dict[str, float]:
    """Count the atoms in a formula without brackets: ``MgCl2`` is one Mg and two Cl.

    Raises
    ------
    InputError
        If it is no such formula, or names an element that does not exist.
    """
    from ase.data import atomic_numbers

    count: dict[str, float] = {}
    if not re.fullmatch(r"([A-Z][a-z]?[0-9]*)+", formula):
        raise InputError(f"'{formula}' is no formula: expected one such as MgCl2")
    for symbol, number in re.findall(r"([A-Z][a-z]?)([0-9]*)", formula):
        if symbol not in atomic_numbers or number == "0":
            raise InputError(f"'{formula}' is no formula: expected elements, as in MgCl2")
        count[symbol] = count.get(symbol, 0.0) + float(number or 1)
    return count


def check_balance(terms: Sequence[Term]) -> None:
    """Check that a reaction has two sides, and as many atoms and charges on each.

    Raises
    ------
    InputError
        If it does not balance; the sentence says which element or charge is left over.
    """
    signs = {t.coefficient > 0 for t in terms if t.coefficient}
    if signs != {True, False} or any(not t.coefficient for t in terms):
        raise InputError(
            f"{equation(terms) or 'an empty reaction'} is no reaction: expected reactants with "
            "negative and products with positive coefficients"
        )
    left: dict[str, float] = {}
    charge = 0.0
    for term in terms:
        charge += term.coefficient * term.charge
        for element, number in term.composition.items():
            left[element] = left.get(element, 0.0) + term.coefficient * number
    over = {e: n for e, n in sorted(left.items()) if abs(n) > TOLERANCE}
    problems = [f"{n:+g} {e}" for e, n in over.items()]
    if abs(charge) > TOLERANCE:
        problems.append(f"a charge of {charge:+g}")
    if problems:
        raise InputError(
            f"{equation(terms)} does not balance: the products have {', '.join(problems)} "
            "against the reactants"
        )


def reaction_energy(terms: Sequence[Term]) -> float:
    """Return the energy of a reaction, eV per formula of reaction as written; negative: it runs.

    Raises
    ------
    InputError
        If it does not balance.
    """
    check_balance(terms)
    return sum(t.coefficient * t.energy_ev for t in terms)


def equation(terms: Iterable[Term]) -> str:
    """Write a reaction: ``2 CH3MgBr -> Mg(CH3)2 + MgBr2``."""
    sides: dict[bool, list[str]] = {False: [], True: []}
    for term in terms:
        number = abs(term.coefficient)
        text = term.name if abs(number - 1) < TOLERANCE else f"{_number(number)} {term.name}"
        sides[term.coefficient > 0].append(text)
    if not sides[False] and not sides[True]:
        return ""
    return f"{' + '.join(sides[False])} -> {' + '.join(sides[True])}"


def _number(value: float) -> str:
    """Halves and thirds as fractions: coefficients are ratios of small integers."""
    from fractions import Fraction

    fraction = Fraction(value).limit_denominator(12)
    return str(fraction) if abs(float(fraction) - value) < TOLERANCE else f"{value:g}"


def metal_energy(metal: str, atom_ev: float) -> float:
    """Return the energy of an atom of a metal's crystal from that of the free atom, eV.

    E(M, s) = E(M, g) - dH_sub, so that a molecular level of theory can stand on both sides of a
    reaction with the metal. The enthalpy is experimental and at 298 K. Taken for the cohesive
    energy it leaves out heat capacities (5/2 RT - [H(298 K) - H(0)] of the solid, 0.01 eV for Mg)
    and the zero-point energy of the solid (some 0.03 eV).

    Raises
    ------
    InputError
        If no enthalpy of sublimation is tabulated for the metal.
    """
    if metal not in SUBLIMATION_KJ_MOL:
        known = ", ".join(SUBLIMATION_KJ_MOL)
        raise InputError(f"there is no enthalpy of sublimation of '{metal}' (known: {known})")
    return atom_ev - SUBLIMATION_KJ_MOL[metal] * EV_PER_KJ_MOL
