"""Exports of the committed example, each read back with the tool of its field."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from command_line_for_tests import mgscreen

from mgscreen.database.database import Database

EXAMPLE = Path(__file__).parents[2] / "results" / "example" / "mgscreen.db"


@pytest.fixture(scope="module")
def database():
    with Database(EXAMPLE, read_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a folder with every format, written by the command."""
    folder = tmp_path_factory.mktemp("exported")
    targets = {
        "csv": "csv",
        "parquet": "parquet",
        "ase": "a.db",
        "optimade": "o.json",
        "rocrate": "c.zip",
    }
    for form, name in targets.items():
        mgscreen(
            *("export", "results", "laptop", "--db", EXAMPLE, "--format", form, "--to", name),
            cwd=folder,
        )
    return folder


def test_tables_are_read_by_pandas_and_say_the_same(exported, database):
    ours = database.frame_properties(campaign="laptop")
    parquet = pd.read_parquet(exported / "parquet" / "properties.parquet")
    assert len(parquet) == len(ours) > 100
    assert parquet["value"].equals(ours["value"])
    csv = pd.read_csv(exported / "csv" / "properties.csv", keep_default_na=False, na_values=[""])
    names = ["candidate", "form", "property"]
    assert csv[names].to_numpy().tolist() == ours[names].to_numpy().tolist()
    assert csv["value"].sub(ours["value"]).abs().max() < 1e-9
    ranks = pd.read_parquet(exported / "parquet" / "rank_additives.parquet")
    assert ranks["rank"].dropna().astype(int).tolist() == sorted(ranks["rank"].dropna())
    pairs = pd.read_csv(exported / "csv" / "rank_pairs.csv")
    assert {"formulation", "anode_protected", "cathode_protected", "score"} <= set(pairs)
    names = {p.stem for p in (exported / "csv").iterdir()}
    assert names == {p.stem for p in (exported / "parquet").iterdir()}
    assert {"jobs", "calculations", "candidates", "references"} <= names


def test_ase_finds_structures_by_their_values(exported, database):
    from ase.db import connect

    with connect(str(exported / "a.db")) as found:
        rows = list(found.select("kind=orbitals,candidate=TFSI,form=ion"))
        assert len(rows) == 1
        frame = database.frame_properties(candidates=["TFSI"], form="ion", property="homo")
        assert rows[0].homo == pytest.approx(frame["value"].iloc[0])
        assert rows[0].total_charge == -1
        assert rows[0].toatoms().get_chemical_formula() == "C2F6NO4S2"
        document = database.find_calculation(rows[0].calculation)["document"]
        assert rows[0].energy == pytest.approx(document["total_energy_ev"])
        done = database.frame_jobs("laptop")["calculation"].nunique()
        assert 0 < len({row.calculation for row in found.select()}) <= done


def test_the_models_of_optimade_take_every_structure(exported):
    from optimade.models import StructureResponseMany

    text = json.loads((exported / "o.json").read_text("utf-8"))
    found = StructureResponseMany.model_validate(text)
    assert len(found.data) == found.meta.data_returned > 10
    one = next(s for s in found.data if s.attributes.chemical_formula_hill == "C2F6NO4S2")
    assert one.attributes.elements == ["C", "F", "N", "O", "S"]
    assert one.attributes.chemical_formula_anonymous == "A6B4C2D2E"
    assert one.attributes.nsites == 15
    assert one.attributes.nperiodic_dimensions == 0
    plain = next(s for s in text["data"] if s["id"] == one.id)
    kinds = {c["kind"] for c in plain["attributes"]["_mgscreen_calculations"]}
    assert {"orbitals", "redox_vertical"} <= kinds
    own = [k for k in plain["attributes"] if k.startswith("_")]
    assert all(k.startswith("_mgscreen_") for k in own)


def test_the_crate_is_read_by_rocrate_and_its_database_by_mgscreen(exported, tmp_path):
    from rocrate.rocrate import ROCrate

    with zipfile.ZipFile(exported / "c.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    crate = ROCrate(tmp_path)
    assert crate.name == "mgscreen campaign laptop"
    metadata = json.loads((tmp_path / "ro-crate-metadata.json").read_text("utf-8"))
    assert metadata["@context"] == "https://w3id.org/ro/crate/1.1/context"
    listed = {e.id for e in crate.data_entities}
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert listed == there - {"ro-crate-metadata.json"}
    (action,) = crate.get_by_type("CreateAction")
    assert [o.id for o in action["object"]] == ["campaign.toml"]
    assert {"mgscreen.db", "report.html", "tables/properties.csv"} <= {
        r.id for r in action["result"]
    }
    program = action["instrument"]
    assert program["name"] == "mgscreen"
    assert {"pyscf", "tblite"} <= {p["name"] for p in program["softwareRequirements"]}
    assert all(p["version"] for p in program["softwareRequirements"])
    assert "No licence was stated" in crate.license
    with Database(tmp_path / "mgscreen.db", read_only=True) as copied:
        assert copied.count("properties") > 100
        assert copied.campaign_source("laptop")[0] == (tmp_path / "campaign.toml").read_text()
        done = set(copied.frame_jobs("laptop")["calculation"])
        assert done == set(copied.find_calculations(done))


def test_a_crate_has_the_licence_that_is_given(tmp_path, database):
    from rocrate.rocrate import ROCrate

    from mgscreen.export.crate import write_crate

    address = "https://spdx.org/licenses/CC-BY-4.0"
    write_crate(database, "laptop", tmp_path / "c.zip", licence=address)
    assert ROCrate(tmp_path / "c.zip").license.id == address


def test_a_crate_of_one_campaign_has_nothing_of_another(tmp_path):
    from mgscreen.campaign.models import Campaign
    from mgscreen.export.subset import write_subset

    with Database(tmp_path / "both.db") as both:
        write_subset_of = tmp_path / "one.db"
        for name in ("mine", "theirs"):
            text = f'name = "{name}"\n[candidates]\nlibrary = ["TFSI"]\n'
            campaign = Campaign.model_validate({"name": name, "candidates": {"library": ["TFSI"]}})
            number = both.register_campaign(campaign, text, f"{name}.toml", [])
            both.add_jobs(number, [{"uuid": f"u-{name}", "name": f"job of {name}"}])
        counts = write_subset(both, "mine", write_subset_of)
    assert counts["jobs"] == 1
    with Database(write_subset_of, read_only=True) as one:
        assert [c["name"] for c in one.campaigns()] == ["mine"]
        assert one.frame_jobs()["name"].tolist() == ["job of mine"]


def test_without_a_path_it_goes_beside_the_database(tmp_path):
    import shutil

    shutil.copy(EXAMPLE, tmp_path / "mgscreen.db")
    done = mgscreen(
        *("export", "results", "--db", tmp_path / "mgscreen.db", "--format", "optimade"),
        cwd=tmp_path,
    )
    assert done.stdout.strip() == str(tmp_path / "laptop-optimade.json")
    assert json.loads((tmp_path / "laptop-optimade.json").read_text("utf-8"))["data"]


def test_an_unknown_campaign_or_folder_is_one_sentence(tmp_path):
    for more in (["nope"], ["laptop", "--to", tmp_path / "no" / "folder.json"]):
        done = mgscreen(
            *("export", "results", "--db", EXAMPLE, "--format", "optimade", *more),
            cwd=tmp_path,
            code=2,
        )
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.iterdir())
