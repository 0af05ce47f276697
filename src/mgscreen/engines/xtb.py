"""GFN2-xTB through tblite: geometries and conformers.

C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019),
doi:10.1021/acs.jctc.8b01176. Energies of Mg binding have the wrong order at this level (measured
against B3LYP for TFSI and PFTB): take geometries from it, not energies.

A level ``xtb:gfn2/alpb(eps)`` is the generalised Born model of ALPB (kernel P16) at that dielectric
constant, electrostatics only; the setting ``solvent`` names a solvent of tblite's parameter set
instead (S. Ehlert et al., J. Chem. Theory Comput. 17, 4250 (2021), doi:10.1021/acs.jctc.1c00471).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase.data import atomic_numbers
from tblite.exceptions import TBLiteRuntimeError, TBLiteValueError
from tblite.interface import Calculator

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.identity import digest
from mgscreen.core.runtime import runtime
from mgscreen.engines.base import (
    ElectronicResult,
    RelaxationResult,
    SurfacePotential,
    VibrationResult,
)
from mgscreen.engines.options import Option, count, fill, positive
from mgscreen.engines.orbitals import frontier, per_atom, square_root
from mgscreen.engines.steps import Steps
from mgscreen.engines.units import BOHR_A, FORCE_EV_A, HARTREE_EV
from mgscreen.engines.versions import engine_version

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]

METHODS = {"gfn2": "GFN2-xTB", "gfn1": "GFN1-xTB", "ipea1": "IPEA1-xTB"}
KT_HARTREE = 3.166808578545117e-6
OPTIONS = {
    "accuracy": positive(0.1, "a number, tblite's accuracy (smaller is tighter)", high=100.0),
    "electronic_temperature": positive(300.0, "a temperature in K"),
    "max_iterations": count(250, "a whole number of SCC iterations"),
    "fmax": positive(0.01, "a force in eV/angstrom at which a relaxation has converged"),
    "max_steps": count(1000, "a whole number of relaxation steps"),
    "max_step_a": positive(0.2, "the longest displacement of an atom in one step, angstrom"),
    "solvent": Option("", (str,), "the name of a solvent that tblite knows"),
    "displacement_a": positive(0.005, "a displacement for vibrations, angstrom", high=0.1),
}


class XtbEngine:
    """A level of theory of the GFN family; see ``MolecularEngine`` for the methods.

    Raises
    ------
    InputError
        If the method or a setting is unknown.
    """

    code = "tblite"

    def __init__(self, level: Level) -> None:
        if level.method not in METHODS:
            known = ", ".join(METHODS)
            raise InputError(f"'{level}': xtb has no method '{level.method}' (known: {known})")
        self.level = level
        self._settings = fill("xtb", OPTIONS, level.settings)
        if self._settings["solvent"] and not level.solvent:
            raise InputError(f"'{level}': the setting 'solvent' needs /alpb(eps) in the level")

    @property
    def code_version(self) -> str:
        """Version of tblite."""
        return engine_version("xtb")

    def settings(self) -> dict[str, Any]:
        """Return every setting, with the defaults filled in."""
        return dict(self._settings)

    def single_point(
        self,
        structure: AtomicStructure,
        workdir: Path,  # noqa: ARG002 - nothing to keep: it takes a second
        guess: Path | None = None,  # noqa: ARG002
    ) -> ElectronicResult:
        """Converge the electronic state; orbitals are those of the restricted Hamiltonian.

        Raises
        ------
        ScientificFailureError
            If the charges do not converge.
        """
        calculator = self._calculator(structure)
        calculator.set("save-integrals", 1)
        result, recovery = self._converge(calculator)
        energies = np.asarray(result.get("orbital-energies"))
        occupations = np.asarray(result.get("orbital-occupations"))
        root = square_root(np.asarray(result.get("overlap-matrix")))
        orthogonal = root @ np.asarray(result.get("orbital-coefficients"))
        orthogonal = orthogonal / np.linalg.norm(orthogonal, axis=0)
        shells = np.asarray(calculator.get("orbital-map"))
        atoms = np.asarray(calculator.get("shell-map"))[shells]
        n_atoms = len(structure.symbols)
        unpaired = structure.multiplicity - 1
        n_valence = round(float(occupations.sum()))
        n_alpha = (n_valence + unpaired) // 2

        def spin(n: int) -> Any:
            filled = (np.arange(len(energies)) < n).astype(float)
            return frontier(energies, filled, orthogonal, atoms, n_atoms)

        populations = None
        if unpaired:
            single = orthogonal[:, n_valence - n_alpha : n_alpha]
            populations = per_atom((single**2).sum(axis=1), atoms, n_atoms)
        s = unpaired / 2
        return ElectronicResult(
            energy_ev=float(result.get("energy")) * HARTREE_EV,
            alpha=spin(n_alpha),
            beta=spin(n_valence - n_alpha) if unpaired else None,
            spin_populations=populations,
            charges=np.asarray(result.get("charges"), dtype=float),
            s_squared=s * (s + 1),
            recovery=recovery,
        )

    def relax(self, structure: AtomicStructure, workdir: Path) -> RelaxationResult:
        """Optimise with ASE's BFGS, then FIRE where that gives up.

        Raises
        ------
        ScientificFailureError
            If the charges do not converge at some step.
        """
        from ase import Atoms, optimize

        bfgs: Any = optimize.BFGS
        fire: Any = optimize.FIRE
        key = digest({"structure": structure, "level": self.level, "version": self.code_version})
        recovery: list[str] = []
        steps = Steps(
            workdir / f"relax-{key}.jsonl", key, lambda _, p: self._forces(structure, p, recovery)
        )
        atoms = Atoms(structure.symbols, positions=structure.positions)
        fmax, limit = float(self._settings["fmax"]), int(self._settings["max_steps"])
        if len(atoms) == 1:
            energy, _ = steps(atoms.positions)
            return RelaxationResult(structure, energy, 0.0, 0, converged=True, recovery=recovery)
        atoms.calc = _calculator(steps)
        first = min(limit, 50 + 6 * len(atoms))
        max_step = float(self._settings["max_step_a"])
        done = bfgs(atoms, logfile=None, maxstep=max_step).run(fmax=fmax, steps=first)
        if not done and limit > first:
            # BFGS can circle in flat torsions; FIRE is slow and does not.
            recovery.append("relaxation: FIRE after BFGS")
            done = fire(atoms, logfile=None, maxstep=max_step).run(fmax=fmax, steps=limit - first)
        energy, forces = steps.energies[-1], steps.forces[-1]
        return RelaxationResult(
            structure=structure.with_positions(atoms.positions),
            energy_ev=energy,
            max_force_ev_per_a=float(np.linalg.norm(forces, axis=1).max()),
            steps=len(steps.energies) - 1,
            converged=bool(done),
            recovery=recovery,
        )

    def vibrations(self, structure: AtomicStructure, workdir: Path) -> VibrationResult:
        """Harmonic vibrations from central differences of the forces."""
        from mgscreen.engines.hessian import finite_difference_hessian, harmonic_modes

        key = digest({"structure": structure, "level": self.level, "version": self.code_version})
        recovery: list[str] = []
        steps = Steps(
            workdir / f"hessian-{key}.jsonl", key, lambda _, p: self._forces(structure, p, recovery)
        )
        hessian = finite_difference_hessian(
            steps, np.array(structure.positions), float(self._settings["displacement_a"])
        )
        return harmonic_modes(structure, hessian, warnings=recovery)

    def surface_potential(
        self,
        structure: AtomicStructure,
        workdir: Path,  # noqa: ARG002 - the protocol's
        guess: Path | None = None,  # noqa: ARG002
    ) -> SurfacePotential:
        """Refuse: GFN2 has no real-space density to take an isosurface of."""
        raise ScientificFailureError(
            f"{self.level} gives no electron density in space: compute the surface potential of "
            f"{structure.formula} with a pyscf level"
        )

    def density_cube(
        self,
        structure: AtomicStructure,
        workdir: Path,  # noqa: ARG002 - the protocol's
        path: Path,  # noqa: ARG002
        guess: Path | None = None,  # noqa: ARG002
    ) -> None:
        """Refuse, as ``surface_potential`` does."""
        raise ScientificFailureError(
            f"{self.level} gives no electron density in space: no cube of {structure.formula}"
        )

    def _calculator(self, structure: AtomicStructure, positions: Array | None = None) -> Calculator:
        where = np.asarray(structure.positions if positions is None else positions) / BOHR_A
        numbers = np.array([atomic_numbers[s] for s in structure.symbols])
        calculator = Calculator(
            METHODS[self.level.method],
            numbers,
            where,
            charge=float(structure.charge),
            uhf=structure.multiplicity - 1,
            color=False,
            logger=lambda _: None,
        )
        calculator.set("verbosity", 0)
        calculator.set("accuracy", float(self._settings["accuracy"]))
        calculator.set("max-iter", int(self._settings["max_iterations"]))
        calculator.set("temperature", self._settings["electronic_temperature"] * KT_HARTREE)
        if self.level.solvent:
            try:
                if self._settings["solvent"]:
                    calculator.add("alpb-solvation", self._settings["solvent"])
                else:
                    calculator.add("gbe-solvation", float(self.level.dielectric or 1.0), "p16")
            except (TBLiteRuntimeError, TBLiteValueError) as error:
                raise InputError(f"'{self.level}': {_sentence(error)}") from None
        return calculator

    def _converge(self, calculator: Calculator) -> tuple[Any, list[str]]:
        """Run a single point; where charge mixing fails, mix less, then at a raised temperature.

        The last handler anneals: it converges at 3000 K, then again at the asked temperature from
        those charges, so the energy stays that of the asked temperature.
        """
        from threadpoolctl import threadpool_limits

        temperature = self._settings["electronic_temperature"] * KT_HARTREE
        with threadpool_limits(runtime().threads):
            try:
                return calculator.singlepoint(), []
            except TBLiteRuntimeError:
                calculator.set("mixer-damping", 0.1)
                calculator.set("max-iter", 4 * int(self._settings["max_iterations"]))
            try:
                return calculator.singlepoint(), ["SCC: mixing 0.1"]
            except TBLiteRuntimeError:
                calculator.set("temperature", 3000.0 * KT_HARTREE)
            try:
                hot = calculator.singlepoint()
                calculator.set("temperature", temperature)
                return calculator.singlepoint(hot), ["SCC: mixing 0.1", "SCC: annealed from 3000 K"]
            except TBLiteRuntimeError as error:
                raise ScientificFailureError(
                    f"the charges of {self.level} did not converge: {_sentence(error)}"
                ) from None

    def _forces(
        self, structure: AtomicStructure, positions: Array, recovery: list[str]
    ) -> tuple[float, Array]:
        # Each point starts from the same guess: a result depends on its geometry alone.
        result, handlers = self._converge(self._calculator(structure, positions))
        recovery.extend(h for h in handlers if h not in recovery)
        return (
            float(result.get("energy")) * HARTREE_EV,
            -np.asarray(result.get("gradient"), dtype=float) * FORCE_EV_A,
        )


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _calculator(steps: Steps) -> Any:
    """Return an ASE calculator that asks ``steps``."""
    from ase.calculators import calculator

    base: Any = calculator.Calculator

    class FromSteps(base):  # type: ignore[misc]
        implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

        def calculate(
            self,
            atoms: Any = None,
            properties: Any = None,
            system_changes: Any = calculator.all_changes,
        ) -> None:
            super().calculate(atoms, properties, system_changes)
            energy, forces = steps(self.atoms.positions)
            self.results = {"energy": energy, "forces": forces}

    make: Any = FromSteps
    return make()
