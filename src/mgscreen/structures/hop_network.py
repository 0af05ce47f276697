"""Sites of a crystal, the steps between them, and which of these symmetry makes equal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mgscreen.structures.crystals import SYMPREC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.structures.percolation import Edge

    Array = NDArray[np.float64]
    Integers = NDArray[np.int64]

SITE_TOLERANCE = 0.1
"""An operation maps one site onto another when it brings it this close, angstrom."""
SAME_LENGTH = 1e-3
"""Lengths that differ by less are equal when hops are sorted, angstrom."""


@dataclass(frozen=True)
class SpaceGroup:
    """Operations ``x -> rotation x + translation`` on fractional coordinates."""

    rotations: Integers
    translations: Array

    @classmethod
    def of(cls, crystal: AtomicStructure, symprec: float = SYMPREC) -> SpaceGroup:
        """Return the operations of a crystal, those of its own cell (spglib)."""
        import spglib

        atoms = crystal.to_ase()
        found = spglib.get_symmetry(
            (atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers), symprec=symprec
        )
        return cls(
            rotations=np.asarray(found["rotations"], dtype=np.int64),
            translations=np.asarray(found["translations"], dtype=float),
        )

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


def layer_normal(crystal: AtomicStructure) -> Array | None:
    """Return the unit normal of the layers of a layered crystal, None for any other.

    Layers are the connected parts of the bond graph that scales covalent radii by the middle of
    the interval over which the crystal is two-dimensional [1]_; the normal is perpendicular to the
    lattice translations inside a layer.

    References
    ----------
    .. [1] P. M. Larsen et al., Phys. Rev. Materials 3, 034003 (2019).
    """
    from ase.data import covalent_radii
    from ase.geometry.dimensionality import analyze_dimensionality
    from ase.neighborlist import neighbor_list

    from mgscreen.structures.percolation import cycle_translations

    atoms = crystal.to_ase()
    best = analyze_dimensionality(atoms, method="RDA")[0]
    if best.dimtype != "2D":
        return None
    scale = 0.5 * (best.a + best.b)
    first, second, shift = neighbor_list("ijS", atoms, scale * covalent_radii[atoms.numbers])
    edges: list[Edge] = [
        (int(i), int(j), (int(s[0]), int(s[1]), int(s[2])))
        for i, j, s in zip(first, second, shift, strict=True)
    ]
    for part in cycle_translations(edges):
        vectors = part @ np.array(crystal.cell)
        _, size, axes = np.linalg.svd(vectors)
        if int(np.sum(size > 1e-3)) == 2:  # noqa: PLR2004 - the rank of a plane
            normal = np.asarray(axes[2])
            return normal if tuple(np.round(normal, 6)) > (0.0, 0.0, 0.0) else -normal
    return None
