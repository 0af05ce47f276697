"""Energy scales against tabulated values and against each other."""

import pytest

from mgscreen.core.errors import InputError
from mgscreen.energetics.electrodes import ELECTRODES
from mgscreen.energetics.scales import (
    absolute_potential,
    fermi_level,
    level_to_potential,
    oxidised_in_window,
    potential_to_level,
    potential_vs_metal,
    reduced_at_anode,
    scales_for,
    she_scale,
    work_function_scale,
)

MG = scales_for("Mg")


def test_absolute_potential_of_magnesium():
    assert absolute_potential("Mg") == pytest.approx(2.068, abs=1e-9)
    assert absolute_potential("Mg", 4.28) == pytest.approx(1.908, abs=1e-9)


def test_fermi_levels_of_magnesium():
    levels = [fermi_level("Mg", scale) for scale in MG.scales]
    assert levels == pytest.approx([-2.068, -1.908, -3.66], abs=1e-9)
    assert fermi_level("Mg") == pytest.approx(-2.068)
    assert fermi_level("Mg", 4.28) == pytest.approx(-1.908)


def test_a_lumo_changes_sign_between_scales():
    values = [level_to_potential(-3.09, scale) for scale in MG.scales]
    assert values == pytest.approx([1.022, 1.182, -0.57], abs=1e-9)


def test_levels_of_a_cathode_at_2_5_v():
    values = [potential_to_level(2.5, scale) for scale in MG.scales]
    assert values == pytest.approx([-4.568, -4.408, -6.16], abs=1e-9)


@pytest.mark.parametrize("metal", sorted(ELECTRODES))
@pytest.mark.parametrize("level", [-6.5, -3.09, 0.0, 2.0])
def test_level_and_potential_are_inverse(metal, level):
    for scale in scales_for(metal).scales:
        potential = level_to_potential(level, scale)
        assert potential_to_level(potential, scale) == pytest.approx(level)


@pytest.mark.parametrize("metal", sorted(ELECTRODES))
def test_scale_and_function_agree_on_a_total_energy_potential(metal):
    for she in (4.44, 4.28):
        assert she_scale(metal, she).potential(3.0) == pytest.approx(
            potential_vs_metal(3.0, metal, she)
        )


def test_a_more_negative_metal_gives_a_higher_potential():
    # lithium lies 0.668 V below magnesium, so the same species is that much higher against it
    difference = potential_vs_metal(3.0, "Li") - potential_vs_metal(3.0, "Mg")
    assert difference == pytest.approx(3.04 - 2.372)


def test_aluminium_keeps_both_values_of_the_sources():
    aluminium = ELECTRODES["Al"]
    assert aluminium.potential_vs_she == -1.66
    assert [value for value, _ in aluminium.other_values] == [-2.069]
    assert aluminium.couple == "Al3+/Al"
    assert ELECTRODES["Li"].couple == "Li+/Li"


def test_a_lumo_verdict_is_withheld_where_the_scales_disagree():
    verdict = reduced_at_anode(-3.09, MG, quantity="level")
    assert verdict.holds is None
    assert [m.holds for m in verdict.margins] == [True, True, False]
    assert "disagree" in verdict.reason
    assert verdict.margin_v == pytest.approx(-0.57)


def test_a_total_energy_potential_has_no_work_function_scale():
    verdict = reduced_at_anode(3.178, MG)
    assert verdict.holds is True
    assert [m.scale for m in verdict.margins] == ["SHE 4.44 V", "SHE 4.28 V"]
    assert [m.margin_v for m in verdict.margins] == pytest.approx([1.11, 1.27])
    assert "work function" in verdict.not_applicable[0]


def test_the_two_she_values_alone_can_withhold_a_verdict():
    verdict = reduced_at_anode(2.0, MG)
    assert [m.holds for m in verdict.margins] == [False, True]
    assert verdict.holds is None


def test_an_uncertainty_that_covers_zero_withholds_a_verdict():
    assert reduced_at_anode(2.3, MG).holds is True
    withheld = reduced_at_anode(2.3, MG, uncertainty=0.25)
    assert withheld.holds is None
    assert "0.25" in withheld.reason
    assert reduced_at_anode(2.5, MG, uncertainty=0.25).holds is True


def test_disagreement_is_named_before_uncertainty():
    verdict = reduced_at_anode(-3.09, MG, quantity="level", uncertainty=1.1)
    assert [m.holds for m in verdict.margins] == [None, True, None]
    assert verdict.holds is None
    assert "uncertainty" in verdict.reason


def test_oxidation_within_the_cathode_window():
    window = (0.9, 2.5)
    # 4.41 V vs Mg2+/Mg at 4.44 V is an absolute 6.478 V
    assert oxidised_in_window(6.478, window, MG).holds is False
    inside = oxidised_in_window(4.0, window, MG)
    assert inside.holds is True
    assert [m.margin_v for m in inside.margins] == pytest.approx([0.568, 0.408])
    # a HOMO of -5 eV is inside on the work-function scale only
    level = oxidised_in_window(-5.0, window, MG, quantity="level")
    assert [m.holds for m in level.margins] == [False, False, True]
    assert level.holds is None


def test_a_metal_without_work_function_says_so():
    assert work_function_scale("Na") is None
    verdict = reduced_at_anode(-5.0, scales_for("Na"), quantity="level")
    assert len(verdict.margins) == 2
    assert "Na" in verdict.not_applicable[0]
    given = scales_for("Na", work_function=2.75)
    assert given.scales[-1].fermi_level_ev == -2.75
    assert given.missing == ""


def test_unknown_metal_and_foreign_scale():
    with pytest.raises(InputError, match="Fe"):
        scales_for("Fe")
    with pytest.raises(InputError, match="Li"):
        fermi_level("Mg", she_scale("Li"))
    with pytest.raises(InputError, match="negative"):
        reduced_at_anode(1.0, MG, uncertainty=-0.1)
