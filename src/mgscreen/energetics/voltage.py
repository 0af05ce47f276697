"""Voltages of alloys and insertion hosts against the metal, from total energies.

The voltage of a reaction A_x1 B + (x2 - x1) A -> A_x2 B against the metal A is minus its energy per
electron (M. K. Aydinol et al., Phys. Rev. B 56, 1354 (1997), eq. 5; entropy and pressure-volume
work, some 0.01 V, are left out)::

    V = -[E(A_x2 B) - E(A_x1 B) - (x2 - x1) E(A)] / [(x2 - x1) n]

with the valence n of A. Energies are in eV, so that V is in volt. All energies of one voltage come
from one level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VALENCE = {
    "Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Mg": 2, "Ca": 2, "Sr": 2, "Ba": 2, "Zn": 2,
    "Al": 3, "Y": 3,
}  # fmt: skip
"""Electrons that an atom of an anode metal gives."""


@dataclass(frozen=True)
class VoltageStep:
    """One plateau between two compositions.

    Attributes
    ----------
    start, end
        Inserted atoms per host.
    volt
        Against the metal of what is inserted.
    """

    start: float
    end: float
    volt: float


def formation_energy(
    energy_ev: float, atoms: Mapping[str, int], elements_ev: Mapping[str, float]
) -> float:
    """Return the formation energy from the elements, eV/atom.

    Parameters
    ----------
    energy_ev
        Of a cell, eV.
    atoms
        Number of atoms of each element in that cell.
    elements_ev
        Energy per atom of each element in its standard state, eV, at the same level.

    Raises
    ------
    ValueError
        If an element has no energy, or there are no atoms.
    """
    n = sum(atoms.values())
    if n < 1:
        raise ValueError("a compound without atoms has no formation energy")
    missing = sorted(set(atoms) - set(elements_ev))
    if missing:
        raise ValueError(f"no energy of {', '.join(missing)}")
    return (energy_ev - sum(k * elements_ev[e] for e, k in atoms.items())) / n


def alloying_voltage(
    formation_ev_per_atom: float, atoms: Mapping[str, int], metal: str, valence: int | None = None
) -> float:
    """Return the mean voltage, against ``metal``, at which ``metal`` alloys with the rest.

    The reaction is x A + B -> A_x B, all of them solid, B being the other elements: ``-N E_f /
    (x n)`` with the number N of atoms of the compound. The voltage is that of the whole way from
    B to the compound, not of the last step of it.

    Parameters
    ----------
    formation_ev_per_atom
        Formation energy, eV/atom.
    atoms
        Number of atoms of each element in the formula (or a multiple of it).
    metal
        The metal of the anode, A.
    valence
        Electrons per atom of A; None: ``VALENCE``.

    Returns
    -------
    float
        Volt against A^n+/A.

    Raises
    ------
    ValueError
        If the compound has no atom of ``metal``, or its valence is not known.
    """
    if atoms.get(metal, 0) < 1:
        raise ValueError(f"there is no {metal} in the compound")
    return -sum(atoms.values()) * formation_ev_per_atom / (atoms[metal] * electrons(metal, valence))


def insertion_voltage(
    before_ev: float, after_ev: float, metal_ev: float, count: float, valence: int
) -> float:
    """Return the mean voltage at which ``count`` atoms go into a host, V.

    Parameters
    ----------
    before_ev, after_ev
        Energies of the host before and after, of the same number of formula units, eV.
    metal_ev
        Energy per atom of the metal, eV.
    count
        Atoms inserted between the two.
    valence
        Electrons per atom.

    Raises
    ------
    ValueError
        If nothing is inserted.
    """
    if count <= 0 or valence < 1:
        raise ValueError(f"{count:g} atoms of valence {valence} are no insertion")
    return -(after_ev - before_ev - count * metal_ev) / (count * valence)


def voltage_profile(
    energies_ev: Mapping[float, float], metal_ev: float, valence: int
) -> list[VoltageStep]:
    """Return the plateaus on the way from the least to the most inserted composition.

    A composition that would disproportionate into its neighbours gives no plateau of its own: only
    those on the lower convex hull count, so that the voltage falls from step to step.

    Parameters
    ----------
    energies_ev
        Energy of the host, eV, by inserted atoms per host; at least two.
    metal_ev
        Energy per atom of the metal, eV.
    valence
        Electrons per atom.
    """
    return _steps(_lower_hull(energies_ev), energies_ev, metal_ev, valence)


def voltage_steps(
    energies_ev: Mapping[float, float], metal_ev: float, valence: int
) -> list[VoltageStep]:
    """Return the voltage between each composition and the next, stable or not.

    Parameters are those of ``voltage_profile``.
    """
    return _steps(sorted(energies_ev), energies_ev, metal_ev, valence)


def mean_voltage(energies_ev: Mapping[float, float], metal_ev: float, valence: int) -> float:
    """Return the voltage from the least to the most inserted composition, mean by charge, V.

    Parameters are those of ``voltage_profile``.
    """
    first, last = _ends(energies_ev)
    return insertion_voltage(energies_ev[first], energies_ev[last], metal_ev, last - first, valence)


def electrons(metal: str, valence: int | None = None) -> int:
    """Return the electrons that an atom of a metal gives.

    Raises
    ------
    ValueError
        If they are not known and not given.
    """
    if valence is not None:
        if valence < 1:
            raise ValueError(f"a valence is at least 1, not {valence}")
        return valence
    if metal not in VALENCE:
        raise ValueError(f"the valence of {metal} is not known: give it")
    return VALENCE[metal]


def _steps(
    order: list[float], energies_ev: Mapping[float, float], metal_ev: float, valence: int
) -> list[VoltageStep]:
    _ends(energies_ev)
    return [
        VoltageStep(
            a, b, insertion_voltage(energies_ev[a], energies_ev[b], metal_ev, b - a, valence)
        )
        for a, b in pairwise(order)
    ]


def _ends(energies_ev: Mapping[float, float]) -> tuple[float, float]:
    if len(energies_ev) < 2:  # noqa: PLR2004 - a voltage lies between two compositions
        raise ValueError("a voltage needs two compositions")
    if not all(math.isfinite(v) for v in energies_ev.values()):
        raise ValueError("an energy is not a finite number")
    return min(energies_ev), max(energies_ev)


def _lower_hull(energies_ev: Mapping[float, float]) -> list[float]:
    """Return the compositions on the lower convex hull (Andrew's monotone chain)."""
    hull: list[float] = []
    for x in sorted(energies_ev):
        while len(hull) > 1:
            a, b = hull[-2:]
            slope = (energies_ev[x] - energies_ev[a]) / (x - a)
            if energies_ev[b] < energies_ev[a] + slope * (b - a):
                break
            hull.pop()
        hull.append(x)
    return hull
