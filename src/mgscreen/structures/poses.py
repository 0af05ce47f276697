"""Where a metal ion can sit at a ligand: mono-, bi- and tridentate poses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.structures.radii import contact_distance, covalent_radius

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.candidates.donors import Donor
    from mgscreen.structures.conformers import Conformer

MISFIT_A = 0.20
"""Largest deviation of a metal-donor distance from its usual value in a guess."""
CLEARANCE = 1.15
"""Other atoms stay at this multiple of the usual contact distance away."""
MAX_DENTICITY = 3


@dataclass(frozen=True)
class Pose:
    """A ligand with the metal at the origin.

    ``positions`` is in angstrom, shape (n, 3); ``clash`` is the sum of how much other atoms come
    too near, angstrom.
    """

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    donors: tuple[int, ...]
    rank: int
    clash: float


def poses(conformer: Conformer, found: list[Donor], metal: str) -> list[Pose]:
    """Return all poses of a metal at a conformer, the best of each donor set.

    Parameters
    ----------
    conformer
        The ligand.
    found
        Its donor atoms, best first.
    metal
        Element of the metal.
    """
    symbols, positions = conformer.symbols, conformer.positions
    if len(symbols) == 1:
        distance = contact_distance(metal, symbols[0])
        return [Pose(symbols, np.array([[0.0, 0.0, distance]]), (0,), 0, 0.0)]
    best = found[0].rank
    usable = [d for d in found if d.rank <= best + 1]
    result = []
    for size in range(1, MAX_DENTICITY + 1):
        for group in combinations(usable[:14], size):
            if all(d.rank > best for d in group):
                continue
            atoms = tuple(d.atom for d in group)
            spread = [
                np.linalg.norm(positions[a] - positions[b]) for a, b in combinations(atoms, 2)
            ]
            reach = 2 * max(contact_distance(metal, symbols[a]) for a in atoms)
            if spread and max(spread) > reach:
                continue
            site = _site(symbols, positions, atoms, metal)
            if site is not None:
                where, clash = site
                ranks = sum(d.rank for d in group)
                result.append(Pose(symbols, positions - where, atoms, ranks, clash))
    return result or [_forced(symbols, positions, found[0].atom, metal)]


def _site(
    symbols: tuple[str, ...], positions: NDArray[np.float64], atoms: tuple[int, ...], metal: str
) -> tuple[NDArray[np.float64], float] | None:
    """Place the metal at donors; None where their distances cannot all be met."""
    from scipy.optimize import minimize

    wanted = np.array([contact_distance(metal, symbols[a]) for a in atoms])
    others = np.array([i for i in range(len(symbols)) if i not in atoms], dtype=int)
    limits = CLEARANCE * np.array([_least(metal, symbols[i]) for i in others])

    def misfit(point: NDArray[np.float64]) -> float:
        near = np.linalg.norm(positions[list(atoms)] - point, axis=1) - wanted
        far = (
            limits - np.linalg.norm(positions[others] - point, axis=1) if len(others) else near[:0]
        )
        return float(10 * (near**2).sum() + (np.clip(far, 0, None) ** 2).sum())

    middle = positions[list(atoms)].mean(axis=0)
    outward = middle - positions.mean(axis=0)
    starts = [outward, *np.eye(3), *-np.eye(3)]
    best = None
    for start in starts:
        norm = np.linalg.norm(start)
        if norm < 1e-6:  # noqa: PLR2004 - a donor in the middle has no outward direction
            continue
        end = minimize(misfit, middle + start / norm * wanted.mean(), method="BFGS")
        if best is None or end.fun < best.fun - 1e-6:
            best = end
    if best is None:
        return None
    point = np.round(best.x, 6)
    off = np.abs(np.linalg.norm(positions[list(atoms)] - point, axis=1) - wanted)
    if off.max() > MISFIT_A:
        return None
    near = limits - np.linalg.norm(positions[others] - point, axis=1) if len(others) else off[:0]
    if len(near) and near.max() > 0.25 * limits.max():
        return None
    return point, float(np.clip(near, 0, None).sum())


def _forced(
    symbols: tuple[str, ...], positions: NDArray[np.float64], atom: int, metal: str
) -> Pose:
    """Put the metal straight above a buried donor, at a distance that clears all other atoms."""
    outward = positions[atom] - positions.mean(axis=0)
    norm = float(np.linalg.norm(outward))
    outward = np.array([0.0, 0.0, 1.0]) if norm < 1e-6 else outward / norm  # noqa: PLR2004
    distance = contact_distance(metal, symbols[atom])
    limits = np.array([_least(metal, s) for s in symbols])
    while True:
        point = np.round(positions[atom] + distance * outward, 6)
        if np.all(np.linalg.norm(positions - point, axis=1) >= 0.9 * limits):
            return Pose(symbols, positions - point, (atom,), 9, 0.0)
        distance += 0.1


def _least(metal: str, symbol: str) -> float:
    return covalent_radius(metal) + covalent_radius(symbol)
