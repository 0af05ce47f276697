"""The layers of a layered crystal, and which hops leave one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.structures.percolation import Edge

    Array = NDArray[np.float64]

IN_THE_MIDDLE = 0.3
"""A site this close to the middle of a layer lies there, angstrom."""


@dataclass(frozen=True)
class Layers:
    """Layers that repeat along one direction.

    Attributes
    ----------
    normal
        Cartesian unit vector, shape (3,).
    heights
        Middles of the layers along it, angstrom, those within one period.
    period
        Distance after which the layers repeat, angstrom.
    """

    normal: Array
    heights: tuple[float, ...]
    period: float

    def crosses(self, start: Sequence[float] | Array, end: Sequence[float] | Array) -> bool:
        """Tell whether a straight line leads from one layer, or from one gap, to another.

        Parameters
        ----------
        start, end
            Cartesian, angstrom.
        """
        low, high = sorted((float(np.dot(start, self.normal)), float(np.dot(end, self.normal))))
        passed = 0
        for height in self.heights:
            first = np.ceil((low - IN_THE_MIDDLE - height) / self.period)
            last = np.floor((high + IN_THE_MIDDLE - height) / self.period)
            for n in np.arange(first, last + 1):
                middle = height + n * self.period
                # a layer that the line starts or ends in counts half
                ends_there = middle < low + IN_THE_MIDDLE or middle > high - IN_THE_MIDDLE
                passed += 1 if ends_there else 2
        return passed > 1


def layers_of(crystal: AtomicStructure) -> Layers | None:
    """Return the layers of a layered crystal, None for any other.

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
    cell = np.array(crystal.cell)
    for part in cycle_translations(edges):
        _, size, axes = np.linalg.svd(part @ cell)
        if int(np.sum(size > 1e-3)) == 2:  # noqa: PLR2004 - the rank of a plane
            normal = np.asarray(axes[2])
            normal = normal if tuple(np.round(normal, 6)) > (0.0, 0.0, 0.0) else -normal
            return Layers(
                normal, _middles(atoms.positions, cell, edges, normal), _period(cell, normal)
            )
    return None


def _period(cell: Array, normal: Array) -> float:
    """Return the distance of the lattice planes across a direction."""
    steps = np.array(list(product(range(-2, 3), repeat=3)))
    heights = np.abs(steps @ cell @ normal)
    return float(heights[heights > 1e-3].min())  # noqa: PLR2004


def _middles(positions: Array, cell: Array, edges: list[Edge], normal: Array) -> tuple[float, ...]:
    """Return the middle of every layer: its atoms are put together along the bonds."""
    neighbours: dict[int, list[tuple[int, Any]]] = {i: [] for i in range(len(positions))}
    for i, j, translation in edges:
        neighbours[i].append((j, np.array(translation) @ cell))
        neighbours[j].append((i, -np.array(translation) @ cell))
    seen: set[int] = set()
    found = []
    for root in range(len(positions)):
        if root in seen:
            continue
        seen.add(root)
        heights = {root: float(positions[root] @ normal)}
        waiting = [root]
        while waiting:
            here = waiting.pop()
            moved = heights[here] - float(positions[here] @ normal)
            for there, vector in neighbours[here]:
                if there not in seen:
                    seen.add(there)
                    heights[there] = float((positions[there] + vector) @ normal) + moved
                    waiting.append(there)
        found.append(0.5 * (min(heights.values()) + max(heights.values())))
    return tuple(found)
