"""Loewdin analysis: where an orbital lives, and the charge and spin of each atom.

In orthogonalised atomic orbitals, C' = S^(1/2) C, the weights |C'|^2 of an orbital lie between 0
and 1 and sum to 1 (P.-O. Loewdin, J. Chem. Phys. 18, 365 (1950), doi:10.1063/1.1747632).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mgscreen.engines.base import FrontierOrbitals
from mgscreen.engines.units import HARTREE_EV

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OCCUPIED = 1e-3
"""an orbital with more electrons than this is occupied"""


def square_root(overlap: Array) -> Array:
    """Return the symmetric square root of an overlap matrix."""
    values, vectors = np.linalg.eigh(overlap)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return np.asarray(root)


def per_atom(values: Array, atom_of_orbital: Array, n_atoms: int) -> Array:
    """Sum values of atomic orbitals, shape (n_ao,), over the orbitals of each atom."""
    summed = np.bincount(atom_of_orbital, weights=values, minlength=n_atoms)
    return np.asarray(summed, dtype=float)


def frontier(
    energies: Array, occupations: Array, orthogonal: Array, atom_of_orbital: Array, n_atoms: int
) -> FrontierOrbitals:
    """Find the frontier orbitals of one spin.

    Parameters
    ----------
    energies
        Hartree, shape (n_mo,).
    occupations
        Shape (n_mo,).
    orthogonal
        Coefficients in orthogonalised atomic orbitals, S^(1/2) C, shape (n_ao, n_mo).
    atom_of_orbital
        Atom of each atomic orbital, shape (n_ao,).
    n_atoms
        Number of atoms.
    """
    occupied = np.flatnonzero(occupations > OCCUPIED)
    empty = np.flatnonzero(occupations <= OCCUPIED)
    result = FrontierOrbitals(homo_ev=None, lumo_ev=None)
    if occupied.size:
        homo = occupied[np.argmax(energies[occupied])]
        result.homo_ev = float(energies[homo] * HARTREE_EV)
        result.homo_weights = per_atom(orthogonal[:, homo] ** 2, atom_of_orbital, n_atoms)
    if empty.size:
        lumo = empty[np.argmin(energies[empty])]
        result.lumo_ev = float(energies[lumo] * HARTREE_EV)
        result.lumo_weights = per_atom(orthogonal[:, lumo] ** 2, atom_of_orbital, n_atoms)
    return result
