"""Binding energies: sign, balance, and what may not be subtracted."""

import pytest

from mgscreen.calculations.binding import binding_energy
from mgscreen.calculations.orbitals import OrbitalsDocument, frontier_orbitals
from mgscreen.core.structure import AtomicStructure


def atom(symbol, charge, x=0.0):
    return AtomicStructure(
        symbols=(symbol,), positions=((0, 0, x),), charge=charge, label=f"{symbol}{charge:+d}"
    )


@pytest.fixture
def documents(aqua_magnesium, magnesium, water, small):
    return [frontier_orbitals(s, small) for s in (aqua_magnesium, magnesium, water)]


def test_magnesium_binds_water(documents):
    whole, metal, water = documents
    document = binding_energy(whole, [metal, water], [1, 1])
    assert document.state == "completed"
    # B3LYP and coupled cluster agree on about -3.4 to -3.6 eV for Mg2+-OH2; a small basis without
    # counterpoise correction over-binds
    assert -4.5 < document.binding_energy_ev < -3.0
    (row,) = document.properties()
    assert row.value == document.binding_energy_ev
    assert "Mg2+" in row.reference
    assert "H2O" in row.reference


def test_it_is_the_difference_of_the_energies(documents):
    whole, metal, water = documents
    expected = whole.total_energy_ev - metal.total_energy_ev - water.total_energy_ev
    assert binding_energy(whole, [metal, water], [1, 1]).binding_energy_ev == pytest.approx(
        expected
    )


def test_ions_of_opposite_charge_bind(small):
    pair = AtomicStructure(symbols=("Li", "F"), positions=((0, 0, 0), (0, 0, 1.6)), label="LiF")
    whole, lithium, fluoride = (
        frontier_orbitals(s, small) for s in (pair, atom("Li", 1), atom("F", -1))
    )
    document = binding_energy(whole, [lithium, fluoride], [1, 1])
    # ionic bond of LiF: 7.9 eV; F- without diffuse functions is too high in energy
    assert document.binding_energy_ev < -7


def test_documents_may_come_as_json(documents):
    whole, *parts = (d.model_dump(mode="json") for d in documents)
    assert binding_energy(whole, parts, [1, 1]).binding_energy_ev < 0


def test_elements_and_charges_must_balance(documents, small):
    whole, metal, water = documents
    two = binding_energy(whole, [metal, water], [1, 2])
    assert two.state == "failed"
    assert "elements" in two.reason
    neutral = frontier_orbitals(atom("Mg", 0), small)
    charge = binding_energy(whole, [neutral, water], [1, 1])
    assert charge.state == "failed"
    assert "charges" in charge.reason
    assert charge.binding_energy_ev is None
    assert charge.properties()[0].value is None


def test_different_levels_or_settings_are_not_subtracted(documents, water, gfn2, small):
    whole, metal, _ = documents
    other = binding_energy(whole, [metal, frontier_orbitals(water, gfn2)], [1, 1])
    assert other.state == "failed"
    assert "xtb:gfn2" in other.reason
    finer = small.model_copy(update={"settings": {"grid": 2}})
    settings = binding_energy(whole, [metal, frontier_orbitals(water, finer)], [1, 1])
    assert settings.state == "failed"
    assert "grid" in settings.reason


def test_a_failed_part_fails_the_binding_energy(documents):
    whole, metal, _ = documents
    broken = OrbitalsDocument(state="failed", reason="the SCF did not converge")
    document = binding_energy(whole, [metal, broken], [1, 1])
    assert document.state == "failed"
    assert "did not converge" in document.reason
    assert document.structure is None or document.binding_energy_ev is None


def test_counts_go_with_parts(documents):
    whole, metal, water = documents
    assert binding_energy(whole, [metal, water], [1]).state == "failed"
