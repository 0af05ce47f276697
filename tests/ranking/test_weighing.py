"""Invariants of the weighted score, the Pareto front and the sensitivity."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mgscreen.ranking.score import Sampling
from mgscreen.ranking.sensitivity import sensitivity
from mgscreen.ranking.weighing import (
    Scale,
    pareto_front,
    utilities,
    weigh,
)

FEW = Sampling(samples=150, seed=5)
SCALES = (
    Scale("barrier", worst=2.0, best=0.2, weight=2.0),
    Scale("limit", worst=0.0, best=3.0, weight=1.0, at_least=0.5),
    Scale("gap", worst=0.0, best=4.0, weight=1.0),
)

number = st.floats(-1, 5).map(lambda x: round(x, 2))
maybe = st.one_of(st.none(), number)
rows = st.lists(st.tuples(maybe, maybe, maybe), min_size=1, max_size=10)
full_rows = st.lists(st.tuples(number, number, number), min_size=1, max_size=10)


def frame(values, sd=0.1):
    table = pd.DataFrame(
        [
            {"candidate": f"c{n}", "barrier": a, "limit": b, "gap": c}
            for n, (a, b, c) in enumerate(values)
        ]
    )
    table = table.astype(dict.fromkeys(("barrier", "limit", "gap"), "float64"))
    return table.assign(barrier_sd=sd, limit_sd=sd, gap_sd=sd)


def of(table, column):
    return table.set_index("candidate")[column]


def test_a_utility_is_the_mean_over_the_error():
    scale = Scale("x", worst=1.0, best=3.0)
    table = pd.DataFrame({"x": [2.2, 3.1, 0.0], "x_sd": [0.7, 0.4, 2.0]})
    found = utilities(table, [scale])
    for k, (x, sd) in enumerate(zip(table["x"], table["x_sd"], strict=True)):
        grid = norm.ppf(np.linspace(0, 1, 200_001)[1:-1], x, sd)
        clipped = np.clip((grid - 1) / 2, 0, 1)
        assert found.mean[k, 0] == pytest.approx(clipped.mean(), abs=2e-5)
        assert found.variance[k, 0] == pytest.approx(clipped.var(), abs=2e-5)


def test_without_an_error_it_is_the_line_and_the_limit_is_sharp():
    table = pd.DataFrame({"x": [0.5, 1.0, 2.0, 9.0]})
    found = utilities(table, [Scale("x", worst=1.0, best=3.0, at_least=1.0, at_most=5.0)])
    assert found.mean[:, 0] == pytest.approx([0, 0, 0.5, 1])
    assert found.limit == pytest.approx([0, 1, 1, 0])


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_input_changes_nothing(values, random):
    table = frame(values)
    places = list(range(len(table)))
    random.shuffle(places)
    other = table.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(weigh(table, SCALES, FEW), weigh(other, SCALES, FEW))


@given(rows, st.data())
@settings(max_examples=80, deadline=None)
def test_an_improved_value_never_lowers_a_rank(values, data):
    who = data.draw(st.integers(0, len(values) - 1))
    which = data.draw(st.integers(0, 2))
    assume(values[who][which] is not None)
    step = data.draw(st.floats(0.01, 3))
    better = list(values[who])
    better[which] += -step if which == 0 else step
    after = [*values]
    after[who] = tuple(better)
    name = f"c{who}"
    old, new = weigh(frame(values), SCALES, FEW), weigh(frame(after), SCALES, FEW)
    assert of(new, "rank")[name] <= of(old, "rank")[name]
    assert of(new, "score")[name] >= of(old, "score")[name] - 1e-12


@given(rows)
@settings(max_examples=40, deadline=None)
def test_equal_candidates_tie(values):
    table = weigh(frame([*values, values[0]]), SCALES, FEW)
    same = table[table["candidate"].isin(["c0", f"c{len(values)}"])]
    for column in ("rank", "rank_low", "rank_high", "score"):
        first, second = same[column]
        assert first is second or first == second or (pd.isna(first) and pd.isna(second))


@given(full_rows, st.tuples(number, number, number))
@settings(max_examples=60, deadline=None)
def test_a_dominated_newcomer_leaves_the_front_and_the_order_alone(values, extra):
    base = weigh(frame(values), SCALES, FEW)
    worse = (max(extra[0], values[0][0]), min(extra[1], values[0][1]), min(extra[2], values[0][2]))
    assume(worse != values[0])
    more = weigh(frame([*values, worse]), SCALES, FEW)
    newcomer = f"c{len(values)}"
    others = more[more["candidate"] != newcomer]
    assert of(others, "pareto").sort_index().equals(of(base, "pareto").sort_index())
    order = [c for c in more["candidate"] if c != newcomer]
    assert order == base["candidate"].tolist()


@given(full_rows)
@settings(max_examples=60, deadline=None)
def test_the_front_is_who_nobody_dominates(values):
    points = np.array(values)
    front = pareto_front(points)
    for k, row in enumerate(points):
        dominated = any((p >= row).all() and (p > row).any() for p in points)
        assert front[k] == (not dominated)
    assert front.any()


def test_missing_values_are_a_lower_bound_and_nothing_is_filled_in():
    table = weigh(frame([(1.1, 2.0, 2.0), (1.1, 2.0, None), (None, None, None)], 0.0), SCALES, FEW)
    full, part = of(table, "score")["c0"], of(table, "score")["c1"]
    assert full == pytest.approx((2 * 0.5 + 2 / 3 + 0.5) / 4)
    assert part == pytest.approx((2 * 0.5 + 2 / 3) / 4)
    assert of(table, "score_high")["c1"] == pytest.approx(part + 0.25)
    assert of(table, "covered")["c1"] == pytest.approx(0.75)
    assert pd.isna(of(table, "utility_gap")["c1"])
    assert pd.isna(of(table, "pareto")["c1"])
    assert pd.isna(of(table, "rank")["c2"])
    # what is missing could put it first: the interval says so
    assert of(table, "rank_low")["c1"] == 1


def test_a_broken_limit_takes_the_score_away():
    table = weigh(frame([(0.1, 0.0, 9.0), (1.9, 1.0, 0.1)], 0.01), SCALES, FEW)
    assert of(table, "score")["c0"] < 1e-6
    assert of(table, "rank")["c1"] == 1


def test_intervals_widen_with_the_error():
    values = [(0.2 + 0.1 * n, 2.0, 3.0) for n in range(8)]
    sharp, vague = weigh(frame(values, 0.001), SCALES, FEW), weigh(frame(values, 0.5), SCALES, FEW)
    width = lambda t: (t["rank_high"] - t["rank_low"]).sum()  # noqa: E731
    assert width(sharp) == 0
    assert width(vague) > 10


@given(full_rows)
@settings(max_examples=60, deadline=None)
@example([(0.0, 1.0, 0.0), (3.0, 1.0, 0.0)])
def test_the_named_weight_and_value_do_change_the_first_place(values):
    assume(len(values) > 1)
    table = weigh(frame(values), SCALES, FEW)
    first = table["candidate"][0]
    for change in sensitivity(table, SCALES):
        if change.kind == "weight":
            step = 1e-6 * max(1, change.now)
            past = change.then + (step if change.then > change.now else -step)
            if past < 0:
                continue
            moved = [
                Scale(s.name, s.worst, s.best, past if s.name == change.criterion else s.weight)
                for s in (Scale(s.name, s.worst, s.best, s.weight) for s in SCALES)
            ]
            limited = [
                Scale(m.name, m.worst, m.best, m.weight, s.at_least, s.at_most)
                for m, s in zip(moved, SCALES, strict=True)
            ]
            after = weigh(frame(values), limited, FEW)
            scores = of(after, "score")
            assert scores[change.winner] >= scores[first] - 1e-9
        elif change.criterion != "limit":  # a hard limit moves with its value
            who = int(first[1:])
            which = [s.name for s in SCALES].index(change.criterion)
            row = list(values[who])
            row[which] = change.then
            moved_values = [*values]
            moved_values[who] = tuple(row)
            scores = of(weigh(frame(moved_values), SCALES, FEW), "score")
            assert scores[first] == pytest.approx(scores[change.winner], abs=1e-6)


def test_bad_criteria_are_refused():
    with pytest.raises(ValueError, match="two different"):
        Scale("x", worst=1.0, best=1.0)
    with pytest.raises(ValueError, match="weight"):
        Scale("x", worst=1.0, best=2.0, weight=-1.0)
    with pytest.raises(ValueError, match="nothing can be ranked"):
        weigh(frame([(1, 1, 1)]), [Scale("gap", 0, 1, weight=0)])
    twice = pd.concat([frame([(1, 1, 1)])] * 2)
    with pytest.raises(ValueError, match="twice"):
        weigh(twice, SCALES)


@pytest.mark.slow
def test_ten_thousand_candidates():
    rng = np.random.default_rng(0)
    table = frame(rng.uniform(0, 4, size=(10_000, 3)))
    start = time.perf_counter()
    found = weigh(table, SCALES)
    assert found["rank"].notna().all()
    print(f"{time.perf_counter() - start:.2f} s")  # noqa: T201
