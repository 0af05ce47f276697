"""Interstitial sites of a crystal, found by geometry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.core.errors import InputError
from mgscreen.structures.hop_network import SpaceGroup
from mgscreen.structures.supercells import primitive_cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]

MERGE = 1.0
"""Of sites closer than this the roomier one is kept, angstrom."""
CLUSTER = 0.5
"""Images of a corner that lie this close are one site, in their middle, angstrom."""
ROOM = 0.8
"""Least radius of a site, as a part of the shortest bond of the element."""
SHELL = 1.25
"""Atoms up to this many times the nearest distance coordinate a site."""
EDGE = 0.01
"""Corners this far outside the cell, fractional, still count as on its faces."""
NAMES = {2: "linear", 3: "trigonal", 4: "tetrahedral", 6: "octahedral", 8: "cubic"}


@dataclass(frozen=True)
class Interstitial:
    """A symmetry-distinct interstitial site.

    Attributes
    ----------
    position
        Fractional coordinates in the primitive cell
        (:func:`~mgscreen.structures.supercells.primitive_cell`).
    multiplicity
        How many such sites there are in the primitive cell.
    coordination
        How many atoms coordinate the site, and their elements.
    radius_a
        Distance from the nearest atom, angstrom.
    name
        ``octahedral-1`` and so on, by the number of atoms around it that are not of the hopping
        element; the roomiest first.
    """

    position: tuple[float, float, float]
    multiplicity: int
    coordination: tuple[int, tuple[str, ...]]
    radius_a: float
    name: str


def interstitial_sites(
    crystal: AtomicStructure, species: str, *, min_radius_a: float | None = None
) -> list[Interstitial]:
    """Return the symmetry-distinct holes of a crystal that have room for an atom.

    They are corners of the Voronoi diagram of all atoms, points as far as possible from the four
    or more atoms nearest to them [1]_. Images of a corner that lie within ``CLUSTER`` of each other
    become one site in their middle; of sites within ``MERGE`` of each other the roomier one stays.
    Gaps between layers need no special care.

    Parameters
    ----------
    crystal
        Any cell of the crystal.
    species
        Element to be placed.
    min_radius_a
        Least distance from the nearest atom, angstrom. None: ``ROOM`` times the shortest distance
        of the element from another one in the crystal, or, where the crystal does not contain the
        element, of the sum of covalent radii with the smallest element of the crystal.

    Returns
    -------
    list of Interstitial
        The roomiest first.

    Raises
    ------
    InputError
        If the crystal is not periodic in three directions.

    References
    ----------
    .. [1] M. D. Broberg et al., Comput. Phys. Commun. 226, 165 (2018).

    Examples
    --------
    >>> from mgscreen.structures.crystals import load_crystal
    >>> [(s.name, s.multiplicity) for s in interstitial_sites(load_crystal("MgO"), "Mg")]
    [('tetrahedral-1', 2)]
    """
    primitive = primitive_cell(crystal)
    group = SpaceGroup.of(primitive)
    cell = np.array(primitive.cell)
    surroundings = _Surroundings.of(primitive)
    least = _least_radius(primitive, species) if min_radius_a is None else min_radius_a
    found: list[tuple[float, Array]] = []
    for corner in _corners(surroundings, cell):
        point = _centre(corner, cell, group)
        radius = surroundings.radius(point @ cell)
        if radius >= least:
            found.append((radius, point))
    # among corners with equal room the order must not depend on rounding
    found.sort(key=lambda item: (-round(item[0], 3), tuple(np.round(item[1] % 1.0, 3).tolist())))
    kept: list[tuple[float, Array]] = []
    taken = np.zeros((0, 3))
    for radius, point in found:
        if len(taken) and _distances(point, taken, cell).min() < MERGE:
            continue
        images = _distinct(group.images(point), cell)
        kept.append((radius, images))
        taken = np.concatenate([taken, images])
    return _named(kept, cell, surroundings, species)


def positions_of(site: Interstitial, cell: Array, group: SpaceGroup) -> Array:
    """Return all positions of a site in the primitive cell, fractional (multiplicity, 3)."""
    return _distinct(group.images(np.array(site.position)), cell)


@dataclass(frozen=True)
class _Surroundings:
    """All atoms of a primitive cell and of the cells around it."""

    positions: Array
    symbols: tuple[str, ...]

    @classmethod
    def of(cls, primitive: AtomicStructure) -> _Surroundings:
        cell = np.array(primitive.cell)
        # three cells each way, more along short vectors, so that no cell of the diagram that
        # touches the origin cell is open
        spacing = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        reach = np.maximum(2, np.ceil(10.0 / spacing)).astype(int)
        shifts = np.array(list(product(*(range(-n, n + 1) for n in reach)))) @ cell
        positions = (np.array(primitive.positions)[:, None] + shifts[None]).reshape(-1, 3)
        symbols = tuple(symbol for symbol in primitive.symbols for _ in shifts)
        return cls(positions=positions, symbols=symbols)

    def radius(self, point: Array) -> float:
        return float(np.linalg.norm(self.positions - point, axis=1).min())


def _corners(surroundings: _Surroundings, cell: Array) -> Array:
    """Return the corners of the Voronoi diagram in the origin cell, fractional, each once."""
    from scipy.spatial import Voronoi

    corners = Voronoi(surroundings.positions).vertices @ np.linalg.inv(cell)
    inside = corners[np.all((corners > -EDGE) & (corners < 1 + EDGE), axis=1)]
    return _distinct(inside, cell)


def _centre(corner: Array, cell: Array, group: SpaceGroup) -> Array:
    """Return the middle of all images of a point that are near it."""
    apart = group.images(corner) - corner
    apart -= np.rint(apart)
    near = apart[np.linalg.norm(apart @ cell, axis=1) < CLUSTER]
    return np.asarray(corner + near.mean(axis=0))


def _distances(point: Array, others: Array, cell: Array) -> Array:
    """Return the distances of a fractional point from the nearest images of others, angstrom."""
    apart = others - point
    apart = apart - np.rint(apart)
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    return np.asarray(np.linalg.norm((apart[:, None] + shifts[None]) @ cell, axis=2).min(axis=1))


def _distinct(points: Array, cell: Array, tolerance: float = 0.1) -> Array:
    """Return fractional points wrapped into the cell, each of those that coincide once."""
    kept: list[Array] = []
    for point in points:
        if not kept or _distances(point, np.array(kept), cell).min() > tolerance:
            kept.append((point + 1e-6) % 1.0 - 1e-6)
    return np.array(kept).reshape(-1, 3)


def _least_radius(primitive: AtomicStructure, species: str) -> float:
    from ase.data import atomic_numbers, covalent_radii
    from ase.neighborlist import neighbor_list

    if species not in atomic_numbers:
        raise InputError(f"'{species}' is not an element")
    first, second, distance = neighbor_list("ijd", primitive.to_ase(), 6.0)
    bonds = [
        d
        for i, j, d in zip(first, second, distance, strict=True)
        if primitive.symbols[i] == species and primitive.symbols[j] != species
    ]
    if bonds:
        return ROOM * float(min(bonds))
    smallest = min(covalent_radii[atomic_numbers[s]] for s in primitive.symbols)
    return ROOM * float(smallest + covalent_radii[atomic_numbers[species]])


def _named(
    kept: list[tuple[float, Array]], cell: Array, surroundings: _Surroundings, species: str
) -> list[Interstitial]:
    symbols = np.array(surroundings.symbols)
    hosts = symbols != species
    if not hosts.any():
        hosts[:] = True
    counts: Counter[str] = Counter()
    found = []
    for radius, images in kept:
        distance = np.linalg.norm(surroundings.positions[hosts] - images[0] @ cell, axis=1)
        near = distance < SHELL * distance.min()
        number = int(near.sum())
        shape = NAMES.get(number, f"{number}-fold")
        counts[shape] += 1
        x, y, z = (float(value) for value in images[0])
        found.append(
            Interstitial(
                position=(x, y, z),
                multiplicity=len(images),
                coordination=(number, tuple(sorted(set(symbols[hosts][near].tolist())))),
                radius_a=radius,
                name=f"{shape}-{counts[shape]}",
            )
        )
    return found
