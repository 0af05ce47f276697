"""From an additive to its film: every link from the database, none of them filled in."""

import sys
from pathlib import Path

import pytest

from mgscreen.ranking.criteria import FILM_HOLDS
from mgscreen.ranking.films import Hulls
from mgscreen.ranking.pairs import rank_pairs
from mgscreen.ranking.roles import load_evidence, rank_additives

sys.path.insert(0, str(Path(__file__).parent))
import filmed


@pytest.fixture
def made(tmp_path):
    opened = []

    def build(**options):
        database, number = filmed.build(tmp_path / f"{len(opened)}.db", **options)
        opened.append(database)
        return database, number

    yield build
    for database in opened:
        database.close()


def by_name(ranked):
    return {r.candidate: r for r in ranked}


def criterion(ranked, name=FILM_HOLDS):
    return next(c for c in ranked.criteria if c.name == name)


def test_the_product_is_what_the_hull_has_with_the_metal_in_excess(made):
    hulls = Hulls(*made())
    assert hulls.levels == (filmed.LEVEL,)
    assert hulls.products("F", "Mg").phases == ("MgF2",)
    assert hulls.products("CF3", "Mg").phases == ("C", "MgF2")
    assert hulls.products("SO2", "Mg").phases == ("MgO", "MgS")
    assert hulls.products("O2", "Mg").phases == ("MgO",)
    silicon = hulls.products("SiCl3", "Mg")
    assert silicon.phases == ()
    assert "Si" in silicon.reason


def test_a_good_film_lets_the_reduction_count(made):
    ranked = by_name(rank_additives(*made(), samples=200))
    fluoro = ranked["FLUORO"]
    chain = fluoro.film
    assert chain.deciding.fragment == "F"
    assert chain.deciding.products == ("MgF2",)
    links = {one.name: one for one in chain.deciding.links}
    assert links["adsorption_energy"].value == pytest.approx(filmed.BOUND["F"])
    assert links["band_gap"].value == filmed.GAPS["MgF2"]
    assert links["percolating_barrier"].value == filmed.BARRIERS["MgF2"]
    # 5.55 V against 2.866 + 2.372 V: 0.31 eV per electron, with an error of 0.2
    assert links["stays"].low == pytest.approx(0.94, abs=0.01)
    assert links["stays"].high == 1.0
    assert chain.low == pytest.approx(0.87 * 0.94, abs=0.06)
    assert fluoro.p_sei == pytest.approx(fluoro.p_reduced * chain.low)
    assert fluoro.role == "SEI former"
    assert all(one.calculations for one in chain.deciding.links)


def test_a_blocking_product_denies_the_role_and_says_why(made):
    ranked = by_name(rank_additives(*made(barriers={**filmed.BARRIERS, "MgF2": 1.6}), samples=200))
    fluoro = ranked["FLUORO"]
    assert criterion(fluoro).holds is False
    assert "MgF2 1.60" in fluoro.reason
    assert fluoro.score < 0.05 < fluoro.p_reduced


def test_a_product_without_a_barrier_is_unknown_not_bad_and_not_good(made):
    some = {k: v for k, v in filmed.BARRIERS.items() if k != "MgF2"}
    ranked = by_name(rank_additives(*made(barriers=some), samples=200))
    fluoro = ranked["FLUORO"]
    assert criterion(fluoro).holds is None
    assert fluoro.role == "unknown"
    assert (fluoro.state, fluoro.p_sei) == ("partial", None)
    assert fluoro.score < 0.01 < fluoro.score_high
    assert fluoro.rank_low < fluoro.rank_high
    assert "not computed" in criterion(fluoro).reason


def test_what_stays_whole_has_no_fragments_and_no_made_up_product(made):
    whole = by_name(rank_additives(*made(), samples=200))["WHOLE"]
    assert whole.film.fragments == ()
    assert (whole.film.low, whole.film.high) == (0.0, 1.0)
    assert "no bond of WHOLE breaks" in criterion(whole).reason


def test_chloride_is_unknown_by_its_solubility_and_the_alkyl_is_named(made):
    chain = by_name(rank_additives(*made(), samples=200))["BRCL"].film
    assert chain.deciding.fragment == "Cl"
    stays = chain.deciding.link("stays")
    assert stays.low < 0.01
    assert stays.high == 1.0
    assert "gains" in stays.text
    assert any("C3H7" in caveat for caveat in chain.caveats)
    other = next(c for c in chain.fragments if c.fragment == "C3H7")
    assert other.products == ()
    assert "H" in other.reason


def test_the_fragment_that_binds_most_strongly_forms_the_inner_layer(made):
    database, number = made()
    evidence = load_evidence(database, number)
    tfsi = evidence.films["TFSI"]
    # neither piece has an adsorption energy: which of them forms the film stays open
    assert tfsi.deciding is None
    assert "which forms the film" in tfsi.reason
    rows = list(filmed.MOLECULES)
    rows[0] = (*rows[0][:3], [*rows[0][3][:-1], filmed.reduced("x", "Cl + F", "C-F")[3][-1]])
    both = load_evidence(*made(molecules=rows)).films["TFSI"]
    assert both.deciding.fragment == "F"
    swapped = {"F": -1.0, "O": -4.0, "Cl": -2.0}
    assert (
        load_evidence(*made(molecules=rows, bound=swapped)).films["TFSI"].deciding.fragment == "Cl"
    )


def test_a_campaign_without_films_says_so_and_ranks_on_the_reduction(made):
    text = filmed.TEXT.replace('[migration]\nphases = ["MgO"]\n', "")
    ranked = by_name(rank_additives(*made(text=text), samples=200))
    film = criterion(ranked["FLUORO"])
    assert not film.counts
    assert film.holds is None
    assert "not part of this campaign" in film.reason
    assert ranked["FLUORO"].p_sei == pytest.approx(ranked["FLUORO"].p_reduced)
    assert ranked["FLUORO"].role == "SEI former"


def test_declared_criteria_of_the_film_are_the_ones_that_count(made):
    text = filmed.TEXT + '[[ranking.film]]\nproperty = "band_gap"\nworst = 0.5\nbest = 4.0\n'
    chain = load_evidence(*made(text=text)).films["FLUORO"]
    assert [one.name for one in chain.deciding.links] == ["band_gap"]
    assert chain.low == chain.high == pytest.approx(1.0, abs=1e-6)


def test_the_literature_decides_on_solubility(made):
    from mgscreen.database.reference import load_references

    database, number = made()
    load_references(database)
    hulls = load_evidence(database, number)
    assert hulls.films["BRCL"].deciding.products == ("MgCl2",)
    from mgscreen.ranking.coatings import gather
    from mgscreen.ranking.films import phase_links

    specs = hulls.campaign.ranking.film
    link = next(
        one
        for one in phase_links("MgBr2", gather(database, number), specs, "Mg")
        if one.name == "stays"
    )
    assert (link.low, link.high) == (0.0, 0.0)
    assert link.text.startswith("dissolves")


def test_an_unknown_film_leaves_the_anode_of_a_pair_unknown_but_not_its_selectivity(made):
    pairs = {p.formulation: p for p in rank_pairs(*made(), samples=200)}
    pair = pairs["FLUORO + WHOLE"]
    values = {c.name: c for c in pair.criteria}
    assert values["anode_protected"].value == pytest.approx(
        by_name(rank_additives(*made(), samples=200))["FLUORO"].p_sei
    )
    assert "WHOLE not known: its film" in values["anode_protected"].reason
    assert values["selective"].value is not None
    assert "anode (not known)" in pairs["WHOLE"].open_sides
