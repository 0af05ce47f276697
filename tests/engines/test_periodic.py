import json

import numpy as np
import pytest

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.crystals import load_crystal

POTENTIALS = ("mlip:chgnet", "mlip:7net-0", "mlip:7net-l3i5")


def engine(name, **settings):
    return get_periodic_engine(Level.parse(name, settings))


def rattled(name="MgO"):
    crystal = load_crystal(name, primitive=True)
    noise = np.random.default_rng(1).normal(scale=0.05, size=(len(crystal.symbols), 3))
    return crystal.with_positions(np.array(crystal.positions) + noise)


def check_forces(calculate, structure, step, rel, absolute):
    result = calculate(structure)
    for atom, axis in ((0, 0), (1, 2)):
        energies = []
        for sign in (1, -1):
            positions = np.array(structure.positions)
            positions[atom, axis] += sign * step
            energies.append(calculate(structure.with_positions(positions)).energy_ev)
        slope = (energies[0] - energies[1]) / (2 * step)
        assert result.forces[atom, axis] == pytest.approx(-slope, rel=rel, abs=absolute)


@pytest.mark.parametrize("name", POTENTIALS)
def test_magnesium_lattice_within_one_per_cent(name, tmp_path):
    start = load_crystal("Mg")
    result = engine(name).relax(start, tmp_path, cell="full")
    assert result.converged
    a, _, c = np.linalg.norm(np.array(result.structure.cell), axis=1)
    assert a == pytest.approx(3.2094, rel=0.01)
    if name == "mlip:chgnet":
        # the model's own error, the same from fmax 0.005 to 0.001: c is 1.5 % short
        assert c == pytest.approx(0.985 * 5.2105, rel=0.002)
    else:
        assert c == pytest.approx(5.2105, rel=0.01)


@pytest.mark.parametrize("name", [*POTENTIALS, "mlip:7net-0-d3bj"])
def test_forces_of_potentials_are_slopes(name, tmp_path):
    # single precision: a step of 0.02 A keeps the noise of the energy below 1e-3 eV/A
    calc = engine(name)
    check_forces(lambda s: calc.single_point(s, tmp_path), rattled(), 0.02, 0.03, 0.02)


def test_forces_of_gpaw_are_slopes(tmp_path):
    calc = engine(
        "gpaw:pbe", cutoff_ev=400, kpts=[2, 2, 2], energy_tolerance_ev=1e-7, density_tolerance=1e-6
    )
    check_forces(lambda s: calc.single_point(s, tmp_path), rattled("Mg"), 0.02, 0.03, 0.01)


def test_relaxation_goes_on_where_it_was_killed(tmp_path):
    calc = engine("mlip:7net-0")
    whole = calc.relax(rattled(), tmp_path / "a", cell="full")
    calc.relax(rattled(), tmp_path / "b", cell="full")
    (file,) = (tmp_path / "b").glob("relax-*.jsonl")
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:4]) + '\n{"energy": 1.0, "posi')
    resumed = calc.relax(rattled(), tmp_path / "b", cell="full")
    assert resumed.energies_ev[:3] == [json.loads(line)["energy"] for line in lines[1:4]]
    assert resumed.energy_ev == pytest.approx(whole.energy_ev, abs=1e-5)
    assert resumed.steps == whole.steps


def test_fixed_atoms_and_cell_policies(tmp_path):
    start = rattled()
    calc = engine("mlip:7net-0")
    held = calc.relax(start, tmp_path, fixed=[0]).structure
    assert held.positions[0] == start.positions[0]
    assert held.positions[1] != start.positions[1]
    assert held.cell == start.cell
    cubic = load_crystal("MgF2")
    result = calc.relax(cubic, tmp_path, cell="isotropic").structure
    ratio = np.array(result.cell).diagonal() / np.array(cubic.cell).diagonal()
    assert np.ptp(ratio) < 1e-6
    assert abs(ratio[0] - 1) > 1e-3
    flat = calc.relax(cubic, tmp_path, cell="in-plane").structure
    assert flat.cell[2] == pytest.approx(cubic.cell[2])
    assert flat.cell[0][0] != pytest.approx(cubic.cell[0][0], abs=1e-4)


def test_energy_conventions_are_told_apart():
    assert engine("mlip:chgnet").energy_convention == "mp2020"
    assert engine("mlip:7net-0").energy_convention == "pbe"
    assert engine("gpaw:pbe").energy_convention == "pbe"


def test_corrections_in_chgnet(tmp_path):
    """Taking the corrections out brings CHGNet to SevenNet, which learned uncorrected energies."""
    from mgscreen.energetics.corrections import mp2020_correction

    crystal = load_crystal("MgO", primitive=True)
    chgnet = engine("mlip:chgnet").single_point(crystal, tmp_path).energy_ev
    sevenn = engine("mlip:7net-0").single_point(crystal, tmp_path).energy_ev
    correction = mp2020_correction(crystal)
    # -0.687 eV per oxide ion, A. Wang et al., Sci. Rep. 11, 15496 (2021), Table 1
    assert correction == pytest.approx(-0.687, abs=0.002)
    assert abs(chgnet - sevenn) > 0.4
    assert chgnet - correction == pytest.approx(sevenn, abs=0.1)


