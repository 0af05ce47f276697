"""Hulls and windows against cases that can be done by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.energetics.corrections import gas_entropy_term
from mgscreen.energetics.hull import Hull, PhaseEnergy

# energies of formation per formula, eV
OXIDE, HYDRIDE, HYDROXIDE = -6.1, -0.8, -9.5


def hull(**extra):
    elements = {"Mg": -1.6, "O2": -9.8, "H2": -6.7}
    phases = {
        **elements,
        "MgO": OXIDE - 1.6 - 4.9,
        "MgH2": HYDRIDE - 1.6 - 6.7,
        "MgO2H2": HYDROXIDE - 1.6 - 9.8 - 6.7,
        **extra,
    }
    return Hull(PhaseEnergy(name, name, energy) for name, energy in phases.items())


def test_a_binary_is_limited_by_its_own_formation_energy():
    """Mg -> Mg2+ + 2 e: the anodic limit of MgO is -E_f / 2 e, and it is stable against Mg."""
    window = hull().window("MgO", "Mg")
    assert window.oxidation_v == pytest.approx(-OXIDE / 2)
    assert window.oxidation_products == ("O2",)
    assert window.reduction_v is None
    assert window.stable
    assert hull().reaction("MgO", "Mg").energy_ev_per_atom == 0
    assert hull().formation_energy("MgO") == pytest.approx(OXIDE / 2)


def test_a_hydroxide_is_reduced_by_magnesium():
    """Mg(OH)2 + 2 Mg -> 2 MgO + MgH2 with these energies, and H2 above 0.4 V."""
    found = hull()
    window = found.window("Mg(OH)2", "Mg")
    # Mg(OH)2 + Mg -> 2 MgO + H2 in two electrons
    assert window.reduction_v == pytest.approx(-(2 * OXIDE - HYDROXIDE) / 2)
    assert window.reduction_products == ("H2", "MgO")
    reaction = found.reaction("Mg(OH)2", "Mg")
    total = 2 * OXIDE + HYDRIDE - HYDROXIDE
    assert reaction.energy_ev_per_atom == pytest.approx(total / 7)
    assert reaction.products == ("MgH2", "MgO")


ENERGIES = st.lists(st.floats(-3.0, 0.5), min_size=5, max_size=5)
AMOUNTS = st.lists(st.floats(0.0, 5.0), min_size=3, max_size=3).filter(lambda x: sum(x) > 0.1)


def made_of(energies):
    from pymatgen.core import Composition

    formulas = ("MgO", "MgH2", "MgO2H2", "H2O", "MgO2")
    elements = [PhaseEnergy(e, e, 0.0) for e in ("Mg", "O", "H")]
    return Hull(
        [
            *elements,
            *(
                PhaseEnergy(f, f, e * Composition(f).num_atoms)
                for f, e in zip(formulas, energies, strict=True)
            ),
        ]
    )


@settings(deadline=None)
@given(ENERGIES, AMOUNTS)
def test_equilibrium_is_what_the_phase_diagram_gives(energies, amounts):
    from pymatgen.core import Composition

    found = made_of(energies)
    mixture = dict(zip(("Mg", "O", "H"), amounts, strict=True))
    mine = found.equilibrium(mixture)
    theirs = found.diagram.get_decomposition(Composition(mixture))
    per_atom = sum(x * p.energy_ev / Composition(p.formula).num_atoms for p, x in mine.items())
    other = sum(x * e.energy_per_atom for e, x in theirs.items())
    assert per_atom == pytest.approx(other, abs=1e-7)
    # what is made holds the elements of the mixture
    for element, amount in mixture.items():
        held = sum(x * Composition(p.formula).get_atomic_fraction(element) for p, x in mine.items())
        assert held == pytest.approx(amount / sum(amounts), abs=1e-7)


@settings(deadline=None, max_examples=30)
@given(ENERGIES)
def test_heights_are_those_of_the_phase_diagram(energies):
    found = made_of(energies)
    for phase, formed, above in found.heights():
        assert formed == pytest.approx(found.formation_energy(phase.formula), abs=1e-7)
        assert above == pytest.approx(found.above_hull(phase.formula)[0], abs=1e-7)


def test_equilibrium_names_the_phases():
    made = hull().equilibrium({"Mg": 10.0, "O": 1.0, "H": 2.0})
    assert {p.name for p in made} == {"Mg", "MgO", "MgH2"}
    with pytest.raises(InputError, match="cannot make up"):
        hull().equilibrium({"F": 1.0})


def test_above_the_hull_it_says_what_it_decays_to():
    found = hull(Mg2O=OXIDE - 2 * 1.6 - 4.9 + 0.3)
    energy, products = found.above_hull("Mg2O")
    assert energy == pytest.approx(0.1)
    assert set(products) == {"Mg", "MgO"}
    # it gives off magnesium at every potential: there is no window
    with pytest.raises(ScientificFailureError, match="at every potential"):
        found.window("Mg2O", "Mg")


def test_the_charge_of_the_ion_counts():
    phases = [PhaseEnergy("Li", "Li", -1.9), PhaseEnergy("F2", "F2", -3.8)]
    found = Hull([*phases, PhaseEnergy("LiF", "LiF", -1.9 - 1.9 - 6.0)])
    assert found.window("LiF", "Li").oxidation_v == pytest.approx(6.0)


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="energy of the element O"):
        Hull([PhaseEnergy("MgO", "MgO", -12.0), PhaseEnergy("Mg", "Mg", -1.6)])
    with pytest.raises(InputError, match="no phase has the composition MgF2"):
        hull().formation_energy("MgF2")
    with pytest.raises(InputError, match="charge of the ion of Ti"):
        hull().window("MgO", "Ti")
    with pytest.raises(InputError, match="no entropy of Xe"):
        gas_entropy_term("Xe")


def test_the_entropy_of_oxygen_is_half_a_volt_of_an_oxide():
    assert gas_entropy_term("O2") == pytest.approx(-0.634, abs=0.001)


@given(st.floats(-8, -0.5), st.floats(-8, -0.5), st.floats(0.1, 2))
@settings(max_examples=40, deadline=None)
def test_a_more_stable_competitor_never_widens_a_window(oxide, hydroxide, gain):
    def limits(energy):
        found = Hull(
            [
                PhaseEnergy("Mg", "Mg", -1.6),
                PhaseEnergy("O2", "O2", -9.8),
                PhaseEnergy("MgO", "MgO", oxide - 6.5),
                PhaseEnergy("MgO2", "MgO2", energy - 11.4),
            ]
        )
        try:
            return found.window("MgO", "Mg").oxidation_v
        except ScientificFailureError:
            return 0.0  # no window at all

    assert limits(hydroxide - gain) <= limits(hydroxide) + 1e-9


@given(st.permutations(["Mg", "O2", "H2", "MgO", "MgH2", "MgO2H2"]))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_phases_changes_nothing(names):
    base = hull()
    by = {p.name: p for p in base.phases}
    other = Hull(by[n] for n in names)
    assert other.window("Mg(OH)2", "Mg") == base.window("Mg(OH)2", "Mg")
    assert other.reaction("Mg(OH)2", "Mg") == base.reaction("Mg(OH)2", "Mg")
