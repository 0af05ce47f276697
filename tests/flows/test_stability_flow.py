"""Which energies a phase is held against."""

import pytest

from mgscreen.campaign.models import Campaign
from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.stability import StabilityMaker, stability_flows
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


def made(**section):
    given = {"competing": ["Mg"], "phases": ["MgO"], "alloys": [], "cathode": False, **section}
    campaign = Campaign.model_validate({"name": "c", "stability": given})
    flows = stability_flows(campaign, CrystalJobs(), None)
    return [job for flow in flows for job in flow.jobs]


def test_the_second_potential_takes_over_the_placements_of_the_first():
    jobs = [j for j in made(cathodes=[{}]) if j.metadata["kind"] == "insertion"]
    by = {(j.metadata["form"], j.metadata["level"]): j for j in jobs}
    first = by["1 Mg", "mlip:chgnet"]
    assert "guess" not in first.function_kwargs
    for n in ("1 Mg", "2 Mg"):
        second = by[n, "mlip:7net-0"]
        assert second.function_kwargs["guess"].uuid == by[n, "mlip:chgnet"].uuid
        # where the first potential failed, it searches by itself
        assert second.metadata["accepts_failed"]


def test_energies_by_dft_bring_the_gaps_of_their_phases():
    names = [j.name for j in made(dft="energies", gaps_of=["MgO", "MgS"])]
    assert sorted(n for n in names if n.startswith("gap")) == [
        "gap Mg gpaw:pbe",
        "gap MgO gpaw:pbe",
        "gap MgS gpaw:pbe",
    ]


def test_bands_are_placed_against_the_anode_at_the_geometry_of_the_first_potential():
    jobs = [j for j in made(edges=[{"phase": "MgO"}]) if j.metadata["kind"] == "band_edges"]
    assert [j.name for j in jobs] == ["band edges MgO gpaw:pbe"]
    assert jobs[0].metadata["geometry_level"] == "mlip:chgnet"
    assert jobs[0].function_kwargs["metal"] == "Mg"


def test_a_campaign_of_nothing_but_a_cathode_has_no_empty_flow():
    campaign = Campaign.model_validate(
        {"name": "c", "stability": {"phases": [], "alloys": [], "cathodes": [{}]}}
    )
    assert all(flow.jobs for flow in stability_flows(campaign, CrystalJobs(), None))