def test_gpaw_from_the_last_structure_is_gpaw_from_scratch(tmp_path):
    cell = load_crystal("MgO", primitive=True)
    moved = cell.with_positions([[0.1, 0.05, 0.0], *cell.positions[1:]])
    level = {"cutoff_ev": 300, "kpts": [2, 2, 2], "energy_tolerance_ev": 1e-7}
    going_on = engine("gpaw:pbe", **level)
    first = going_on.single_point(cell, tmp_path)
    after = going_on.single_point(moved, tmp_path)
    fresh = engine("gpaw:pbe", **level).single_point(moved, tmp_path / "fresh")
    assert after.energy_ev == pytest.approx(fresh.energy_ev, abs=1e-4)
    assert after.forces == pytest.approx(fresh.forces, abs=1e-2)
    assert after.energy_ev > first.energy_ev + 0.01


def test_ways_to_the_density_lead_to_the_same_energy(tmp_path):
    """Eigensolver, first guess and number of empty bands are a matter of time alone."""
    crystal = load_crystal("MgO", primitive=True)
    level = {"cutoff_ev": 400, "kpts": [2, 2, 2]}
    usual = engine("gpaw:pbe", **level).single_point(crystal, tmp_path / "usual")
    quick = engine(
        "gpaw:pbe",
        **level,
        eigensolver="davidson",
        eigensolver_steps=1,
        start_basis="sz(dzp)",
        empty_bands=0.5,
    ).single_point(crystal, tmp_path / "quick")
    assert quick.energy_ev == pytest.approx(usual.energy_ev, abs=1e-4)
    assert quick.gap_ev == pytest.approx(usual.gap_ev, abs=5e-3)
    charged = crystal.with_state(-2, 1)
    settings = {**level, "start_basis": "sz(dzp)", "max_iterations": 1}
    with pytest.raises(ScientificFailureError, match="did not converge"):  # it does begin
        engine("gpaw:pbe", **settings).single_point(charged, tmp_path / "charged")
    text = (tmp_path / "quick" / "gpaw.txt").read_text()
    assert "Davidson" in text
    assert "niter=1" in text.replace(" ", "")


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("eigensolver", "cg"),
        ("eigensolver_steps", 0),
        ("start_basis", "6-31G"),
        ("empty_bands", -0.1),
    ],
)
def test_wrong_settings_of_gpaw_are_refused(setting, wrong):
    with pytest.raises(InputError, match=setting):
        engine("gpaw:pbe", **{setting: wrong})
    with pytest.raises(InputError, match="needs the setting 'eigensolver'"):
        engine("gpaw:pbe", eigensolver_steps=1)


def test_gpaw_magnesium(tmp_path):
    crystal, gpaw = load_crystal("Mg", primitive=True), engine("gpaw:pbe", kpts=[6, 6, 4])
    result = gpaw.single_point(crystal, tmp_path)
    assert result.gap_ev == pytest.approx(0, abs=0.01)
    assert np.abs(result.forces).max() < 0.01
    # at the experimental cell PBE is nearly free of stress: the lattice is within 1 %
    atoms = crystal.to_ase()
    atoms.calc = gpaw.calculator(crystal, tmp_path)
    assert np.abs(atoms.get_stress()).max() < 0.005
    assert (tmp_path / "gpaw.txt").exists()


@pytest.mark.physics
def test_gpaw_magnesium_lattice(tmp_path):
    start = load_crystal("Mg", primitive=True)
    result = engine("gpaw:pbe", cutoff_ev=600, kpts=[10, 10, 6]).relax(start, tmp_path, cell="full")
    a, _, c = np.linalg.norm(np.array(result.structure.cell), axis=1)
    assert a == pytest.approx(3.2094, rel=0.01)
    assert c == pytest.approx(5.2105, rel=0.01)


def test_refusals(tmp_path):
    crystal = load_crystal("MgO", primitive=True)
    with pytest.raises(ScientificFailureError, match="knows no charge"):
        engine("mlip:7net-0").single_point(crystal.with_state(-2, 1), tmp_path)
    close = crystal.with_positions([(0, 0, 0), (0.3, 0, 0)])
    with pytest.raises(ScientificFailureError, match=r"0\.30 angstrom apart"):
        engine("mlip:7net-0").single_point(close, tmp_path)
    for name in ("mlip:nosuch", "gpaw:lda", "xtb:gfn2", "vasp:pbe"):
        with pytest.raises(InputError):
            engine(name)
    with pytest.raises(InputError, match="no setting 'kpoints'"):
        engine("gpaw:pbe", kpoints=[1, 1, 1])
    for text in ("gpaw:pbe/pw", "mlip:chgnet/cpcm(7.2)", "gpaw:pbe-d4"):
        with pytest.raises(InputError):
            Level.parse(text)
