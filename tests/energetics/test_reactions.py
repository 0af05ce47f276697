"""Balance, sign and writing of reactions."""

import pytest

from mgscreen.core.errors import InputError
from mgscreen.energetics.reactions import (
    EV_PER_KJ_MOL,
    Term,
    check_balance,
    equation,
    formula_composition,
    metal_energy,
    reaction_energy,
)

# free energies of formation at 298 K, kJ/mol: CRC Handbook
BICL3, MGCL2 = -315.0, -591.8


def term(formula, coefficient, energy=0.0, charge=0):
    return Term(formula, coefficient, formula_composition(formula), energy, charge)


def test_displacement_of_bismuth_from_tabulated_free_energies():
    terms = [
        term("BiCl3", -1, BICL3),
        term("Mg", -1.5),
        term("MgCl2", 1.5, MGCL2),
        term("Bi", 1),
    ]
    assert reaction_energy(terms) / 1.5 == pytest.approx(-382, abs=1)
    assert equation(terms) == "BiCl3 + 3/2 Mg -> 3/2 MgCl2 + Bi"


def test_the_reverse_has_the_other_sign():
    forward = [term("Mg", -1, 1.0), term("F2", -1, 2.0), term("MgF2", 1, -3.5)]
    back = [Term(t.name, -t.coefficient, t.composition, t.energy_ev) for t in forward]
    assert reaction_energy(forward) == pytest.approx(-6.5)
    assert reaction_energy(back) == pytest.approx(6.5)


def test_an_unbalanced_element_is_named():
    with pytest.raises(InputError, match=r"Mg \+ Cl2 -> MgCl does not balance.*-1 Cl"):
        check_balance([term("Mg", -1), term("Cl2", -1), term("MgCl", 1)])


def test_an_unbalanced_charge_is_named():
    with pytest.raises(InputError, match=r"a charge of \+2"):
        check_balance([term("Mg", -1), term("Mg", 1, charge=2)])


@pytest.mark.parametrize(
    "terms", [[], [term("Mg", -1)], [term("Mg", 1), term("Mg", 1)], [term("Mg", 0)]]
)
def test_a_reaction_has_two_sides(terms):
    with pytest.raises(InputError, match="is no reaction"):
        reaction_energy(terms)


@pytest.mark.parametrize("formula", ["", "mg", "Xx2", "Mg(OH)2", "Cl0", "MgCl2 "])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(InputError, match="is no formula"):
        formula_composition(formula)


def test_the_metal_is_the_atom_less_its_sublimation():
    assert metal_energy("Mg", -10.0) == pytest.approx(-10.0 - 147.1 / 96.485, abs=1e-4)
    with pytest.raises(InputError, match="no enthalpy of sublimation of 'Fe'"):
        metal_energy("Fe", 0.0)


def test_the_factor_of_kj_per_mol_is_that_of_ase():
    from ase import units

    assert pytest.approx(units.kJ / units.mol, rel=1e-6) == EV_PER_KJ_MOL
