"""Radii, and the distances between a metal ion and its donor atoms that follow from them."""

from __future__ import annotations

CATIONS = {
    "Li": 0.76,
    "Na": 1.02,
    "K": 1.38,
    "Mg": 0.72,
    "Ca": 1.00,
    "Zn": 0.74,
    "Al": 0.535,
}
ANIONS = {"O": 1.40, "F": 1.33, "Cl": 1.81, "Br": 1.96, "I": 2.20, "S": 1.84, "N": 1.46}
"""Effective ionic radii, six-coordinate (N: four), angstrom: R. D. Shannon, Acta Cryst. A 1976,
32, 751."""

S_BLOCK = frozenset({"Li", "Na", "K", "Rb", "Cs", "Be", "Mg", "Ca", "Sr", "Ba"})
"""Metals whose bonds are taken as ionic contacts where nothing else is known."""


def covalent_radius(symbol: str) -> float:
    """Return the covalent radius of an element in angstrom (Cordero et al., Dalton Trans. 2008)."""
    from ase.data import atomic_numbers, covalent_radii

    return float(covalent_radii[atomic_numbers[symbol]])


def contact_distance(metal: str, donor: str) -> float:
    """Return a usual metal-donor distance in angstrom.

    The sum of Shannon's radii; of covalent radii where there is no ionic one (C, H, P).
    """
    if metal in CATIONS and donor in ANIONS:
        return CATIONS[metal] + ANIONS[donor]
    return covalent_radius(metal) + covalent_radius(donor)
