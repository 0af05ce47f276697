from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.energetics.voltage import (
    alloying_voltage,
    electrons,
    formation_energy,
    insertion_voltage,
    mean_voltage,
    voltage_profile,
    voltage_steps,
)


# Formation energies of the Materials Project (PBE), eV/atom; the voltages follow by hand.
@pytest.mark.parametrize(
    ("atoms", "formation", "volt"),
    [
        ({"Mg": 1, "Hg": 1}, -0.220, 0.220),
        ({"Mg": 2, "Ga": 5}, -0.111, 0.194),
        ({"Mg": 1, "Zn": 2}, -0.124, 0.186),
    ],
)
def test_alloying_voltage_of_published_formation_energies(atoms, formation, volt):
    assert alloying_voltage(formation, atoms, "Mg") == pytest.approx(volt, abs=5e-4)


def test_alloying_voltage_does_not_depend_on_the_size_of_the_cell():
    whole = alloying_voltage(-0.1, {"Mg": 8, "Ga": 20}, "Mg")
    assert whole == pytest.approx(alloying_voltage(-0.1, {"Mg": 2, "Ga": 5}, "Mg"))


def test_valence_counts():
    one = alloying_voltage(-0.3, {"Li": 1, "Hg": 1}, "Li")
    assert one == pytest.approx(0.6)
    assert alloying_voltage(-0.3, {"Al": 1, "Hg": 1}, "Al") == pytest.approx(one / 3)


def test_formation_energy_counts_every_atom():
    value = formation_energy(-10.0, {"Mg": 2, "Ga": 5}, {"Mg": -1.0, "Ga": -1.2})
    assert value == pytest.approx((-10.0 + 2.0 + 6.0) / 7)


def test_voltage_and_formation_energy_agree():
    elements = {"Mg": -1.5, "Zn": -1.1}
    energy = -4.2
    formation = formation_energy(energy, {"Mg": 1, "Zn": 2}, elements)
    assert alloying_voltage(formation, {"Mg": 1, "Zn": 2}, "Mg") == pytest.approx(
        insertion_voltage(2 * -1.1, energy, -1.5, 1, 2)
    )


def test_mean_is_the_mean_of_the_steps_by_charge():
    energies = {0: -100.0, 1: -104.0, 2: -107.0}
    steps = voltage_steps(energies, -1.5, 2)
    assert [s.volt for s in steps] == pytest.approx([1.25, 0.75])
    assert mean_voltage(energies, -1.5, 2) == pytest.approx(1.0)


def test_an_unstable_composition_gives_no_plateau():
    energies = {0: -100.0, 1: -102.0, 2: -107.0}
    assert [s.volt for s in voltage_steps(energies, -1.5, 2)] == pytest.approx([0.25, 1.75])
    profile = voltage_profile(energies, -1.5, 2)
    assert [(s.start, s.end) for s in profile] == [(0, 2)]
    assert profile[0].volt == pytest.approx(1.0)


@given(
    st.dictionaries(st.integers(0, 8), st.floats(-50, 50, allow_nan=False), min_size=2, max_size=9)
)
def test_profile_falls_and_keeps_the_mean(energies):
    profile = voltage_profile(energies, -1.5, 2)
    volts = [s.volt for s in profile]
    assert all(a >= b - 1e-9 for a, b in pairwise(volts))
    charge = sum((s.end - s.start) * s.volt for s in profile)
    span = max(energies) - min(energies)
    assert charge / span == pytest.approx(mean_voltage(energies, -1.5, 2), abs=1e-9)


def test_what_is_no_reaction_is_refused():
    with pytest.raises(ValueError, match="no Mg"):
        alloying_voltage(-0.1, {"Li": 1, "Hg": 1}, "Mg")
    with pytest.raises(ValueError, match="no insertion"):
        insertion_voltage(-1.0, -2.0, -1.0, 0, 2)
    with pytest.raises(ValueError, match="two compositions"):
        mean_voltage({0: -1.0}, -1.0, 2)
    with pytest.raises(ValueError, match="not a finite"):
        voltage_profile({0: -1.0, 1: float("nan")}, -1.0, 2)
    with pytest.raises(ValueError, match="no energy of Ga"):
        formation_energy(-1.0, {"Mg": 1, "Ga": 1}, {"Mg": -1.0})
    with pytest.raises(ValueError, match="valence of Bi"):
        electrons("Bi")
