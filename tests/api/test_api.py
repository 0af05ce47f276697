"""The notebook's door, on the committed example."""

from pathlib import Path

import pytest

from mgscreen.api import open_results
from mgscreen.core.errors import InputError

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


def test_questions_without_an_answer_are_refused(results):
    with pytest.raises(InputError, match="no property 'humo'"):
        results.properties("humo")
    with pytest.raises(InputError, match="no calculation"):
        results.atoms("0" * 32)
    with pytest.raises(InputError):
        results.sql("delete from properties")
    with pytest.raises(InputError):
        open_results(EXAMPLE, "no-such-campaign")


def test_explanations_and_jobs(results):
    assert results.explain("TFSI").ranked.candidate == "TFSI"
    assert (results.jobs()["state"] == "COMPLETED").all()
    assert len(results.references()) > 100
