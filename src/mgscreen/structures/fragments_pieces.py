"""The pieces that molecules broke into, as fragments for a surface: each kind once, neutral."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgscreen.core.structure import AtomicStructure
from mgscreen.structures.radii import S_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

METALS = S_BLOCK | {"Zn", "Al", "Ga"}


def broken_off(
    documents: Iterable[Any], known: Sequence[AtomicStructure] = ()
) -> list[AtomicStructure]:
    """Return the pieces of molecules that lost a bond, in a stable order.

    Parameters
    ----------
    documents
        Adiabatic redox documents, or what is left of failed ones (None).
    known
        Fragments that need not be listed again.

    Returns
    -------
    list of AtomicStructure
        Neutral, in the lowest multiplicity that the number of electrons allows (Hund's for single
        atoms); labelled by formula, numbered where isomers differ. Pieces with a metal are left
        out: they are ions of the electrolyte, not fragments.
    """
    seen = {_kind(one) for one in known}
    names = {one.label for one in known}
    found: list[AtomicStructure] = []
    for document in documents:
        for piece in _pieces(document):
            structure = AtomicStructure.model_validate(_plain(piece))
            if METALS & set(structure.symbols):
                continue
            neutral = structure.with_state(0, _multiplicity(structure))
            kind = _kind(neutral)
            if kind in seen:
                continue
            seen.add(kind)
            name, number = neutral.formula, 1
            while name in names:
                number += 1
                name = f"{neutral.formula}-{number}"
            names.add(name)
            found.append(neutral.model_copy(update={"label": name, "fragments": ()}))
    return sorted(found, key=lambda one: (len(one.symbols), one.label))


def _pieces(document: Any) -> list[Any]:
    """Structures of the pieces, where a bond broke; documents come as models or as plain JSON."""
    rows = []
    for direction in ("reduction", "oxidation"):
        step = _get(document, direction)
        broken = _get(step, "bonds")
        if broken is None or not _get(broken, "broken"):
            continue
        rows += [_get(piece, "structure") for piece in _get(broken, "pieces") or []]
    return [row for row in rows if row is not None]


def _get(item: Any, name: str) -> Any:
    if item is None:
        return None
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _plain(item: Any) -> Any:
    if isinstance(item, dict):
        return {k: v for k, v in item.items() if not k.startswith("@")}
    return item.model_dump()


def _multiplicity(structure: AtomicStructure) -> int:
    if len(structure.symbols) == 1:
        from ase.data import atomic_numbers, ground_state_magnetic_moments

        return int(ground_state_magnetic_moments[atomic_numbers[structure.symbols[0]]]) + 1
    return structure.lowest_multiplicity(0)


def _kind(structure: AtomicStructure) -> tuple[str, str]:
    """Return formula and a hash of the bond graph: the same for the same connectivity."""
    import networkx as nx

    from mgscreen.structures.bonds import bond_graph

    graph = nx.Graph(bond_graph(structure).edges)
    graph.add_nodes_from(range(len(structure.symbols)))
    nx.set_node_attributes(graph, dict(enumerate(structure.symbols)), "symbol")
    return structure.formula, nx.weisfeiler_lehman_graph_hash(graph, node_attr="symbol")
