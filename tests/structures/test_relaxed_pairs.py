"""Guesses of contact ion pairs, relaxed with GFN2-xTB, beside minima found independently."""

import numpy as np
import pytest
from ase.io import read

from mgscreen.candidates.forms import make_species
from mgscreen.candidates.library import load_library
from mgscreen.core.resources import data_path
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.level import Level
from mgscreen.structures.bonds import compare_bonds
from mgscreen.structures.build import coordination, guess_structures


@pytest.mark.parametrize("name", ["TFSI", "PFTB"])
def test_the_best_contact_pair_is_as_low_as_the_reference(name, tmp_path):
    engine = get_engine(Level.parse("xtb:gfn2"))
    library = load_library()
    species = make_species(library[name], "contact-ion-pair", metal="Mg", solvent=library["DME"])
    reference = AtomicStructure.from_ase(
        read(data_path("structures", "molecules", f"Mg{name}+.xyz")), charge=1
    )
    lowest = engine.relax(reference, tmp_path / "reference").energy_ev
    ends = [
        engine.relax(guess, tmp_path / str(i))
        for i, guess in enumerate(guess_structures(species, 3))
    ]
    best = min(ends, key=lambda end: end.energy_ev)
    assert best.converged
    assert best.energy_ev - lowest < 0.05
    (metal,) = best.structure.atoms_of("metal")
    oxygen = [d for i, d in coordination(best.structure, metal) if best.structure.symbols[i] == "O"]
    assert oxygen
    assert all(1.7 < d < 2.2 for d in oxygen)
    assert not compare_bonds(guess_structures(species, 1)[0], best.structure).broken


@pytest.mark.parametrize(("name", "pair"), [("TFSI", ("C", "S")), ("TFSI", ("N", "S"))])
def test_a_pulled_bond_is_seen_to_break(name, pair):
    library = load_library()
    species = make_species(library[name], "ion", metal="Mg", solvent=library["DME"])
    whole = guess_structures(species, 1)[0]
    positions = np.array(whole.positions)
    near = {
        (i, j): np.linalg.norm(positions[i] - positions[j])
        for i, a in enumerate(whole.symbols)
        for j, b in enumerate(whole.symbols)
        if (a, b) == pair
    }
    (i, j), _ = min(near.items(), key=lambda item: item[1])
    import networkx as nx

    from mgscreen.structures.bonds import bond_graph

    graph = bond_graph(whole)
    graph.remove_edge(i, j)
    side = list(nx.node_connected_component(graph, i))
    direction = (positions[i] - positions[j]) / np.linalg.norm(positions[i] - positions[j])
    positions[side] += 2.0 * direction
    change = compare_bonds(whole, whole.with_positions(positions))
    assert change.broken == [tuple(sorted((i, j)))]
    assert len(change.fragments) == 2
