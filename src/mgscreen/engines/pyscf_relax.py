"""Geometry optimisation with geomeTRIC on PySCF's gradients.

L.-P. Wang, C. Song, J. Chem. Phys. 144, 214108 (2016), doi:10.1063/1.4952956: translation-rotation
internal coordinates, which suit ion pairs. Each step is kept with its orbitals, see
``mgscreen.engines.steps``.
"""

from __future__ import annotations

import logging
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers
from pyscf import lib

from mgscreen.core.runtime import runtime
from mgscreen.engines.base import RelaxationResult
from mgscreen.engines.pyscf_dispersion import dispersion
from mgscreen.engines.pyscf_gpu import converge, give, mean_field, on_host
from mgscreen.engines.pyscf_scf import build_mol
from mgscreen.engines.pyscf_state import ScfState, density_from, own_key, state_of
from mgscreen.engines.steps import Steps
from mgscreen.engines.units import BOHR_A, FORCE_EV_A, HARTREE_EV

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]


class Forces:
    """Energy and forces along a path; each point starts from the orbitals of the one before.

    Parameters
    ----------
    structure, level, settings
        What is computed.
    workdir
        Where the orbitals of the last points lie.
    key
        Identity of the path.
    grid
        PySCF's grid level.
    """

    def __init__(
        self,
        structure: AtomicStructure,
        level: Level,
        settings: dict[str, Any],
        workdir: Path,
        key: str,
        grid: int | str,
    ) -> None:
        self.structure, self.level, self.settings = structure, level, settings
        self.workdir, self.key, self.grid = workdir, key, grid
        self.recovery: list[str] = []
        self.contamination = 0.0

    def _place(self, number: int) -> Path:
        return self.workdir / f"path-{self.key}-{number}.npz"

    def __call__(self, number: int, positions: Array, parent: int | None) -> tuple[float, Array]:
        """Compute point ``number`` of the path, started from the orbitals of point ``parent``."""
        here = self.structure.with_positions(positions)
        own = own_key(here, self.level, {**self.settings, "grid": self.grid})
        with lib.with_omp_threads(runtime().threads):
            mol = build_mol(here, self.level, self.settings)
            mf = mean_field(mol, self.level, self.settings, self.grid)
            state = ScfState.load(self._place(number))
            if state is None or state.own != own:
                start = None if parent is None else ScfState.load(self._place(parent))
                dm0 = None if start is None else density_from(start, mol)
                recovery = converge(mf, self.level, self.settings, dm0, self.grid)
                state = state_of(mf, here, key=f"{self.key}-{number}", own=own, recovery=recovery)
                state.save(self._place(number))
            else:
                give(mf, state, self.settings)
            self.recovery.extend(h for h in state.recovery if h not in self.recovery)
            s = (here.multiplicity - 1) / 2
            self.contamination = max(self.contamination, state.s_squared - s * (s + 1))
            gradient_method = mf.nuc_grad_method()
            gradient_method.verbose = 0
            gradient = on_host(gradient_method.kernel()).astype(float)
        correction, slope = dispersion(
            self.level,
            np.array([atomic_numbers[symbol] for symbol in here.symbols]),
            positions / BOHR_A,
            here.charge,
        )
        return (state.energy + correction) * HARTREE_EV, -(gradient + slope) * FORCE_EV_A

    def along(self, number: int, positions: Array) -> tuple[float, Array]:
        """Compute point ``number`` from the one before it; the orbitals of older ones go."""
        result = self(number, positions, number - 1 if number else None)
        self.forget(number - 2)
        return result

    def has(self, number: int) -> bool:
        """Return whether the orbitals of a point lie on disk."""
        return self._place(number).exists()

    def forget(self, number: int) -> None:
        """Remove the orbitals of a point that nothing starts from any more."""
        self._place(number).unlink(missing_ok=True)


def relax(
    structure: AtomicStructure, level: Level, settings: dict[str, Any], workdir: Path
) -> RelaxationResult:
    """Optimise a geometry; in Cartesian coordinates if internal ones fail.

    Raises
    ------
    ScientificFailureError
        If the SCF does not converge at some step.
    """
    grid = settings["relax_grid"]
    recovery: list[str] = []
    current = structure
    done, warnings, steps_taken = False, [], 0
    for system in ("tric", "cart"):
        key = own_key(current, level, {**settings, "path": "relax", "coordinates": system})
        forces = Forces(structure, level, settings, workdir, key, grid)
        steps = Steps(workdir / f"relax-{key}.jsonl", key, forces.along)
        if len(structure.symbols) == 1:
            steps(np.array(structure.positions))
            done = True
            break
        done, trouble = _optimise(current, steps, settings, system)
        steps_taken += len(steps.energies)
        current = structure.with_positions(steps.positions[-1])
        recovery.extend(h for h in forces.recovery if h not in recovery)
        if done or not trouble:
            break
        recovery.append(
            f"relaxation: Cartesian coordinates, since internal ones failed ({trouble})"
        )
    for number in range(len(steps.energies) + 1):
        forces.forget(number)
    if forces.contamination > 0.1:  # noqa: PLR2004 - as for single points
        warnings.append(f"spin contamination of up to {forces.contamination:.2f} on the path")
    return RelaxationResult(
        structure=current,
        energy_ev=steps.energies[-1],
        max_force_ev_per_a=float(np.linalg.norm(steps.forces[-1], axis=1).max()),
        steps=max(steps_taken - 1, 0),
        converged=done,
        recovery=recovery,
        warnings=warnings,
    )


def _optimise(
    structure: AtomicStructure, steps: Steps, settings: dict[str, Any], system: str
) -> tuple[bool, str]:
    """Run geomeTRIC; return whether it converged, and why its coordinates failed, if they did."""
    logging.getLogger("geometric").setLevel(logging.CRITICAL)
    from geometric.engine import Engine
    from geometric.errors import Error, GeomOptNotConvergedError
    from geometric.internal import CartesianCoordinates, DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.nifty import ang2bohr
    from geometric.optimize import Optimizer
    from geometric.params import OptParams

    class FromSteps(Engine):  # type: ignore[misc]
        def calc_new(self, coords: Any, dirname: str) -> dict[str, Any]:  # noqa: ARG002
            energy, forces = steps(np.asarray(coords).reshape(-1, 3) / ang2bohr)
            return {"energy": energy / HARTREE_EV, "gradient": -forces.ravel() / FORCE_EV_A}

    molecule = Molecule()
    molecule.elem = list(structure.symbols)
    molecule.xyzs = [np.array(structure.positions)]
    molecule.build_topology()
    gmax = float(settings["relax_fmax"]) / FORCE_EV_A
    parameters = OptParams(
        maxiter=int(settings["max_steps"]),
        convergence_energy=1e-6,
        convergence_gmax=gmax,
        convergence_grms=gmax / 1.5,
        convergence_dmax=4e-3,
        convergence_drms=2.5e-3,
        enforce=0.0,
    )
    try:
        if system == "tric":
            coordinates = DelocalizedInternalCoordinates(molecule, build=True)
        else:
            coordinates = CartesianCoordinates(molecule)
        with tempfile.TemporaryDirectory() as folder:
            Optimizer(
                np.array(structure.positions).ravel() * ang2bohr,
                molecule,
                coordinates,
                FromSteps(molecule),
                folder,
                parameters,
                print_info=False,
            ).optimizeGeometry()
    except GeomOptNotConvergedError:
        return False, ""
    except (Error, np.linalg.LinAlgError) as error:
        if not steps.energies:
            steps(np.array(structure.positions))
        return False, type(error).__name__
    return True, ""
