"""What became of a fragment on a slab: bond graphs and heights, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mgscreen.structures.bonds import BROKEN, compare_bonds
from mgscreen.structures.radii import covalent_radius

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure

    Array = NDArray[np.float64]

Event = Literal[
    "intact", "dissociated", "recombined", "desorbed", "physisorbed", "subsurface", "reconstructed"
]
BELOW_A = 0.2
"""An atom this far below the middle of the uppermost layer has gone below the surface, angstrom."""
MOVED_A = 0.8
"""A free atom of the slab that has moved by more belongs to a reconstruction, angstrom."""
FAR_A = 4.5
"""Beyond this distance from every atom of the slab a fragment has left, angstrom."""

CUSTOMARY = {"O2S": "SO2", "OS": "SO", "O3S": "SO3", "HO": "OH"}
"""Formulas that chemists write in another order than Hill's."""


@dataclass(frozen=True)
class Fate:
    """What happened in a relaxation.

    Attributes
    ----------
    events
        The most consequential first; ``("intact",)`` where nothing did.
    products
        Formulas of the covalently connected pieces of the fragment; ``(free)`` marks a piece that
        touches no atom of the slab.
    broken, formed
        Bonds within the fragment, as ``C-F``.
    height_a
        Of the lowest atom of the fragment above the mean of the uppermost layer, angstrom.
    anchor
        Index, in the whole, of the atom of the fragment that is bound most closely.
    moved_a
        Largest displacement of a free atom of the slab against the clean one, angstrom.
    """

    events: tuple[Event, ...]
    products: tuple[str, ...]
    broken: tuple[str, ...]
    formed: tuple[str, ...]
    height_a: float
    anchor: int
    moved_a: float

    @property
    def intact(self) -> bool:
        """Whether the fragment still is what it was, and bound."""
        return not {"dissociated", "recombined", "desorbed"} & set(self.events)


def fate(
    clean: AtomicStructure,
    before: AtomicStructure,
    after: AtomicStructure,
    layers: Sequence[int],
) -> Fate:
    """Compare a relaxed slab with a fragment on it with its start and with the clean slab.

    Parameters
    ----------
    clean
        The relaxed slab alone.
    before
        The start: the slab's atoms first, then the fragment; its fragments say which is which.
    after
        The relaxed one, same atoms in the same order.
    layers
        Layer of each atom of the slab, 0 the lowest.
    """
    n = len(clean.symbols)
    change = compare_bonds(before, after)
    inside = [
        label
        for pair, label in zip(change.broken, change.broken_labels, strict=True)
        if min(pair) >= n
    ]
    formed = [
        label
        for pair, label in zip(change.formed, change.formed_labels, strict=True)
        if min(pair) >= n
    ]
    slab_broken = [pair for pair in compare_bonds(before, after).broken if max(pair) < n]
    pieces = [tuple(i for i in piece if i >= n) for piece in change.fragments]
    pieces = [piece for piece in pieces if piece]
    ratios, distances = _contacts(after, n)
    top = [i for i in range(n) if layers[i] == max(layers)]
    xyz = np.asarray(after.positions)
    level = float(np.median(xyz[top, 2]))
    heights = xyz[n:, 2] - level
    moved = _displacement(np.asarray(clean.positions), xyz[:n], np.asarray(after.cell))
    products = tuple(
        sorted(
            _formula(after, piece)
            + ("" if min(ratios[i - n] for i in piece) <= BROKEN else " (free)")
            for piece in pieces
        )
    )
    events: list[Event] = []
    if inside:
        events.append("dissociated")
    elif formed:
        events.append("recombined")
    if min(ratios) > BROKEN:
        events.append("desorbed" if min(distances) > FAR_A else "physisorbed")
    elif heights.min() < -BELOW_A:
        events.append("subsurface")
    if moved > MOVED_A or slab_broken:
        events.append("reconstructed")
    return Fate(
        events=tuple(events) or ("intact",),
        products=products,
        broken=tuple(sorted(inside)),
        formed=tuple(sorted(formed)),
        height_a=float(heights.min()),
        anchor=n + int(np.argmin(ratios)),
        moved_a=moved,
    )


def _contacts(after: AtomicStructure, n: int) -> tuple[list[float], list[float]]:
    """Nearest atom of the slab of each atom of the fragment: ratio to the radii, distance."""
    from ase.geometry import get_distances

    xyz = np.asarray(after.positions)
    _, table = get_distances(xyz[n:], xyz[:n], cell=np.asarray(after.cell), pbc=after.pbc)
    radii = np.array([covalent_radius(s) for s in after.symbols])
    ratios = table / (radii[n:, None] + radii[None, :n])
    return [float(r) for r in ratios.min(axis=1)], [float(d) for d in table.min(axis=1)]


def _displacement(before: Array, after: Array, cell: Array) -> float:
    apart = (after - before) @ np.linalg.inv(cell)
    apart[:, :2] -= np.round(apart[:, :2])
    return float(np.linalg.norm(apart @ cell, axis=1).max())


def _formula(structure: AtomicStructure, atoms: tuple[int, ...]) -> str:
    from collections import Counter

    from mgscreen.candidates.model import hill

    formula = hill(Counter(structure.symbols[i] for i in atoms))
    return CUSTOMARY.get(formula, formula)
