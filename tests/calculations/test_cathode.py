"""Insertion into hosts: the lowest of the starts, voltages, and what is refused."""

import pytest

from mgscreen.calculations.cathode import (
    InsertionDocument,
    insertion_energy,
    insertion_hosts,
    insertion_voltages,
)
from mgscreen.calculations.crystal import relax_crystal
from mgscreen.core.properties import PROPERTIES
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.engines.level import Level
from mgscreen.structures.crystals import load_crystal

LEVEL = Level.parse("mlip:7net-0", settings={"fmax": 0.1})


@pytest.fixture(scope="module")
def aluminium(tmp_path_factory):
    """Lithium in aluminium: small, and nothing that a cell would do."""
    with use_runtime(Runtime(scratch=tmp_path_factory.mktemp("cathode"))):
        host = relax_crystal(load_crystal("Al", primitive=True), LEVEL)
        metal = relax_crystal(load_crystal("Li", primitive=True), LEVEL)
        full = insertion_energy(host.structure, LEVEL, "Li", 1, "isotropic")
    return host, metal, full


def test_the_lowest_start_is_kept(aluminium):
    host, _, full = aluminium
    assert full.state == "completed", full.reason
    assert full.starts == len(insertion_hosts(host.structure, "Li", 1)) == len(full.screened_ev)
    assert 1 <= len(full.energies_ev) <= full.starts
    assert full.energy_ev == min(e for e in full.energies_ev if e is not None)
    assert sorted(full.structure.symbols) == ["Al", "Li"]


def test_another_level_takes_over_the_placements(aluminium, tmp_path):
    host, _, full = aluminium
    level = Level.parse("mlip:chgnet", settings={"fmax": 0.1})
    with use_runtime(Runtime(scratch=tmp_path)):
        found = insertion_energy(host.structure, level, "Li", 1, "isotropic", full)
    assert found.state == "completed", found.reason
    assert found.placements_level == full.level
    assert not found.screened_ev
    assert len(found.energies_ev) == len(full.placements)
    assert found.level == "mlip:chgnet"


def test_a_search_that_failed_is_made_again(aluminium, tmp_path):
    host, _, full = aluminium
    none = InsertionDocument(state="failed", reason="nothing relaxed")
    with use_runtime(Runtime(scratch=tmp_path)):
        found = insertion_energy(host.structure, LEVEL, "Li", 1, "isotropic", none)
    assert found.screened_ev
    assert found.energy_ev == pytest.approx(full.energy_ev, abs=1e-6)


def test_voltage_is_that_of_the_energies(aluminium):
    host, metal, full = aluminium
    found = insertion_voltages(host, [full], metal)
    expected = -(full.energy_ev - host.energy_ev - metal.energy_per_atom_ev)
    assert found.mean_v == pytest.approx(expected)
    assert [(s.start, s.end) for s in found.steps] == [(0, 1)]
    assert found.volume_change > 0
    for row in found.properties() + full.properties():
        assert row.unit == PROPERTIES[row.property].unit


def test_steps_and_profile_of_given_energies(aluminium):
    host, metal, full = aluminium
    two = full.model_copy(
        update={
            "inserted": 2,
            "energy_ev": full.energy_ev - 5.0,
            "structure": full.structure.model_copy(
                update={
                    "symbols": (*full.structure.symbols, "Li"),
                    "positions": (*full.structure.positions, (1.0, 1.0, 1.0)),
                }
            ),
        }
    )
    plain = [full.model_dump(mode="json"), None, two.model_dump(mode="json")]
    found = insertion_voltages(host.model_dump(mode="json"), plain, metal.model_dump(mode="json"))
    assert found.state == "completed", found.reason
    assert found.steps[1].volt == pytest.approx(5.0 + metal.energy_per_atom_ev)
    assert found.mean_v == pytest.approx(sum(s.volt for s in found.steps) / 2)
    # the second step is above the first: the middle composition is no plateau
    assert [(s.start, s.end) for s in found.profile] == [(0, 2)]
    assert len(found.warnings) == 1
    names = [row.property for row in found.properties()]
    assert len(names) == len(set(names)) == 3


def test_what_is_no_insertion_is_refused(aluminium):
    host, metal, full = aluminium
    other = full.model_copy(update={"level": "mlip:chgnet"})
    assert "cannot be subtracted" in insertion_voltages(host, [other], metal).reason
    assert "is not the host" in insertion_voltages(metal, [full], metal).reason
    failed = InsertionDocument(state="failed", reason="nothing relaxed")
    assert "nothing relaxed" in insertion_voltages(host, [failed], metal).reason


def test_too_many_atoms_are_a_failure():
    found = insertion_energy(load_crystal("Al", primitive=True), LEVEL, "Mg", 4)
    assert found.state == "failed"
    assert "do not fit" in found.reason


@pytest.mark.slow
def test_chevrel_phase_against_magnesium(tmp_path):
    # measured: 1.0 to 1.3 V; from PBE formation energies 0.98, 0.65 V and 0.82 V in the mean
    guesses = [None, None]
    means = {}
    for potential in ("mlip:chgnet", "mlip:7net-0"):
        level = Level.parse(potential)
        with use_runtime(Runtime(scratch=tmp_path / level.method)):
            host = relax_crystal(load_crystal("Mo6S8", primitive=True), level)
            metal = relax_crystal(load_crystal("Mg", primitive=True), level)
            guesses = [
                insertion_energy(host.structure, level, "Mg", n, guess=guess)
                for n, guess in zip((1, 2), guesses, strict=True)
            ]
        found = insertion_voltages(host, guesses, metal)
        assert found.steps[0].volt > found.steps[1].volt > 0, potential
        means[level.method] = found.mean_v
    assert 0.8 <= means["7net-0"] <= 1.4
    # CHGNet binds Mg in the host less, by some 0.6 eV per atom
    assert 0.4 <= means["chgnet"] <= means["7net-0"]
