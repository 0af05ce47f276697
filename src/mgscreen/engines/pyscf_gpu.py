"""Mean fields on a GPU, by gpu4pyscf (R. Li et al., arXiv:2407.09700; X. Wu et al., 2404.09452).

Same functional, fitted integrals, grid, cavity and convergence as on the CPU, in double precision,
so that values agree within 1e-5 eV. The classes are gpu4pyscf's own, built from the molecule
rather than moved there (``to_gpu``): what the CPU's mean field shares between states and its
faster cavity have no counterpart. Orbitals come back as NumPy arrays, so a checkpoint of either
device starts the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.engines.device import needs_gpu, require_cupy_device
from mgscreen.engines.pyscf_recovery import converge as converge_on_cpu
from mgscreen.engines.pyscf_recovery import sane, shifted
from mgscreen.engines.pyscf_scf import build_mf, functional_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.engines.level import Level
    from mgscreen.engines.pyscf_state import ScfState

    Array = NDArray[np.float64]


def mean_field(
    mol: Any, level: Level, settings: dict[str, Any], grid: int | str | None = None
) -> Any:
    """Return the mean field of a level on the device that its settings name, not yet converged.

    Raises
    ------
    MissingEngineError
        If it is to be on a GPU and gpu4pyscf is not installed.
    InfrastructureError
        If it is to be on a GPU and there is none.
    """
    if not needs_gpu(settings):
        return build_mf(mol, level, settings, grid)
    require_cupy_device()
    return _on_gpu(mol, level, settings, settings["grid"] if grid is None else grid)


def _on_gpu(mol: Any, level: Level, settings: dict[str, Any], grid: int | str) -> Any:
    from gpu4pyscf.dft import rks, uks

    functional, nonlocal_part = functional_of(level)
    mf = rks.RKS(mol, xc=functional) if mol.spin == 0 else uks.UKS(mol, xc=functional)
    if settings["density_fit"]:
        mf = mf.density_fit(auxbasis=settings["auxbasis"] or None)
    if not nonlocal_part:
        mf.nlc = False
    if isinstance(grid, str):
        radial, angular = map(int, grid.split(","))
        mf.grids.atom_grid = dict.fromkeys(mol.elements, (radial, angular))
    else:
        mf.grids.level = grid
    if level.solvent:
        from gpu4pyscf.solvent.pcm import PCM

        pcm = PCM(mol)
        pcm.method = "C-PCM"
        pcm.eps = float(level.dielectric or 1.0)
        pcm.lebedev_order = int(settings["pcm_order"])
        pcm.vdw_scale = float(settings["pcm_scale"])
        pcm.verbose = 0
        mf = mf.PCM(pcm)
    mf.conv_tol = float(settings["conv_tol"])
    mf.conv_tol_grad = float(settings["conv_tol_grad"])
    mf.max_cycle = int(settings["max_cycle"])
    mf.chkfile = None
    mf.verbose = 0
    return mf


def converge(
    mf: Any,
    level: Level,
    settings: dict[str, Any],
    dm0: Array | None = None,
    grid: int | str | None = None,
) -> list[str]:
    """Converge a mean field; return the names of the handlers that were needed, in order.

    On a GPU: DIIS, then DIIS with level shift and damping; what does not converge so goes through
    every handler of the CPU, from the density reached, and comes back.

    Raises
    ------
    ScientificFailureError
        If no handler helped; the text names them.
    """
    if not needs_gpu(settings):
        return converge_on_cpu(mf, dm0)
    mf.kernel(dm0=None if dm0 is None else _to_gpu(dm0))
    if mf.converged and sane(mf):
        return []
    applied = ["SCF: level shift and damping"]
    if shifted(mf) and sane(mf):
        return applied
    cpu = build_mf(mf.mol, level, settings, grid)
    reached = on_host(mf.make_rdm1())
    applied.append("SCF: on the CPU")
    applied += converge_on_cpu(cpu, reached if bool(np.all(np.isfinite(reached))) else None)
    mf.mo_energy, mf.mo_coeff = _to_gpu(cpu.mo_energy), _to_gpu(cpu.mo_coeff)
    mf.mo_occ, mf.e_tot, mf.converged = _to_gpu(cpu.mo_occ), cpu.e_tot, True
    return applied


def give(mf: Any, state: ScfState, settings: dict[str, Any]) -> None:
    """Give a mean field the orbitals of a state, as if it had converged to them."""
    state.into(mf)
    if needs_gpu(settings):
        for name in ("mo_energy", "mo_coeff", "mo_occ"):
            setattr(mf, name, _to_gpu(getattr(mf, name)))


def on_host(value: Any) -> Any:
    """Return an array of either device as one of NumPy."""
    return np.asarray(value.get() if hasattr(value, "get") else value)


def _to_gpu(value: Any) -> Any:
    import cupy

    return cupy.asarray(value)
