"""Reactions of a campaign as jobs."""

import pytest

from mgscreen.campaign.models import Campaign
from mgscreen.campaign.reactions import Reactions
from mgscreen.core.errors import InputError
from mgscreen.flows.crystals import CrystalJobs
from mgscreen.flows.displacement import chloride_components
from mgscreen.flows.reactions import reaction_flows


def campaign(**more):
    return Campaign.model_validate({"name": "c", "stability": {}, **more})


def jobs(section, **more):
    crystals = CrystalJobs()
    flows = reaction_flows(campaign(**more), section, crystals)
    return [job for flow in flows for job in flow.jobs], crystals


def test_halides_share_what_they_have_in_common():
    made, _ = jobs(Reactions(displacement=()))
    names = [job.name for job in made]
    assert len(names) == len(set(names))
    assert names.count("orbitals (C3H7)2Mg") == names.count("orbitals Mg") == 1
    assert [n for n in names if "->" in n] == [
        "CCCCl + Mg(s) -> C3H7MgCl",
        "2 C3H7MgCl -> (C3H7)2Mg + MgCl2",
        "PRBR + Mg(s) -> C3H7MgBr",
        "2 C3H7MgBr -> (C3H7)2Mg + MgBr2",
        "CCCI + Mg(s) -> C3H7MgI",
        "2 C3H7MgI -> (C3H7)2Mg + MgI2",
    ]


def test_molecules_are_in_the_solvent_and_the_free_atom_is_not():
    made, _ = jobs(Reactions(rx=("CBr",), displacement=(), level="pyscf:b3lyp/6-31g(d)"))
    levels = {j.name: j.metadata["level"] for j in made if j.name.startswith("orbitals")}
    assert levels.pop("orbitals Mg") == "pyscf:b3lyp/6-31g(d)"
    assert set(levels.values()) == {"pyscf:b3lyp/6-31g(d)/cpcm(7.2)"}


def test_isomers_are_not_mistaken_for_each_other():
    made, _ = jobs(Reactions(rx=("CC(C)Br", "CCCBr"), displacement=()))
    candidates = {j.metadata["candidate"] for j in made if j.metadata["kind"] == "reaction"}
    assert len(candidates) == 2
    assert [j.name for j in made].count("orbitals (C3H7)2Mg") == 2


def test_solvent_molecules_stand_on_both_sides():
    section = Reactions(rx=("CBr",), displacement=(), solvent="DME", solvent_molecules=1)
    made, _ = jobs(section)
    grignard = next(j for j in made if "-> CH3MgBr" in j.name)
    assert grignard.name == "CBr + Mg(s) + DME -> CH3MgBr(DME)"
    assert grignard.function_kwargs["coefficients"] == [-1.0, -1.0, -1.0, 1.0]


def test_a_solvent_may_be_a_smiles():
    made, _ = jobs(Reactions(rx=("CBr",), displacement=(), solvent="COC", solvent_molecules=2))
    names = [j.name for j in made if "->" in j.name]
    assert names == [
        "CBr + Mg(s) + 2 C2H6O -> CH3MgBr(C2H6O)2",
        "2 CH3MgBr(C2H6O)2 -> (CH3)2Mg(C2H6O)2 + MgBr2(C2H6O)2",
    ]


def test_chlorides_of_metals_with_a_heat_of_sublimation_run_in_solution_too():
    section = Reactions(rx=(), displacement=("BiCl3", "SnCl2"), level="pyscf:b3lyp/6-31g(d)")
    made, _ = jobs(section)
    solution = {j.name: j for j in made if j.metadata["level"].startswith("pyscf")}
    found = solution["BiCl3 + 3/2 Mg(s) -> 3/2 MgCl2 + Bi(s)"]
    assert found.metadata["level"] == "pyscf:b3lyp/6-31g(d)/cpcm(7.2)"
    assert found.function_kwargs["product_phases"] == ["MgCl2", "Bi"]
    assert solution["orbitals Bi"].metadata["level"] == "pyscf:b3lyp/6-31g(d)"
    # there is no crystal of either chloride: no job that fails beside one that runs
    assert not [j for j in made if j.metadata["level"].startswith("mlip")]
    none, _ = jobs(section.model_copy(update={"in_solution": False}))
    assert not [j for j in none if j.metadata["level"].startswith("pyscf")]


def test_the_molecule_of_a_chloride_and_the_free_atom_of_its_metal():
    whole, atom, anion = chloride_components("SbCl3")
    assert (whole.smiles, atom.multiplicity, anion.smiles) == ("[Sb](Cl)(Cl)Cl", 4, "[Cl-]")
    assert [chloride_components(c)[1].multiplicity for c in ("ZnCl2", "SnCl2", "AlCl3")] == [
        1,
        3,
        2,
    ]


def test_a_displacement_without_crystals_is_a_job_that_says_so():
    made, crystals = jobs(Reactions(rx=(), displacement=("HgCl2",)))
    assert not crystals.jobs
    found = made[0].function(**made[0].function_kwargs)
    assert found.reason == "the library has no crystal of HgCl2"
    assert found.level == made[0].metadata["level"]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (Reactions(rx=("CCC",)), r"reactions\.rx\[0\].*no halide"),
        (Reactions(rx=("PRBR", "NOTHERE")), r"reactions\.rx\[1\]"),
        (Reactions(solvent="NOTHERE", solvent_molecules=1), r"reactions\.solvent"),
        (Reactions(solvent="TFSI", solvent_molecules=1), "is an ion"),
        (Reactions(displacement=("MgCl2",)), r"reactions\.displacement\[0\]"),
    ],
)
def test_faults_name_their_field(section, words):
    with pytest.raises(InputError, match=words):
        jobs(section)


def test_grignard_needs_magnesium():
    with pytest.raises(InputError, match=r"reactions\.rx.*anode of Zn"):
        jobs(Reactions(), anode={"metal": "Zn"})


def test_a_level_for_crystals_is_refused():
    with pytest.raises(ValueError, match="is for crystals"):
        Reactions(level="gpaw:pbe")
