"""The one representation of atoms."""

import pytest
from ase.build import bulk, molecule
from pydantic import ValidationError

from mgscreen.core.structure import AtomicStructure, Fragment


def test_electrons_and_spin_of_charged_states():
    water = AtomicStructure.from_ase(molecule("H2O"))
    assert water.n_electrons == 10
    assert water.lowest_multiplicity(0) == 1
    assert water.lowest_multiplicity(1) == 2
    cation = water.with_state(1, 2)
    assert cation.n_electrons == 9
    assert cation.lowest_multiplicity(0) == 1


@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 2), (1, 1), (11, 2), (0, 13)])
def test_impossible_spin_is_refused(charge, multiplicity):
    with pytest.raises(ValidationError, match=r"multiplicity|electrons"):
        AtomicStructure.from_ase(molecule("H2O"), charge=charge, multiplicity=multiplicity)


def test_round_trip_through_ase_keeps_cell_and_positions():
    atoms = bulk("Mg")
    structure = AtomicStructure.from_ase(atoms)
    back = structure.to_ase()
    assert (back.positions == atoms.positions).all()
    assert (back.cell[:] == atoms.cell[:]).all()
    assert back.pbc.all()


def test_hill_formula():
    assert AtomicStructure.from_ase(molecule("CH3CH2OH")).formula == "C2H6O"
    assert AtomicStructure.from_ase(molecule("SiH4")).formula == "H4Si"


def test_atoms_by_role():
    structure = AtomicStructure(
        symbols=("Mg", "O", "H"),
        positions=((0, 0, 0), (0, 0, 2), (0, 0, 3)),
        charge=1,
        fragments=(
            Fragment(name="OH", role="anion", atoms=(1, 2), charge=-1),
            Fragment(name="Mg", role="metal", atoms=(0,), charge=2),
        ),
    )
    assert structure.atoms_of("metal") == (0,)
    assert structure.atoms_of("anion", "metal") == (0, 1, 2)
    assert structure.atoms_of("solvent") == ()


@pytest.mark.parametrize("atoms", [(0, 0), (5,), (-1,)])
def test_fragments_that_do_not_fit_are_refused(atoms):
    with pytest.raises(ValidationError, match="fragments"):
        AtomicStructure(
            symbols=("He",),
            positions=((0, 0, 0),),
            fragments=(Fragment(name="x", role="anion", atoms=atoms),),
        )


def test_xyz_text_has_every_atom():
    text = AtomicStructure.from_ase(molecule("H2O")).to_xyz("comment")
    assert text.splitlines()[0] == "3"
    assert len(text.splitlines()) == 5
