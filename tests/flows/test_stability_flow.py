"""Which energies a phase is held against."""

import pytest

from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.stability import StabilityMaker
from mgscreen.flows.voltages import alloy_jobs
from mgscreen.structures.crystals import crystal_library

LEVEL = Level.parse("mlip:chgnet")


def against(phase, **settings):
    flow = StabilityMaker(level=LEVEL, **settings).make((phase,))
    (job,) = [j for j in flow.jobs if j.name.startswith("stability")]
    return job.function_kwargs["names"], {j.name for j in flow.jobs}


@pytest.mark.parametrize("element", ["H", "N", "O", "F", "Cl"])
def test_a_gas_at_room_temperature_is_a_molecule(element):
    """Chlorine has a crystal in the library, which melts at 172 K: it is no reference at 298 K."""
    phase = {"H": "MgH2", "N": "Mg3N2", "O": "MgO", "F": "MgF2", "Cl": "MgCl2"}[element]
    names, jobs = against(phase)
    assert f"gas {element}2 mlip:chgnet" in jobs
    # once: as the gas
    assert [n for n in names if n in {f"{element}2", element}] == [f"{element}2"]
    assert "Cl2" in crystal_library()


@pytest.mark.parametrize("element", ["Br", "I"])
def test_a_liquid_or_solid_halogen_is_its_crystal(element):
    names, jobs = against(f"Mg{element}2")
    assert f"{element}2" in names
    assert not any(name.startswith("gas") for name in jobs)


def test_each_phase_has_every_element_of_its_chemical_system():
    """Else there would be no hull: a crystal or a molecule of each, of the cathode's too."""
    for phase in ("MgS", "MgCO3", "Mg2Ga5", "Mg(OH)2", "MgZn2", "MgHg", "Mg3Bi2"):
        names, _ = against(phase, cathode="Mo6S8")
        assert {"Mg", "Mo", "S", "Mo6S8"} <= set(names)
    names, _ = against("MgCO3", cathode="Mo6S8")
    assert {"C", "O2", "CO2", "MgO"} <= set(names)


def test_given_competitors_are_taken_and_no_others():
    names, _ = against("MgO", competing=("Mg",))
    assert names == ["Mg", "O2"]


def test_products_of_the_electrolyte_bring_their_elements():
    names, jobs = against("MgF2", products=("CO2", "Mg(OH)2"))
    assert {"C", "O2", "H2", "CO2", "MgO", "F2", "Mg(OH)2"} <= set(names)
    assert "gas CO2 mlip:chgnet" in jobs
    with pytest.raises(InputError, match="not a formula"):
        against("MgF2", products=("C(2",))


def test_an_alloy_has_a_voltage_against_each_metal_that_could_be_the_anode():
    crystals = CrystalJobs()

    def metals(name, anode):
        jobs = alloy_jobs(name, anode, LEVEL, crystals)
        return [job.function_kwargs["metal"] for job in jobs]

    assert metals("Mg2Ga5", "Mg") == ["Mg"]
    assert metals("LiMg", "Mg") == ["Mg"]
    assert metals("LiZn", "Mg") == ["Li", "Zn"]
    assert metals("NaHg2", "Mg") == ["Na"]
    assert metals("LiAl", "Li") == ["Li"]
