from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.resources import data_path
from mgscreen.core.runtime import Runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.level import Level
from mgscreen.engines.units import HARTREE_EV

B3LYP = "pyscf:b3lyp/6-31g(d)"
FAST = {"grid": 1, "conv_tol": 1e-8, "conv_tol_grad": 1e-4, "pcm_order": 17}


def engine(text: str = B3LYP, **settings):
    return get_engine(Level.parse(text, settings))


def test_water_optimised_is_the_energy_that_gaussian_gives(water, tmp_path):
    relaxed = engine(density_fit=False).relax(water, tmp_path)
    assert relaxed.converged
    assert relaxed.max_force_ev_per_a < 0.01
    assert relaxed.energy_ev / HARTREE_EV == pytest.approx(-76.40895, abs=2e-5)


def test_spherical_d_functions_are_another_basis(water, tmp_path):
    cartesian = engine().single_point(water, tmp_path).energy_ev
    spherical = engine(cartesian=False).single_point(water, tmp_path).energy_ev
    # 1.9 mHa: five d functions leave out the s combination
    assert (spherical - cartesian) / HARTREE_EV == pytest.approx(1.9e-3, abs=2e-4)


def test_forces_are_the_slope_of_the_energy(water, tmp_path):
    from mgscreen.engines.pyscf_relax import Forces

    for text in (B3LYP, "pyscf:b3lyp-d3bj/6-31g(d)/cpcm(7.2)"):
        at = engine(text)
        positions = np.array(water.positions) + np.array([[0, 0.02, 0], [0, 0, 0], [0.03, 0, 0]])
        path = Forces(water, at.level, at.settings(), tmp_path, "slope" + text[-4:-1], 3)
        _, forces = path(0, positions, None)
        step, energies = 0.005, []
        for sign in (1, -1):
            moved = positions.copy()
            moved[1, 1] += sign * step
            energies.append(path(10 + sign, moved, 0)[0])
        slope = -(energies[0] - energies[1]) / (2 * step)
        assert forces[1, 1] == pytest.approx(slope, abs=5e-3)
        assert np.abs(forces.sum(axis=0)).max() < 2e-2  # the grid breaks translation a little


def test_continuum_lowers_an_ion_by_the_born_energy(tmp_path):
    # a cation: its density ends inside the cavity, as Born's sphere assumes
    ion = AtomicStructure(symbols=("Na",), positions=((0, 0, 0),), charge=1)
    gas = engine(**FAST).single_point(ion, tmp_path).energy_ev
    wet = engine(B3LYP + "/cpcm(7.2)", **FAST).single_point(ion, tmp_path).energy_ev
    radius = 1.2 * 2.27  # scaled Bondi radius of Na, angstrom
    born = -14.39964 / (2 * radius) * (1 - 1 / 7.2)
    assert wet - gas == pytest.approx(born, rel=0.01)


def test_the_fast_continuum_is_pyscfs_own(water):
    from pyscf.solvent.pcm import PCM

    from mgscreen.engines.pyscf_scf import build_mf, build_mol

    at = engine(B3LYP + "/cpcm(7.2)", **FAST)
    for state in (water, water.with_state(1, 2)):
        mol = build_mol(state, at.level, at.settings())
        ours = build_mf(mol, at.level, at.settings())
        energy = ours.kernel()
        theirs = build_mf(mol, at.level, at.settings())
        plain = PCM(mol)
        plain.method, plain.eps, plain.lebedev_order, plain.verbose = "C-PCM", 7.2, 17, 0
        theirs.with_solvent = plain
        assert theirs.kernel() == pytest.approx(energy, abs=1e-8)
        assert theirs.mo_energy == pytest.approx(ours.mo_energy, abs=1e-5)


@pytest.mark.parametrize("kind", ["d3bj", "d4"])
def test_dispersion_lowers_the_energy_and_leaves_the_orbitals(kind, water, tmp_path):
    plain = engine(**FAST).single_point(water, tmp_path)
    corrected = engine(f"pyscf:b3lyp-{kind}/6-31g(d)", **FAST).single_point(water, tmp_path)
    assert -0.05 < corrected.energy_ev - plain.energy_ev < -0.001
    assert corrected.alpha.homo_ev == pytest.approx(plain.alpha.homo_ev, abs=1e-3)


def test_water_has_three_real_vibrations(water, tmp_path):
    analytic = engine(density_fit=False)
    relaxed = analytic.relax(water, tmp_path)
    found = analytic.vibrations(relaxed.structure, tmp_path)
    # B3LYP/6-31G(d), NIST CCCBDB: 1713, 3727, 3849 cm-1
    assert found.wavenumbers_cm1 == pytest.approx([1713, 3727, 3849], abs=3)
    assert found.modes.shape == (3, 3, 3)
    numeric = engine(density_fit=False, hessian="numeric")
    again = numeric.vibrations(relaxed.structure, tmp_path)
    assert again.wavenumbers_cm1 == pytest.approx(found.wavenumbers_cm1, abs=3)


