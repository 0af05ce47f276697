from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.level import Level


def gfn2(text: str = "xtb:gfn2", **settings):
    return get_engine(Level.parse(text, settings))


def bonds(structure):
    positions = np.array(structure.positions)
    return np.linalg.norm(positions[1:] - positions[0], axis=1)


def test_xtb_and_pyscf_agree_on_the_geometry_of_water(water, tmp_path):
    quick = gfn2().relax(water, tmp_path)
    dft = get_engine(Level.parse("pyscf:b3lyp/6-31g(d)", {"relax_grid": 1})).relax(water, tmp_path)
    assert quick.converged
    assert dft.converged
    assert bonds(quick.structure) == pytest.approx(bonds(dft.structure), abs=0.03)


def test_forces_are_the_slope_of_the_energy(water):
    at = gfn2()
    positions = np.array(water.positions)
    positions[1, 1] += 0.05
    _, forces = at._forces(water, positions, [])
    energies = []
    for sign in (1, -1):
        moved = positions.copy()
        moved[1, 1] += sign * 0.002
        energies.append(at._forces(water, moved, [])[0])
    assert forces[1, 1] == pytest.approx(-(energies[0] - energies[1]) / 0.004, abs=2e-3)


def test_single_point_of_a_radical(water, tmp_path):
    found = gfn2().single_point(water.with_state(1, 2), tmp_path)
    assert found.spin_populations.sum() == pytest.approx(1.0, abs=1e-6)
    assert found.charges.sum() == pytest.approx(1.0, abs=1e-6)
    assert found.alpha.homo_weights.sum() == pytest.approx(1.0)
    assert found.beta.lumo_ev < found.alpha.lumo_ev


def test_water_has_three_real_vibrations(water, tmp_path):
    relaxed = gfn2(fmax=0.001).relax(water, tmp_path)
    found = gfn2().vibrations(relaxed.structure, tmp_path)
    # xtb 6.4: 1539, 3643, 3651 cm-1
    assert found.wavenumbers_cm1 == pytest.approx([1539, 3643, 3651], abs=10)


def test_solvent_lowers_an_ion(tmp_path):
    ion = AtomicStructure(symbols=("O", "H"), positions=((0, 0, 0), (0, 0, 0.97)), charge=-1)
    gas = gfn2().single_point(ion, tmp_path).energy_ev
    born = gfn2("xtb:gfn2/alpb(7.2)").single_point(ion, tmp_path).energy_ev
    named = gfn2("xtb:gfn2/alpb(20.7)", solvent="acetone").single_point(ion, tmp_path).energy_ev
    assert -5.0 < born - gas < -2.0
    assert named < gas - 1.5


def test_what_is_not_known_is_one_clear_sentence(water, tmp_path):
    with pytest.raises(InputError, match="no method 'gfn3'"):
        gfn2("xtb:gfn3")
    with pytest.raises(InputError, match="no setting 'fmin'"):
        gfn2(fmin=1.0)
    with pytest.raises(InputError, match="alpb"):
        gfn2(solvent="acetone")
    with pytest.raises(InputError, match=r"unobtainium|olvent"):
        gfn2("xtb:gfn2/alpb(7.2)", solvent="unobtainium").single_point(water, tmp_path)
    with pytest.raises(ScientificFailureError, match="pyscf"):
        gfn2().surface_potential(water, tmp_path)


CHAIN = """
import sys
from pathlib import Path
from ase.build import molecule
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.base import get_engine
from mgscreen.engines.level import Level

atoms = molecule("C2H6")
atoms.rattle(0.15, seed=3)
structure = AtomicStructure.from_ase(atoms)
engine = get_engine(Level.parse(sys.argv[2], {"relax_grid": 0} if "pyscf" in sys.argv[2] else {}))
result = engine.relax(structure, Path(sys.argv[1]))
print(result.energy_ev, result.steps, *result.structure.positions[1])
"""


@pytest.mark.parametrize("level", ["xtb:gfn2", "pyscf:b3lyp/sto-3g"])
def test_a_killed_relaxation_goes_on_and_ends_in_the_same_numbers(level, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(folder):
        return [sys.executable, "-c", CHAIN, str(folder), level]

    calm = subprocess.run(
        command(tmp_path / "calm"), env=environment, check=True, capture_output=True, text=True
    ).stdout
    folder = tmp_path / "killed"
    victim = subprocess.Popen(command(folder), env=environment, stdout=subprocess.DEVNULL)
    lines = 0
    deadline = time.monotonic() + 120
    while lines < 4 and time.monotonic() < deadline and victim.poll() is None:
        lines = sum(len(f.read_text().splitlines()) for f in folder.glob("relax-*.jsonl"))
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    kept = next(folder.glob("relax-*.jsonl")).read_text().splitlines()
    assert len(kept) >= 4
    after = subprocess.run(
        command(folder), env=environment, check=True, capture_output=True, text=True
    ).stdout
    expected, found = (np.array(text.split(), dtype=float) for text in (calm, after))
    assert found[1] == expected[1]
    assert found == pytest.approx(expected, abs=1e-6)
    now = next(folder.glob("relax-*.jsonl")).read_text().splitlines()
    assert now[: len(kept) - 1] == kept[:-1]  # nothing was computed again
    assert len(now) - 2 == int(after.split()[1])
