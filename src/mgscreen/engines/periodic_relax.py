"""Relaxation of atoms and cell with any ASE calculator, each step on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.periodic import CellPolicy, EnergyConvention, PeriodicRelaxation
from mgscreen.engines.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from mgscreen.engines.periodic import PeriodicEngine

    Array = NDArray[np.float64]

VOIGT_IN_PLANE = [True, True, False, False, False, True]
MIN_DISTANCE_FRACTION = 0.5
"""Two atoms nearer than this part of the sum of their covalent radii: no potential knows that."""


class _FromSteps(Calculator):
    """Asks ``Steps`` with the cell stacked below the positions, the stress below the forces."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012 - ASE's

    def __init__(self, steps: Steps, *, stress: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps = steps
        self.stress = stress

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
    ) -> None:
        """Ask for the point, from disk where it was computed before."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        here: Any = self.atoms
        energy, rows = self.steps(np.vstack([here.positions, here.cell[:]]))
        n = len(here)
        self.results = {"energy": energy, "free_energy": energy, "forces": rows[:n]}
        if self.stress:
            self.results["stress"] = full_3x3_to_voigt_6_stress(rows[n:])


CURVATURE = 70.0
"""ASE's first guess of every curvature, eV/angstrom^2: right for a stiff bond. Atoms in and on a
soft metal have some 10 to 20, and BFGS needs half the steps from there."""


def relax_periodic(  # noqa: PLR0913
    engine: PeriodicEngine,
    structure: AtomicStructure,
    workdir: Path,
    *,
    fixed: Sequence[int],
    cell: CellPolicy,
    convention: EnergyConvention,
    fmax: float,
    max_steps: int,
    curvature: float = CURVATURE,
) -> PeriodicRelaxation:
    """Relax with BFGS, then FIRE where BFGS stalls; see ``PeriodicEngine.relax``.

    The cell moves by ASE's ``FrechetCellFilter``; convergence asks forces below ``fmax`` and the
    filter's forces on the cell (stress times volume) below ``fmax`` too.

    Raises
    ------
    ScientificFailureError
        If atoms run into each other, or the engine does not converge at some step.
    """
    key = digest(
        {
            "structure": structure,
            "level": engine.level,
            "settings": engine.settings(),
            "version": engine.code_version,
            "fixed": sorted(fixed),
            "cell": cell,
        }
    )
    stress = cell != "fixed"
    inner = engine.calculator(structure, workdir)

    def evaluate(_: int, stacked: Array) -> tuple[float, Array]:
        atoms: Any = structure.to_ase()
        atoms.set_cell(stacked[-3:])
        atoms.positions[:] = stacked[:-3]
        check_distances(atoms)
        atoms.calc = inner
        rows = np.zeros_like(stacked)
        rows[:-3] = atoms.get_forces()
        if stress:
            rows[-3:] = atoms.get_stress(voigt=False)
        energy = float(atoms.get_potential_energy())
        if not (np.isfinite(energy) and np.isfinite(rows).all()):
            raise ScientificFailureError(f"{engine.level} gave no finite energy or force")
        return energy, rows

    steps = Steps(workdir / f"relax-{key}.jsonl", key, evaluate)
    atoms: Any = structure.to_ase()
    atoms.calc = _FromSteps(steps, stress=stress)
    converged = _optimise(atoms, fixed, cell, fmax=fmax, max_steps=max_steps, alpha=curvature)
    final = AtomicStructure.model_validate(
        {
            **structure.model_dump(),
            "positions": atoms.positions.tolist(),
            "cell": atoms.cell[:].tolist(),
        }
    )
    forces = np.array(atoms.get_forces(apply_constraint=False))
    free = np.ones(len(atoms), dtype=bool)
    free[list(fixed)] = False
    largest = float(np.linalg.norm(forces[free], axis=1).max()) if free.any() else 0.0
    warnings = [] if converged else [f"relaxation not converged in {len(steps.energies)} steps"]
    return PeriodicRelaxation(
        structure=final,
        energy_ev=float(atoms.get_potential_energy()),
        max_force_ev_per_a=largest,
        max_stress_ev_per_a3=_largest_stress(atoms, cell) if stress else None,
        steps=len(steps.energies),
        converged=converged,
        energy_convention=convention,
        energies_ev=list(steps.energies),
        warnings=warnings,
    )


def _optimise(
    atoms: Atoms,
    fixed: Sequence[int],
    cell: CellPolicy,
    *,
    fmax: float,
    max_steps: int,
    alpha: float,
) -> bool:
    from ase.constraints import FixAtoms
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS, FIRE

    if fixed:
        atoms.set_constraint(FixAtoms(indices=sorted(fixed)))
    target: Any = atoms
    if cell == "full":
        target = FrechetCellFilter(atoms)
    elif cell == "isotropic":
        target = FrechetCellFilter(atoms, hydrostatic_strain=True)
    elif cell == "in-plane":
        target = FrechetCellFilter(atoms, mask=VOIGT_IN_PLANE)
    first = min(max_steps, 60 + 3 * len(atoms))
    done = BFGS(target, logfile=None, maxstep=0.1, alpha=alpha).run(fmax=fmax, steps=first)
    if not done and max_steps > first:
        done = FIRE(target, logfile=None, maxstep=0.1).run(fmax=fmax, steps=max_steps - first)
    return bool(done)


def _largest_stress(atoms: Atoms, cell: CellPolicy) -> float:
    stress = np.asarray(atoms.get_stress(voigt=True))
    if cell == "isotropic":
        return float(abs(stress[:3].mean()))
    if cell == "in-plane":
        stress = stress[np.array(VOIGT_IN_PLANE)]
    return float(np.abs(stress).max())


def check_distances(atoms: Atoms) -> None:
    """Refuse atoms that lie in each other, where a potential gives a number all the same.

    Raises
    ------
    ScientificFailureError
        Naming the two atoms and their distance.
    """
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    radii = MIN_DISTANCE_FRACTION * covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, list(radii), self_interaction=False)
    if len(distance):
        worst = int(np.argmin(distance))
        i, j = int(first[worst]), int(second[worst])
        raise ScientificFailureError(
            f"atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) are "
            f"{distance[worst]:.2f} angstrom apart"
        )
