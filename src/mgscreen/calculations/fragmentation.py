"""Which bonds break when a species takes or gives an electron, and what it leaves.

The pieces are what covalent bonds hold together (a contact of a metal ion is none). Their charge
and spin are sums of the Loewdin populations of the single point at the relaxed geometry; each is
also given as a structure of its own, with the whole charge nearest to it, which is where an
adsorption calculation starts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.structure import AtomicStructure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mgscreen.calculations.steps import ElectronicState

TRIPLET_SPIN = 1.2
"""A piece with an even number of electrons and more unpaired spin than this is taken as triplet."""
NONE = "none"
STRETCH = 1.8
"""A pulled bond is this many times as long: past the transition state of most homolytic breaks."""


class Piece(BaseModel):
    """One covalently connected piece of a reduced or oxidised species."""

    model_config = ConfigDict(extra="forbid")

    formula: str
    atoms: tuple[int, ...] = Field(description="zero-based indices in the whole")
    charge_e: float = Field(description="sum of its Loewdin charges, e")
    unpaired_spin: float = Field(description="sum of its Loewdin spin populations")
    structure: AtomicStructure = Field(
        description="the piece alone, where it lies in the whole; whole charge, guessed spin"
    )


class Fragmentation(BaseModel):
    """Change of the covalent bonds on relaxation after electron transfer."""

    model_config = ConfigDict(extra="forbid")

    broken: list[tuple[int, int]] = Field(default_factory=list, description="zero-based indices")
    broken_labels: list[str] = Field(default_factory=list, description="C-S, one per bond")
    formed: list[tuple[int, int]] = Field(default_factory=list)
    formed_labels: list[str] = Field(default_factory=list)
    pieces: list[Piece] = Field(default_factory=list)

    @property
    def broken_text(self) -> str:
        """The broken bonds as a property row says them: ``C-Br``, ``2 C-F``, or ``none``."""
        kinds = sorted(set(self.broken_labels))
        counts = [(self.broken_labels.count(kind), kind) for kind in kinds]
        return ", ".join(f"{n} {kind}" if n > 1 else kind for n, kind in counts) or NONE

    @property
    def pieces_text(self) -> str:
        """Formulas of the pieces: ``Br + C3H7``."""
        return " + ".join(sorted(piece.formula for piece in self.pieces))


def fragmentation(
    before: AtomicStructure, after: AtomicStructure, state: ElectronicState
) -> Fragmentation:
    """Compare the bonds of two geometries and describe the pieces of the second.

    Parameters
    ----------
    before
        The species before it took or gave an electron.
    after
        The relaxed one, same atoms in the same order.
    state
        Single point of ``after``.
    """
    from mgscreen.structures.bonds import compare_bonds

    change = compare_bonds(before, after)
    atoms = [tuple(sorted(int(i) for i in piece)) for piece in change.fragments]
    charges = [float(sum(state.charges[i] for i in piece)) for piece in atoms]
    spins = [_spin(state, piece) for piece in atoms]
    whole = whole_charges(charges, after.charge)
    pieces = [
        _piece(after, piece, charge, spin, formal)
        for piece, charge, spin, formal in zip(atoms, charges, spins, whole, strict=True)
    ]
    return Fragmentation(
        broken=[(int(i), int(j)) for i, j in change.broken],
        broken_labels=[bond_label(before, i, j) for i, j in change.broken],
        formed=[(int(i), int(j)) for i, j in change.formed],
        formed_labels=[bond_label(before, i, j) for i, j in change.formed],
        pieces=pieces,
    )


def stretched(structure: AtomicStructure) -> list[tuple[str, AtomicStructure]]:
    """Return starts in which one bond is pulled apart, one for each distinct bond.

    Taken are bonds between atoms other than hydrogen that are in no ring; bonds whose surroundings
    are alike (same elements up to three bonds away) are pulled once. The smaller piece moves along
    the bond until it is ``STRETCH`` times as long; metal ions stay where they are.

    Returns
    -------
    list of (label, structure)
        The label names elements and zero-based indices: ``C3-S1``.
    """
    import networkx as nx
    import numpy as np

    from mgscreen.structures.bonds import bond_graph

    graph = nx.Graph(bond_graph(structure).edges)
    nx.set_node_attributes(graph, {i: structure.symbols[i] for i in graph}, "symbol")
    alike = nx.weisfeiler_lehman_subgraph_hashes(graph, node_attr="symbol", iterations=3)
    positions = np.asarray(structure.positions)
    starts: dict[tuple[str, str], tuple[str, AtomicStructure]] = {}
    for i, j in sorted(tuple(sorted(edge)) for edge in nx.bridges(graph)):
        if "H" in {structure.symbols[i], structure.symbols[j]}:
            continue
        first, second = sorted((alike[i][-1], alike[j][-1]))
        if (first, second) in starts:
            continue
        cut = graph.copy()
        cut.remove_edge(i, j)
        ends = {i: nx.node_connected_component(cut, i), j: nx.node_connected_component(cut, j)}
        moving, fixed = (i, j) if len(ends[i]) <= len(ends[j]) else (j, i)
        shift = (STRETCH - 1) * (positions[moving] - positions[fixed])
        moved = positions.copy()
        moved[sorted(ends[moving])] += shift
        label = f"{structure.symbols[i]}{i}-{structure.symbols[j]}{j}"
        starts[first, second] = (label, structure.with_positions(np.round(moved, 6)))
    return list(starts.values())


def bond_label(structure: AtomicStructure, i: int, j: int) -> str:
    """Return the two elements of a bond, carbon first, then alphabetically: ``C-Br``, ``N-S``."""
    pair = (structure.symbols[i], structure.symbols[j])
    return "-".join(sorted(pair, key=lambda symbol: (symbol != "C", symbol)))


def whole_charges(charges: Sequence[float], total: int) -> list[int]:
    """Round charges (e) to whole numbers that sum to ``total``, by the largest remainders."""
    floors = [math.floor(q) for q in charges]
    missing = total - sum(floors)
    order = sorted(range(len(charges)), key=lambda i: floors[i] - charges[i])
    for k in range(abs(missing)):
        i = order[k % len(order)] if missing > 0 else order[-1 - k % len(order)]
        floors[i] += 1 if missing > 0 else -1
    return floors


def _spin(state: ElectronicState, atoms: tuple[int, ...]) -> float:
    if state.spin_populations is None:
        return 0.0
    return float(sum(state.spin_populations[i] for i in atoms))


def _piece(
    whole: AtomicStructure, atoms: tuple[int, ...], charge: float, spin: float, formal: int
) -> Piece:
    from ase.data import atomic_numbers

    symbols = tuple(whole.symbols[i] for i in atoms)
    odd = (sum(atomic_numbers[s] for s in symbols) - formal) % 2 == 1
    multiplicity = 2 if odd else 3 if abs(spin) > TRIPLET_SPIN else 1
    structure = AtomicStructure(
        symbols=symbols,
        positions=tuple(whole.positions[i] for i in atoms),
        charge=formal,
        multiplicity=multiplicity,
    )
    return Piece(
        formula=structure.formula,
        atoms=atoms,
        charge_e=charge,
        unpaired_spin=spin,
        structure=structure.model_copy(update={"label": structure.formula}),
    )
