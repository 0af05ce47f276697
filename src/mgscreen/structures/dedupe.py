"""Which of several relaxed geometries are distinct."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure


def fingerprint(structure: AtomicStructure) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return sorted distances (angstrom) by pair of elements.

    They do not change with the order of the atoms, with rotation or reflection.
    """
    from scipy.spatial.distance import pdist

    symbols = structure.symbols
    found: dict[tuple[str, str], list[float]] = {}
    pairs = [(i, j) for i in range(len(symbols)) for j in range(i + 1, len(symbols))]
    if not pairs:
        return {}
    for (i, j), distance in zip(pairs, pdist(np.asarray(structure.positions)), strict=True):
        a, b = sorted((symbols[i], symbols[j]))
        found.setdefault((a, b), []).append(float(distance))
    return {pair: np.sort(np.asarray(rows)) for pair, rows in found.items()}


def distinct(
    structures: Sequence[AtomicStructure],
    energies: Sequence[float],
    *,
    energy_ev: float = 0.005,
    distance_a: float = 0.15,
) -> list[int]:
    """Return the indices of the distinct geometries, lowest energy first.

    Parameters
    ----------
    structures, energies
        Relaxed geometries of one species and their energies, eV.
    energy_ev, distance_a
        Two geometries are the same if their energies agree within ``energy_ev`` and every sorted
        distance within ``distance_a`` (angstrom).
    """
    order = sorted(range(len(structures)), key=lambda i: (energies[i], i))
    prints = [fingerprint(s) for s in structures]
    kept: list[int] = []
    for i in order:
        if not any(
            abs(energies[i] - energies[k]) <= energy_ev
            and prints[i].keys() == prints[k].keys()
            and all(np.all(np.abs(v - prints[k][p]) <= distance_a) for p, v in prints[i].items())
            for k in kept
        ):
            kept.append(i)
    return kept
