"""Named sets of levels: which level of theory each step of a campaign uses.

- ``quick``: GFN2 geometries and B3LYP/6-31G(d) single points, for a first ranking on a laptop.
- ``dual-additive-molecule``: B3LYP/6-31G(d) optimisation and orbitals as published for dual
  additives, potentials with diffuse functions.
- ``production``: wB97X-D3(BJ) (A. Najibi, L. Goerigk, J. Chem. Theory Comput. 14, 5725 (2018),
  doi:10.1021/acs.jctc.8b00842) with the diffuse basis def2-SVPD (D. Rappoport, F. Furche,
  J. Chem. Phys. 133, 134105 (2010), doi:10.1063/1.3484283): a range-separated hybrid, since a
  global one binds the extra electron of an anion too weakly and spreads a hole too far.

``QUICK`` states the error of each shortcut of ``quick``.
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
"""Looser numerics of a quick single point.

Measured for 1,2-dimethoxyethane (B3LYP/6-31G(d)) against grid 3, 1e-9 hartree, cavity order 29:

- gas-phase HOMO and LUMO: 0.2 meV;
- vertical ionisation energy in C-PCM (eps 7.2): 1 meV, electron affinity: 4 meV, of which the
  cavity is nearly all (order 17 instead of 23: 4 and 14 meV), so it is not made coarser.

Grids with fewer angular points than level 1 are out: with 50, the energy of a cluster of Mg, Cl, S
and O changed by 120 meV as it was turned.
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
