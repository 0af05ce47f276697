"""What makes the sampling of ranks fast must not change what it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import ndtr
from scipy.stats import kstest

from mgscreen.ranking.draws import (
    Chance,
    Errors,
    PhiTable,
    chance,
    counted_ranks,
    quantiles,
    ranks_by_chance,
)
from mgscreen.ranking.score import competition_ranks


def test_errors_are_standard_normal_and_repeatable():
    drawn = Errors(np.random.default_rng(3)).draw(200_000)
    assert kstest(drawn.astype(float), "norm").pvalue > 1e-3
    assert drawn.std() == pytest.approx(1.0, abs=0.01)
    assert np.abs(drawn).max() < 4.4
    assert (drawn == Errors(np.random.default_rng(3)).draw(200_000)).all()


def test_table_is_the_distribution_to_half_a_step():
    z = np.linspace(-36.9, 36.9, 40_001).astype(np.float32)
    found = PhiTable().of(z)
    step = 0.5 / 128 + 1e-5
    for values, sign in ((found.yes, 1.0), (found.no, -1.0)):
        assert (values >= ndtr(sign * z.astype(float) - step)).all()
        assert (values <= ndtr(sign * z.astype(float) + step)).all()
    beyond = PhiTable().of(np.array([-1e4, 1e4], dtype=np.float32))
    assert beyond.yes[0] > 0.0
    assert beyond.no[1] > 0.0


@given(arrays.arrays(float, st.integers(1, 60), elements=st.floats(-30, 30)))
def test_ranks_by_chance_are_those_of_a_sort_but_for_ties_within_a_bin(z):
    total = chance(z)
    found, exact = ranks_by_chance(total), competition_ranks(z)
    best_first = np.argsort(-z, kind="stable")
    assert (np.diff(found[best_first]) >= 0).all(), "a better one never ranks behind a worse one"
    apart = np.abs(np.subtract.outer(z, z)) > 0.1
    assert ((found[:, None] < found) == (exact[:, None] < exact))[apart].all()


def test_ranks_reach_from_certain_to_impossible():
    p = np.array([0.0, 1e-300, 1e-20, 0.3, 0.5, 0.7, 1.0])
    total = Chance(np.append(p, 1.0), np.append(1.0 - p, 1e-300))
    assert list(ranks_by_chance(total)) == [8, 7, 6, 5, 4, 3, 1, 2]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_counted_ranks_are_competition_ranks(bins):
    index = np.array(bins)
    assert (counted_ranks(index, 10) == competition_ranks(-index.astype(float))).all()


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 600), st.integers(0, 99))
def test_quantiles_are_those_of_the_sorted_ranks(worlds, n, seed):
    ranks = np.random.default_rng(seed).integers(1, n + 1, (worlds, n)).astype(np.int16)
    low, high = quantiles(ranks, 0.9)
    ordered = np.sort(ranks, axis=0)
    place = int(0.05 * (worlds - 1) + 1e-9)
    assert (low == ordered[place]).all()
    assert (high == ordered[worlds - 1 - place]).all()
