"""Harmonic vibrations from a Hessian, and a Hessian from differences of forces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from mgscreen.engines.base import VibrationResult
from mgscreen.engines.units import ATOMIC_MASS_ME, BOHR_A, FORCE_EV_A, HARTREE_CM1

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]
    ForcesAt = Callable[[Array], tuple[float, Array]]

LINEAR = 1e-4
"""a rotation whose vector is this short, relative to the longest, does not exist"""


def finite_difference_hessian(forces_at: ForcesAt, positions: Array, displacement: float) -> Array:
    """Differentiate forces centrally.

    Parameters
    ----------
    forces_at
        Positions to energy (eV) and forces (eV/angstrom); ``Steps`` keeps its answers on disk.
    positions
        The stationary point, angstrom, shape (n, 3).
    displacement
        Angstrom.

    Returns
    -------
    Symmetric, hartree/bohr^2, shape (3n, 3n).
    """
    size = positions.size
    hessian = np.zeros((size, size))
    for coordinate in range(size):
        difference = np.zeros(size)
        for sign in (1.0, -1.0):
            moved = positions.copy()
            moved.flat[coordinate] += sign * displacement
            _, forces = forces_at(moved)
            difference -= sign * forces.ravel()
        hessian[coordinate] = difference / (2.0 * displacement)
    return 0.5 * (hessian + hessian.T) / FORCE_EV_A * BOHR_A


def harmonic_modes(
    structure: AtomicStructure, hessian: Array, warnings: list[str] | None = None
) -> VibrationResult:
    """Diagonalise the mass-weighted Hessian without translations and rotations.

    Masses are the standard atomic weights.

    Parameters
    ----------
    structure
        Atoms at the stationary point.
    hessian
        Hartree/bohr^2, shape (3n, 3n).
    warnings
        To be passed on.
    """
    positions = np.array(structure.positions)
    masses = atomic_masses[[atomic_numbers[s] for s in structure.symbols]]
    roots = np.repeat(np.sqrt(masses), 3)
    n = len(masses)
    centred = positions - np.average(positions, axis=0, weights=masses)
    rigid = [np.tile(axis, n) * roots for axis in np.eye(3)]
    rigid += [np.cross(axis, centred).ravel() * roots for axis in np.eye(3)]
    vectors, lengths, _ = np.linalg.svd(np.array(rigid).T, full_matrices=True)
    rank = int((lengths > LINEAR * lengths[0]).sum())
    inner = vectors[:, rank:]
    if inner.shape[1] == 0:
        return VibrationResult(np.zeros(0), np.zeros((0, n, 3)), list(warnings or []))
    weighted = hessian / np.outer(roots, roots) / ATOMIC_MASS_ME
    squares, modes = np.linalg.eigh(inner.T @ weighted @ inner)
    wavenumbers = np.sign(squares) * np.sqrt(np.abs(squares)) * HARTREE_CM1
    cartesian = (inner @ modes).T / roots
    cartesian /= np.linalg.norm(cartesian, axis=1, keepdims=True)
    return VibrationResult(wavenumbers, cartesian.reshape(-1, n, 3), list(warnings or []))