def test_triplet_oxygen_lies_below_the_singlet(tmp_path):
    oxygen = AtomicStructure(
        symbols=("O", "O"), positions=((0, 0, 0), (0, 0, 1.21)), multiplicity=3
    )
    triplet = engine(**FAST).single_point(oxygen, tmp_path)
    singlet = engine(**FAST).single_point(oxygen.with_state(0, 1), tmp_path)
    assert triplet.energy_ev < singlet.energy_ev - 0.5
    assert triplet.s_squared == pytest.approx(2.0, abs=0.05)
    assert triplet.beta is not None
    assert triplet.spin_populations.sum() == pytest.approx(2.0, abs=1e-6)
    assert triplet.spin_populations == pytest.approx([1.0, 1.0], abs=1e-3)
    assert singlet.beta is None


def test_orbital_weights_and_charges_add_up(tmp_path):
    pair = AtomicStructure(symbols=("Mg", "Cl"), positions=((0, 0, 0), (0, 0, 2.15)), charge=1)
    found = engine(**FAST).single_point(pair, tmp_path)
    for weights in (found.alpha.homo_weights, found.alpha.lumo_weights):
        assert weights.sum() == pytest.approx(1.0, abs=1e-9)
        assert (weights >= 0).all()
    assert found.charges.sum() == pytest.approx(1.0, abs=1e-6)
    assert found.alpha.homo_weights[1] > 0.9  # chlorine's lone pair
    assert found.alpha.lumo_weights[0] > 0.8  # magnesium's 3s


def test_energy_does_not_depend_on_orientation(water, tmp_path):
    at = engine("pyscf:b3lyp-d3bj/6-31g(d)/cpcm(7.2)")
    turned = water.with_positions(
        np.array(water.positions)
        @ Rotation.from_euler("xyz", [20, 35, 50], degrees=True).as_matrix()
        + [1.0, -2.0, 0.5]
    )
    first, second = (at.single_point(s, tmp_path).energy_ev for s in (water, turned))
    assert second == pytest.approx(first, abs=2e-3)


def test_a_hard_scf_is_recovered_in_the_declared_order(tmp_path):
    from mgscreen.engines.pyscf_recovery import HANDLERS

    # Stretched N2 as a closed shell: frontier orbitals nearly cross, and DIIS gets six cycles.
    nitrogen = AtomicStructure(symbols=("N", "N"), positions=((0, 0, 0), (0, 0, 2.6)))
    found = engine(**{**FAST, "max_cycle": 4}).single_point(nitrogen, tmp_path)
    names = [name for name, _ in HANDLERS]
    assert found.recovery
    assert found.recovery == names[: len(found.recovery)]
    easy = engine(**FAST).single_point(nitrogen, tmp_path)
    assert found.energy_ev <= easy.energy_ev + 1e-3


def test_an_scf_that_no_handler_converges_is_a_failure_with_its_reason(tmp_path, monkeypatch):
    from mgscreen.engines import pyscf_recovery

    monkeypatch.setattr(pyscf_recovery, "NEWTON_CYCLES", 1)
    nitrogen = AtomicStructure(symbols=("N", "N"), positions=((0, 0, 0), (0, 0, 2.6)))
    hard = engine(**{**FAST, "max_cycle": 2, "conv_tol": 1e-13, "conv_tol_grad": 1e-10})
    with pytest.raises(ScientificFailureError, match="tried in this order: DIIS; SCF: level shift"):
        hard.single_point(nitrogen, tmp_path)


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("pyscf:b3lip/6-31g(d)", {}, "functional 'b3lip'"),
        ("pyscf:b3lyp/6-31q", {}, "basis set '6-31q'"),
        (B3LYP, {"gird": 3}, "no setting 'gird' .known: .*grid"),
        (B3LYP, {"grid": 12}, "expected PySCF's grid level"),
        (B3LYP, {"grid": "40,111"}, "expected PySCF's grid level"),
        (B3LYP, {"density_fit": 1}, "expected true or false"),
        ("pyscf:svwn-d4/6-31g(d)", {}, "no d4 parameters for 'svwn'"),
    ],
)
def test_what_is_not_known_is_one_clear_sentence(text, settings, expected):
    with pytest.raises(InputError, match=expected):
        engine(text, **settings)


def test_an_element_outside_the_basis_fails_that_molecule(tmp_path):
    uranyl = AtomicStructure(symbols=("U",), positions=((0, 0, 0),), charge=2)
    with pytest.raises(ScientificFailureError, match="has no U"):
        engine().single_point(uranyl, tmp_path)
    iodide = AtomicStructure(symbols=("I",), positions=((0, 0, 0),), charge=-1)
    with pytest.raises(ScientificFailureError, match="has no I"):
        engine(fallback_basis="").single_point(iodide, tmp_path)


