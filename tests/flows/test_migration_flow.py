"""Which jobs the section of migration makes, and with what."""

import pytest
from pydantic import ValidationError

from mgscreen.campaign.migration import Migration
from mgscreen.engines.level import Level
from mgscreen.flows.migration import MigrationMaker

POTENTIALS = (Level.parse("mlip:chgnet"), Level.parse("mlip:7net-0"))


def flow(phase, **options):
    maker = MigrationMaker(
        potentials=POTENTIALS, dft=Level.parse("gpaw:pbe"), section=Migration(**options)
    )
    return maker.make(phase), maker


def dft_of(phase, **options):
    made, _ = flow(phase, dft="all", **options)
    return made.jobs[-1]


def test_a_phase_is_searched_by_each_potential_and_checked_once():
    made, maker = flow("MgO", dft="escalate")
    assert [job.metadata["kind"] for job in made.jobs] == [
        "phase_migration",
        "phase_migration",
        "migration_points",
        "migration_points",
        "phase_migration_dft",
    ]
    ends, saddles, last = made.jobs[2:]
    assert [job.function_kwargs["part"] for job in (ends, saddles)] == ["endpoints", "saddles"]
    for job in (ends, saddles, last):
        assert job.metadata["accepts_failed"]
        assert job.function_kwargs["always"] is False
        assert len(job.function_kwargs["paths"]) == 2
    assert len(last.function_kwargs["points"]) == 2
    assert last.metadata["cost_s"] < ends.metadata["cost_s"]
    # crystal and metal, once for each potential
    assert len(maker.crystals.jobs) == 4


def test_without_dft_there_is_none():
    made, _ = flow("MgO")
    assert len(made.jobs) == 2


@pytest.mark.parametrize(
    ("dft", "options"),
    [("gpaw:pbe", {"dft_saddle": "relax"}), ("vasp:pbe", {})],
    ids=["relaxed saddle", "another program"],
)
def test_what_cannot_be_parted_is_one_job(dft, options):
    section = Migration(dft="all", **options)
    maker = MigrationMaker(potentials=POTENTIALS, dft=Level.parse(dft), section=section)
    last = maker.make("MgO").jobs[2:]
    assert [job.metadata["kind"] for job in last] == ["phase_migration_dft"]
    assert last[0].function_kwargs["points"] is None


def test_named_phases_go_to_dft_in_any_case():
    made, _ = flow("MgO", dft="escalate", dft_of=("MgO",))
    assert made.jobs[-1].function_kwargs["always"] is True


@pytest.mark.parametrize(
    ("phase", "mesh", "bands", "charges"),
    [
        ("MgF2", [1, 1, 1], 0.04, ("neutral", "charged")),
        ("Mg2Ga5", [2, 2, 2], None, ("neutral",)),
    ],
)
def test_mesh_bands_and_charge_states_suit_the_phase(phase, mesh, bands, charges):
    given = dft_of(phase, charge_states=("neutral", "charged")).function_kwargs
    assert given["level"].settings["kpts"] == mesh
    assert given["level"].settings.get("empty_bands") == bands
    assert given["charge_states"] == charges


def test_a_mesh_of_the_campaign_goes_before():
    given = dft_of("Mg2Ga5", dft_kpts={"Mg2Ga5": (3, 3, 2)}).function_kwargs
    assert given["level"].settings["kpts"] == [3, 3, 2]


def test_the_geometry_is_named_where_dft_does_not_relax():
    assert dft_of("MgO").metadata["geometry_level"] == "mlip:7net-0"
    assert dft_of("MgO", dft_geometry="all").metadata["geometry_level"].count("mlip:") == 2
    assert dft_of("MgO", dft_saddle="relax").metadata["geometry_level"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"phases": ("MgO", "MgO")},
        {"phases": ()},
        {"mechanisms": ("kick-out",)},
        {"species": "magnesium"},
        {"max_uncertainty": 0.0},
        {"dft_kpts": {"MgO": (0, 1, 1)}},
        {"min_supercell": 2.0},
        {"potentials": ("pyscf:b3lyp/6-31g(d)",)},
        {"barrier": 1.0},
    ],
)
def test_a_wrong_section_is_refused(wrong):
    with pytest.raises(ValidationError):
        Migration(**wrong)
