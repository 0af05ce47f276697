"""D3(BJ) beside any calculator for periodic systems, with the parameters of PBE.

S. Grimme, S. Ehrlich, L. Goerigk, J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759. It
brings layered halides together, and over-contracts the metal: whether it is used is a choice for
each phase.
"""

from __future__ import annotations

from typing import Any

from mgscreen.core.errors import MissingEngineError


def d3() -> Any:
    """Return the ASE calculator of D3(BJ) for PBE, without the three-body term.

    Raises
    ------
    MissingEngineError
        If the package dftd3 is not installed.
    """
    try:
        from dftd3.ase import DFTD3
    except ImportError as error:
        raise MissingEngineError("dftd3", "mlip") from error
    return DFTD3(method="PBE", damping="d3bj")


def with_d3(inner: Any) -> Any:
    """Return the sum of a calculator and D3(BJ)."""
    from ase.calculators.mixing import SumCalculator

    return SumCalculator([inner, d3()])
