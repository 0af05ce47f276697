"""Roles against independently computed potentials, and what must stay unknown."""

import pytest

from mgscreen.core.errors import InputError
from mgscreen.ranking.criteria import (
    AT_ANODE,
    ELECTRON_HERE,
    IN_WINDOW,
    OXIDISED_FIRST,
    REDUCED_FIRST,
)
from mgscreen.ranking.roles import rank_additives


def by_name(database, number):
    return {r.candidate: r for r in rank_additives(database, number)}


def answers(ranked):
    return {c.name: c.holds for c in ranked.criteria}


def test_the_two_salts_of_the_dual_additive_electrolyte(build):
    ranked = by_name(*build())
    tfsi, pftb = ranked["TFSI"], ranked["PFTB"]
    # the electron of reduced [MgTFSI]+ is on the anion (82 %): this reduction counts
    assert tfsi.role == "SEI former"
    assert answers(tfsi)[REDUCED_FIRST] is answers(tfsi)[AT_ANODE] is True
    assert answers(tfsi)[ELECTRON_HERE] is True
    assert answers(tfsi)[OXIDISED_FIRST] is False
    # that of [MgPFTB]+ is on Mg (76 %): it grants nothing, and denies nothing either
    assert pftb.role == "CEI former"
    assert answers(pftb)[ELECTRON_HERE] is None
    assert "no reduction of the additive" in pftb.reason
    # oxidised 0.78 V before the solvent, and yet not inside the window: both are said
    assert answers(pftb)[OXIDISED_FIRST] is True
    assert answers(pftb)[IN_WINDOW] is False
    assert "not inside the cathode's window" in pftb.reason
    margin = next(m for m in pftb.margins if m.side == "oxidation")
    assert margin.margin_v == pytest.approx(0.78)
    assert answers(pftb)["oxidised at the leakage hold of 2.7 V"] is False
    assert {r.rank for r in (tfsi, pftb)} == {1, 2}


def test_the_host_is_shown_and_not_ranked(build):
    dme = by_name(*build())["DME"]
    assert (dme.role, dme.state, dme.rank, dme.score) == ("host", "host", None, None)


def molecule(p, name, reduction, oxidation, **more):
    return (
        name,
        "molecule",
        name,
        [p.potential("reduction", reduction, **more), p.potential("oxidation", oxidation, **more)],
    )


def test_a_molecule_is_judged_by_itself(build, published):
    p = published
    rows = [*p.PUBLISHED, molecule(p, "BOTH", 1.0, 4.0), molecule(p, "NONE", -4.0, 7.0)]
    database, number = build(rows, (p.DME, p.Row("BOTH"), p.Row("NONE")))
    ranked = by_name(database, number)
    assert ranked["BOTH"].role == "both"
    assert ranked["NONE"].role == "inert"
    assert ranked["BOTH"].rank == 1


def test_a_verdict_near_zero_is_withheld(build, published):
    p = published
    rows = [*p.PUBLISHED, molecule(p, "NEAR", 0.1, 7.0)]
    near = by_name(*build(rows, (p.DME, p.Row("NEAR"))))["NEAR"]
    assert near.role == "unknown"
    assert answers(near)[AT_ANODE] is None
    assert "withheld" in near.reason


def test_scales_that_disagree_withhold_the_verdict(build, published):
    p = published
    rows = [*p.PUBLISHED, molecule(p, "EDGE", -0.08, 7.0)]
    text = p.CAMPAIGN.replace("uncertainty = 0.25", "uncertainty = 0.01")
    edge = by_name(*build(rows, (p.DME, p.Row("EDGE")), text=text))["EDGE"]
    assert answers(edge)[AT_ANODE] is None
    assert "scales disagree" in edge.reason
    assert edge.role == "unknown"


def test_what_failed_or_was_not_computed_stays_in_the_list(build, published):
    p = published
    failed = ("BAD", "contact-ion-pair", "[MgBAD]+", [
        p.failure("reduction_potential_vertical", "the SCF did not converge")
    ])  # fmt: skip
    rows = [*p.PUBLISHED, failed]
    candidates = (p.TFSI, p.PFTB, p.DME, p.Row("BAD", charge=-1), p.Row("TODO"))
    listed = rank_additives(*build(rows, candidates))
    assert [r.candidate for r in listed] == ["TFSI", "PFTB", "TODO", "BAD", "DME"]
    by = {r.candidate: r for r in listed}
    assert (by["BAD"].state, by["BAD"].role, by["BAD"].score) == ("failed", "unknown", None)
    assert "the SCF did not converge" in by["BAD"].reason
    assert (by["TODO"].state, by["TODO"].rank) == ("missing", None)


def test_one_side_gives_a_lower_bound(build, published):
    p = published
    rows = [*p.PUBLISHED, ("HALF", "molecule", "HALF", [p.potential("oxidation", 4.41)])]
    half = by_name(*build(rows, (p.PFTB, p.DME, p.Row("HALF"))))["HALF"]
    assert half.state == "partial"
    assert half.role == "CEI former"
    assert half.score == pytest.approx(half.p_cei)
    assert half.p_sei is None
    assert "no reduction potential" in half.reason


