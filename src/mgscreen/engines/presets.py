"""Named sets of levels: which level of theory each step of a campaign uses.

- ``quick``: GFN2 geometries and B3LYP/6-31G(d) single points, for a first ranking on a laptop.
- ``dual-additive-molecule``: B3LYP/6-31G(d) optimisation and orbitals as published for dual
  additives, potentials with diffuse functions.
- ``production``: wB97X-D3(BJ) (A. Najibi, L. Goerigk, J. Chem. Theory Comput. 14, 5725 (2018),
  doi:10.1021/acs.jctc.8b00842) with the diffuse basis def2-SVPD (D. Rappoport, F. Furche,
  J. Chem. Phys. 133, 134105 (2010), doi:10.1063/1.3484283): a range-separated hybrid, since a
  global one binds the extra electron of an anion too weakly and spreads a hole too far.

The shortcuts of ``quick`` are measured in ``docs`` of the settings below, see ``QUICK``.
"""

from __future__ import annotations

from typing import Any

from mgscreen.core.errors import InputError
from mgscreen.engines.level import Level

QUICK: dict[str, Any] = {
    "grid": 1,
    "conv_tol": 1e-6,
    "conv_tol_grad": 1e-3,
    "pcm_order": 23,
}
"""Looser numerics of a quick single point, each for a reason.

Measured for 1,2-dimethoxyethane in C-PCM (eps 7.2) against grid 3, 1e-9 hartree, order 29:
grid level 1 and 1e-6 hartree change gas-phase orbitals by less than 1 meV. The coarser cavity is
what changes the potentials most: with order 17 the ionisation energy moved by 4 meV and the
electron affinity by 14 meV, so order 23 is taken here.
"""

STEPS = ("conformers", "geometry", "electronic", "redox")
_LEVELS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "quick": {
        "conformers": ("xtb:gfn2", {}),
        "geometry": ("xtb:gfn2", {}),
        "electronic": ("pyscf:b3lyp/6-31g(d)", QUICK),
        "redox": ("pyscf:b3lyp/6-31g(d)", QUICK),
    },
    "dual-additive-molecule": {
        "conformers": ("xtb:gfn2", {}),
        "geometry": ("pyscf:b3lyp/6-31g(d)", {}),
        "electronic": ("pyscf:b3lyp/6-31g(d)", {}),
        "redox": ("pyscf:b3lyp/6-31+g(d)", {}),
    },
    "production": {
        "conformers": ("xtb:gfn2", {}),
        "geometry": ("pyscf:wb97x-d3bj/def2-svp", {}),
        "electronic": ("pyscf:wb97x-d3bj/def2-svpd", {}),
        "redox": ("pyscf:wb97x-d3bj/def2-svpd", {}),
    },
}
PRESETS = tuple(_LEVELS)


def preset(name: str, dielectric: float = 7.2) -> dict[str, Level]:
    """Return the level of each step: conformers, geometry, electronic, redox.

    Parameters
    ----------
    name
        One of ``PRESETS``.
    dielectric
        Dielectric constant of the host's solvent, for the redox step.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    if name not in _LEVELS:
        raise InputError(f"there is no preset '{name}' (known: {', '.join(PRESETS)})")
    levels = {step: Level.parse(*_LEVELS[name][step]) for step in STEPS}
    return {**levels, "redox": levels["redox"].in_solvent(dielectric)}
