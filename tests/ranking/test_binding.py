"""Binding of the metal and of fragments on a coating, where its slabs are computed."""

import sys
import tomllib
from pathlib import Path

import pytest

from mgscreen.campaign.models import Campaign
from mgscreen.database.jobs import JobRef
from mgscreen.ranking.coatings import criteria_of, gather, rank_coatings

sys.path.insert(0, str(Path(__file__).parent))
import adsorbed
import filmed

SLABS = """
[[surfaces.slabs]]
crystal = "Mg"

[[surfaces.slabs]]
crystal = "MgO"
"""
ON = "MgO(001)-4L-3x3"


@pytest.fixture
def results(tmp_path):
    database, number = filmed.build(tmp_path / "films.db", text=filmed.TEXT + SLABS)
    for fragment, (radical, half, bulk) in {
        "F": (-3.0, -1.5, None),
        "Cl": (-1.0, -0.2, None),
        "Mg": (-1.2, None, 0.3),
    }.items():
        document = adsorbed.document(fragment, filmed.LEVEL, radical, half)
        document.slab_label = ON
        document.input_hash = f"{fragment} on MgO"
        if bulk is not None:
            document.energies = document.energies.model_copy(
                update={"bulk": document.energies.radical.model_copy(update={"value_ev": bulk})}
            )
        job = {
            "uuid": document.input_hash,
            "name": document.input_hash,
            "kind": "adsorption",
            "candidate": fragment,
            "form": ON,
            "species": f"{fragment} on {ON}",
            "level": filmed.LEVEL,
        }
        database.add_jobs(number, [job])
        database.record(JobRef(**job), document, None, "COMPLETED", wall_s=1.0)
    yield database, number
    database.close()


def test_the_fragment_that_binds_most_strongly_counts_and_the_metal_apart(results):
    values = gather(*results)["MgO"]["values"]
    fragments = values["fragment_binding"]
    assert fragments.value == pytest.approx(-1.5)
    assert fragments.reason.startswith("F on MgO(001)")
    assert fragments.calculations == ("F on MgO",)
    assert values["metal_binding"].value == pytest.approx(0.3)
    assert "fragment_binding" not in gather(*results)["MgF2"]["values"]


def test_they_are_criteria_of_coatings_and_missing_elsewhere(results):
    ranked = {r.phase: r for r in rank_coatings(*results, samples=100)}
    assert ranked["MgO"].get("fragment_binding").value == pytest.approx(-1.5)
    assert "no value of" in ranked["MgF2"].reason
    assert "fragment binding" in ranked["MgF2"].reason


def test_without_slabs_of_phases_nothing_is_asked_of_them():
    names = [
        {c.property for c in criteria_of(Campaign.model_validate(tomllib.loads(text)), "insulator")}
        for text in (filmed.TEXT, filmed.TEXT + SLABS)
    ]
    assert "fragment_binding" not in names[0]
    assert {"fragment_binding", "metal_binding"} <= names[1]
