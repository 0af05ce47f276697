import pytest

from mgscreen.candidates.forms import make_complex, make_species
from mgscreen.candidates.library import load_library
from mgscreen.candidates.model import read_smiles
from mgscreen.structures.bonds import bond_graph, compare_bonds
from mgscreen.structures.build import coordination, guess_structures

LIBRARY = load_library()


@pytest.mark.parametrize("candidate", LIBRARY.values(), ids=lambda c: c.name)
def test_every_candidate_builds_with_its_own_bonds(candidate):
    form = "ion" if candidate.charge else "molecule"
    species = make_species(candidate, form, "Mg", LIBRARY["DME"])
    structure = guess_structures(species, 1)[0]
    bonds = {
        frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))
        for b in read_smiles(candidate.smiles).GetBonds()
    }
    assert {frozenset(edge) for edge in bond_graph(structure).edges} == bonds


def test_guesses_of_a_pair_are_deterministic_and_in_several_modes():
    species = make_species(LIBRARY["TFSI"], "contact-ion-pair", "Mg", LIBRARY["DME"])
    guesses = guess_structures(species, 4)
    assert guesses == guess_structures(species, 4)
    assert len({len(coordination(g, 0)) for g in guesses}) > 1
    assert all(1.8 <= d <= 2.3 for g in guesses for _, d in coordination(g, 0)[:1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "shells"),
    [("Mg(DME)3", [6]), ("Mg2Cl2(DME)4", [6, 6]), ("Mg3Cl4(DME)5", [6, 6, 6])],
)
def test_clusters_fill_their_shells(formula, shells):
    guess = guess_structures(make_complex(formula, LIBRARY.__getitem__), 1)[0]
    assert [len(coordination(guess, m)) for m in guess.atoms_of("metal")] == shells


def test_a_leaving_bromide_is_seen_and_a_moving_metal_is_not():
    molecule = guess_structures(make_species(LIBRARY["PRBR"], "molecule", "Mg", LIBRARY["DME"]), 1)[
        0
    ]
    far = [list(p) for p in molecule.positions]
    far[molecule.symbols.index("Br")][0] += 5.0
    change = compare_bonds(molecule, molecule.with_positions(far))
    assert change.broken_labels == ["Br-C"]
    assert sorted(change.fragment_formulas) == ["Br", "C3H7"]
    pair = guess_structures(
        make_species(LIBRARY["TFSI"], "contact-ion-pair", "Mg", LIBRARY["DME"]), 1
    )[0]
    away = [list(p) for p in pair.positions]
    away[0][2] += 6.0
    assert compare_bonds(pair, pair.with_positions(away)).broken == []
