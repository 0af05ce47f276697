"""What an engine for crystals and slabs can do, in eV, angstrom, eV/angstrom and eV/angstrom^3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mgscreen.core.errors import InputError, MissingEngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

    Array = NDArray[np.float64]

CellPolicy = Literal["fixed", "isotropic", "full", "in-plane"]
"""What a relaxation may do to the cell; ``in-plane`` keeps the third vector (slabs, layers)."""

EnergyConvention = Literal["pbe", "mp2020", "unknown"]
"""Zero and corrections of an energy. ``pbe``: as the functional gives it. ``mp2020``: with the
corrections of the Materials Project (A. Wang et al., Sci. Rep. 11, 15496 (2021)) learned in.
Energies of different conventions, or of different engines, are never subtracted."""


@dataclass
class PeriodicResult:
    """One converged single point."""

    energy_ev: float
    """of the whole cell; extrapolated to zero smearing where there is smearing"""
    forces: Array
    """shape (n, 3), eV/angstrom"""
    stress: Array | None
    """shape (3, 3), eV/angstrom^3, positive where the cell wants to contract (as ASE's);
    None where the engine gives none"""
    energy_convention: EnergyConvention
    fermi_ev: float | None = None
    work_function_ev: float | None = None
    """of the upper side of a slab (along the third cell vector)"""
    work_function_lower_ev: float | None = None
    gap_ev: float | None = None
    """Kohn-Sham gap on the k-mesh of the calculation; 0 for a metal"""
    magnetic_moment: float | None = None
    """of the cell, Bohr magnetons"""
    warnings: list[str] = field(default_factory=list)


@dataclass
class PeriodicRelaxation:
    """End of a relaxation, converged or not."""

    structure: AtomicStructure
    energy_ev: float
    max_force_ev_per_a: float
    """over the atoms that may move"""
    max_stress_ev_per_a3: float | None
    """over the freedoms of the cell; None where the cell is fixed"""
    steps: int
    """force calls, those from disk included"""
    converged: bool
    energy_convention: EnergyConvention
    energies_ev: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class PeriodicEngine(Protocol):
    """An engine for crystals and slabs.

    ``workdir`` is where steps and text output live: a relaxation that is asked again with the same
    folder goes on from what it finds there. Failures raise ``ScientificFailureError``.
    """

    level: Level
    code: str
    energy_convention: EnergyConvention

    @property
    def code_version(self) -> str:
        """Version of the program."""
        ...

    def settings(self) -> dict[str, Any]:
        """Every setting that can change a value, defaults filled in."""
        ...

    def calculator(self, structure: AtomicStructure, workdir: Path) -> Any:
        """Return a fresh ASE calculator, dispersion included, for ``structure``."""
        ...

    def single_point(self, structure: AtomicStructure, workdir: Path) -> PeriodicResult:
        """Energy, forces and what else the engine gives at ``structure``."""
        ...

    def relax(
        self,
        structure: AtomicStructure,
        workdir: Path,
        *,
        fixed: Sequence[int] = (),
        cell: CellPolicy = "fixed",
    ) -> PeriodicRelaxation:
        """Relax the atoms that are not ``fixed`` and, as ``cell`` allows, the cell."""
        ...


def get_periodic_engine(level: Level) -> PeriodicEngine:
    """Return the engine of a level of theory for crystals and slabs.

    Raises
    ------
    MissingEngineError
        If its package is not installed; the text names the command that installs it.
    InputError
        If the level is not one for periodic systems, or has an unknown method or setting.
    """
    if level.engine == "mlip":
        try:
            from mgscreen.engines.mlip import MlipEngine
        except ImportError as error:
            raise MissingEngineError(error.name or "torch", "mlip") from error
        return MlipEngine(level)
    if level.engine == "gpaw":
        try:
            from mgscreen.engines.gpaw import GpawEngine
        except ImportError as error:
            raise MissingEngineError(error.name or "gpaw", "gpaw") from error
        return GpawEngine(level)
    if level.engine == "vasp":
        if not {"output", "outputs"}.intersection(level.settings):
            raise InputError(
                f"'{level}': VASP is not run by mgscreen; see `mgscreen export inputs`"
            )
        from mgscreen.engines.vasp_outputs import VaspOutputs

        return VaspOutputs(level)
    raise InputError(f"'{level}' is not a level for crystals and slabs (mlip, gpaw)")
