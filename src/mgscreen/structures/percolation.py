"""In how many dimensions a periodic network of hops carries an atom on."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Edge = tuple[int, int, tuple[int, int, int]]
"""From a site in the origin cell to a site in the cell of a primitive translation."""


def cycle_translations(edges: Iterable[Edge]) -> list[NDArray[np.int64]]:
    """Return the lattice translations that closed walks add up to, for each connected part.

    Returns
    -------
    list
        One array (n, 3) per connected part of the quotient graph; its rows span the translations
        by which an atom that stays on the network can be displaced.
    """
    neighbours: dict[int, list[tuple[int, NDArray[np.int64]]]] = defaultdict(list)
    for first, second, translation in edges:
        step = np.array(translation, dtype=np.int64)
        neighbours[first].append((second, step))
        neighbours[second].append((first, -step))
    cell_of: dict[int, NDArray[np.int64]] = {}
    parts = []
    for root in sorted(neighbours):
        if root in cell_of:
            continue
        cell_of[root] = np.zeros(3, dtype=np.int64)
        cycles = {(0, 0, 0)}
        queue = deque([root])
        while queue:
            site = queue.popleft()
            for other, step in neighbours[site]:
                reached = cell_of[site] + step
                if other not in cell_of:
                    cell_of[other] = reached
                    queue.append(other)
                else:
                    closed = reached - cell_of[other]
                    cycles.add((int(closed[0]), int(closed[1]), int(closed[2])))
        parts.append(np.array(sorted(cycles), dtype=np.int64))
    return parts


def percolation_dimension(edges: Iterable[Edge]) -> int:
    """Return in how many dimensions a periodic network percolates.

    That is the rank of the translations that closed walks on the quotient graph add up to, the
    largest of its connected parts.

    Parameters
    ----------
    edges
        Hops of one primitive cell: site, site, primitive translation of the second site.

    Returns
    -------
    int
        0 (closed cages), 1 (channels), 2 (layers) or 3.

    Examples
    --------
    >>> percolation_dimension([(0, 0, (0, 0, 1))])
    1
    >>> percolation_dimension([(0, 1, (0, 0, 0)), (1, 0, (1, 0, 0)), (1, 0, (0, 1, 0))])
    2
    >>> percolation_dimension([(0, 1, (0, 0, 0))])
    0
    """
    return max((int(np.linalg.matrix_rank(part)) for part in cycle_translations(edges)), default=0)


def bottleneck(
    hops_with_energies: Sequence[tuple[Sequence[Edge], float]], dimension: int = 1
) -> tuple[float, int, list[int]]:
    """Return the lowest energy at which hops percolate together.

    Hops are opened in the order of their energy until their union percolates in at least
    ``dimension`` dimensions.

    Parameters
    ----------
    hops_with_energies
        For each kind of hop all its equivalent edges and its barrier, eV. All must number their
        sites alike: one mechanism in one crystal.
    dimension
        In how many dimensions at least.

    Returns
    -------
    energy : float
        Barrier of the highest hop that is needed, eV; infinite when all together do not suffice.
    dimension : int
        In how many dimensions the hops up to this energy percolate.
    needed : list of int
        Numbers of the hops that percolate in that many dimensions, without those that are not
        needed for it, lowest energy first.

    Examples
    --------
    >>> chain, ladder = [(0, 0, (0, 0, 1))], [(0, 0, (1, 0, 0))]
    >>> bottleneck([(chain, 1.1), (ladder, 0.4)])
    (0.4, 1, [1])
    >>> bottleneck([(chain, 1.1), (ladder, 0.4)], dimension=2)
    (1.1, 2, [1, 0])
    """
    order = sorted(range(len(hops_with_energies)), key=lambda i: (hops_with_energies[i][1], i))
    energies = [float(energy) for _, energy in hops_with_energies]

    def reached(numbers: Iterable[int]) -> int:
        return percolation_dimension(e for i in numbers for e in hops_with_energies[i][0])

    for energy in sorted({e for e in energies if np.isfinite(e)}):
        opened = [i for i in order if energies[i] <= energy]
        found = reached(opened)
        if found >= max(dimension, 1):
            needed = list(opened)
            for i in reversed(opened):
                rest = [other for other in needed if other != i]
                if reached(rest) >= found:
                    needed = rest
            return energy, found, needed
    return float("inf"), reached([i for i in order if np.isfinite(energies[i])]), []
