"""What an engine for molecules can do, in eV and angstrom; each engine converts at its own door."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mgscreen.core.errors import InputError, MissingEngineError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]


@dataclass
class FrontierOrbitals:
    """Kohn-Sham frontier levels of one spin, eV, and their Loewdin weight on each atom (sum 1)."""

    homo_ev: float | None
    lumo_ev: float | None
    homo_weights: Array | None = None
    lumo_weights: Array | None = None


@dataclass
class ElectronicResult:
    """One converged single point."""

    energy_ev: float
    alpha: FrontierOrbitals
    beta: FrontierOrbitals | None
    """None for a closed shell"""
    spin_populations: Array | None
    """Loewdin spin population of each atom, electrons; None for a closed shell"""
    charges: Array
    """Loewdin (xtb: Mulliken) charge of each atom, e"""
    s_squared: float
    recovery: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    checkpoint: Path | None = None
    """wavefunction on disk, a starting guess for a state of the same atoms"""


@dataclass
class RelaxationResult:
    """End of a geometry optimisation, converged or not."""

    structure: AtomicStructure
    energy_ev: float
    max_force_ev_per_a: float
    steps: int
    converged: bool
    recovery: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class VibrationResult:
    """Harmonic vibrations; imaginary wavenumbers are negative."""

    wavenumbers_cm1: Array
    """shape (n_modes,), translations and rotations projected out"""
    modes: Array
    """shape (n_modes, n_atoms, 3), Cartesian displacements, normalised"""
    warnings: list[str] = field(default_factory=list)


@dataclass
class SurfacePotential:
    """Electrostatic potential on an isodensity surface."""

    points: Array
    """shape (n, 3), angstrom"""
    values: Array
    """shape (n,), V"""
    isovalue: float
    """electrons / bohr^3"""
    faces: Any = None
    """shape (m, 3), vertex indices of the triangles"""
    area_a2: float = 0.0


class MolecularEngine(Protocol):
    """An engine for molecules.

    ``workdir`` is where checkpoints live: an engine that is called again with the same folder goes
    on from what it finds there. Failures raise ``ScientificFailureError`` with a reason.
    """

    level: Level
    code: str

    @property
    def code_version(self) -> str:
        """Version of the program."""
        ...

    def settings(self) -> dict[str, Any]:
        """Every setting that can change a value, defaults filled in."""
        ...

    def single_point(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> ElectronicResult:
        """Converge the electronic state of ``structure``."""
        ...

    def relax(self, structure: AtomicStructure, workdir: Path) -> RelaxationResult:
        """Optimise the geometry; every step is saved in ``workdir``."""
        ...

    def vibrations(self, structure: AtomicStructure, workdir: Path) -> VibrationResult:
        """Compute harmonic vibrations at a stationary point."""
        ...

    def surface_potential(
        self, structure: AtomicStructure, workdir: Path, guess: Path | None = None
    ) -> SurfacePotential:
        """Electrostatic potential on the 0.001 a.u. isodensity surface."""
        ...

    def density_cube(
        self, structure: AtomicStructure, workdir: Path, path: Path, guess: Path | None = None
    ) -> None:
        """Write the electron density as a Gaussian cube file (bohr, electrons/bohr^3)."""
        ...


def get_engine(level: Level) -> MolecularEngine:
    """Return the engine of a level of theory.

    Raises
    ------
    MissingEngineError
        If its package is not installed; the text names the command that installs it.
    InputError
        If the level has a setting that the engine does not know.
    """
    if level.engine == "xtb":
        try:
            from mgscreen.engines.xtb import XtbEngine
        except ImportError as error:
            raise MissingEngineError("tblite", "xtb") from error
        return XtbEngine(level)
    if level.engine == "pyscf":
        try:
            from mgscreen.engines.pyscf import PyscfEngine
        except ImportError as error:
            raise MissingEngineError("PySCF", "pyscf") from error
        return PyscfEngine(level)
    if level.engine == "gaussian":
        if "outputs" not in level.settings:
            raise InputError(
                f"'{level}': Gaussian is not run by mgscreen; see `mgscreen export inputs`"
            )
        from mgscreen.engines.gaussian_outputs import GaussianOutputs

        return GaussianOutputs(level)
    raise InputError(f"'{level}' is a level for crystals and slabs, not for molecules")
