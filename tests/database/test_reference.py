"""Literature values: the tables are sound, get into the database, and stand beside results."""

import csv
import shutil

import pytest

from mgscreen.campaign.models import Campaign
from mgscreen.core.documents import PropertyValue
from mgscreen.core.errors import InputError
from mgscreen.core.properties import PROPERTIES
from mgscreen.database.database import Database
from mgscreen.database.jobs import JobRef
from mgscreen.database.reference import (
    Reference,
    load_references,
    read_references,
    read_sources,
    reference_folder,
)
from mgscreen.database.validate import comparison, environment_of, level_of

LEVEL = "pyscf:b3lyp/6-31g(d)"


def find(**wanted):
    records = read_references()
    return [r for r in records if all(getattr(r, k) == v for k, v in wanted.items())]


def one(**wanted):
    (record,) = find(**wanted)
    return record


def test_the_reported_levels_are_kept_without_a_species():
    lumo = one(source="dual-additive", property="lumo")
    homo = one(source="dual-additive", property="homo")
    assert (lumo.candidate, lumo.form, lumo.value, lumo.unit) == ("TFSI", "", -3.09, "eV")
    assert (homo.candidate, homo.form, homo.value, homo.unit) == ("PFTB", "", -3.31, "eV")


def test_some_values_of_each_table():
    assert one(source="br-interphase", system="MgO", property="migration_barrier").value == 2.03
    assert one(system="bare Mg", property="charge_transfer_resistance").value == 8.4e5
    efficiency = one(system="Br-Mg", property="coulombic_efficiency", uncertainty=0.088)
    assert efficiency.value == 98.13
    assert one(system="Mg2+/Mg", property="standard_potential").value == -2.372
    cycle = {"source": "lmzg", "system": "bare Li", "conditions": "impedance, cycle 30"}
    assert one(**cycle, property="sei_resistance").value == 10.56
    assert one(system="MgF2", property="band_gap", conditions="measured").value == 11.1
    assert one(system="Mg2Ga5", property="alloy_voltage").value == 0.194
    assert one(system="DME", property="dielectric_constant").value == 7.3
    assert one(system="Mg(0001)", property="surface_energy").value == 33.9


def test_every_conflict_has_two_sides_that_differ():
    conflicts = {r.conflict for r in read_references()} - {""}
    assert len(conflicts) >= 8
    for name in conflicts:
        sides = find(conflict=name)
        assert len({(r.system, r.property, r.value, r.text) for r in sides}) > 1, name


def test_sources_are_cited_and_all_are_used():
    sources = read_sources()
    assert set(sources) == {r.source for r in read_references()}
    assert all(citation for citation, _ in sources.values())
    for record in find(source="common"):
        assert "not verified" in record.note


def test_candidates_are_those_of_the_library():
    library = pytest.importorskip("mgscreen.candidates.library").load_library()
    assert {r.candidate for r in read_references()} - {""} <= set(library)