def test_where_a_pople_set_ends_the_stated_other_one_goes_on(tmp_path):
    bromide = AtomicStructure(symbols=("Br",), positions=((0, 0, 0),), charge=-1)
    iodide = AtomicStructure(symbols=("I",), positions=((0, 0, 0),), charge=-1)
    # 6-31G(d) has bromine, under its other name
    assert engine().single_point(bromide, tmp_path).warnings == []
    assert engine().single_point(iodide, tmp_path).warnings == [
        "I has the basis def2-svp: 6-31g(d) is not defined for it"
    ]


def test_bromine_and_iodine_ionise_as_measured(tmp_path):
    # electron affinities 3.36 and 3.06 eV (CRC Handbook); a basis without diffuse functions binds
    # the electron too weakly, never too strongly
    for symbol, measured in (("Br", 3.36), ("I", 3.06)):
        atom = AtomicStructure(symbols=(symbol,), positions=((0, 0, 0),), multiplicity=2)
        anion = atom.with_state(-1, 1)
        at = engine()
        affinity = (
            at.single_point(atom, tmp_path / symbol).energy_ev
            - at.single_point(anion, tmp_path / symbol).energy_ev
        )
        assert measured - 1.2 < affinity < measured + 0.2


def test_a_state_on_disk_is_the_result_and_no_other_state(water, tmp_path):
    with use_runtime(Runtime(scratch=tmp_path / "scratch")):
        at = engine(**FAST)
        first = at.single_point(water, tmp_path / "a")
        again = at.single_point(water, tmp_path / "b")
        assert again.energy_ev == first.energy_ev
        assert again.checkpoint == first.checkpoint
        cation = at.single_point(water.with_state(1, 2), tmp_path / "a")
        assert cation.checkpoint != first.checkpoint
        started = at.single_point(water.with_state(1, 2), tmp_path / "a", first.checkpoint)
        assert started.checkpoint not in {cation.checkpoint, first.checkpoint}
        assert started.energy_ev == pytest.approx(cation.energy_ev, abs=1e-4)
        assert started.s_squared == pytest.approx(0.75, abs=0.02)
        moved = water.with_positions(np.array(water.positions) * 1.001)
        assert at.single_point(moved, tmp_path).checkpoint != first.checkpoint


def test_a_damaged_or_foreign_checkpoint_is_not_used(water, tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 nothing")
    at = engine(**FAST)
    plain = at.single_point(water, tmp_path / "a").energy_ev
    again = at.single_point(water, tmp_path / "b", broken).energy_ev
    assert again == pytest.approx(plain, abs=1e-8)


def test_surface_potential_of_water(water, tmp_path):
    surface = engine().surface_potential(water, tmp_path)
    lowest = surface.points[surface.values.argmin()]
    highest = surface.points[surface.values.argmax()]
    assert -2.0 < surface.values.min() < -1.4  # oxygen's lone pairs
    assert 1.6 < surface.values.max() < 2.2  # hydrogen
    assert lowest[2] > 0.12
    assert highest[2] < -0.48
    assert 38 < surface.area_a2 < 48
    finer = engine(esp_spacing_bohr=0.2).surface_potential(water, tmp_path)
    assert finer.values.min() == pytest.approx(surface.values.min(), abs=0.02)
    assert finer.values.max() == pytest.approx(surface.values.max(), abs=0.02)


def test_far_away_the_potential_is_that_of_the_charge(tmp_path):
    from mgscreen.engines.pyscf_scf import build_mol, check_level
    from mgscreen.engines.pyscf_state import electronic_state
    from mgscreen.engines.pyscf_surface import potential_at

    ion = AtomicStructure(symbols=("Cl",), positions=((0, 0, 0),), charge=-1)
    level = Level.parse(B3LYP)
    state, _ = electronic_state(ion, level, check_level(level), tmp_path)
    mol = build_mol(ion, level, check_level(level))
    potential = potential_at(mol, state.density(), np.array([[0.0, 0.0, 20.0]]))
    assert potential[0] == pytest.approx(-1 / 20, rel=1e-4)


def test_nothing_is_printed(water, tmp_path, capfd):
    engine(**FAST, relax_grid=1).relax(water, tmp_path)
    engine(B3LYP + "/cpcm(7.2)", **FAST).single_point(water, tmp_path)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ""


@pytest.mark.physics
def test_tfsi_orbitals_and_energy_agree_with_psi4(tmp_path):
    from ase.io import read

    atoms = read(data_path("structures") / "molecules" / "TFSI.xyz")
    tfsi = AtomicStructure.from_ase(atoms, charge=-1)
    found = engine().single_point(tfsi, tmp_path)
    # Psi4 1.3.2, B3LYP/6-31G(d), density fitting, same geometry
    assert found.alpha.homo_ev == pytest.approx(-3.5582, abs=5e-3)
    assert found.alpha.lumo_ev == pytest.approx(4.8442, abs=5e-3)
    assert found.energy_ev / HARTREE_EV == pytest.approx(-1827.186191, abs=2e-5)
