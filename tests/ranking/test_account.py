"""From the rank of a pair, coating, phase or fragment to calculations, inputs and files."""

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from mgscreen.core.errors import InputError
from mgscreen.database.reference import load_references
from mgscreen.ranking.account import explain_any
from mgscreen.ranking.coatings import rank_coatings
from mgscreen.ranking.pairs import rank_pairs

sys.path.insert(0, str(Path(__file__).parent))
import adsorbed
import filmed
import migrated


def text(account):
    stream = StringIO()
    Console(file=stream, width=200, color_system=None).print(account.render())
    return stream.getvalue()


@pytest.fixture
def results(tmp_path):
    database, number = filmed.build(tmp_path / "films.db")
    load_references(database)
    yield database, number
    database.close()


def test_a_coating_is_led_back_to_its_calculations_and_to_reported_values(results):
    account = explain_any(*results, "MgBr2")
    ranked = {r.phase: r for r in rank_coatings(*results)}["MgBr2"]
    assert account.kind == "coating"
    assert f"rank {ranked.rank} of 4" in account.headline
    lines = {one.name: one for one in account.lines}
    barrier = lines["percolating_barrier"]
    assert barrier.value == filmed.BARRIERS["MgBr2"]
    assert barrier.level == filmed.LEVEL
    assert barrier.calculations == (f"phase_migration-MgBr2-Mg migration-{filmed.LEVEL}",)
    assert any("0.14 eV (br-interphase" in r for r in barrier.reported)
    known = [one for one in account.lines if one.value is not None]
    total = sum(one.weight for one in account.lines)
    assert ranked.score == pytest.approx(sum(x.utility * x.weight for x in known) / total, abs=1e-6)
    assert lines["reaction_with_cathode"].value is None
    assert lines["reaction_with_cathode"].reason
    used = {i.value.property for i in account.items if i.used}
    assert {"percolating_barrier", "band_gap", "oxidation_limit"} <= used
    assert "dissolves in ethers" in account.caveats[0]
    shown = text(account)
    for part in ("Calculations behind the rank", "phase_migrat", "br-interphase"):
        assert part in shown


def test_a_pair_has_both_members_and_their_chains(results):
    account = explain_any(*results, "whole + fluoro")
    pair = next(p for p in rank_pairs(*results) if p.formulation == "FLUORO + WHOLE")
    assert account.name == pair.formulation
    assert f"rank {pair.rank} of" in account.headline
    assert [c.name for c in account.lines] == [c.name for c in pair.criteria]
    assert [m.ranked.candidate for m in account.members] == ["FLUORO", "WHOLE"]
    assert account.members[0].ranked.film.deciding.products == ("MgF2",)
    shown = text(account)
    assert "From fragments to film" in shown
    assert "MgF2" in shown
    assert account.as_dict()["members"][1]["ranked"]["film"]["fragments"] == []


def test_an_additive_shows_its_chain_to_the_film(results):
    shown = text(explain_any(*results, "FLUORO"))
    for part in ("F *", "product phase", "MgF2", "insulates electrons", "does not dissolve"):
        assert part in shown


def test_a_fragment_has_its_slabs_levels_and_who_binds_most_strongly(tmp_path):
    database, number = adsorbed.build(tmp_path / "surf.db")
    account = explain_any(database, number, "f")
    assert account.kind == "fragment"
    line = account.lines[0]
    assert line.by_level == {"mlip:7net-0": -5.01, "gpaw:pbe//mlip:7net-0": -5.84}
    assert line.calculations
    assert any("O binds most strongly" in c for c in account.caveats)
    apart = explain_any(database, number, "OH")
    assert "falls apart" in apart.headline
    assert apart.lines[0].value is None
    assert "adsorption" in text(account)
    database.close()


def test_a_phase_is_led_back_to_its_barriers(tmp_path):
    database, number = migrated.build(tmp_path / "barriers.db")
    load_references(database)
    account = explain_any(database, number, "MgO")
    barrier = next(one for one in account.lines if one.name == "percolating_barrier")
    assert barrier.value == 2.0
    assert len(barrier.by_level) == 3
    assert any("2.23 eV" in r for r in barrier.reported)
    assert any("2.03 eV" in r for r in barrier.reported)
    shown = text(account)
    assert "gpaw:pbe" in shown
    # what a database holds is text, never markup
    assert "<script>alert(1)</script>" in shown or "script" not in shown
    database.close()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MgBr", "MgBr2"),
        ("FLUOR+WHOLE", "FLUORO"),
        ("A+B+C", "no candidate"),
        ("WHOLE+WHOLE", "pair"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(results, name, hint):
    with pytest.raises(InputError, match=hint):
        explain_any(*results, name)
