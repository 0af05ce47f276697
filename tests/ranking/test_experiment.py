"""Measurements beside the ranking, and what is said where there are too few."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from mgscreen.campaign.criteria import PAIRS
from mgscreen.database.reference import load_references
from mgscreen.ranking.experiment import (
    cell_comparisons,
    correlations,
    experiment,
    value_comparisons,
)
from mgscreen.ranking.orders import order_checks
from mgscreen.ranking.pairs import pairs_of

sys.path.insert(0, str(Path(__file__).parent))
import filmed
from test_pairs import FEW, additive

NAMES = ["source", "system", "candidate", "property", "value", "text", "unit", "conditions"]


def table(*rows):
    return pd.DataFrame(rows, columns=NAMES)


def life(system, hours, conditions="1 mA/cm2"):
    return ("paper", system, None, "symmetric_cell_life", hours, None, "h", conditions)


def stands(system, what, conditions=None):
    return ("paper", system, None, "computed_as", None, what, "", conditions)


def test_three_comparable_systems_have_a_rank_correlation():
    rows = table(life("a", 100.0), life("b", 300.0), life("c", 200.0), life("d", 900.0))
    scores = {("paper", "a"): ("A", 0.1), ("paper", "b"): ("B", 0.5), ("paper", "c"): ("C", 0.9)}
    (found,) = cell_comparisons(rows, scores)
    # ranks 1, 3, 2 against 1, 2, 3: 1 - 6 * 2 / (3 * 8), and two of three pairs in order
    assert found.spearman == pytest.approx(0.5)
    assert found.kendall == pytest.approx(1 / 3)
    assert found.comparable == 3
    assert "3 systems" in found.statement


@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=12).filter(
        lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True))
    )
)
def test_correlations_are_those_of_scipy_with_and_without_ties(pairs):
    rho, tau = correlations(pairs)
    assert rho == pytest.approx(spearmanr(*zip(*pairs, strict=True)).statistic, abs=1e-12)
    assert tau == pytest.approx(kendalltau(*zip(*pairs, strict=True)).statistic, abs=1e-12)


def test_less_hysteresis_is_better():
    rows = table(
        *[
            ("paper", s, None, "voltage_hysteresis", v, None, "mV", "")
            for s, v in (("a", 10.0), ("b", 20.0), ("c", 30.0))
        ]
    )
    scores = {("paper", s): (s, v) for s, v in (("a", 0.9), ("b", 0.5), ("c", 0.1))}
    assert cell_comparisons(rows, scores)[0].spearman == pytest.approx(1.0)


def test_two_systems_have_a_plain_statement_and_other_conditions_do_not_count():
    rows = table(life("a", 1.0), life("b", 2.0), life("c", 3.0, "5 mA/cm2"))
    scores = {("paper", s): (s, 0.1) for s in "abc"}
    first, second = cell_comparisons(rows, scores)
    assert (first.comparable, second.comparable) == (2, 1)
    assert first.spearman is None
    assert "it takes 3 systems, and of these 2 a, b are ranked here" in first.statement
    assert "a 1 h, b 2 h" in first.statement


def test_measured_limits_of_phases_are_correlated_level_by_level(tmp_path):
    database, number = filmed.build(tmp_path / "films.db")
    load_references(database)
    found = value_comparisons(
        database.frame_references(), database.frame_properties(campaign=number)
    )
    limits = next(c for c in found if c.quantity == "oxidation_limit")
    assert limits.beside == f"oxidation_limit at {filmed.LEVEL}"
    assert limits.comparable == 4
    assert limits.spearman == pytest.approx(1.0)
    assert all(s.computed is None or s.computed_as for s in limits.systems)
    assert not any("materials-project" in c.source for c in found)
    database.close()


def formulations(tfsi_at_anode):
    both = additive("TFSI", tfsi_at_anode, 0.05, reduction=1.0, oxidation=6.0)
    return pairs_of([both, additive("PFTB", 0.02, 0.97, reduction=-1.0, oxidation=4.0)], PAIRS, FEW)


def campaign(salts='["ALCL4"]'):
    import tomllib

    from mgscreen.campaign.models import Campaign

    text = filmed.TEXT.replace("salts = []", f"salts = {salts}")
    return Campaign.model_validate(tomllib.loads(text))


REPORTED = table(
    stands("DOE", "pair PFTB + TFSI", "host: DME with ALCL4"),
    stands("AOE", "pair TFSI", "host: DME with ALCL4"),
    stands("COE", "pair PFTB", "host: DME with ALCL4"),
    ("paper", "DOE", None, "better_than", None, "AOE; COE", "", ""),
)


def test_the_reported_order_comes_out_of_the_values_where_they_say_so():
    found = order_checks(REPORTED, campaign(), formulations(0.95))
    assert [(c.better, c.worse, c.holds) for c in found] == [
        ("DOE", "AOE", True),
        ("DOE", "COE", True),
    ]
    assert "and so does the ranking" in found[0].statement


def test_where_it_does_not_the_criterion_that_stands_against_it_is_named():
    # TFSI that protects nothing: it only takes away from PFTB alone
    found = order_checks(REPORTED, campaign(), formulations(0.0))
    check = next(c for c in found if c.worse == "COE")
    pair = next(p for p in formulations(0.0) if len(p.members) == 2)
    alone = next(p for p in formulations(0.0) if p.members == ("PFTB",))
    assert check.holds is (pair.score > alone.score)
    if not check.holds:
        assert check.against
        assert "does not come out" in check.statement
    lost = {c.name for c in pair.criteria if c.weight and (c.value or 0) < 1 - 1e-9}
    named = {a.split("'")[1].replace(" ", "_") for a in check.against}
    assert named <= lost


def test_another_host_is_no_counterpart():
    assert order_checks(REPORTED, campaign("[]"), formulations(0.95)) == []


def test_a_formulation_that_was_not_ranked_is_named():
    only = [p for p in formulations(0.95) if p.members == ("PFTB",)]
    found = order_checks(REPORTED, campaign(), only)
    assert [c.holds for c in found] == [None]
    assert "DOE was not ranked" in found[0].statement


def test_the_record_of_the_repository_is_complete(tmp_path):
    database, number = filmed.build(tmp_path / "films.db")
    load_references(database)
    beside = experiment(database, number)
    quantities = {c.quantity for c in beside.cells}
    assert {
        "symmetric_cell_life",
        "coulombic_efficiency",
        "voltage_hysteresis",
        "interfacial_activation_energy",
    } <= quantities
    assert "at most 1 of the systems" in beside.summary()
    mine = next(c for c in beside.cells if c.quantity == "symmetric_cell_life")
    assert mine.systems[0].computed_as == "MgBr2"
    assert mine.systems[0].computed is not None
    database.close()
