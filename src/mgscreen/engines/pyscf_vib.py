"""Harmonic vibrations with PySCF: analytic second derivatives, or differences of forces.

Analytic second derivatives cost least, but a kill loses them; differences of forces (setting
``hessian = "numeric"``) keep each displacement, and also serve functionals that have no analytic
ones (VV10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers
from pyscf import lib

from mgscreen.core.runtime import runtime
from mgscreen.engines.hessian import finite_difference_hessian, harmonic_modes
from mgscreen.engines.pyscf_dispersion import dispersion
from mgscreen.engines.pyscf_gpu import give, mean_field, on_host
from mgscreen.engines.pyscf_relax import Forces
from mgscreen.engines.pyscf_scf import build_mol, functional_of
from mgscreen.engines.pyscf_state import electronic_state, own_key
from mgscreen.engines.steps import Steps, write_atomically
from mgscreen.engines.units import BOHR_A, FORCE_EV_A, HARTREE_EV

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.base import VibrationResult
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]


def vibrations(
    structure: AtomicStructure, level: Level, settings: dict[str, Any], workdir: Path
) -> VibrationResult:
    """Compute the vibrations of a stationary point.

    Raises
    ------
    ScientificFailureError
        If the SCF does not converge.
    """
    key = own_key(structure, level, {**settings, "path": "hessian"})
    _, nonlocal_part = functional_of(level)
    if settings["hessian"] == "numeric" or nonlocal_part:
        hessian, warnings = _numeric(structure, level, settings, workdir, key)
    else:
        path = workdir / f"hessian-{key}.npy"
        warnings = []
        try:
            hessian = np.load(path, allow_pickle=False)
        except (OSError, ValueError):
            hessian = _analytic(structure, level, settings, workdir)
            _save(path, hessian)
    return harmonic_modes(structure, hessian, warnings)


def _save(path: Path, hessian: Array) -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, hessian, allow_pickle=False)
    write_atomically(path, buffer.getvalue())


def _analytic(
    structure: AtomicStructure, level: Level, settings: dict[str, Any], workdir: Path
) -> Array:
    state, _ = electronic_state(structure, level, settings, workdir)
    size = 3 * len(structure.symbols)
    with lib.with_omp_threads(runtime().threads):
        mol = build_mol(structure, level, settings)
        mf = mean_field(mol, level, settings)
        give(mf, state, settings)
        method = mf.Hessian()
        method.verbose = 0
        blocks = on_host(method.kernel())
    hessian = blocks.transpose(0, 2, 1, 3).reshape(size, size)
    if level.dispersion:
        hessian = hessian + _dispersion_hessian(structure, level)
    return np.asarray(0.5 * (hessian + hessian.T))


def _dispersion_hessian(structure: AtomicStructure, level: Level) -> Array:
    numbers = np.array([atomic_numbers[s] for s in structure.symbols])

    def forces(positions: Array) -> tuple[float, Array]:
        energy, slope = dispersion(level, numbers, positions / BOHR_A, structure.charge)
        return energy * HARTREE_EV, -slope * FORCE_EV_A

    return finite_difference_hessian(forces, np.array(structure.positions), 0.005)


def _numeric(
    structure: AtomicStructure,
    level: Level,
    settings: dict[str, Any],
    workdir: Path,
    key: str,
) -> tuple[Array, list[str]]:
    forces = Forces(structure, level, settings, workdir, key, settings["grid"])
    centre = np.array(structure.positions)

    def evaluate(number: int, positions: Array) -> tuple[float, Array]:
        # every displacement starts from the stationary point, which is point 0
        if not forces.has(0):
            forces(0, centre, None)
        result = forces(number + 1, positions, 0)
        forces.forget(number + 1)
        return result

    steps = Steps(workdir / f"hessian-{key}.jsonl", key, evaluate)
    hessian = finite_difference_hessian(steps, centre, float(settings["displacement_a"]))
    forces.forget(0)
    return hessian, list(forces.recovery)
