"""Turn rigid ligands around their metal ions until they are out of each other's way."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.structures.poses import Pose

_TRIES = 4
_ATOM_A = 2.6
"""Atoms of different ligands nearer than this (angstrom; hydrogen: less) repel each other."""
_HYDROGEN_A = 0.35
_DONOR_WEIGHT = 3.0


def pack(
    ligands: Sequence[Pose],
    centres: NDArray[np.float64],
    core: tuple[tuple[str, ...], NDArray[np.float64]],
    rng: np.random.Generator,
    fixed_donors: NDArray[np.float64],
) -> tuple[list[NDArray[np.float64]], float]:
    """Return the positions (angstrom) of each ligand and the clash that is left.

    Ligands turn about their metal, so that metal-donor distances stay. Overlaps cost
    quadratically, and donors of one shell repel each other as points on a sphere do, which makes
    linear, trigonal, tetrahedral and octahedral shells.

    Parameters
    ----------
    ligands
        Each with its metal at the origin.
    centres
        Position of the metal of each ligand, shape (n, 3).
    core
        Symbols and positions of atoms that stay.
    rng
        Random start orientations.
    fixed_donors
        Positions of core atoms that are donors, shape (m, 3).
    """
    from scipy.optimize import minimize
    from scipy.spatial.transform import Rotation

    bodies = [p.positions for p in ligands]
    owner = np.concatenate([np.full(len(b), k) for k, b in enumerate(bodies)])
    owner = np.concatenate([owner, np.full(len(core[0]), -1)])
    size = np.array([_size(s) for p in ligands for s in p.symbols] + [_size(s) for s in core[0]])
    first, second = np.triu_indices(len(owner), 1)
    apart = owner[first] != owner[second]
    first, second = first[apart], second[apart]
    limit = (size[first] + size[second]) / 2
    starts = np.cumsum([0] + [len(b) for b in bodies])
    inner = np.array([starts[k] + d for k, p in enumerate(ligands) for d in p.donors], dtype=int)
    in_shell = np.triu_indices(len(inner) + len(fixed_donors), 1)

    def place(angles: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = [
            Rotation.from_rotvec(angles[3 * k : 3 * k + 3]).apply(b) + centres[k]
            for k, b in enumerate(bodies)
        ]
        return np.vstack([*turned, core[1]])

    def cost(angles: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        xyz = place(angles)
        slope = np.zeros_like(xyz)
        line = xyz[first] - xyz[second]
        length = np.clip(np.linalg.norm(line, axis=1), 1e-6, None)
        gap = np.clip(limit - length, 0, None)
        total = float((gap**2).sum())
        push = (-2 * gap / length)[:, None] * line
        np.add.at(slope, first, push)
        np.add.at(slope, second, -push)
        shell = np.vstack([xyz[inner], fixed_donors])
        line = shell[in_shell[0]] - shell[in_shell[1]]
        square = np.clip((line**2).sum(axis=1), 0.25, None)
        total += _DONOR_WEIGHT * float((1 / square).sum())
        push = (-2 * _DONOR_WEIGHT / square**2)[:, None] * line
        on_shell = np.zeros_like(shell)
        np.add.at(on_shell, in_shell[0], push)
        np.add.at(on_shell, in_shell[1], -push)
        slope[inner] += on_shell[: len(inner)]
        torques = [
            _rotation_gradient(
                angles[3 * k : 3 * k + 3],
                np.cross(xyz[a:b] - centres[k], slope[a:b]).sum(axis=0),
            )
            for k, (a, b) in enumerate(pairwise(starts))
        ]
        return total, np.concatenate(torques)

    best: tuple[float, NDArray[np.float64]] | None = None
    for _ in range(_TRIES):
        start = Rotation.random(len(bodies), rng=rng).as_rotvec().ravel()
        end = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 80})
        if best is None or end.fun < best[0] - 1e-9:
            best = (float(end.fun), place(end.x))
    assert best is not None  # noqa: S101 - _TRIES is positive
    xyz = np.round(best[1], 6)
    left = limit * 0.75 - np.linalg.norm(xyz[first] - xyz[second], axis=1)
    parts = [xyz[starts[k] : starts[k + 1]] for k in range(len(bodies))]
    return parts, float(np.clip(left, 0, None).sum()) if len(left) else 0.0


def _rotation_gradient(
    vector: NDArray[np.float64], torque: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn a torque into the gradient along a rotation vector (left Jacobian of SO(3))."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-8:  # noqa: PLR2004 - the limit of no rotation
        return torque
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    jacobian = (
        np.eye(3)
        + (1 - np.cos(angle)) / angle**2 * cross
        + (angle - np.sin(angle)) / angle**3 * cross @ cross
    )
    gradient: NDArray[np.float64] = jacobian.T @ torque
    return gradient


def _size(symbol: str) -> float:
    if symbol == "H":
        return _ATOM_A - 2 * _HYDROGEN_A
    heavy = {"Cl": 0.6, "Br": 0.7, "I": 0.9, "S": 0.4, "P": 0.4, "Si": 0.5}
    return _ATOM_A + heavy.get(symbol, 0.2)
