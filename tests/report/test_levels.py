"""The numbers of the level diagram."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from mgscreen.core.errors import InfrastructureError
from mgscreen.ranking.roles import load_evidence
from mgscreen.report.drawing import draw_apart
from mgscreen.report.figures import ELSEWHERE, HERE, level_figure
from mgscreen.report.levels import MOST_SPECIES, draw, level_diagram


@pytest.fixture
def figure(tmp_path, published):
    database, number = published.build(tmp_path / "a.db")
    yield level_figure(load_evidence(database, number), ["DME", "TFSI", "PFTB"])
    database.close()


def test_levels_and_fermi_energies(figure):
    homo = {r["species"]: r["energy"] for r in figure.levels if r["orbital"] == "HOMO"}
    assert homo["TFSI-"] == -3.56
    assert homo["[MgPFTB]+"] == -12.68
    fermi = {r["scale"]: r["energy"] for r in figure.fermi}
    assert fermi["SHE 4.44 V"] == pytest.approx(-2.068)
    assert fermi["SHE 4.28 V"] == pytest.approx(-1.908)
    assert fermi["work function 3.66 eV"] == pytest.approx(-3.66)


def test_an_unbound_level_is_never_drawn_as_a_level(figure):
    unbound = {r["species"] for r in figure.levels if r["unbound"]}
    assert unbound == {"TFSI-", "PFTB-"}
    assert all("no real level" in r["label"] for r in figure.levels if r["unbound"])


def test_the_window_lies_below_the_fermi_level_by_its_potentials(figure):
    band = {r["scale"]: (r["low"], r["high"]) for r in figure.window}
    assert band["SHE 4.44 V"] == pytest.approx((-2.068 - 0.9, -2.068 - 2.5))
    assert band["work function 3.66 eV"] == pytest.approx((-4.56, -6.16))


def test_potentials_are_given_on_each_scale_that_applies(figure):
    pftb = {
        r["scale"]: r["potential"]
        for r in figure.potentials
        if r["species"] == "PFTB-" and r["side"] == "oxidation"
    }
    assert pftb == pytest.approx({"SHE 4.44 V": 4.41, "SHE 4.28 V": 4.57})


def test_a_reduction_that_is_not_the_additives_is_marked(figure):
    where = {r["species"]: r["electron"] for r in figure.potentials if r["side"] == "reduction"}
    assert where["[MgTFSI]+"] == HERE
    assert where["[MgPFTB]+"] == ELSEWHERE


def test_a_continuum_orbital_is_not_mixed_with_vacuum_levels(tmp_path, published):
    p = published
    wet = p.PropertyValue(property="homo", value=-4.93, unit="eV", environment=p.SOLVENT)
    rows = [("PFTB", "ion", "wet PFTB-", [wet]), *p.PUBLISHED]
    database, number = p.build(tmp_path / "a.db", rows)
    drawn = level_figure(load_evidence(database, number), ["PFTB"])
    database.close()
    assert "wet PFTB-" not in {r["species"] for r in drawn.levels}


def test_labels_do_not_lie_on_each_other(figure):
    places = sorted(r["label_at"] for r in figure.fermi)
    assert min(b - a for a, b in pairwise(places)) > 0.5


def test_the_chart_offers_every_scale(tmp_path, published):
    database, number = published.build(tmp_path / "a.db")
    chart = level_diagram(database, number).to_dict()
    database.close()
    assert chart["params"][0]["bind"]["options"] == [
        "SHE 4.44 V",
        "SHE 4.28 V",
        "work function 3.66 eV",
    ]
    assert len(chart["vconcat"]) == 2


def test_of_very_many_species_the_best_are_drawn(figure):
    many = [f"M{i}" for i in range(MOST_SPECIES + 30)]
    levels = [{**figure.levels[0], "species": name} for name in many]
    chart = draw(replace(figure, species=many, levels=levels, potentials=[])).to_dict()
    assert "30 species of lower rank are not drawn" in chart["vconcat"][0]["title"]["subtitle"]
    text = json.dumps(chart)
    assert f'"M{MOST_SPECIES - 1}"' in text
    assert f'"M{MOST_SPECIES}"' not in text


def test_what_cannot_be_drawn_is_one_sentence(tmp_path):
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    with pytest.raises(InfrastructureError, match="cannot be drawn") as found:
        draw_apart({"mark": "nothing", "data": 5}, "6.1", svg, png)
    assert len(str(found.value).splitlines()) == 1
    assert not png.exists()
