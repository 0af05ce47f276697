"""Sites of a crystal, the steps between them, and which of these symmetry makes equal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.structures.crystals import SYMPREC
from mgscreen.structures.supercells import symmetry_operations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.structures.percolation import Edge

    Array = NDArray[np.float64]
    Integers = NDArray[np.int64]

SITE_TOLERANCE = 0.1
"""An operation maps one site onto another when it brings it this close, angstrom."""
DETOUR = 1.16
"""A hop is two shorter ones where the way by another site is at most this much longer: two equal
hops at 120 degrees, the second shell of a triangular lattice, are 1.155 times as long."""
SAME_LENGTH = 1e-3
"""Lengths that differ by less are equal when hops are sorted, angstrom."""


Operation = tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]
"""Cartesian rotation (3, 3) and translation (3,), angstrom: ``x -> rotation x + translation``."""


@dataclass(frozen=True)
class SpaceGroup:
    """Operations ``x -> rotation x + translation`` on fractional coordinates."""

    rotations: Integers
    translations: Array

    @classmethod
    def of(cls, crystal: AtomicStructure, symprec: float = SYMPREC) -> SpaceGroup:
        """Return the operations of a crystal, those of its own cell (spglib)."""
        rotations, translations = symmetry_operations(crystal, symprec)
        return cls(rotations=rotations, translations=translations)

    def images(self, point: Array) -> Array:
        """Return all images (n, 3) of a fractional point, not wrapped."""
        return np.asarray(self.rotations @ point + self.translations)


@dataclass(frozen=True)
class Network:
    """Sites of a primitive cell and what the operations of the crystal do to them.

    Attributes
    ----------
    cell
        Rows: vectors of the primitive cell, angstrom.
    sites
        Fractional coordinates, shape (n, 3).
    classes
        Number of the symmetry-distinct site that each is an image of, in the order of appearance.
    image_of, cell_of
        Operation ``k`` maps site ``i`` onto site ``image_of[k, i]`` in cell ``cell_of[k, i]``.
    """

    cell: Array
    sites: Array
    group: SpaceGroup
    classes: tuple[int, ...]
    image_of: Integers
    cell_of: Integers

    @classmethod
    def of(cls, cell: Array, sites: Array, group: SpaceGroup) -> Network:
        """Return the network of sites that are closed under the group.

        Raises
        ------
        ValueError
            If an operation maps a site onto none of the sites.
        """
        image_of = np.zeros((len(group.rotations), len(sites)), dtype=np.int64)
        cell_of = np.zeros((len(group.rotations), len(sites), 3), dtype=np.int64)
        for i, site in enumerate(sites):
            apart = group.images(site)[:, None, :] - sites[None]
            whole = np.rint(apart)
            distance = np.linalg.norm((apart - whole) @ cell, axis=2)
            nearest = np.argmin(distance, axis=1)
            at = np.arange(len(nearest))
            if np.any(distance[at, nearest] > SITE_TOLERANCE):
                msg = f"the sites are not closed under the space group (site {i})"
                raise ValueError(msg)
            image_of[:, i] = nearest
            cell_of[:, i] = whole[at, nearest]
        first = [int(image_of[:, i].min()) for i in range(len(sites))]
        order = {site: number for number, site in enumerate(sorted(set(first)))}
        return cls(
            cell=cell,
            sites=sites,
            group=group,
            classes=tuple(order[site] for site in first),
            image_of=image_of,
            cell_of=cell_of,
        )

    def vector(self, edge: Edge) -> Array:
        """Return the Cartesian vector of a step, angstrom."""
        first, second, translation = edge
        return np.asarray(
            (self.sites[second] + np.array(translation) - self.sites[first]) @ self.cell
        )

    def images(self, edge: Edge) -> list[Edge]:
        """Return the image of a step under each operation, started in the origin cell."""
        first, second, translation = edge
        moved = self.group.rotations @ np.array(translation, dtype=np.int64)
        moved = moved + self.cell_of[:, second] - self.cell_of[:, first]
        return [
            (int(i), int(j), (int(t[0]), int(t[1]), int(t[2])))
            for i, j, t in zip(
                self.image_of[:, first], self.image_of[:, second], moved, strict=True
            )
        ]

    def steps(self, max_distance: float) -> list[Edge]:
        """Return all steps from the sites of the origin cell up to a length, angstrom."""
        reach = np.ceil(max_distance * np.linalg.norm(np.linalg.inv(self.cell), axis=0)) + 1
        grid = np.array(list(product(*(range(-int(n), int(n) + 1) for n in reach))))
        found: list[Edge] = []
        for i, j in product(range(len(self.sites)), repeat=2):
            vectors = (self.sites[j] + grid - self.sites[i]) @ self.cell
            lengths = np.linalg.norm(vectors, axis=1)
            near = (lengths > SITE_TOLERANCE) & (lengths < max_distance + SAME_LENGTH)
            found += [(i, j, (int(t[0]), int(t[1]), int(t[2]))) for t in grid[near]]
        return found

    def orbits(self, steps: Iterable[Edge]) -> list[set[Edge]]:
        """Return steps sorted into sets of equal ones, each with its reverse."""
        left = set(steps)
        found = []
        while left:
            edge = min(left)
            orbit = set(self.images(edge))
            orbit |= {reverse(e) for e in orbit}
            left -= orbit
            found.append(orbit)
        return found

    def exchanges(self, edge: Edge) -> list[int]:
        """Return the operations that, with a lattice translation, exchange the ends of a step."""
        first, second, translation = edge
        there = np.array(translation, dtype=np.int64)
        # the translation that brings the image of the start onto the end must also bring the
        # image of the end onto the start
        back = self.cell_of[:, second] + self.group.rotations @ there
        back = back + there - self.cell_of[:, first]
        good = (
            (self.image_of[:, first] == second)
            & (self.image_of[:, second] == first)
            & np.all(back == 0, axis=1)
        )
        return [int(k) for k in np.flatnonzero(good)]


def reverse(edge: Edge) -> Edge:
    """Return the step back, started in the origin cell."""
    first, second, (a, b, c) = edge
    return second, first, (-a, -b, -c)


def undirected(orbit: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return each step once, not there and back, sorted."""
    return tuple(sorted({min(edge, reverse(edge)) for edge in orbit}))


