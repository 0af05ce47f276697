"""Frontier orbitals with real engines."""

import pytest

from mgscreen.calculations.orbitals import UNBOUND, OrbitalsDocument, frontier_orbitals
from mgscreen.core.structure import AtomicStructure, Fragment
from mgscreen.engines.level import Level


def rows(document):
    return {row.property: row for row in document.properties()}


def test_water_at_the_gaussian_compatible_level(water):
    level = Level.parse("pyscf:b3lyp/6-31g(d)")
    document = frontier_orbitals(water, level)
    assert document.state == "completed"
    # at the optimised geometry Gaussian gives -76.4089533 Ha; this one is 2e-3 Ha off it at most
    assert document.total_energy_ev == pytest.approx(-76.4089533 * 27.211386, abs=0.05)
    assert document.homo_ev == pytest.approx(-7.9, abs=0.3)
    assert document.gap_ev == pytest.approx(document.lumo_ev - document.homo_ev)
    assert not document.lumo_unbound
    found = rows(document)
    assert found["homo"].unit == "eV"
    assert found["homo"].environment == "gas"
    assert found["lumo"].text is None
    # a neutral candidate alone has no metal, anion or solvent to tell apart
    assert not any("_on_" in name for name in found)


def test_the_lumo_of_an_anion_is_labelled_unbound(small):
    fluoride = AtomicStructure(
        symbols=("F",),
        positions=((0, 0, 0),),
        charge=-1,
        fragments=(Fragment(name="F", role="anion", atoms=(0,), charge=-1),),
    )
    document = frontier_orbitals(fluoride, small)
    found = rows(document)
    assert document.lumo_ev > 0
    assert document.lumo_unbound
    assert found["lumo"].text == UNBOUND
    assert found["lumo"].value == document.lumo_ev
    assert found["gap"].text == UNBOUND
    assert found["homo"].text is None
    assert any("not bound" in text for text in document.warnings)
    assert found["homo_on_anion"].value == pytest.approx(1.0, abs=1e-6)


def test_a_basis_without_an_empty_orbital_gives_a_reason():
    """STO-3G of helium is one function, which its two electrons fill."""
    helium = AtomicStructure(symbols=("He",), positions=((0, 0, 0),))
    level = Level.parse("pyscf:b3lyp/sto-3g", {"density_fit": False})
    document = frontier_orbitals(helium, level)
    assert document.state == "completed"
    assert document.lumo_ev is None
    found = rows(document)
    for name in ("lumo", "gap"):
        assert found[name].state == "failed"
        assert "basis" in found[name].reason
    assert found["homo"].value < 0


def test_fractions_say_where_an_orbital_of_a_contact_pair_lives(formate_pair, small):
    found = rows(frontier_orbitals(formate_pair, small))
    for orbital in ("homo", "lumo"):
        total = found[f"{orbital}_on_metal"].value + found[f"{orbital}_on_anion"].value
        assert total == pytest.approx(1.0, abs=1e-6)
        assert f"{orbital}_on_solvent" not in found
    assert found["homo_on_anion"].value > 0.9
    # the empty 3s orbital of a bare magnesium ion is the lowest
    assert found["lumo_on_metal"].value > 0.5


def test_a_radical_has_levels_of_both_spins(small):
    bromine = AtomicStructure(symbols=("Br",), positions=((0, 0, 0),), multiplicity=2)
    document = frontier_orbitals(bromine, small)
    assert document.homo_beta_ev is not None
    # the hole of the 4p shell is the lowest empty level of beta, far below that of alpha
    assert document.gap_ev == pytest.approx(
        min(document.lumo_ev, document.lumo_beta_ev) - max(document.homo_ev, document.homo_beta_ev)
    )
    assert document.lumo_beta_ev < document.lumo_ev
    assert {"homo_beta", "lumo_beta"} <= rows(document).keys()


def test_an_element_that_the_basis_lacks_is_a_failed_document():
    uranium = AtomicStructure(symbols=("U",), positions=((0, 0, 0),), charge=0, multiplicity=5)
    document = frontier_orbitals(uranium, Level.parse("pyscf:b3lyp/6-31g"))
    assert document.state == "failed"
    assert document.reason
    assert document.level == "pyscf:b3lyp/6-31g"
    assert all(row.state == "failed" and row.value is None for row in document.properties())
    assert {row.property for row in document.properties()} >= {"homo", "lumo", "gap"}


def test_a_document_survives_json_and_names_no_path_of_this_machine(water, gfn2, tmp_path):
    document = frontier_orbitals(water, gfn2)
    text = document.model_dump_json()
    assert OrbitalsDocument.model_validate_json(text) == document
    assert str(tmp_path) not in text


def test_a_second_call_takes_the_saved_state(water, small, monkeypatch):
    from mgscreen.engines.pyscf import PyscfEngine

    first = frontier_orbitals(water, small)

    def refuse(*_args, **_kwargs):
        raise AssertionError("the SCF was computed again")

    monkeypatch.setattr(PyscfEngine, "single_point", refuse)
    again = frontier_orbitals(water, small)
    assert again.total_energy_ev == first.total_energy_ev
    assert again.input_hash == first.input_hash
