"""A model of the curvatures of a solid, and how it learns from forces.

An optimiser is as quick as its idea of the curvatures. It starts from springs between neighbours,
stiffer the shorter (the exponential preconditioner of D. Packwood et al., J. Chem. Phys. 144,
164109 (2016), with most of the stiffness along the bond), and learns from every pair of points.
What one relaxation learned serves the next: the atoms far from the hop are the same in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STIFFNESS = 3.0
"""of the shortest bond, eV/angstrom^2; the first two points rescale it"""
DECAY = 3.0
"""of the stiffness with the length of a bond, per length of the shortest"""
TRANSVERSE = 0.15
"""stiffness across a bond, as a part of that along it"""
FLOOR = 0.4
"""stiffness against nothing, eV/angstrom^2: keeps soft directions from running away"""


def springs(atoms: Atoms) -> Array:
    """Return the model's second derivatives, shape (3n, 3n), eV/angstrom^2.

    Parameters
    ----------
    atoms
        Positions and cell; no calculator is asked.
    """
    from ase.neighborlist import neighbor_list

    n = len(atoms)
    nearest = _nearest(atoms)
    first, second, distance, vector = neighbor_list("ijdD", atoms, 2.2 * float(nearest.max()))
    scale = np.sqrt(nearest[first] * nearest[second])
    keep = distance < 2.0 * scale
    first, second, distance, vector = first[keep], second[keep], distance[keep], vector[keep]
    stiffness = STIFFNESS * np.exp(-DECAY * (distance / scale[keep] - 1.0))
    unit = vector / distance[:, None]
    along = unit[:, :, None] * unit[:, None, :]
    blocks = stiffness[:, None, None] * (
        along * (1.0 - TRANSVERSE) + TRANSVERSE * np.eye(3)[None, :, :]
    )
    matrix = np.zeros((n, n, 3, 3))
    np.add.at(matrix, (first, second), -blocks)
    np.add.at(matrix, (first, first), blocks)
    whole = matrix.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    symmetric: Array = 0.5 * (whole + whole.T) + FLOOR * np.eye(3 * n)
    return symmetric


def _nearest(atoms: Atoms) -> Array:
    """Distance of each atom to its nearest neighbour, angstrom."""
    from ase.neighborlist import neighbor_list

    reach = 3.0
    while True:
        first, distance = neighbor_list("id", atoms, reach)
        if len(set(first.tolist())) == len(atoms) or reach > 15.0:  # noqa: PLR2004 - alone
            break
        reach *= 1.3
    nearest = np.full(len(atoms), reach)
    np.minimum.at(nearest, first, distance)
    return nearest


class Curvature:
    """Second derivatives: the springs at a geometry, and what was learned on the way.

    Parameters
    ----------
    atoms
        Symbols and cell.
    positions
        Flat, length 3n, angstrom.
    """

    def __init__(self, atoms: Atoms, positions: Array) -> None:
        self.atoms = atoms.copy()
        self.model = self._springs(positions)
        self.matrix = self.model.copy()
        self.scaled = False

    def _springs(self, positions: Array) -> Array:
        self.atoms.positions[:] = positions.reshape(-1, 3)
        return springs(self.atoms)

    def moved(self, positions: Array) -> Curvature:
        """Return what is known, with the springs of another geometry."""
        other = Curvature(self.atoms, positions)
        factor = self.factor if self.scaled else 1.0
        other.model *= factor
        other.matrix = _positive(self.matrix + other.model - self.model)
        other.factor, other.scaled = factor, self.scaled
        return other

    factor: float = 1.0

    def learn(self, step: Array, change: Array) -> None:
        """Take in the change of the gradient along a step, keeping all curvatures positive.

        BFGS with the damping of M. J. D. Powell (Nocedal and Wright, Numerical Optimization,
        procedure 18.2).
        """
        bent = self.matrix @ step
        expected, found = float(step @ bent), float(step @ change)
        if expected <= 0.0:
            return
        if not self.scaled and found > 0.0:
            factor = float(np.clip(found / expected, 0.25, 6.0))
            self.factor, self.scaled = factor, True
            self.model *= factor
            self.matrix *= factor
            bent, expected = bent * factor, expected * factor
        if found < 0.2 * expected:
            part = 0.8 * expected / (expected - found)
            change = part * change + (1.0 - part) * bent
            found = float(step @ change)
        self.matrix += np.outer(change, change) / found - np.outer(bent, bent) / expected

    def learn_any(self, step: Array, change: Array) -> None:
        """Take in the change of the gradient along a step, whatever the signs of the curvatures.

        TS-BFGS: J. M. Bofill, Int. J. Quantum Chem. 94, 324 (2003), eq. 23, as the saddle search
        of E. D. Hermes et al., J. Chem. Theory Comput. 15, 6536 (2019) uses it.
        """
        values, vectors = np.linalg.eigh(self.matrix)
        size = vectors @ (np.abs(values) * (vectors.T @ step))
        miss = change - self.matrix @ step
        found, expected = float(step @ change), float(step @ size)
        weight = found**2 + expected**2
        if weight <= 0.0:
            return
        u = (found * change + expected * size) / weight
        self.matrix += np.outer(miss, u) + np.outer(u, miss) - float(miss @ step) * np.outer(u, u)

    def soften(self, direction: Array, curvature: float) -> None:
        """Set the curvature along a unit vector, leaving the rest as it is."""
        here = float(direction @ self.matrix @ direction)
        cross = self.matrix @ direction - here * direction
        self.matrix -= np.outer(cross, direction) + np.outer(direction, cross)
        self.matrix += (curvature - here) * np.outer(direction, direction)


def _positive(matrix: Array, least: float = 0.2) -> Array:
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    if values[0] >= least:
        return matrix
    values = np.maximum(np.abs(values), least)
    whole: Array = (vectors * values) @ vectors.T
    return whole