def passes_site(network: Network, edge: Edge) -> bool:
    """Tell whether a hop is two shorter ones by a site near its straight line."""
    step = network.vector(edge)
    length = float(np.linalg.norm(step))
    start = edge[0]
    for other, translation in _around(network.sites, network.sites[start], network.cell, length):
        vector = (network.sites[other] + translation - network.sites[start]) @ network.cell
        first, second = float(np.linalg.norm(vector)), float(np.linalg.norm(step - vector))
        if min(first, second) < SITE_TOLERANCE or max(first, second) > length - SAME_LENGTH:
            continue
        if first + second < DETOUR * length:
            return True
    return False


def clearance(
    network: Network, atoms: Array, edge: Edge, fractions: Array, *, lattice_sites: bool
) -> float:
    """Return the shortest distance of points of the straight line from all other atoms.

    Parameters
    ----------
    atoms
        Fractional coordinates of the atoms of the primitive cell, shape (n, 3).
    fractions
        Which points, 0 (start) to 1 (end).
    lattice_sites
        Whether both ends are sites of the crystal: the atoms there are the mobile one and the one
        that is missing, and do not count.

    Returns
    -------
    float
        Angstrom.
    """
    cell = network.cell
    step = network.vector(edge)
    length = float(np.linalg.norm(step))
    start = network.sites[edge[0]] @ cell
    ends = np.array([start, start + step])
    line = start + fractions[:, None] * step
    middle = (start + 0.5 * step) @ np.linalg.inv(cell)
    radius = length / 2
    while True:
        radius += 2.0
        near = _around(atoms, middle, cell, radius)
        others = np.array([(atoms[i] + t) @ cell for i, t in near]).reshape(-1, 3)
        if lattice_sites and len(others):
            # the mobile atom itself, and the atom that is missing
            away = np.linalg.norm(others[:, None] - ends[None], axis=2).min(axis=1)
            others = others[away > SITE_TOLERANCE]
        if len(others):
            return float(np.linalg.norm(others[:, None] - line[None], axis=2).min())


def _around(
    points: Array, centre: Array, cell: Array, radius: float
) -> list[tuple[int, tuple[int, int, int]]]:
    """Return all periodic images of points within a radius of a fractional centre."""
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int) + 1
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
    grid = grid.reshape(-1, 3)
    found = []
    for number, point in enumerate(points):
        base = np.round(centre - point)
        near = np.linalg.norm((point + base + grid - centre) @ cell, axis=1) < radius
        found += [
            (number, (int(t[0]), int(t[1]), int(t[2]))) for t in (grid[near] + base).astype(int)
        ]
    return found


def cartesian(cell: Array, rotation: Array, point: Array, image: Array) -> Operation:
    """Return an operation as Cartesian rotation and the translation that maps point on image."""
    turned = cell.T @ rotation @ np.linalg.inv(cell.T)
    shift = image - turned @ point
    return (
        tuple(tuple(float(x) for x in row) for row in turned),
        tuple(float(x) for x in shift),
    )


def turned_least(operation: Operation) -> tuple[float, ...]:
    """Return a key that sorts operations by how far they turn: a mere translation first."""
    rotation = np.array(operation[0])
    return -round(float(np.trace(rotation)), 3), *np.round(rotation, 3).ravel().tolist()


def most_freedom(operation: Operation) -> tuple[float, ...]:
    """Return a key that sorts operations by the dimension of the points they leave, largest first.

    The trace of an involution is 2 n - 3 for n dimensions; anything else comes last.
    """
    rotation = np.array(operation[0])
    involution = np.allclose(rotation @ rotation, np.eye(3), atol=1e-3)
    return (
        0.0 if involution else 1.0,
        -round(float(np.trace(rotation)), 3),
        *np.round(rotation, 3).ravel().tolist(),
    )
