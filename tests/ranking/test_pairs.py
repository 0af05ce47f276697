"""Formulations: both sides, selectivity, and what is not known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.campaign.criteria import PAIRS, CriterionSpec
from mgscreen.core.errors import InputError
from mgscreen.ranking.criteria import ELECTRON_HERE
from mgscreen.ranking.pairs import pair_sensitivity, pairs_of
from mgscreen.ranking.results import Criterion, Margin, RankedAdditive
from mgscreen.ranking.score import Sampling

FEW = Sampling(samples=100)


def additive(name, p_sei, p_cei, reduction=0.0, oxidation=6.0, *, on_metal=False):
    def margin(side, potential):
        return Margin(
            side=side,
            potential_v=potential,
            potential_sd=0.25,
            kind="vertical",
            host="DME",
            host_v=-2.0 if side == "reduction" else 5.0,
            host_sd=0.25,
            host_kind="vertical",
            margin_v=0.0,
            probability=0.5,
        )

    here = Criterion(
        name=ELECTRON_HERE,
        holds=None if on_metal else True,
        probability=p_sei,
        reason="it goes to the metal ion" if on_metal else "",
    )
    return RankedAdditive(
        rank=1,
        rank_low=1,
        rank_high=1,
        candidate=name,
        role="unknown",
        score=0.5,
        state="completed",
        reason="",
        p_sei=p_sei,
        p_cei=p_cei,
        criteria=(here,),
        margins=(margin("reduction", reduction), margin("oxidation", oxidation)),
    )


SEI = additive("S", 0.95, 0.02, reduction=1.0, oxidation=6.0)
CEI = additive("C", 0.03, 0.97, reduction=-1.5, oxidation=3.5)
IDLE = additive("I", 0.01, 0.01, reduction=-2.5, oxidation=7.0)


def named(found):
    return {frozenset(p.members): p for p in found}


def test_both_sides_covered_comes_first_and_an_open_side_is_named():
    found = pairs_of([SEI, CEI, IDLE], PAIRS, FEW)
    assert found[0].members == ("C", "S")
    assert (found[0].anode_by, found[0].cathode_by, found[0].open_sides) == ("S", "C", ())
    by = named(found)
    assert by[frozenset("S")].open_sides == ("cathode",)
    assert by[frozenset("C")].open_sides == ("anode",)
    assert by[frozenset("I")].open_sides == ("anode", "cathode")
    assert len(found) == 6


def test_the_value_of_a_pair_is_the_chance_that_one_of_them_does_it():
    pair = named(pairs_of([SEI, CEI], PAIRS, FEW))[frozenset("SC")]
    values = {c.name: c.value for c in pair.criteria}
    assert values["anode_protected"] == pytest.approx(1 - 0.05 * 0.97)
    assert values["cathode_protected"] == pytest.approx(1 - 0.98 * 0.03)
    assert values["both_sides"] == pytest.approx(
        values["anode_protected"] * values["cathode_protected"]
    )
    assert values["selective"] == pytest.approx(0.95 * 0.97, abs=1e-3)
    assert values["compatible"] > 0.99


def test_who_reacts_at_the_wrong_electrode_first_is_not_selective():
    greedy = additive("G", 0.9, 0.9, reduction=2.0, oxidation=3.0)
    pair = named(pairs_of([SEI, greedy], PAIRS, FEW))[frozenset("SG")]
    assert {c.name: c.value for c in pair.criteria}["selective"] < 0.01


def test_a_reductant_and_an_oxidant_do_not_go_together():
    reductant = additive("R", 0.1, 0.9, reduction=-2.0, oxidation=0.2)
    oxidant = additive("O", 0.9, 0.1, reduction=1.5, oxidation=6.0)
    pair = named(pairs_of([reductant, oxidant], PAIRS, FEW))[frozenset("RO")]
    compatible = next(c for c in pair.criteria if c.name == "compatible")
    assert compatible.value < 0.01
    assert "O would have to oxidise R against -1.30 V" in compatible.reason


def test_an_electron_on_the_metal_ion_is_not_known_rather_than_no():
    withheld = additive("W", 0.0, 0.02, on_metal=True)
    by = named(pairs_of([withheld, CEI], PAIRS, FEW))
    alone = by[frozenset("W")]
    assert {c.name: c.value for c in alone.criteria}["anode_protected"] is None
    assert alone.open_sides == ("anode (not known)", "cathode")
    assert alone.state == "partial"
    assert alone.score_high > alone.score
    pair = {c.name: c for c in by[frozenset("WC")].criteria}
    assert pair["anode_protected"].value == pytest.approx(0.03)
    assert "W not known: it goes to the metal ion" in pair["anode_protected"].reason
    assert pair["selective"].value is None


def test_an_unknown_partner_adds_nothing_and_leaves_room():
    riddle = additive("U", 0.9, 0.1, on_metal=True)
    found = named(pairs_of([IDLE, riddle], PAIRS, FEW))
    pair = found[frozenset("IU")]
    values = {c.name: c for c in pair.criteria}
    assert values["anode_protected"].value == pytest.approx(0.01)
    assert values["anode_protected"].high == pytest.approx(1.0)
    assert "anode (not known)" in pair.open_sides
    assert pair.state == "partial"
    assert pair.score_high > pair.score + 0.1
    # the room of the anode, and of both sides by as much as the cathode is protected
    cathode = values["cathode_protected"].value
    assert values["both_sides"].high == pytest.approx(cathode)
    alone = found[frozenset("I")]
    assert alone.score_high == pytest.approx(alone.score)
    assert alone.state == "completed"


def test_the_declared_weights_decide():
    only_anode = (CriterionSpec(property="anode_protected", worst=0, best=1),)
    found = pairs_of([SEI, CEI, IDLE], only_anode, FEW)
    assert set(found[0].members) == {"C", "S"}
    assert {frozenset(p.members) for p in found[:3]} == {
        frozenset("S"),
        frozenset("SC"),
        frozenset("SI"),
    }


def test_what_would_change_the_first_place():
    # no single weight or value lets anything past a pair that is better in everything
    assert pair_sensitivity([SEI, CEI, IDLE], PAIRS) == []
    rival = additive("T", 0.9, 0.02, reduction=3.0, oxidation=6.0)
    changes = pair_sensitivity([SEI, rival, CEI], PAIRS)
    assert {c.kind for c in changes} >= {"value"}


def test_an_unknown_criterion_is_refused():
    with pytest.raises(InputError, match="no value 'colour'"):
        pairs_of([SEI], (CriterionSpec(property="colour", worst=0, best=1),), FEW)


chance = st.floats(0, 1).map(lambda x: round(x, 3))
volt = st.floats(-3, 7).map(lambda x: round(x, 2))
additives = st.lists(st.tuples(chance, chance, volt, volt), min_size=1, max_size=5)


@given(additives, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_input_changes_nothing(values, random):
    made = [additive(f"a{n}", *v) for n, v in enumerate(values)]
    other = list(made)
    random.shuffle(other)
    assert pairs_of(made, PAIRS, FEW) == pairs_of(other, PAIRS, FEW)
    assert len(pairs_of(made, PAIRS, FEW)) == len(made) * (len(made) + 1) // 2
