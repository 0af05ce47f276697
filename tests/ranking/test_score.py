"""Invariants of the score and the ranks, which no set of numbers may break."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mgscreen.ranking.score import (
    COLUMNS,
    FRACTION_SD,
    SHARED,
    Sampling,
    competition_ranks,
    margin_sd,
    probabilities,
    rank_table,
)

OFFSETS = (0.0, 0.16)
FEW = Sampling(samples=120, seed=3)
HOST = {"reduction_host": -2.28, "oxidation_host": 5.19}

volts = st.one_of(st.none(), st.floats(-4, 7).map(lambda x: round(x, 2)))
shares = st.one_of(st.none(), st.floats(0, 1).map(lambda x: round(x, 2)))
candidates = st.lists(st.tuples(volts, volts, shares), min_size=1, max_size=12)


def table(rows, sd=0.25):
    frame = pd.DataFrame(
        [
            {"candidate": f"c{i}", "reduction": r, "oxidation": o, "fraction": f, **HOST}
            for i, (r, o, f) in enumerate(rows)
        ]
    ).assign(reduction_sd=sd, oxidation_sd=sd, reduction_host_sd=sd, oxidation_host_sd=sd)
    return frame.astype(dict.fromkeys(COLUMNS[1:], "float64"))


def ranks(frame):
    return frame.set_index("candidate")["rank"]


@given(candidates, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_input_changes_nothing(rows, random):
    frame = table(rows)
    places = list(range(len(frame)))
    random.shuffle(places)
    shuffled = frame.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        rank_table(frame, OFFSETS, FEW), rank_table(shuffled, OFFSETS, FEW)
    )


@given(candidates, st.data())
@settings(max_examples=80, deadline=None)
def test_an_improved_value_never_lowers_a_rank(rows, data):
    i = data.draw(st.integers(0, len(rows) - 1))
    red, ox, share = rows[i]
    gain = data.draw(st.floats(0.01, 2))
    which = data.draw(st.sampled_from(["reduction", "oxidation", "fraction"]))
    better = {
        "reduction": (None if red is None else red + gain, ox, share),
        "oxidation": (red, None if ox is None else ox - gain, share),
        "fraction": (red, ox, None if share is None else min(1.0, share + gain)),
    }[which]
    before = ranks(rank_table(table(rows), OFFSETS, FEW))[f"c{i}"]
    changed = [better if j == i else row for j, row in enumerate(rows)]
    after = ranks(rank_table(table(changed), OFFSETS, FEW))[f"c{i}"]
    assert pd.isna(before) == pd.isna(after)
    if not pd.isna(before):
        assert after <= before


@given(candidates, st.data())
@settings(max_examples=60, deadline=None)
def test_one_more_value_never_lowers_a_score(rows, data):
    i = data.draw(st.integers(0, len(rows) - 1))
    filled = tuple(
        data.draw(st.floats(low, high)) if v is None else v
        for v, (low, high) in zip(rows[i], ((-4, 7), (-4, 7), (0, 1)), strict=True)
    )
    before = probabilities(table([rows[i]]), OFFSETS)["score"][0]
    after = probabilities(table([filled]), OFFSETS)["score"][0]
    assert np.isnan(before) or after >= before


@given(candidates)
@settings(max_examples=40, deadline=None)
def test_equal_candidates_tie_and_share_an_interval(rows):
    twice = [*rows, *rows]
    done = rank_table(table(twice), OFFSETS, FEW).set_index("candidate")
    n = len(rows)
    for i in range(n):
        for column in ("rank", "rank_low", "rank_high"):
            one, other = done.loc[f"c{i}", column], done.loc[f"c{i + n}", column]
            assert (pd.isna(one) and pd.isna(other)) or one == other


@given(candidates)
@settings(max_examples=60, deadline=None)
def test_a_missing_value_is_never_imputed(rows):
    frame = table(rows)
    done = rank_table(frame, OFFSETS, FEW).set_index("candidate")
    for i, (red, ox, share) in enumerate(rows):
        row = {c: done.loc[f"c{i}", c] for c in done.columns}
        assert np.isnan(row["p_sei"]) == (red is None or share is None)
        assert np.isnan(row["p_cei"]) == (ox is None)
        nothing = (red is None or share is None) and ox is None
        assert np.isnan(row["score"]) == nothing == pd.isna(row["rank"])
        if not nothing:
            assert 0 <= row["score"] <= 1
            assert 1 <= row["rank_low"] <= row["rank"] <= row["rank_high"] <= len(rows)
    known = done["score"].notna().to_numpy()
    assert not np.any(known[np.argmin(known) :]) or known.all()


def test_the_score_is_the_formula_that_is_documented():
    frame = table([(0.2, 4.9, 0.6)], sd=0.3)
    got = {k: float(v[0]) for k, v in probabilities(frame, OFFSETS).items()}
    spread = np.sqrt(0.3**2 + 0.3**2 - 2 * SHARED * 0.3**2)
    first = norm.cdf((0.2 + 2.28) / spread)
    anode = (norm.cdf(0.2 / 0.3) + norm.cdf(0.36 / 0.3)) / 2
    here = norm.cdf(0.1 / FRACTION_SD)
    sei, cei = first * anode * here, norm.cdf((5.19 - 4.9) / spread)
    assert got["p_sei"] == pytest.approx(sei, rel=1e-12)
    assert got["p_cei"] == pytest.approx(cei, rel=1e-12)
    assert got["score"] == pytest.approx(1 - (1 - sei) * (1 - cei), rel=1e-12)


def test_certain_candidates_are_still_told_apart():
    # both scores round to 1.0: the order comes from what is left of the doubt
    done = rank_table(table([(None, 1.0, None), (None, 0.5, None)]), OFFSETS, FEW)
    assert list(done["score"]) == [1.0, 1.0]
    assert list(done["candidate"]) == ["c1", "c0"]
    assert list(done["rank"]) == [1, 2]


def test_a_common_error_makes_a_margin_surer_than_a_potential_pair():
    assert margin_sd(0.25, 0.25) == pytest.approx(0.25)
    assert margin_sd(0.25, 0.25) < np.hypot(0.25, 0.25)


def test_competition_ranks():
    assert list(competition_ranks(np.array([0.5, 0.9, 0.5, 0.1]))) == [2, 1, 2, 4]


def test_an_interval_is_as_wide_as_the_errors():
    rows = [(None, 4.0, None), (None, 4.1, None), (None, 4.2, None), (None, 8.0, None)]
    sure = rank_table(table(rows, sd=0.05), OFFSETS, FEW)
    unsure = rank_table(table(rows, sd=0.3), OFFSETS, FEW)
    assert list(sure["rank_low"]) == list(sure["rank_high"]) == [1, 2, 3, 4]
    assert list(unsure["rank_low"])[:3] == [1, 1, 1]
    assert list(unsure["rank_high"])[:3] == [3, 3, 3]
    assert unsure["rank_low"].iloc[3] == 4


def test_the_sampled_ranks_agree_with_exact_odds():
    # two candidates: the odds that the second is the better one are known in closed form
    sd, gap = 0.25, 0.3
    frame = table([(None, 4.0, None), (None, 4.0 + gap, None)], sd=sd)
    swapped = norm.cdf(-gap / (sd * np.sqrt(2 * (1 - SHARED))))
    assert swapped > 0.05
    done = rank_table(frame, OFFSETS, Sampling(samples=4000))
    assert list(done["rank_high"]) == [2, 2]
    far = table([(None, 4.0, None), (None, 4.0 + 3 * gap, None)], sd=sd)
    assert norm.cdf(-3 * gap / (sd * np.sqrt(2 * (1 - SHARED)))) < 0.05
    assert list(rank_table(far, OFFSETS, Sampling(samples=4000))["rank_high"]) == [1, 2]


def test_a_table_that_cannot_be_ranked_is_refused():
    frame = table([(1.0, 4.0, 1.0)])
    with pytest.raises(ValueError, match="occurs twice"):
        rank_table(pd.concat([frame, frame]), OFFSETS)
    with pytest.raises(ValueError, match="no energy scale"):
        rank_table(frame, ())


def test_an_empty_table_ranks_to_nothing():
    empty = table([(1.0, 4.0, 1.0)]).iloc[:0]
    assert rank_table(empty, OFFSETS).empty


def test_ten_thousand_candidates_with_intervals_take_seconds():
    rng = np.random.default_rng(0)
    n = 10_000
    rows = zip(rng.normal(0, 1.5, n), rng.normal(5, 1, n), rng.uniform(0, 1, n), strict=True)
    frame = table(list(rows))
    start = time.process_time()
    done = rank_table(frame, OFFSETS, Sampling(samples=2000))
    # processor time, since other work on the machine is not ours; twice the target of 2 s
    assert time.process_time() - start < 4.0
    assert done["rank"].max() <= n
