"""Dispersion corrections: D3(BJ) and D4, energy and gradient.

D3(BJ): S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011),
doi:10.1002/jcc.21759, without the three-body term, as in Gaussian. D4: E. Caldeweyher et al.,
J. Chem. Phys. 150, 154122 (2019), doi:10.1063/1.5090222, with it, as published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mgscreen.core.errors import InputError, MissingEngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]


def damping(level: Level) -> Any:
    """Return the damping parameters of a level's functional.

    Raises
    ------
    InputError
        If the functional has no published parameters for this correction.
    MissingEngineError
        If the package of the correction is not installed.
    """
    method = level.method.replace("_", "")
    try:
        if level.dispersion == "d3bj":
            from dftd3.interface import RationalDampingParam

            make: Any = RationalDampingParam
            return make(method=method, atm=False)
        from dftd4.interface import DampingParam

        return DampingParam(method=method)
    except ImportError:
        package = "dftd3" if level.dispersion == "d3bj" else "dftd4"
        raise MissingEngineError(package, "pyscf") from None
    except (RuntimeError, ValueError, KeyError):
        raise InputError(
            f"'{level}': there are no {level.dispersion} parameters for '{level.method}'"
        ) from None


def dispersion(
    level: Level, numbers: Array, positions_bohr: Array, charge: int
) -> tuple[float, Array]:
    """Return energy (hartree) and gradient (hartree/bohr, shape (n, 3)) of the correction."""
    if not level.dispersion:
        return 0.0, np.zeros_like(positions_bohr)
    parameters = damping(level)
    if level.dispersion == "d3bj":
        from dftd3 import interface as d3

        result = d3.DispersionModel(numbers, positions_bohr).get_dispersion(parameters, grad=True)
    else:
        from dftd4 import interface as d4

        model = d4.DispersionModel(numbers, positions_bohr, charge=float(charge))
        result = model.get_dispersion(parameters, grad=True)
    return float(result["energy"]), np.asarray(result["gradient"], dtype=float)
