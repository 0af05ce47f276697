"""Periodic DFT by GPAW: PBE, PAW, plane waves.

J. J. Mortensen et al., J. Chem. Phys. 160, 092503 (2024), doi:10.1063/5.0182685. Measured in this
project: clean Mg(0001) p(3x3), four layers, 3x3x1: about 90 CPU s and a work function of 3.79 eV.

Atoms and molecules alone in an open cell keep their moment, with next to no smearing; a single atom
starts from the occupation of Hund's rules, since its partly filled shell otherwise stays smeared
over degenerate orbitals, which is another, higher state: 0.17 eV for F at 0.1 eV, 0.26 eV at 0.01.

Charge: a periodic cell gets a homogeneous background of the opposite charge; a slab that is not
periodic along its normal is refused a charge. Energies are those extrapolated to zero smearing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from gpaw import GPAW, PW, FermiDirac, KohnShamConvergenceError
from gpaw.mixer import Mixer, MixerSum
from gpaw.new.symmetry import SymmetryBrokenError

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.options import Option, count, fill, positive
from mgscreen.engines.periodic import (
    CellPolicy,
    EnergyConvention,
    PeriodicRelaxation,
    PeriodicResult,
)
from mgscreen.engines.periodic_relax import CURVATURE, check_distances, relax_periodic
from mgscreen.engines.versions import engine_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

OPTIONS = {
    "cutoff_ev": positive(450.0, "the energy cut-off of the plane waves, eV", high=3000.0),
    "kpts": Option(None, (list, tuple, type(None)), "three whole numbers, for instance [3, 3, 1]"),
    "kpt_density_a": positive(5.0, "k-points per reciprocal angstrom, where no kpts are given"),
    "kpt_density_cell_a": positive(7.0, "the same where the cell is relaxed too, at least"),
    "smearing_ev": positive(0.1, "the width of the Fermi-Dirac occupation, eV", high=1.0),
    "molecule_smearing_ev": positive(
        0.01, "the same for what is alone in an open cell, eV", high=1.0
    ),
    "spin": Option(None, (bool, type(None)), "true, false, or absent for what the structure has"),
    "setups": Option({"Mg": "2"}, (dict,), "PAW sets, for instance {Mg = '2'}"),
    "empty_bands": Option(
        None,
        (float, int, type(None)),
        "bands above the occupied ones, as a part of them: 0.04 is enough for the energy of an "
        "insulator; absent: GPAW's own choice, a fifth",
        low=0.0,
        high=10.0,
    ),
    "dipole": Option(None, (bool, type(None)), "true, false, or absent: where z is not periodic"),
    "energy_tolerance_ev": positive(1e-5, "the SCF's energy tolerance, eV per valence electron"),
    "density_tolerance": positive(1e-4, "the SCF's density tolerance, electrons per electron"),
    "eigenstates_tolerance": positive(4e-8, "the SCF's tolerance of states, eV^2 per electron"),
    "eigensolver": Option(
        None,
        (str, type(None)),
        "'davidson', 'ppcg' or 'rmm-diis'; absent: GPAW's own choice",
        choices=(None, "davidson", "ppcg", "rmm-diis"),
    ),
    "eigensolver_steps": Option(
        None, (int, type(None)), "a whole number of its steps in an SCF iteration", low=1, high=20
    ),
    "start_basis": Option(
        None,
        (str, type(None)),
        "the basis of the orbitals of the first guess of a neutral closed shell: 'sz(dzp)', "
        "'szp(dzp)' or 'dzp'; absent: GPAW's own choice, the partial waves",
        choices=(None, "sz(dzp)", "szp(dzp)", "dzp"),
    ),
    "mixing": positive(0.05, "the part of the new density that is mixed in"),
    "max_iterations": count(200, "a whole number of SCF iterations"),
    "fmax": positive(0.03, "a force in eV/angstrom at which a relaxation has converged"),
    "fmax_cell": positive(0.005, "the same where the cell is relaxed too: small cells need it"),
    "curvature": positive(CURVATURE, "the optimiser's first guess of a curvature, eV/angstrom^2"),
    "max_steps": count(150, "a whole number of relaxation steps"),
}


class GpawEngine:
    """PBE by GPAW; see ``PeriodicEngine`` for the methods.

    Raises
    ------
    InputError
        If the method or a setting is unknown.
    """

    code = "gpaw"
    energy_convention: EnergyConvention = "pbe"

    def __init__(self, level: Level) -> None:
        if level.method != "pbe":
            raise InputError(f"'{level}': gpaw has no method '{level.method}' (known: pbe)")
        self.level = level
        self._settings = fill("gpaw", OPTIONS, level.settings)
        kpts = self._settings["kpts"]
        if kpts is not None and (
            len(kpts) != 3 or any(not isinstance(k, int) or k < 1 for k in kpts)  # noqa: PLR2004
        ):
            raise InputError(f"the setting 'kpts' is {kpts!r}, expected three whole numbers")
        if self._settings["eigensolver_steps"] and not self._settings["eigensolver"]:
            raise InputError("the setting 'eigensolver_steps' needs the setting 'eigensolver'")
        self._last: tuple[Any, Any] | None = None

    @property
    def code_version(self) -> str:
        """Version of GPAW."""
        return engine_version("gpaw")

    def settings(self) -> dict[str, Any]:
        """Return every setting, with the defaults filled in."""
        return dict(self._settings)

    def kpts(self, structure: AtomicStructure) -> tuple[int, int, int]:
        """Return the k-mesh: the one set, or the density times each reciprocal vector.

        One point along an open direction, whatever is set.

        The mesh of a hexagonal cell is Gamma-centred, so that it keeps the symmetry.
        """
        given = self._settings["kpts"]
        if given is not None:
            a, b, c = (
                int(k) if periodic else 1 for k, periodic in zip(given, structure.pbc, strict=True)
            )
            return a, b, c
        density = float(self._settings["kpt_density_a"])
        reciprocal = np.linalg.norm(structure.to_ase().cell.reciprocal(), axis=1) * 2 * math.pi
        mesh = [
            max(1, math.ceil(density * length)) if periodic else 1
            for length, periodic in zip(reciprocal, structure.pbc, strict=True)
        ]
        return mesh[0], mesh[1], mesh[2]

    def _for_cell(self) -> GpawEngine:
        """Return this engine with the mesh that a cell needs.

        hcp Mg: 12x12x7 leaves c 1.2 % short, 16x16x10 0.3 %.
        """
        density = max(self._settings["kpt_density_a"], self._settings["kpt_density_cell_a"])
        settings = {**self.level.settings, "kpt_density_a": density}
        return GpawEngine(self.level.model_copy(update={"settings": settings}))

    def calculator(self, structure: AtomicStructure, workdir: Path) -> Any:
        """Return an ASE calculator; its text goes to ``workdir/gpaw.txt``.

        Raises
        ------
        ScientificFailureError
            For a charged cell that is not periodic in all directions.
        """
        if structure.charge and not all(structure.pbc):
            raise ScientificFailureError("a charged slab has no defined energy in an open cell")
        dft = self._gpaw(structure, workdir)
        if not self.level.dispersion:
            return dft
        from mgscreen.engines.dispersion import with_d3

        return with_d3(dft)

    def _gpaw(self, structure: AtomicStructure, workdir: Path) -> Any:
        from threadpoolctl import threadpool_limits

        threadpool_limits(runtime().threads)
        s = self._settings
        spin = s["spin"] if s["spin"] is not None else structure.multiplicity > 1
        dipole = s["dipole"]
        if dipole is None:
            dipole = structure.pbc == (True, True, False)
        workdir.mkdir(parents=True, exist_ok=True)
        more: dict[str, Any] = {
            "occupations": FermiDirac(float(s["smearing_ev"])),
            "eigensolver": _eigensolver(s["eigensolver"], s["eigensolver_steps"]),
        }
        if s["start_basis"] is not None and not structure.charge and not spin:
            # the electrons that a charge adds may need orbitals that a small basis has not
            more["basis"] = s["start_basis"]
        if s["empty_bands"] is not None:
            more["nbands"] = f"{100 + 100 * float(s['empty_bands']):g}%"
        if dipole:
            more["poissonsolver"] = {"dipolelayer": "xy"}
        if spin:
            # in a crystal the moment is free: the occupation finds it from the formal one
            n = len(structure.symbols)
            more["magmoms"] = [(structure.multiplicity - 1) / n] * n
        if not any(structure.pbc):
            more |= _alone(structure, float(s["molecule_smearing_ev"]), spin=bool(spin))
        used = set(structure.symbols)
        mixer = (MixerSum if spin else Mixer)(float(s["mixing"]), 5, 50)
        return GPAW(
            mode=PW(float(s["cutoff_ev"])),
            xc="PBE",
            kpts={"size": self.kpts(structure), "gamma": True},
            setups={e: v for e, v in s["setups"].items() if e in used},
            spinpol=bool(spin),
            charge=float(structure.charge),
            convergence={
                "energy": float(s["energy_tolerance_ev"]),
                "density": float(s["density_tolerance"]),
                "eigenstates": float(s["eigenstates_tolerance"]),
            },
            maxiter=int(s["max_iterations"]),
            mixer=mixer,
            txt=str(workdir / "gpaw.txt"),
            **more,
        )

    def single_point(self, structure: AtomicStructure, workdir: Path) -> PeriodicResult:
        """Energy, forces, Fermi level, gap, moment, work function of slabs; no stress.

        Raises
        ------
        ScientificFailureError
            If the SCF does not converge.
        """
        atoms: Any = structure.to_ase()
        check_distances(atoms)
        dft, goes_on = self._started(structure, workdir)
        atoms.calc = dft
        warnings: list[str] = []
        try:
            energy = float(atoms.get_potential_energy())
            forces = np.asarray(atoms.get_forces(), dtype=np.float64)
        except SymmetryBrokenError:
            self._last = None
            if goes_on:  # the last structure had symmetries that this one has not
                return self.single_point(structure, workdir)
            raise
        except KohnShamConvergenceError:
            self._last = None
            raise ScientificFailureError(
                f"{self.level}: the SCF did not converge in {self._settings['max_iterations']} "
                f"iterations; see {workdir / 'gpaw.txt'}"
            ) from None
        fermi = gap = upper = lower = None
        if any(structure.pbc):  # with a fixed moment each spin has a Fermi level of its own
            fermi = float(dft.get_fermi_level())
            gap = _gap(dft, warnings)
            upper, lower = _work_functions(dft, structure, fermi)
        moment = float(dft.get_magnetic_moment())
        if self.level.dispersion:
            from mgscreen.engines.dispersion import d3

            atoms = structure.to_ase()
            atoms.calc = d3()
            energy += float(atoms.get_potential_energy())
            forces = forces + atoms.get_forces()
        return PeriodicResult(
            energy_ev=energy,
            forces=forces,
            stress=None,
            energy_convention=self.energy_convention,
            fermi_ev=fermi,
            work_function_ev=upper,
            work_function_lower_ev=lower,
            gap_ev=gap,
            magnetic_moment=moment,
            warnings=warnings,
        )

    def _started(self, structure: AtomicStructure, workdir: Path) -> tuple[Any, bool]:
        """Return a calculator, and whether it is that of the last single point, of the same atoms.

        It starts from the wave functions of the last structure, which saves a third of the time.
        """
        same = (
            structure.symbols,
            structure.cell,
            structure.pbc,
            structure.charge,
            structure.multiplicity,
            workdir,
        )
        if self._last is not None and self._last[0] == same:
            return self._last[1], True
        self._last = None  # two at once would need twice the memory
        self._last = (same, self._gpaw(structure, workdir))
        return self._last[1], False

    def relax(
        self,
        structure: AtomicStructure,
        workdir: Path,
        *,
        fixed: Sequence[int] = (),
        cell: CellPolicy = "fixed",
    ) -> PeriodicRelaxation:
        """Relax atoms and, as ``cell`` allows, the cell; every step is saved in ``workdir``.

        Raises
        ------
        ScientificFailureError
            If the SCF does not converge at some step.
        """
        engine = self if cell == "fixed" else self._for_cell()
        try:
            return relax_periodic(
                engine,
                structure,
                workdir,
                fixed=fixed,
                cell=cell,
                convention=self.energy_convention,
                fmax=float(self._settings["fmax" if cell == "fixed" else "fmax_cell"]),
                max_steps=int(self._settings["max_steps"]),
                curvature=float(self._settings["curvature"]),
            )
        except KohnShamConvergenceError:
            raise ScientificFailureError(
                f"{self.level}: the SCF did not converge; see {workdir / 'gpaw.txt'}"
            ) from None


def _eigensolver(name: str | None, steps: int | None) -> dict[str, Any] | None:
    """Return what GPAW is told of its eigensolver; None leaves it to GPAW."""
    if name is None:
        return None
    return {"name": name} if steps is None else {"name": name, "niter": steps}


def _alone(structure: AtomicStructure, smearing: float, *, spin: bool) -> dict[str, Any]:
    """Return how electrons fill the orbitals of an atom or molecule in an open cell."""
    if not spin:
        return {"occupations": FermiDirac(smearing)}
    if len(structure.symbols) == 1 and structure.multiplicity == hund_multiplicity(structure):
        # GPAW sets the moment and the occupation of the free atom itself
        return {"hund": True, "occupations": FermiDirac(0.0, fixmagmom=True), "magmoms": None}
    return {"occupations": FermiDirac(smearing, fixmagmom=True)}


def hund_multiplicity(atom: AtomicStructure) -> int:
    """Return the multiplicity of the ground state of a neutral atom of the p or s block.

    Hund's first rule: as many parallel spins as the open shell has room for. 0 for an ion.
    """
    from ase.data import atomic_numbers, ground_state_magnetic_moments

    if atom.charge or len(atom.symbols) != 1:
        return 0
    return int(ground_state_magnetic_moments[atomic_numbers[atom.symbols[0]]]) + 1


def _gap(dft: Any, warnings: list[str]) -> float | None:
    from ase.dft.bandgap import bandgap

    try:
        gap, _, _ = bandgap(dft, output=None)
    except ValueError as error:
        warnings.append(f"no gap: {error}")
        return None
    return max(0.0, float(gap))


def _work_functions(
    dft: Any, structure: AtomicStructure, fermi: float
) -> tuple[float | None, float | None]:
    """Vacuum level of each side, averaged over the plane at the cell's edge, above the Fermi level.

    Only where the cell is open along its third vector: there the potential is flat at both ends.
    """
    if structure.pbc != (True, True, False):
        return None, None
    averages = np.asarray(dft.get_electrostatic_potential()).mean(axis=(0, 1))
    return float(averages[-1] - fermi), float(averages[0] - fermi)