def test_units_are_converted_for_computed_properties_only():
    water = find(system="H2O")[0]
    value, _, unit = water.in_unit_of_property()
    assert (round(value, 2), unit) == (-2079.19, "eV")
    lowest = one(system="TFSI-", property="esp_min")
    value, _, unit = lowest.in_unit_of_property()
    assert (round(value, 3), unit) == (-5.321, "V")
    alloy = one(system="MgHg", property="alloy_voltage")
    assert alloy.in_unit_of_property() == (0.22, None, "V")
    known = {r.property for r in read_references()} & set(PROPERTIES)
    assert {"homo", "lumo", "oxidation_potential_vertical", "esp_max"} <= known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "furlong"}, "not known"),
        ({"value": ""}, "either"),
        ({"value": "x"}, "number"),
        ({"source": "unheard"}, "sources.csv"),
        ({"form": "cluster"}, "form"),
        ({"unit": "ohm", "property": "homo"}, "converted"),
        ({"system": ""}, "must be given"),
        ({}, "same record"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line(tmp_path, change, message):
    folder = tmp_path / "reference"
    shutil.copytree(reference_folder(), folder)
    path = folder / "ga5mg2.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([*rows, {**rows[0], **change}])
    with pytest.raises(InputError, match=rf"ga5mg2\.csv:5: .*{message}") as caught:
        read_references(folder)
    assert "\n" not in str(caught.value)


def test_loading_is_done_once_and_follows_the_tables(database_address, tmp_path):
    folder = tmp_path / "reference"
    shutil.copytree(reference_folder(), folder)
    with Database(database_address) as database:
        count = load_references(database, folder)
        assert load_references(database, folder) == database.count("reference_values") == count
        frame = database.frame_references()
        given = read_references(folder)
        assert frame["value"].fillna(0).tolist() == [r.value or 0 for r in given]
        assert [t or None for t in frame["text"]] == [r.text for r in given]
        (folder / "solids.csv").unlink()
        fewer = load_references(database, folder)
        assert fewer == database.count("reference_values") < count


@pytest.fixture
def database(tmp_path, levels):
    with Database(tmp_path / "a.db") as opened:
        campaign = Campaign.model_validate({"name": "c", "candidates": {"library": "all"}})
        identity = opened.register_campaign(campaign, "", "", [])

        def record(form, species, method, environment="gas", **values):
            name = f"{form}{method}{environment}"
            rows = tuple(
                PropertyValue(property=k, value=v, unit="eV", environment=environment)
                for k, v in values.items()
            )
            level, _, geometry = method.partition("//")
            job = JobRef(
                uuid=name, name="x", kind="orbitals", candidate="TFSI", form=form,
                species=species, level=level, geometry_level=geometry,
            )  # fmt: skip
            opened.add_jobs(identity, [{"uuid": name, "name": "x", "candidate": "TFSI"}])
            opened.record(job, levels(name, rows=rows), None, "COMPLETED")

        gas = f"{LEVEL}//xtb:gfn2"
        record("ion", "TFSI-", gas, homo=-3.5, lumo=4.8)
        record("contact-ion-pair", "[MgTFSI]+", gas, homo=-13.1, lumo=-7.2)
        record(
            "contact-ion-pair", "[MgTFSI]+", "pyscf:b3lyp/6-31g(d)/cpcm(7.2)//xtb:gfn2",
            "C-PCM eps=7.2", lumo=-2.7,
        )  # fmt: skip
        record("salt", "Mg(TFSI)2", "pyscf:pbe/6-31g(d)", homo=-9.0, lumo=-0.7)
        yield opened


def test_a_value_without_a_species_stands_beside_every_form_and_names_the_nearest(database):
    frame = comparison(database, candidates=["TFSI"])
    ours = frame[frame["source"] == "dual-additive"]
    assert ours["form"].tolist().count("contact-ion-pair") == 2
    assert set(ours["form"]) == {"ion", "contact-ion-pair", "salt"}
    assert set(ours["state"]) == {"no pass/fail"}
    assert (ours["difference"] - (ours["computed"] + 3.09)).abs().max() < 1e-12
    (verdict,) = set(ours["verdict"])
    assert "[MgTFSI]+, C-PCM eps=7.2, off by +0.39 eV" in verdict


def test_a_value_with_a_species_stands_beside_its_own_kind(database):
    frame = comparison(database, candidates=["TFSI"])
    pair = frame[(frame["system"] == "[MgTFSI]+") & (frame["reported"] == -7.24)].iloc[0]
    assert (pair["computed"], pair["state"]) == (-7.2, "no tolerance stated")
    salt = frame[(frame["system"] == "Mg(TFSI)2") & (frame["property"] == "homo")].iloc[0]
    assert (salt["state"], salt["verdict"]) == (
        "other level",
        f"the record belongs to {LEVEL}//xtb:gfn2",
    )
    missing = frame[(frame["system"] == "TFSI-") & (frame["property"] == "esp_min")].iloc[0]
    assert (missing["state"], missing["computed"] != missing["computed"]) == ("not computed", True)
    assert len(comparison(database)) > len(frame)
    assert set(comparison(database, candidates=["ALCL4"])["candidate"]) == {"ALCL4"}


def test_a_stated_uncertainty_decides(database, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "sources.csv").write_text("source,citation,url\nx,X,\n")
    fields = list(Reference.model_fields)
    rows = [
        dict.fromkeys(fields, "") | {"source": "x", "system": "TFSI-", "candidate": "TFSI"}
        | {"form": "ion", "property": "homo", "value": v, "unit": "eV", "uncertainty": u}
        for v, u in (("-3.4", "0.2"), ("-3.0", "0.2"))
    ]  # fmt: skip
    rows.append({**rows[0], "property": "lumo", "value": "", "text": "unbound", "uncertainty": ""})
    with (folder / "x.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
    frame = comparison(database, folder=folder)
    assert frame["state"].tolist() == ["within", "outside", "differs"]
    assert len(comparison(database, folder=folder, campaign="c")) == 3


def test_conditions_are_read():
    assert environment_of("a; gas phase; b") == "gas"
    assert environment_of("C-PCM eps 7.2; x") == "C-PCM eps=7.2"
    assert environment_of("solvent not stated") is None
    assert level_of(f"{LEVEL}//xtb:gfn2; gas phase") == f"{LEVEL}//xtb:gfn2"
    assert level_of("Gaussian, B3LYP") is None
