"""The notebook's door, on the committed example."""

import tomllib
from pathlib import Path

import pytest

from mgscreen.api import open_results
from mgscreen.campaign.models import Campaign
from mgscreen.core.errors import InputError
from mgscreen.database.database import Database

EXAMPLE = Path(__file__).parents[2] / "results" / "example"


@pytest.fixture(scope="module")
def results():
    with open_results(EXAMPLE) as found:
        yield found


def test_the_folder_and_the_file_are_the_same(results):
    with open_results(EXAMPLE / "mgscreen.db", "laptop") as other:
        assert other.name == results.name == "laptop"
        assert other.properties().equals(results.properties())


def test_rankings_are_frames(results):
    additives, pairs = results.additives(), results.pairs()
    assert additives["rank"].dropna().is_monotonic_increasing
    n = additives["rank"].notna().sum()
    assert len(pairs) == n * (n + 1) // 2
    assert {"TFSI", "PFTB"} <= set(additives["candidate"])


def test_a_value_leads_to_its_atoms(results):
    rows = results.properties("homo", "TFSI")
    row = rows[rows["form"] == "ion"].iloc[0]
    atoms = results.atoms(row["calculation"])
    assert atoms.get_chemical_formula() == "C2F6NO4S2"
    assert atoms.info["charge"] == -1
    assert results.document(row["calculation"])["homo_ev"] == pytest.approx(row["value"])


def test_each_structure_is_found_again_in_both_libraries(results):
    frame = results.structures()
    assert frame["name"].is_unique
    row = frame[(frame["kind"] == "orbitals") & (frame["species"] == "TFSI-")].iloc[0]
    assert results.atoms(row["name"]).get_chemical_formula("hill") == row["formula"]
    molecule = results.pymatgen(row["name"])
    assert type(molecule).__name__ == "Molecule"
    assert molecule.charge == row["charge"] == -1
    assert len(molecule) == row["n_atoms"]


def test_every_part_of_the_example_is_ranked(results):
    parts = {"additives", "pairs", "fragments", "phases", "coatings"}
    assert set(results.rankings()) == parts
    assert results.fragments()["fragment"].iloc[0] == "F"
    assert results.phases()["phase"].iloc[-1] == "MgO"


def test_parts_that_a_campaign_lacks_are_empty(tmp_path):
    text = 'name = "small"\n[candidates]\nlibrary = ["TFSI"]\n[host]\nsolvent = "DME"\n'
    with Database(tmp_path / "mgscreen.db") as database:
        campaign = Campaign.model_validate(tomllib.loads(text))
        database.register_campaign(campaign, text, "small.toml", ())
    with open_results(tmp_path / "mgscreen.db") as found:
        for empty in (found.fragments(), found.phases(), found.coatings()):
            assert len(empty) == 0


def test_a_notebook_shows_the_rankings(results):
    text = results._repr_html_()
    assert "<h3>mgscreen: laptop</h3>" in text
    assert "Additives (" in text
    assert "PFTB" in text


def test_the_report_of_a_notebook(results, tmp_path):
    assert results.report(tmp_path / "r.html").stat().st_size > 100_000


def test_questions_without_an_answer_are_refused(results):
    with pytest.raises(InputError, match="no property 'humo'"):
        results.properties("humo")
    with pytest.raises(InputError, match="no calculation"):
        results.atoms("0" * 32)
    name = results.properties("homo", "TFSI").iloc[0]["calculation"]
    with pytest.raises(InputError, match="no structure 'saddle'"):
        results.pymatgen(f"{name}:saddle")
    with pytest.raises(InputError):
        results.sql("delete from properties")
    with pytest.raises(InputError):
        open_results(EXAMPLE, "no-such-campaign")


def test_explanations_and_jobs(results):
    assert results.explain("TFSI").ranked.candidate == "TFSI"
    assert (results.jobs()["state"] == "COMPLETED").all()
    assert len(results.references()) > 100
