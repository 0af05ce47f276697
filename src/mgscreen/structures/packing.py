"""Turn rigid ligands around their metal ions until they are out of each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.structures.poses import Pose

_TRIES = 6
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
    inner = [starts[k] + d for k, p in enumerate(ligands) for d in p.donors]
    points = [k for k, p in enumerate(ligands) for _ in p.donors]
    metal_of = centres[points] if points else np.zeros((0, 3))

    def place(angles: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = [
            Rotation.from_rotvec(angles[3 * k : 3 * k + 3]).apply(b) + centres[k]
            for k, b in enumerate(bodies)
        ]
        return np.vstack([*turned, core[1]])

    def cost(angles: NDArray[np.float64]) -> float:
        xyz = place(angles)
        gap = limit - np.linalg.norm(xyz[first] - xyz[second], axis=1)
        total = float((np.clip(gap, 0, None) ** 2).sum())
        shell = np.vstack([xyz[inner], fixed_donors])
        distance = np.linalg.norm(shell[:, None] - shell[None], axis=2)
        i, j = np.triu_indices(len(shell), 1)
        total += _DONOR_WEIGHT * float((1 / np.clip(distance[i, j], 0.5, None) ** 2).sum())
        return total

    del metal_of
    best: tuple[float, NDArray[np.float64]] | None = None
    for _ in range(_TRIES):
        start = Rotation.random(len(bodies), rng=rng).as_rotvec().ravel()
        end = minimize(cost, start, method="L-BFGS-B", options={"maxiter": 60})
        if best is None or end.fun < best[0] - 1e-9:
            best = (float(end.fun), place(end.x))
    assert best is not None  # noqa: S101 - _TRIES is positive
    xyz = np.round(best[1], 6)
    left = limit * 0.75 - np.linalg.norm(xyz[first] - xyz[second], axis=1)
    parts = [xyz[starts[k] : starts[k + 1]] for k in range(len(bodies))]
    return parts, float(np.clip(left, 0, None).sum()) if len(left) else 0.0


def _size(symbol: str) -> float:
    if symbol == "H":
        return _ATOM_A - 2 * _HYDROGEN_A
    heavy = {"Cl": 0.6, "Br": 0.7, "I": 0.9, "S": 0.4, "P": 0.4, "Si": 0.5}
    return _ATOM_A + heavy.get(symbol, 0.2)
