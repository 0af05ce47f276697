"""Covalent bonds from distances, and how they differ between two geometries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import networkx as nx

from mgscreen.structures.radii import S_BLOCK, covalent_radius

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure

BONDED = 1.20
"""A pair is bonded up to this multiple of the sum of its covalent radii (the two sulfur atoms of an
imide, which are not bonded, come within 1.25)."""
BROKEN = 1.35
"""A bond counts as broken only beyond this multiple, so that a stretched one does not flicker."""
FORMED = 1.15
"""A bond counts as formed only below this multiple."""


@dataclass(frozen=True)
class BondChange:
    """How the covalent bonds of a system changed; atoms keep their indices.

    Attributes
    ----------
    broken, formed
        Pairs of zero-based indices, ascending.
    broken_labels, formed_labels
        The elements of each pair in alphabetical order: ``C-S``.
    fragments
        Covalently connected pieces afterwards; a metal ion is a piece of its own.
    fragment_formulas
        Hill formula of each piece.
    metal_carbon
        Metal-carbon contacts afterwards (organometallic products); no covalent bonds here.
    """

    broken: list[tuple[int, int]] = field(default_factory=list)
    formed: list[tuple[int, int]] = field(default_factory=list)
    broken_labels: list[str] = field(default_factory=list)
    formed_labels: list[str] = field(default_factory=list)
    fragments: list[tuple[int, ...]] = field(default_factory=list)
    fragment_formulas: list[str] = field(default_factory=list)
    metal_carbon: list[tuple[int, int]] = field(default_factory=list)


def bond_graph(structure: AtomicStructure) -> nx.Graph:
    """Return the covalent bonds of a structure.

    Nodes have ``symbol``; edges have ``distance`` (angstrom) and ``ratio`` (to the sum of the
    covalent radii). Contacts of a metal ion, and between a slab and what lies on it, are no edges:
    they are in ``graph.graph["contacts"]`` as pairs with their distance.
    """
    graph, contacts = nx.Graph(), []
    graph.add_nodes_from((i, {"symbol": s}) for i, s in enumerate(structure.symbols))
    for (i, j), (distance, ratio) in _near(structure).items():
        if ratio > BONDED:
            continue
        if _is_contact(structure, i, j):
            contacts.append((i, j, distance))
        else:
            graph.add_edge(i, j, distance=distance, ratio=ratio)
    graph.graph["contacts"] = contacts
    return graph


def compare_bonds(before: AtomicStructure, after: AtomicStructure) -> BondChange:
    """Compare the covalent bonds of two geometries of the same atoms in the same order.

    Parameters
    ----------
    before, after
        The geometries. Which bonds are contacts is decided by the fragments of ``before``.

    Raises
    ------
    ValueError
        If the atoms differ.
    """
    if before.symbols != after.symbols:
        msg = "two geometries of different atoms have no bonds to compare"
        raise ValueError(msg)
    old = {_pair(i, j) for i, j in bond_graph(before).edges}
    near = {
        pair: ratio for pair, (_, ratio) in _near(after).items() if not _is_contact(before, *pair)
    }
    broken = sorted(p for p in old if near.get(p, BROKEN + 1) > BROKEN)
    formed = sorted(p for p, ratio in near.items() if p not in old and ratio < FORMED)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(after.symbols)))
    graph.add_edges_from((old - set(broken)) | set(formed))
    pieces = sorted(tuple(sorted(piece)) for piece in nx.connected_components(graph))
    return BondChange(
        broken=broken,
        formed=formed,
        broken_labels=[_label(after, p) for p in broken],
        formed_labels=[_label(after, p) for p in formed],
        fragments=pieces,
        fragment_formulas=[_formula(after, piece) for piece in pieces],
        metal_carbon=sorted(
            p
            for p, (_, ratio) in _near(after).items()
            if ratio <= BONDED
            and _is_contact(before, *p)
            and "C" in {after.symbols[p[0]], after.symbols[p[1]]}
        ),
    )


def _near(structure: AtomicStructure) -> dict[tuple[int, int], tuple[float, float]]:
    """Pairs closer than the limit of a broken bond: distance (angstrom), ratio to the radii."""
    from ase.neighborlist import neighbor_list

    if len(structure.symbols) < 2:  # noqa: PLR2004 - a pair
        return {}
    radii = [covalent_radius(s) * BROKEN for s in structure.symbols]
    found: dict[tuple[int, int], tuple[float, float]] = {}
    found_pairs = neighbor_list("ijd", structure.to_ase(), radii)
    for i, j, d in zip(*found_pairs, strict=True):
        if i < j:
            distance = float(d)
            ratio = distance * BROKEN / (radii[i] + radii[j])
            pair = (int(i), int(j))
            if pair not in found or distance < found[pair][0]:
                found[pair] = (distance, ratio)
    return found


def _is_contact(structure: AtomicStructure, i: int, j: int) -> bool:
    """Tell whether a pair is held together by a metal ion or a surface, not by a covalent bond."""
    home = {a: f for f in structure.fragments for a in f.atoms}
    first, second = home.get(i), home.get(j)
    if first is not None and first is second:
        # a molecule that has the metal inside, such as MgCl2
        return False
    for atom, fragment in ((i, first), (j, second)):
        if fragment is None and structure.symbols[atom] in S_BLOCK:
            return True
        if fragment is not None and (
            fragment.role in {"metal", "slab"} or structure.symbols[atom] in S_BLOCK
        ):
            return True
    return False


def _pair(i: int, j: int) -> tuple[int, int]:
    return (i, j) if i < j else (j, i)


def _label(structure: AtomicStructure, pair: tuple[int, int]) -> str:
    return "-".join(sorted(structure.symbols[i] for i in pair))


def _formula(structure: AtomicStructure, atoms: tuple[int, ...]) -> str:
    count = Counter(structure.symbols[i] for i in atoms)
    order = [s for s in ("C", "H") if s in count] if "C" in count else []
    order += sorted(set(count) - set(order))
    return "".join(s + (str(count[s]) if count[s] > 1 else "") for s in order)
