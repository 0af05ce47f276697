"""Basis sets by element: where a Pople set ends, a stated other one goes on.

The 6-31G family ends at Zn in some of its files, at Kr in others, and nowhere holds I, Sb or Bi. An
element that it lacks takes ``fallback_basis``, by default def2-SVP (def2-SVPD where the set has
diffuse functions; F. Weigend, R. Ahlrichs, Phys. Chem. Chem. Phys. 7, 3297 (2005),
doi:10.1039/b508541a), with its effective core potential beyond Kr. A result on which this bears
says so in a warning.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from pyscf import gto
from pyscf.lib.exceptions import BasisNotFoundError

from mgscreen.core.errors import ScientificFailureError

if TYPE_CHECKING:
    from collections.abc import Iterable

KRYPTON = 36


@cache
def has_element(basis: str, element: str) -> bool:
    """Return whether PySCF's file of a basis set has an element."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            gto.basis.load(basis, element)
        except (BasisNotFoundError, KeyError, RuntimeError, OSError, ValueError):
            return False
    return True


def is_pople(basis: str) -> bool:
    """Return whether a basis set is of the 6-31G or 6-311G family."""
    return basis.startswith("6-31")


def basis_by_element(basis: str, fallback: str, elements: Iterable[str]) -> dict[str, str]:
    """Return the basis set of each element.

    Parameters
    ----------
    basis
        Name, as a level gives it.
    fallback
        ``auto`` (see the module), a name, or an empty text for none.
    elements
        Element symbols.

    Raises
    ------
    ScientificFailureError
        If neither has an element.
    """
    if fallback == "auto":
        fallback = ("def2-svpd" if "+" in basis else "def2-svp") if is_pople(basis) else ""
    # one set under two names, of which PySCF's files hold different elements
    names = (basis, basis.replace("(d)", "*").replace("(d,p)", "**"), fallback)
    chosen = {}
    for element in sorted(set(elements)):
        found = next((name for name in names if name and has_element(name, element)), None)
        if found is None:
            raise ScientificFailureError(f"the basis {basis} has no {element}")
        chosen[element] = found
    return chosen


def core_potentials(chosen: dict[str, str]) -> dict[str, str]:
    """Return the effective core potential of each element whose basis set is made for one."""
    from ase.data import atomic_numbers

    return {
        element: "def2-svp"
        for element, name in chosen.items()
        if name.startswith(("def2", "ma-def2")) and atomic_numbers[element] > KRYPTON
    }


def remarks(basis: str, chosen: dict[str, Any]) -> list[str]:
    """Return a warning for each element that has another basis set than the level's."""
    same = {basis, basis.replace("(d)", "*").replace("(d,p)", "**")}
    return [
        f"{element} has the basis {name}: {basis} is not defined for it"
        for element, name in chosen.items()
        if name not in same
    ]
