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
_SAMPLES = 96
_DEEPEST = 0.25
"""Deepest overlap of a pose, as a fraction of the clearance."""


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
    wanted = np.array([contact_distance(metal, symbols[a]) for a in atoms])
    points = _meeting(positions[list(atoms)], wanted)
    if points is None:
        return None
    others = np.array([i for i in range(len(symbols)) if i not in atoms], dtype=int)
    if not len(others):
        return np.round(points[0], 6), 0.0
    limits = CLEARANCE * np.array([_least(metal, symbols[i]) for i in others])
    distances = np.linalg.norm(points[:, None] - positions[others][None], axis=2)
    near = np.clip(limits - distances, 0, None)
    clash = near.sum(axis=1)
    # where several points are free of clashes, the most open one
    best = int(np.lexsort((np.round((1 / distances).sum(axis=1), 6), np.round(clash, 6)))[0])
    if near[best].max() > _DEEPEST * limits.max():
        return None
    return np.round(points[best], 6), float(clash[best])


def _meeting(at: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Points at the given distances from one to three donors, shape (n, 3), angstrom.

    One sphere is sampled on a Fibonacci grid, the circle of two on even angles; three meet in two
    points. Spheres that miss each other by less than the allowed misfit are taken as touching.
    """
    if len(at) == 1:
        k = np.arange(_SAMPLES) + 0.5
        height = 1 - 2 * k / _SAMPLES
        turn = np.pi * (1 + 5**0.5) * k
        flat = np.sqrt(1 - height**2)
        sphere = np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
        return np.asarray(at[0] + radii[0] * sphere)
    axis = at[1] - at[0]
    length = float(np.linalg.norm(axis))
    axis = axis / length
    along = (radii[0] ** 2 - radii[1] ** 2 + length**2) / (2 * length)
    middle = at[0] + along * axis
    if length > radii.sum() + 2 * MISFIT_A:
        return None
    radius = np.sqrt(max(radii[0] ** 2 - along**2, 0.0))
    if len(at) == 2:  # noqa: PLR2004 - a chelate
        helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
        u = np.cross(axis, helper)
        u /= np.linalg.norm(u)
        angles = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES
        circle = np.outer(np.cos(angles), u) + np.outer(np.sin(angles), np.cross(axis, u))
        return np.asarray(middle + radius * circle)
    u = at[2] - middle
    u = u - (u @ axis) * axis
    offset = float(np.linalg.norm(u))
    if offset < 1e-6:  # noqa: PLR2004 - three donors in a line
        return None
    u /= offset
    rise = float((at[2] - middle) @ axis)
    inward = (radius**2 - radii[2] ** 2 + rise**2 + offset**2) / (2 * offset)
    out = np.sqrt(max(radius**2 - inward**2, 0.0))
    base = middle + inward * u
    points = np.array([base + out * np.cross(axis, u), base - out * np.cross(axis, u)])
    off = np.abs(np.linalg.norm(points[:, None] - at[None], axis=2) - radii)
    return points if off.max() <= MISFIT_A else None


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
