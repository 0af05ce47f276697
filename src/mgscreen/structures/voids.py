"""Voids of a crystal, and the crystal with atoms in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]

SYMPREC = 0.05
MERGE_A = 0.5
"""Vertices nearer than this are one void, angstrom."""
LEAST_RADIUS_A = 1.6
"""A void is no narrower: the distance from its centre to the nearest atom, angstrom."""
LEAST_SEPARATION_A = 2.4
"""Inserted atoms start no nearer to each other, angstrom."""
RATTLE_A = 0.08
"""A start at a special position has no force off it, be it a minimum or not: it is moved."""
MAX_STARTS = 10
EDGE = 1e-6
"""A vertex on the border of the cell belongs to one side."""


@dataclass(frozen=True)
class Void:
    """A place between atoms.

    Attributes
    ----------
    position
        Fractional, in the cell of the host.
    radius_a
        Distance to the nearest atom, angstrom.
    kind
        Voids of one kind are equal by symmetry; 0 is the widest.
    """

    position: tuple[float, float, float]
    radius_a: float
    kind: int


def find_voids(host: AtomicStructure, kinds: int = 6) -> list[Void]:
    """Return the widest voids of a crystal with all their images in the cell.

    They are the vertices of the Voronoi tessellation of the atoms: points as far as possible from
    the atoms around them.

    Parameters
    ----------
    host
        Periodic in three directions.
    kinds
        So many kinds at most, by symmetry.

    Raises
    ------
    InputError
        If the host is no crystal.
    """
    return _closed(host, kinds)[0]


def insertion_hosts(
    host: AtomicStructure, species: str, n: int, max_starts: int = MAX_STARTS
) -> list[AtomicStructure]:
    """Return a host with ``n`` atoms in its voids, each arrangement once by symmetry.

    Parameters
    ----------
    host
        Periodic in three directions, neutral.
    species
        Element that goes in.
    n
        Atoms per cell.
    max_starts
        So many arrangements at most: those of the widest voids, at equal width of the most distant
        atoms.

    Returns
    -------
    list of AtomicStructure
        The host's atoms first, in their order and places, then the new ones, each moved a little
        off its void, by the same amount every time.

    Raises
    ------
    InputError
        If the host is no crystal, ``n`` is below one, or the atoms do not fit.
    """
    if n < 1:
        raise InputError(f"{n} {species} cannot be inserted: expected at least 1")
    voids, permutations = _closed(host, kinds=6)
    cell = np.asarray(host.cell, dtype=float)
    xyz = np.array([v.position for v in voids]).reshape(-1, 3)
    apart = _distances(xyz, xyz, cell)
    chosen: dict[tuple[int, ...], tuple[float, float]] = {}
    for sites in _combinations(apart, n):
        name = min(tuple(sorted(p[list(sites)])) for p in permutations)
        if name in chosen:
            continue
        width = sum(voids[i].radius_a for i in sites)
        gap = min((apart[i, j] for i, j in combinations(sites, 2)), default=0.0)
        chosen[name] = (-round(width, 2), -gap)
    if not chosen:
        raise InputError(
            f"{n} {species} do not fit into {host.label or host.formula}: it has {len(voids)} "
            f"voids, and {LEAST_SEPARATION_A} angstrom between two atoms are the least"
        )
    order = sorted(chosen, key=lambda sites: (chosen[sites], sites))[:max_starts]
    rng = np.random.default_rng(0)
    label = f"{species if n == 1 else f'{species}{n}'} in {host.label or host.formula}"
    result = []
    for sites in order:
        moves = rng.normal(size=(n, 3))
        moves *= RATTLE_A / np.linalg.norm(moves, axis=1)[:, None]
        new = xyz[list(sites)] @ cell + moves
        result.append(
            host.model_copy(
                update={
                    "symbols": (*host.symbols, *[species] * n),
                    "positions": (
                        *host.positions,
                        *(tuple(float(x) for x in row) for row in new),
                    ),
                    "label": label,
                }
            )
        )
    return result


def _combinations(apart: Array, n: int) -> list[tuple[int, ...]]:
    """Return the sets of sites that are far enough from each other, grown one by one."""
    fits = apart >= LEAST_SEPARATION_A
    sets: list[tuple[int, ...]] = [(i,) for i in range(len(apart))]
    for _ in range(n - 1):
        sets = [
            (*s, j)
            for s in sets
            for j in range(s[-1] + 1, len(apart))
            if all(fits[i, j] for i in s)
        ]
    return sets


def _closed(host: AtomicStructure, kinds: int) -> tuple[list[Void], list[NDArray[np.int64]]]:
    """Return voids closed under the symmetry of the host, and how each operation permutes them."""
    if host.cell is None or not all(host.pbc):
        raise InputError(f"{host.label or host.formula} is not a three-dimensional crystal")
    cell = np.asarray(host.cell, dtype=float)
    atoms = np.asarray(host.positions, dtype=float) @ np.linalg.inv(cell)
    rotations, translations = _operations(host, cell, atoms)
    voids: list[Void] = []
    places = np.empty((0, 3))
    kind = 0
    for point, _ in _vertices(atoms, cell):
        if kind == kinds:
            break
        images = (np.einsum("kij,j->ki", rotations, point) + translations) % 1.0
        # the images of a point that is nearly special gather around the special point
        near = _distances(images, point[None], cell)[:, 0] < MERGE_A
        shift = images[near] - point
        centre = point + (shift - np.round(shift)).mean(axis=0)
        images = (np.einsum("kij,j->ki", rotations, centre) + translations) % 1.0
        if len(places) and _distances(images[:1], places, cell).min() < MERGE_A:
            continue
        radius = float(_distances(centre[None], atoms, cell).min())
        if radius < LEAST_RADIUS_A:
            continue
        own = images[:0]
        for image in images:
            if not len(own) or _distances(image[None], own, cell).min() > MERGE_A / 5:
                own = np.vstack([own, image])
        voids += [Void((float(a), float(b), float(c)), radius, kind) for a, b, c in own]
        places = np.vstack([places, own])
        kind += 1
    if not voids:
        raise InputError(f"{host.label or host.formula} has no void wider than {LEAST_RADIUS_A}")
    permutations = [
        _distances((places @ r.T + t) % 1.0, places, cell).argmin(axis=1)
        for r, t in zip(rotations, translations, strict=True)
    ]
    return voids, permutations


def _vertices(atoms: Array, cell: Array) -> list[tuple[Array, float]]:
    """Return the vertices in the cell, fractional, and their radii, widest first."""
    from scipy.spatial import Voronoi

    shifts = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    # a short cell needs more images before its vertices are those of the crystal
    repeat = np.maximum(1, np.ceil(6.0 / np.linalg.norm(cell, axis=1))).astype(int)
    if (repeat > 1).any():
        a, b, c = (np.arange(-m, m + 1) for m in repeat)
        shifts = np.array(np.meshgrid(a, b, c)).reshape(3, -1).T
    cloud = (atoms[None] + shifts[:, None]).reshape(-1, 3) @ cell
    fractional = Voronoi(cloud).vertices @ np.linalg.inv(cell)
    inside = fractional[((fractional > -EDGE) & (fractional < 1 - EDGE)).all(axis=1)]
    radius = _distances(inside, atoms, cell).min(axis=1)
    order = np.lexsort((*np.round(inside, 3).T, -np.round(radius, 3)))
    return [(inside[i], float(radius[i])) for i in order]


def _operations(host: AtomicStructure, cell: Array, atoms: Array) -> tuple[Any, Any]:
    import spglib
    from ase.data import atomic_numbers

    numbers = [atomic_numbers[s] for s in host.symbols]
    found = spglib.get_symmetry((cell.tolist(), atoms.tolist(), numbers), symprec=SYMPREC)
    if found is None:
        return np.eye(3)[None], np.zeros((1, 3))
    return found["rotations"], found["translations"]


def _distances(first: Array, second: Array, cell: Array) -> Array:
    """Return the shortest distances between two sets of fractional points, angstrom."""
    from pymatgen.core.lattice import Lattice

    return np.asarray(Lattice(cell).get_all_distances(first, second), dtype=np.float64)
