"""Ranking of phases by migration barrier, its command, and its part of the report."""

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgscreen.ranking.phases import rank_phases
from mgscreen.report.migration import section

_spec = importlib.util.spec_from_file_location("migrated", Path(__file__).with_name("migrated.py"))
migrated = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(migrated)


@pytest.fixture
def barriers(tmp_path):
    database, number = migrated.build(tmp_path / "barriers.db")
    yield database, number
    database.close()


def test_lowest_first_and_dft_decides(barriers):
    ranked = rank_phases(*barriers)
    assert [(r.phase, r.rank) for r in ranked] == [("MgBr2", 1), ("MgO", 2), ("MgF2", None)]
    bromide, oxide, fluoride = ranked
    assert oxide.barrier_ev == pytest.approx(2.00)
    assert oxide.level == "gpaw:pbe//mlip:7net-0"
    assert oxide.charged_ev == pytest.approx(2.02)
    assert oxide.spread_ev == pytest.approx(0.14)
    # no DFT: the mean of the potentials, and that is said
    assert bromide.barrier_ev == pytest.approx(0.685)
    assert bromide.level == "mean of 2 potentials"
    assert bromide.charged_ev is None
    # a rate belongs to the barrier that counts
    from mgscreen.energetics.diffusion import hopping_rate

    for one in (oxide, bromide):
        assert one.rate_hz == pytest.approx(hopping_rate(one.barrier_ev, 298.15), rel=0.01)
    assert (fluoride.state, fluoride.barrier_ev) == ("failed", None)
    assert "no converged set of hops" in fluoride.reason


@pytest.mark.parametrize("how", ["table", "json", "csv"])
def test_command(barriers, how):
    from mgscreen.cli.main import app

    database, _ = barriers
    done = CliRunner().invoke(
        app, ["rank", "phases", "barriers", "--db", str(database.address), "--format", how]
    )
    assert done.exit_code == 0, done.output
    assert done.output.index("MgBr2") < done.output.index("MgO")
    if how == "json":
        first, second, last = json.loads(done.output)
        assert first["rank"] == 1
        assert second["by_level"]["gpaw:pbe//mlip:7net-0"] == pytest.approx(2.00)
        assert last["barrier_ev"] is None
    if how == "table":
        assert "MgF2" in done.output


def test_section_of_the_report(barriers):
    from jinja2 import Environment, FileSystemLoader

    import mgscreen.report

    part = section(*barriers)
    profiles = [c for c in part["charts"] if c["id"].startswith("profile")]
    assert len(profiles) == 2
    line, dots = profiles[0]["spec"]["layer"]
    assert "line" in str(line["mark"])
    spec = profiles[0]["spec"]
    source = (dots if "data" in dots else spec)["data"]
    values = source["values"] if "values" in source else spec["datasets"][source["name"]]
    assert len({v["series"] for v in values}) == 2
    assert any(c["id"].startswith("network") for c in part["charts"])
    failed = next(h for h in part["hops"] if h["state"] == "failed")
    assert failed["barrier_ev"] is None
    assert {p["charge_state"] for p in part["dft"]} == {"neutral", "charged"}
    assert part["structures"][0]["xyz"].startswith("2\nLattice=")
    folder = Path(mgscreen.report.__file__).parent / "templates"
    page = Environment(loader=FileSystemLoader(folder), autoescape=True).get_template(
        "migration.html.j2"
    )
    html = page.render(section=part)
    for chart in part["charts"]:
        assert f'data-chart="{chart["id"]}"' in html
    assert "<script>" not in html
    assert "2.02" in html
