"""VASP as an engine that has been run already: relaxations and single points from vasprun.xml.

Files are named by their SHA-256 in the level's settings and lie in the campaign's folder of files
under ``imported/``. Which of them answers a question is found by its geometry; inside ``asking``,
what none of them answers is noted instead, so that inputs can be written for it.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.imported import imported_file
from mgscreen.engines.periodic import (
    CellPolicy,
    EnergyConvention,
    PeriodicRelaxation,
    PeriodicResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mgscreen.engines.level import Level

_KBAR = 0.1 / 160.21766208
"""1 kbar in eV/angstrom^3"""
_D3BJ = 12
_ISIF: dict[str, set[int]] = {
    "full": {3},
    "fixed": {0, 1, 2},
    "isotropic": {7, 8},
    "in-plane": set(),
}
_CELL_A = 1e-3
_PLACE_A = 1e-2
"""a start this close is the same: what POSCAR and vasprun.xml round"""


@dataclass(frozen=True)
class Question:
    """What a calculation wants to know: a relaxation, or (``cell`` None) a single point."""

    structure: AtomicStructure
    fixed: tuple[int, ...] = ()
    cell: CellPolicy | None = None


_ASKED: ContextVar[list[Question] | None] = ContextVar("asked", default=None)


@contextmanager
def asking() -> Iterator[list[Question]]:
    """Note what is asked and not answered by an output."""
    found: list[Question] = []
    token = _ASKED.set(found)
    try:
        yield found
    finally:
        _ASKED.reset(token)


class VaspOutputs:
    """Reads what VASP has computed.

    Parameters
    ----------
    level
        ``vasp:pbe`` with the setting ``outputs``: the SHA-256 of each vasprun.xml with the atoms
        of the input in the order of its POSCAR (empty: as they are); or ``output`` and ``order``
        for one alone.
    """

    code = "VASP"
    energy_convention: EnergyConvention = "pbe"

    def __init__(self, level: Level) -> None:
        self.level = level
        given = dict(level.settings.get("outputs", {}))
        if "output" in level.settings:
            given[str(level.settings["output"])] = level.settings.get("order", ())
        self._orders: dict[str, list[int]] = {
            sha: [int(n) for n in order] for sha, order in given.items()
        }
        self._runs: dict[str, Any] = {}

    def _read(self, sha: str) -> Any:
        if sha not in self._runs:
            self._runs[sha] = read_vasprun(imported_file(sha))
        return self._runs[sha]

    @property
    def code_version(self) -> str:
        """Version that the files state."""
        found = {str(self._read(sha).vasp_version).strip() for sha in self._orders}
        return ", ".join(sorted(found))

    def settings(self) -> dict[str, Any]:
        """Return the files and the tags that the first was run with."""
        for sha in self._orders:
            run = self._read(sha)
            plain = str | int | float | bool
            tags = {k: v for k, v in dict(run.incar).items() if isinstance(v, plain)}
            return {**self.level.settings, "incar": tags, "potentials": list(run.potcar_symbols)}
        return dict(self.level.settings)

    def calculator(self, structure: AtomicStructure, workdir: Path) -> Any:
        """Refuse: there is nothing to run."""
        del structure, workdir
        self._refuse("a calculator")

    def single_point(self, structure: AtomicStructure, workdir: Path) -> PeriodicResult:
        """Read a single point; work functions are not in vasprun.xml and stay empty."""
        del workdir
        run, order = self._find(Question(structure))
        last = run.ionic_steps[-1]
        forces = np.empty((len(order), 3))
        forces[order] = np.array(last["forces"])
        return PeriodicResult(
            energy_ev=float(last["e_0_energy"]),
            forces=forces,
            stress=np.array(last["stress"]) * _KBAR if "stress" in last else None,
            energy_convention="pbe",
        )

    def relax(
        self,
        structure: AtomicStructure,
        workdir: Path,
        *,
        fixed: Sequence[int] = (),
        cell: CellPolicy = "fixed",
    ) -> PeriodicRelaxation:
        """Read the relaxation and check that it is of this crystal and kind."""
        del workdir
        run, order = self._find(Question(structure, tuple(fixed), cell))
        end = run.final_structure
        positions = np.empty((len(order), 3))
        forces = np.empty((len(order), 3))
        # across the boundary an atom may have moved by a whole cell vector
        start = np.array(structure.positions)[order] @ np.linalg.inv(np.array(structure.cell))
        shifted = end.frac_coords - np.round(end.frac_coords - start)
        positions[order] = shifted @ end.lattice.matrix
        last = run.ionic_steps[-1]
        forces[order] = np.array(last["forces"])
        free = np.ones(len(order), dtype=bool)
        free[list(fixed)] = False
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
            max_force_ev_per_a=float(np.linalg.norm(forces[free], axis=1).max(initial=0.0)),
            max_stress_ev_per_a3=None
            if stress is None or cell == "fixed"
            else float(np.abs(stress).max()),
            steps=len(run.ionic_steps),
            converged=bool(run.converged),
            energy_convention="pbe",
            energies_ev=[float(step["e_0_energy"]) for step in run.ionic_steps],
        )

    def _find(self, question: Question) -> tuple[Any, list[int]]:
        """Return the run that answers a question, and its order of atoms.

        Raises
        ------
        ScientificFailureError
            If none does; with what is wrong where there is one file alone.
        """
        why = "there is no output of VASP for it yet"
        for sha, order in self._orders.items():
            run = self._read(sha)
            listed = order or list(range(len(question.structure.symbols)))
            try:
                _check(run, listed, question, self.level)
            except ScientificFailureError as error:
                why = str(error) if len(self._orders) == 1 else "no output of VASP is of it"
                continue
            return run, listed
        asked = _ASKED.get()
        if asked is not None:
            asked.append(question)
        raise ScientificFailureError(why)

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


def _check(run: Any, order: list[int], question: Question, level: Level) -> None:
    structure = question.structure
    if tuple(run.atomic_symbols) != tuple(structure.symbols[n] for n in order):
        raise ScientificFailureError("the VASP output is of other atoms")
    parameters = run.parameters
    gga = str(run.incar.get("GGA", parameters.get("GGA", "--"))).strip().upper()
    plain = gga in {"PE", "--", ""} and all("PBE" in name for name in run.potcar_symbols)
    if not plain or parameters.get("LHFCALC"):
        raise ScientificFailureError(f"the VASP output is not of PBE (GGA = {gga})")
    dispersion = int(run.incar.get("IVDW", 0) or 0)
    if dispersion != (_D3BJ if level.dispersion == "d3bj" else 0):
        raise ScientificFailureError(f"the VASP output has IVDW = {dispersion}")
    _check_kind(run, question)
    lattice = np.array(run.initial_structure.lattice.matrix)
    if np.abs(lattice - np.array(structure.cell)).max() > _CELL_A:
        raise ScientificFailureError("the VASP output starts from another cell")
    wanted = np.array(structure.positions)[order] @ np.linalg.inv(lattice)
    shift = run.initial_structure.frac_coords - wanted
    far = np.linalg.norm((shift - np.round(shift)) @ lattice, axis=1)
    if far.max() > _PLACE_A:
        raise ScientificFailureError("the VASP output starts from other places of the atoms")


def _check_kind(run: Any, question: Question) -> None:
    cell = question.cell
    if cell is None:
        if len(run.ionic_steps) != 1:
            raise ScientificFailureError("the VASP output is no single point: its atoms move")
        return
    isif = int(run.incar.get("ISIF", run.parameters.get("ISIF", 2)))
    if isif not in _ISIF[cell]:
        raise ScientificFailureError(f"the VASP output has ISIF = {isif}, the cell is to be {cell}")
