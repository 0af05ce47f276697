"""Ranking of fragments on a surface, its command, and its part of the report."""

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgscreen.core.errors import InputError
from mgscreen.ranking.fragments import rank_fragments, strongest
from mgscreen.report.adsorption import section

_spec = importlib.util.spec_from_file_location("adsorbed", Path(__file__).with_name("adsorbed.py"))
adsorbed = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(adsorbed)


@pytest.fixture
def surf(tmp_path):
    database, number = adsorbed.build(tmp_path / "surf.db")
    yield database, number
    database.close()


def test_dft_decides_and_the_spread_stands_beside_it(surf):
    ranked = {r.fragment: r for r in rank_fragments(*surf, reference="half-x2")}
    assert [r for r in ranked if ranked[r].rank] == ["F", "O", "Cl"]
    fluorine = ranked["F"]
    assert fluorine.energy_ev == pytest.approx(-4.68)
    assert fluorine.level == "gpaw:pbe//mlip:7net-0"
    assert fluorine.spread_ev == pytest.approx(0.03)
    assert fluorine.reference == "half of F2"
    # DFT has no value for Cl: the potential stands in, with its name
    assert ranked["Cl"].level == "mlip:7net-0"
    assert ranked["Cl"].spread_ev is None


def test_what_falls_apart_has_no_rank_but_its_products(surf):
    rows = rank_fragments(*surf)
    last = rows[-1]
    assert (last.fragment, last.rank, last.state) == ("OH", None, "falls apart")
    assert last.products == "H + O"
    assert last.dissociation_ev == pytest.approx(-8.0)
    assert last.energy_ev is None


def test_the_claim_is_judged_at_each_level_and_a_no_has_its_reason(surf):
    found = {(v.level, v.reference): v for v in strongest(*surf, parents=("TFSI", "PFTB"))}
    for level in ("mlip:7net-0", "gpaw:pbe//mlip:7net-0"):
        assert found[level, "half-x2"].holds is True
        no = found[level, "radical"]
        assert no.holds is False
        assert no.fragment == "O"
        assert "O makes 2 bonds" in no.reason
    # Cl is no fragment of the two salts
    assert "Cl" not in found["mlip:7net-0", "half-x2"].reason


def test_campaign_without_surfaces_is_refused(build):
    database, _ = build()
    with pytest.raises(InputError, match="no section"):
        rank_fragments(database)


@pytest.mark.parametrize("how", ["table", "json", "csv"])
def test_command(surf, how):
    from mgscreen.cli.main import app

    database, _ = surf
    done = CliRunner().invoke(
        app, ["rank", "fragments", "surf", "--db", str(database.address), "--format", how]
    )
    assert done.exit_code == 0, done.output
    assert "fcc" in done.output
    if how == "json":
        first = json.loads(done.output)[0]
        assert first["rank"] == 1
        assert first["fragment"] == "O"
        assert first["reference"] == "O alone, relaxed"
    if how == "table":
        assert "F strongest of the salts' fragments" in done.output


def test_section_of_the_report(surf):
    from jinja2 import Environment, FileSystemLoader

    import mgscreen.report

    part = section(*surf)
    (chart,) = part["charts"]
    assert chart["spec"]["layer"]
    values = chart["spec"]["data"]["values"]
    assert {v["fragment"] for v in values} == {"F", "O", "Cl", "OH"}
    assert {v["site"] for v in values} == {"fcc", "in pieces"}
    assert len(part["structures"]) == 7
    assert part["structures"][0]["xyz"].startswith("2\nLattice=")
    folder = Path(mgscreen.report.__file__).parent / "templates"
    page = Environment(loader=FileSystemLoader(folder), autoescape=True).get_template(
        "adsorption.html.j2"
    )
    html = page.render(section=part)
    assert f'data-chart="{chart["id"]}"' in html
    assert "O2" not in html or "half of O2" in html
    for one in part["structures"]:
        assert f'data-structure="{one["id"]}"' in html
    assert "<script>" not in html


def test_nothing_where_nothing_was_computed(build):
    database, number = build()
    assert section(database, number) is None
