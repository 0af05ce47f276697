"""What no set of numbers may break, for additives with their films, pairs and coatings."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mgscreen.campaign.criteria import ALLOYS, COATINGS, PAIRS
from mgscreen.ranking.coatings import SHOWN, CoatingValue, order_of
from mgscreen.ranking.pairs import pairs_of
from mgscreen.ranking.score import COLUMNS, FILM, Sampling, rank_table

sys.path.insert(0, str(Path(__file__).parent))
from test_pairs import additive

FEW = Sampling(samples=100, seed=7)
OFFSETS = (0.0, 0.16)
share = st.floats(0, 1).map(lambda x: round(x, 2))
volts = st.one_of(st.none(), st.floats(-3, 6).map(lambda x: round(x, 1)))
film = st.tuples(share, share).map(sorted).map(tuple)
films = st.lists(st.tuples(volts, volts, share, film), min_size=1, max_size=8)


def additives(rows):
    table = []
    for n, (reduction, oxidation, fraction, (low, high)) in enumerate(rows):
        table.append(
            {
                "candidate": f"c{n}",
                "reduction": reduction,
                "oxidation": oxidation,
                "fraction": fraction,
                "film_low": low,
                "film_high": high,
                "reduction_host": -2.2,
                "oxidation_host": 4.5,
                **{f"{s}{h}_sd": 0.3 for s in ("reduction", "oxidation") for h in ("", "_host")},
            }
        )
    columns = (*COLUMNS, *FILM)
    frame = pd.DataFrame(table, columns=list(columns))
    return frame.astype(dict.fromkeys(columns[1:], "float64"))


def ranked(rows):
    return rank_table(additives(rows), OFFSETS, FEW).set_index("candidate")


@given(films, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_additives_the_order_of_the_input_changes_nothing(rows, random):
    frame = additives(rows)
    places = list(range(len(frame)))
    random.shuffle(places)
    other = frame.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(rank_table(frame, OFFSETS, FEW), rank_table(other, OFFSETS, FEW))


@given(films, st.data())
@settings(max_examples=60, deadline=None)
def test_additives_a_better_film_or_one_known_better_never_lowers_a_rank(rows, data):
    who = data.draw(st.integers(0, len(rows) - 1))
    low, high = rows[who][3]
    better = data.draw(st.floats(low, 1).map(lambda x: round(max(x, low), 3)))
    after = [*rows]
    after[who] = (*rows[who][:3], (better, max(better, high)))
    old, new = ranked(rows), ranked(after)
    name = f"c{who}"
    assume(not pd.isna(old.loc[name, "rank"]))
    assert new.loc[name, "rank"] <= old.loc[name, "rank"]
    assert new.loc[name, "score"] >= old.loc[name, "score"] - 1e-12
    assert new.loc[name, "score_high"] >= new.loc[name, "score"] - 1e-12


@given(films)
@settings(max_examples=40, deadline=None)
def test_additives_equal_candidates_tie(rows):
    table = ranked([*rows, rows[0]])
    first, second = table.loc["c0"], table.loc[f"c{len(rows)}"]
    for column in ("rank", "rank_low", "rank_high", "score"):
        assert (pd.isna(first[column]) and pd.isna(second[column])) or (
            first[column] == second[column]
        )


@given(films, st.tuples(volts, volts, share, film))
@settings(max_examples=40, deadline=None)
def test_additives_a_newcomer_changes_no_score_and_reorders_nobody(rows, extra):
    old, new = ranked(rows), ranked([*rows, extra])
    names = list(old.index)
    pd.testing.assert_series_equal(old["score"], new.loc[names, "score"])
    order = [n for n in new.index if n in set(names)]
    assert order == names


def test_a_film_that_is_not_known_widens_the_interval_and_adds_nothing():
    sure = (1.0, None, 1.0)
    known = ranked([(*sure, (0.0, 0.0)), (*sure, (0.5, 0.5)), (*sure, (1.0, 1.0))])
    table = ranked([(*sure, (0.0, 1.0)), (*sure, (0.5, 0.5)), (*sure, (1.0, 1.0))])
    assert table.loc["c0", "score"] == known.loc["c0", "score"] == pytest.approx(0.0, abs=1e-12)
    assert table.loc["c0", "score_high"] == pytest.approx(table.loc["c2", "score"])
    assert (known.loc["c0", "rank_low"], table.loc["c0", "rank_low"]) == (3, 2)


chances = st.tuples(st.one_of(st.none(), share), share)
members = st.lists(chances, min_size=1, max_size=4)


def formulations(values, criteria=PAIRS):
    rows = [
        additive(f"m{n}", sei, cei, reduction=1.0 - n, oxidation=6.0 - n)
        for n, (sei, cei) in enumerate(values)
    ]
    return pairs_of(rows, criteria, FEW)


def places(found):
    return {p.members: (p.rank, p.score) for p in found}


@given(members, st.data())
@settings(max_examples=60, deadline=None)
def test_pairs_a_better_protector_never_falls_behind_who_is_without_it(values, data):
    who = data.draw(st.integers(0, len(values) - 1))
    side = data.draw(st.integers(0, 1))
    assume(values[who][side] is not None)
    better = list(values[who])
    better[side] = data.draw(st.floats(better[side], 1).map(lambda x: min(1.0, x)))
    after = [*values]
    after[who] = tuple(better)
    old, new = places(formulations(values)), places(formulations(after))
    name = f"m{who}"
    others = [m for m in old if name not in m]
    for mine in (m for m in old if name in m):
        assert new[mine][1] >= old[mine][1] - 1e-9
        ahead = [sum(t[o][1] > t[mine][1] + 1e-9 for o in others) for t in (old, new)]
        assert ahead[1] <= ahead[0]


@given(members, chances)
@settings(max_examples=40, deadline=None)
def test_pairs_another_candidate_changes_no_score_and_reorders_nobody(values, extra):
    old, new = formulations(values), formulations([*values, extra])
    scores = {p.formulation: p.score for p in new}
    for one in old:
        assert scores[one.formulation] == pytest.approx(one.score, abs=1e-12)
    names = [p.formulation for p in old]
    assert [p.formulation for p in new if p.formulation in set(names)] == names


@given(chances)
@settings(max_examples=20, deadline=None)
def test_pairs_equal_members_make_equal_formulations(value):
    rows = [additive(f"m{n}", *value) for n in range(2)]
    first, second = [p for p in pairs_of(rows, PAIRS, FEW) if len(p.members) == 1]
    for field in ("rank", "rank_low", "rank_high", "score"):
        assert getattr(first, field) == getattr(second, field)


number = st.one_of(st.none(), st.floats(-1, 6).map(lambda x: round(x, 2)))
FIELDS = [spec.property for spec in COATINGS]
whole = st.floats(-1, 6).map(lambda x: round(x, 2))
full_phases = st.lists(st.tuples(*[whole] * len(FIELDS)), min_size=1, max_size=6)
phases = st.lists(st.tuples(*[number] * len(FIELDS)), min_size=1, max_size=6)


def known(values):
    given_ = dict(zip(FIELDS, values, strict=True))
    shown = {
        p: CoatingValue(property=p, value=given_.get(p), sd=0.1, unit="eV")
        for p in dict.fromkeys((*SHOWN, *FIELDS))
    }
    return {"values": shown, "kind": "insulator", "soluble": ""}


def coatings(rows, criteria=COATINGS):
    found = order_of([(f"P{n}", known(v)) for n, v in enumerate(rows)], criteria, FEW)
    return {r.phase: r for r in found}


@given(phases, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_coatings_the_order_of_the_input_changes_nothing(rows, random):
    table = [(f"P{n}", known(v)) for n, v in enumerate(rows)]
    other = [*table]
    random.shuffle(other)
    for criteria in (COATINGS, ALLOYS):
        assert order_of(table, criteria, FEW) == order_of(other, criteria, FEW)


@given(phases, st.data())
@settings(max_examples=60, deadline=None)
@example([(0.5, -0.1, 2.0, 4.0, 0.0, 0.0, 0.5, -2.0)] * 2, None)
def test_coatings_an_improved_value_never_lowers_a_rank(rows, data):
    who = 0 if data is None else data.draw(st.integers(0, len(rows) - 1))
    which = 0 if data is None else data.draw(st.integers(0, len(FIELDS) - 1))
    assume(rows[who][which] is not None)
    spec = COATINGS[which]
    step = 0.3 if data is None else data.draw(st.floats(0.01, 2))
    better = list(rows[who])
    better[which] += step if spec.best > spec.worst else -step
    after = [*rows]
    after[who] = tuple(better)
    old, new = coatings(rows)[f"P{who}"], coatings(after)[f"P{who}"]
    assert new.rank <= old.rank
    assert new.score >= old.score - 1e-12


@given(phases)
@settings(max_examples=30, deadline=None)
def test_coatings_equal_phases_tie(rows):
    table = coatings([*rows, rows[0]])
    first, second = table["P0"], table[f"P{len(rows)}"]
    for field in ("rank", "rank_low", "rank_high", "score", "pareto"):
        assert getattr(first, field) == getattr(second, field)


@given(full_phases, st.tuples(*[st.floats(0, 3)] * len(FIELDS)))
@settings(max_examples=40, deadline=None)
def test_coatings_a_dominated_newcomer_leaves_the_front_alone(rows, losses):
    worse = [
        v - loss if spec.best > spec.worst else v + loss
        for v, loss, spec in zip(rows[0], losses, COATINGS, strict=True)
    ]
    old, new = coatings(rows), coatings([*rows, tuple(worse)])
    assert [p for p in new if p in old] == list(old)
    assert {p: new[p].pareto for p in old} == {p: r.pareto for p, r in old.items()}
