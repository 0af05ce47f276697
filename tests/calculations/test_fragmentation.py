"""Pieces of a broken species, and the whole charges that they are given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgscreen.calculations.fragmentation import Fragmentation, bond_label, whole_charges


@pytest.mark.parametrize(
    ("charges", "total", "expected"),
    [
        ([-0.95, -0.05], -1, [-1, 0]),
        ([1.7, -0.7], 1, [2, -1]),
        ([-0.5, -0.5], -1, [-1, 0]),
        ([1.2, 0.4, -0.6], 1, [1, 1, -1]),
        ([0.0], 0, [0]),
    ],
)
def test_charges_are_rounded_to_the_total(charges, total, expected):
    rounded = whole_charges(charges, total)
    assert sum(rounded) == total
    assert sorted(rounded) == sorted(expected)


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=6), st.integers(-3, 3))
def test_rounded_charges_always_sum_to_the_total(charges, total):
    assert sum(whole_charges(charges, total)) == total


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=6))
def test_rounding_moves_no_charge_by_a_whole_one_when_the_sum_is_kept(charges):
    total = round(sum(charges))
    rounded = whole_charges(charges, total)
    assert all(abs(w - q) <= 1 + 1e-9 for w, q in zip(rounded, charges, strict=True))


def test_bonds_are_counted_by_kind(bromomethane):
    assert bond_label(bromomethane, 1, 0) == bond_label(bromomethane, 0, 1) == "C-Br"
    several = Fragmentation(broken=[(0, 1)] * 3, broken_labels=["C-S", "C-F", "C-F"])
    assert several.broken_text == "2 C-F, C-S"
    assert Fragmentation().broken_text == "none"