def test_without_knowing_where_the_electron_lands_there_is_no_role(build, published):
    p = published
    rows = [*p.PUBLISHED, ("X", "contact-ion-pair", "[MgX]+", [p.potential("reduction", 1.5)])]
    x = by_name(*build(rows, (p.DME, p.Row("X", charge=-1))))["X"]
    assert x.role == "unknown"
    assert "where the electron lands" in x.reason


def test_the_filled_shell_is_preferred_to_the_bare_pair(build, published):
    p = published
    shell = ("PFTB", "solvated-contact-ion-pair", "[MgPFTB(DME)2]+",
             [p.potential("reduction", 0.9), *p.split(0.1)])  # fmt: skip
    pftb = by_name(*build([*p.PUBLISHED, shell]))["PFTB"]
    assert pftb.role == "both"
    assert next(m for m in pftb.margins if m.side == "reduction").potential_v == (
        pytest.approx(0.9)
    )


def test_adiabatic_is_preferred_and_a_cleavage_is_named(build, published):
    p = published
    text = p.CAMPAIGN.replace('potential = "vertical"', 'potential = "adiabatic"')
    bonds = p.PropertyValue(property="reduction_broken_bonds", text="C-S")
    rows = [
        *p.PUBLISHED,
        ("TFSI", "contact-ion-pair", "[MgTFSI]+",
         [p.potential("reduction", 2.0, kind="adiabatic"), bonds]),
        ("DME", "molecule", "DME", [p.potential("reduction", -1.9, kind="adiabatic")]),
    ]  # fmt: skip
    ranked = by_name(*build(rows, text=text))
    margin = next(m for m in ranked["TFSI"].margins if m.side == "reduction")
    assert (margin.kind, margin.host_kind) == ("adiabatic", "adiabatic")
    assert margin.potential_v == pytest.approx(2.0)
    assert margin.note == "reductive cleavage potential: C-S breaks"
    # PFTB has a vertical potential alone: it is used, compared with the like, and labelled
    margin = next(m for m in ranked["PFTB"].margins if m.side == "reduction")
    assert (margin.kind, margin.host_kind) == ("vertical", "vertical")
    assert any("stands in" in c for c in ranked["PFTB"].caveats)


def test_a_host_salt_whose_electron_goes_to_the_metal_sets_no_limit(build, published):
    p = published
    salt = p.Row("ALCL4", charge=-1, is_host=True)
    pair = ("ALCL4", "contact-ion-pair", "[MgAlCl4]+",
            [p.potential("reduction", 1.6), *p.split(0.8)])  # fmt: skip
    database, number = build([*p.PUBLISHED, pair], (p.TFSI, p.DME, salt))
    assert by_name(database, number)["TFSI"].role == "SEI former"
    onto = ("ALCL4", "contact-ion-pair", "[MgAlCl4]+",
            [p.potential("reduction", 1.6), *p.split(0.1)])  # fmt: skip
    database, number = build([*p.PUBLISHED, onto], (p.TFSI, p.DME, salt))
    tfsi = by_name(database, number)["TFSI"]
    assert answers(tfsi)[REDUCED_FIRST] is False
    assert tfsi.role == "inert"


def test_potentials_on_another_scale_are_converted(build, published):
    p = published
    value = p.PropertyValue(
        property="oxidation_potential_vertical",
        value=4.41 + 0.16,
        unit="V",
        reference="Mg2+/Mg (SHE 4.28 V)",
    )
    rows = [*p.PUBLISHED, ("TWIN", "molecule", "TWIN", [value])]
    ranked = by_name(*build(rows, (p.PFTB, p.DME, p.Row("TWIN"))))
    assert ranked["TWIN"].margins[0].potential_v == pytest.approx(4.41)


def test_a_potential_with_an_unknown_reference_is_not_used(build, published):
    p = published
    value = p.PropertyValue(
        property="oxidation_potential_vertical", value=3.0, unit="V", reference="Li+/Li"
    )
    rows = [*p.PUBLISHED, ("LI", "molecule", "LI", [value])]
    odd = by_name(*build(rows, (p.DME, p.Row("LI"))))["LI"]
    assert odd.score is None
    assert "its reference is 'Li+/Li'" in odd.reason


def test_levels_of_theory_are_not_mixed(build, published):
    p = published
    database, number = build()
    text = p.CAMPAIGN.replace('redox = "pyscf:b3lyp/6-31+g(d)"', "")
    assert by_name(database, number)["TFSI"].caveats == ()
    # a candidate at another level alone has no value that may be compared
    other, level = p.REDOX, "pyscf:pbe0/def2-svp/cpcm(7.2)"
    p.REDOX = level
    try:
        lone = [("LONE", "molecule", "LONE", [p.potential("oxidation", 3.0)])]
        database, number = build(lone, (p.Row("LONE"), p.DME), text=text, name="other")
    finally:
        p.REDOX = other
    assert by_name(database, number)["LONE"].role == "unknown"


def test_an_unknown_campaign_is_bad_input(build):
    database, _ = build()
    with pytest.raises(InputError, match="there is no campaign 'nope'"):
        rank_additives(database, "nope")
