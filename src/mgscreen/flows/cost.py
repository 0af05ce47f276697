"""What a job will cost, in CPU seconds: good to a factor of two, and only ever used to plan.

The scaling was fitted to single points with B3LYP/6-31G(d) and density fitting on one thread
(1,2-dimethoxyethane, 110 functions: 3 s; perfluoro-tert-butoxide, 210: 15 s; Mg(TFSI)2, 485:
208 s) and to GFN2-xTB optimisations (15 atoms: 1.5 s; 45 atoms: up to 60 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mgscreen.core.species import Species
    from mgscreen.engines.level import Level

_DME_FUNCTIONS, _DME_SECONDS, _EXPONENT = 110, 3.0, 2.9
_SOLVENT_FACTOR = 2.5
_OPEN_SHELL_FACTOR = 1.8
_STEPS = 12
"""geometry steps from a GFN2 start"""
_GRADIENT_FACTOR = 1.6


def functions_per_element(element: str, *, diffuse: bool) -> int:
    """Return the number of basis functions of 6-31G(d) (6-31+G(d) if diffuse) on an element."""
    from ase.data import atomic_numbers

    number = atomic_numbers[element]
    if number <= 2:  # noqa: PLR2004 - first period
        return 2
    last_of_second_period = 10
    size = 15 if number <= last_of_second_period else 19
    return size + (4 if diffuse else 0)


def composition(species: Species) -> dict[str, int]:
    """Count the atoms of each element, hydrogen included."""
    from rdkit import Chem

    count: dict[str, int] = {}
    for component in species.components:
        molecule = Chem.AddHs(Chem.MolFromSmiles(component.smiles))
        for atom in molecule.GetAtoms():
            symbol = atom.GetSymbol()
            count[symbol] = count.get(symbol, 0) + component.count
    return count


def single_point(atoms: Mapping[str, int], level: Level) -> float:
    """CPU seconds of one single point."""
    n_atoms = sum(atoms.values())
    if level.engine == "xtb":
        return 0.02 + 2e-5 * float(n_atoms**2.5)
    diffuse = "+" in level.basis or "aug" in level.basis or level.basis.endswith("pd")
    size = sum(n * functions_per_element(e, diffuse=diffuse) for e, n in atoms.items())
    seconds = 0.5 + _DME_SECONDS * (size / _DME_FUNCTIONS) ** _EXPONENT
    return float(seconds) * (_SOLVENT_FACTOR if level.solvent else 1.0)


def relaxation(atoms: Mapping[str, int], level: Level) -> float:
    """CPU seconds of one geometry optimisation."""
    n_atoms = sum(atoms.values())
    if n_atoms == 1:
        return 0.05
    if level.engine == "xtb":
        return 0.1 + 0.006 * n_atoms**2
    return _STEPS * _GRADIENT_FACTOR * single_point(atoms, level)


def estimate(
    kind: str, atoms: Mapping[str, int], level: Level, *, conformers: int = 1, states: int = 1
) -> float:
    """CPU seconds of a job of this kind; ``states``: ions beside the species itself."""
    if kind == "geometry":
        return relaxation(atoms, level) * (conformers if level.engine == "xtb" else 1)
    if kind == "binding":
        return 0.01
    n_atoms = sum(atoms.values())
    one = single_point(atoms, level)
    charge_states = one * (1 + states * _OPEN_SHELL_FACTOR)
    return {
        "orbitals": one,
        "esp": 0.6 * one,
        "redox_vertical": charge_states,
        "redox_adiabatic": charge_states + 0.02 * n_atoms**2,
        # an analytic Hessian: DME 209 s beside 3 s for its single point
        "frequencies": 70 * one if level.engine != "xtb" else 6 * n_atoms * one,
    }[kind]
