"""What is done, in which order, when an SCF does not converge.

1. DIIS from the default (or given) guess;
2. DIIS with a level shift of 0.3 hartree and damping, from the density reached so far: a near
   degeneracy of frontier orbitals makes plain DIIS oscillate;
3. the second-order solver (Q. Sun, J. Yang, G. K.-L. Chan, Chem. Phys. Lett. 683, 291 (2017),
   doi:10.1016/j.cplett.2016.03.036) from there;
4. the second-order solver from a superposition of atomic densities;
5. the second-order solver from Hueckel orbitals: the first guess may lie in the wrong basin.

Every handler that was applied is recorded by its name, in order. A level shift changes the path,
not the solution: the final orbitals come from a Fock matrix without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import ScientificFailureError

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL_SHIFT = 0.3
DAMPING = 0.4
NEWTON_CYCLES = 40


def shifted(mf: Any) -> bool:
    """Try again with a level shift and damping, from the density reached."""
    start = mf.make_rdm1()
    mf.level_shift, mf.damp, mf.diis_start_cycle = LEVEL_SHIFT, DAMPING, 4
    mf.max_cycle, normal = 2 * mf.max_cycle, mf.max_cycle
    try:
        mf.kernel(dm0=start)
    finally:
        mf.level_shift, mf.damp, mf.diis_start_cycle, mf.max_cycle = 0.0, 0.0, 1, normal
    return bool(mf.converged)


def _second_order(mf: Any, dm0: Any = None) -> bool:
    solver = mf.newton()
    solver.verbose = 0
    solver.conv_tol, solver.conv_tol_grad = mf.conv_tol, mf.conv_tol_grad
    solver.max_cycle = NEWTON_CYCLES
    if dm0 is None:
        solver.kernel(mf.mo_coeff, mf.mo_occ)
    else:
        solver.kernel(dm0=dm0)
    mf.mo_coeff, mf.mo_occ = solver.mo_coeff, solver.mo_occ
    mf.mo_energy, mf.e_tot = solver.mo_energy, solver.e_tot
    mf.converged = solver.converged
    return bool(mf.converged)


HANDLERS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("SCF: level shift and damping", shifted),
    ("SCF: second order", _second_order),
    (
        "SCF: second order from atomic densities",
        lambda mf: _second_order(mf, mf.get_init_guess(mf.mol, "atom")),
    ),
    (
        "SCF: second order from Hueckel orbitals",
        lambda mf: _second_order(mf, mf.get_init_guess(mf.mol, "huckel")),
    ),
)


def converge(mf: Any, dm0: Any = None) -> list[str]:
    """Converge a mean field; return the names of the handlers that were needed, in order.

    Raises
    ------
    ScientificFailureError
        If no handler helped; the text names them.
    """
    applied: list[str] = []
    mf.kernel(dm0=dm0)
    if mf.converged and sane(mf):
        return applied
    for name, handler in HANDLERS:
        applied.append(name)
        try:
            if handler(mf) and sane(mf):
                return applied
        except np.linalg.LinAlgError:
            continue
    reason = "; ".join(applied)
    raise ScientificFailureError(f"the SCF did not converge, tried in this order: DIIS; {reason}")


def sane(mf: Any) -> bool:
    """Return whether energy and orbital energies are numbers."""
    energies = mf.mo_energy.get() if hasattr(mf.mo_energy, "get") else mf.mo_energy
    return bool(np.isfinite(mf.e_tot)) and all(bool(np.all(np.isfinite(part))) for part in energies)
