"""An Mg atom on a sheet of MgBr2, relaxed with PBE: the numbers that docs/migration.md states."""

import numpy as np
import pytest

from mgscreen.calculations.crystal import relax_crystal
from mgscreen.calculations.saddle_curvature import Curvature
from mgscreen.calculations.saddle_start import hop_direction
from mgscreen.calculations.saddle_steps import Surface, minimise
from mgscreen.core.runtime import Runtime, runtime, use_runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.level import Level
from mgscreen.engines.periodic import get_periodic_engine
from mgscreen.structures.crystals import cell_policy, load_crystal
from mgscreen.structures.supercells import make_supercell, supercell_matrix
from mgscreen.structures.surface_hops import surface_ground

POTENTIAL = Level.parse("mlip:7net-l3i5")
PBE = Level.parse(
    "gpaw:pbe",
    settings={
        "cutoff_ev": 400.0,
        "kpts": [1, 1, 1],
        "mixing": 0.2,
        "eigensolver": "davidson",
        "eigensolver_steps": 1,
        "density_tolerance": 1e-4,
        "eigenstates_tolerance": 1e-6,
        "dipole": False,
    },
)


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """One layer of MgBr2, 10 angstrom wide; atoms that are held, its top, two places on it."""
    folder = tmp_path_factory.mktemp("sheet")
    with use_runtime(Runtime(scratch=folder, files=folder / "files")):
        crystal = load_crystal("MgBr2", primitive=True)
        relaxed = relax_crystal(crystal, POTENTIAL, cell=cell_policy(crystal, POTENTIAL)).structure
        ground = surface_ground(relaxed, (0, 0, 1), "Mg")
        host = make_supercell(ground.cell, supercell_matrix(ground.cell, 10.0))
        height = np.array(ground.cell.cell)[2, 2]
        inside = np.mod(np.array(host.positions)[:, 2] + 1e-3, height)
        fixed = tuple(int(i) for i in np.flatnonzero(inside < ground.hold_below_a))
        top = float(inside.max()) - 1e-3

        def place(name, beside):
            site = next(np.array(s.position) for s in ground.sites if s.name == name)
            images = [np.add(site, (a, b, 0)) @ rows for a in (-1, 0, 1) for b in (-1, 0, 1)]
            return min(images, key=lambda p: np.linalg.norm((p - beside)[:2]))

        rows = np.array(ground.cell.cell)
        first = place("hollow-1", np.zeros(3))
        yield host, fixed, top, first, place("hollow-2", first)


def relaxed(sheet, point, charge=0, direction=None):
    """Relax an atom from a point; with a direction, not along it. Return energy and height."""
    host, fixed, top, _, _ = sheet
    engine = get_periodic_engine(PBE)
    start = AtomicStructure(
        symbols=(*host.symbols, "Mg"),
        positions=(*host.positions, tuple(map(float, point))),
        cell=host.cell,
        pbc=(True, True, True),
        charge=charge,
    )
    n = len(start.symbols)
    x = np.array(start.positions).ravel()

    def evaluate(positions):
        found = engine.single_point(
            start.with_positions(positions.tolist()), runtime().workdir("p")
        )
        return found.energy_ev, found.forces

    surface = Surface(evaluate, n, fixed, max_calls=20)
    held = None if direction is None else hop_direction(n, n - 1, direction)
    end, converged = minimise(
        surface, surface(x), Curvature(start.to_ase(), x), fmax=0.05, direction=held
    )
    assert converged
    return end.energy, end.x[-1] - top


def climbed(sheet, above_a, charge):
    """Return the barrier from the lower of two hollow sites over the bridge, and all heights."""
    _, _, top, first, second = sheet
    energies, heights = [], []
    for point, direction, more in (
        (first, None, 0.0),
        (second, None, 0.0),
        ((first + second) / 2, second - first, 0.2),
    ):
        start = (point[0], point[1], top + above_a + more)
        energy, height = relaxed(sheet, start, charge, direction)
        energies.append(energy)
        heights.append(height)
    return energies[2] - min(energies[:2]), heights


@pytest.mark.physics
@pytest.mark.timeout(1800)
def test_an_atom_on_mgbr2_is_hardly_bound_and_slides(sheet):
    """A neutral atom keeps its electrons and its distance: nothing like 0.14 eV."""
    barrier, heights = climbed(sheet, 3.4, 0)
    assert min(heights) > 3.0
    assert 0.0 <= barrier < 0.03


@pytest.mark.physics
@pytest.mark.timeout(3600)
def test_an_ion_on_mgbr2_hops(sheet):
    """Without its two electrons (homogeneous background) it sits among bromides: about 0.45 eV."""
    barrier, heights = climbed(sheet, 1.5, 2)
    assert max(heights) < 2.0
    assert barrier == pytest.approx(0.45, abs=0.05)
