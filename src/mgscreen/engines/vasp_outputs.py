"""VASP as an engine that has been run already: relaxations are read from vasprun.xml.

The file is named by its SHA-256 in the level's settings; it lies in the campaign's folder of files
under ``imported/``.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.imported import imported_file
from mgscreen.engines.periodic import CellPolicy, EnergyConvention, PeriodicRelaxation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicResult

_KBAR = 0.1 / 160.21766208
"""1 kbar in eV/angstrom^3"""
_D3BJ = 12
_ISIF: dict[str, set[int]] = {
    "full": {3},
    "fixed": {0, 1, 2},
    "isotropic": {7, 8},
    "in-plane": set(),
}


class VaspOutputs:
    """Reads what VASP has computed.

    Parameters
    ----------
    level
        ``vasp:pbe`` with the settings ``output``, the SHA-256 of a vasprun.xml, and ``order``, the
        atoms of the input in the order of POSCAR.
    """

    code = "VASP"
    energy_convention: EnergyConvention = "pbe"

    def __init__(self, level: Level) -> None:
        self.level = level
        self._run: Any = None

    def _read(self) -> Any:
        if self._run is None:
            self._run = read_vasprun(imported_file(str(self.level.settings.get("output", ""))))
        return self._run

    @property
    def code_version(self) -> str:
        """Version that the file states."""
        return str(self._read().vasp_version).strip()

    def settings(self) -> dict[str, Any]:
        """Return the file and the tags that it was run with."""
        run = self._read()
        tags = {k: v for k, v in dict(run.incar).items() if isinstance(v, str | int | float | bool)}
        return {**self.level.settings, "incar": tags, "potentials": list(run.potcar_symbols)}

    def calculator(self, structure: AtomicStructure, workdir: Path) -> Any:
        """Refuse: there is nothing to run."""
        del structure, workdir
        self._refuse("a calculator")

    def single_point(self, structure: AtomicStructure, workdir: Path) -> PeriodicResult:
        """Refuse: relaxations alone are read."""
        del structure, workdir
        self._refuse("a single point")

    def relax(
        self,
        structure: AtomicStructure,
        workdir: Path,
        *,
        fixed: Sequence[int] = (),
        cell: CellPolicy = "fixed",
    ) -> PeriodicRelaxation:
        """Read the relaxation and check that it is of this crystal and kind."""
        del workdir, fixed
        run = self._read()
        _check(run, structure, self.level, cell)
        order = [int(n) for n in self.level.settings.get("order", range(len(structure.symbols)))]
        end = run.final_structure
        positions = np.empty((len(order), 3))
        forces = np.empty((len(order), 3))
        # across the boundary an atom may have moved by a whole cell vector
        start = np.array(structure.positions)[order] @ np.linalg.inv(np.array(structure.cell))
        shifted = end.frac_coords - np.round(end.frac_coords - start)
        positions[order] = shifted @ end.lattice.matrix
        last = run.ionic_steps[-1]
        forces[order] = np.array(last["forces"])
        stress = np.array(last["stress"]) * _KBAR if "stress" in last else None
        relaxed = AtomicStructure.model_validate(
            {
                **structure.model_dump(),
                "positions": positions.tolist(),
                "cell": end.lattice.matrix.tolist(),
            }
        )
        return PeriodicRelaxation(
            structure=relaxed,
            energy_ev=float(last["e_0_energy"]),
            max_force_ev_per_a=float(np.linalg.norm(forces, axis=1).max()),
            max_stress_ev_per_a3=None
            if stress is None or cell == "fixed"
            else float(np.abs(stress).max()),
            steps=len(run.ionic_steps),
            converged=bool(run.converged),
            energy_convention="pbe",
            energies_ev=[float(step["e_0_energy"]) for step in run.ionic_steps],
        )

    def _refuse(self, what: str) -> NoReturn:
        raise ScientificFailureError(f"{what} is not read from VASP's outputs")


def read_vasprun(path: Path) -> Any:
    """Return pymatgen's ``Vasprun``.

    Raises
    ------
    ScientificFailureError
        If the file is none, or names entities: XML of VASP has none.
    """
    from pymatgen.io.vasp.outputs import Vasprun

    with path.open("rb") as file:
        if re.search(rb"<!(DOCTYPE|ENTITY)", file.read(1_000_000)):
            raise ScientificFailureError(f"{path.name} is no output of VASP: it has a DOCTYPE")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Vasprun(str(path), parse_potcar_file=False, parse_dos=False, parse_eigen=False)
    except Exception as error:
        raise ScientificFailureError(f"{path.name} cannot be read as vasprun.xml") from error


def _check(run: Any, structure: AtomicStructure, level: Level, cell: CellPolicy) -> None:
    order = [int(n) for n in level.settings.get("order", range(len(structure.symbols)))]
    wanted = tuple(structure.symbols[n] for n in order)
    if tuple(run.atomic_symbols) != wanted:
        raise ScientificFailureError("the VASP output is of other atoms")
    parameters = run.parameters
    gga = str(run.incar.get("GGA", parameters.get("GGA", "--"))).strip().upper()
    plain = gga in {"PE", "--", ""} and all("PBE" in name for name in run.potcar_symbols)
    if not plain or parameters.get("LHFCALC"):
        raise ScientificFailureError(f"the VASP output is not of PBE (GGA = {gga})")
    dispersion = int(run.incar.get("IVDW", 0) or 0)
    if dispersion != (_D3BJ if level.dispersion == "d3bj" else 0):
        raise ScientificFailureError(f"the VASP output has IVDW = {dispersion}")
    isif = int(run.incar.get("ISIF", parameters.get("ISIF", 2)))
    if isif not in _ISIF[cell]:
        raise ScientificFailureError(f"the VASP output has ISIF = {isif}, the cell is to be {cell}")
    initial = np.array(run.initial_structure.lattice.matrix)
    if np.abs(initial - np.array(structure.cell)).max() > 1e-3:  # noqa: PLR2004 - angstrom
        raise ScientificFailureError("the VASP output starts from another cell")
