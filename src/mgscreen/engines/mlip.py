"""Machine-learned potentials, with the weights that ship in their packages or a user's own.

- ``mlip:chgnet``: CHGNet 0.3.0 (B. Deng et al., Nat. Mach. Intell. 5, 1031 (2023)), trained on
  Materials Project energies *with* the MP2020 corrections: its energies belong to the convention
  ``mp2020`` and are never mixed with those of other potentials or of DFT.
- ``mlip:7net-0``, ``mlip:7net-l3i5``: SevenNet (Y. Park et al., J. Chem. Theory Comput. 20, 4857
  (2024)), PBE as computed.
- ``mlip:mace`` and the rest of ``LOADERS`` with the setting ``checkpoint``: a file of the user.

Trained on neutral cells: a charge in the structure is refused rather than ignored. They soften
barriers and disagree with each other; compute with two and store the spread.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mgscreen.core.errors import InputError, MissingEngineError, ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.device import needs_gpu, require_torch_device
from mgscreen.engines.dispersion import with_d3
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

    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

OPTIONS = {
    # 0.02 stops Mg 0.7 % from CHGNet's own c: small cells need a small force on the cell
    "fmax": positive(0.005, "a force in eV/angstrom at which a relaxation has converged"),
    "curvature": positive(CURVATURE, "the optimiser's first guess of a curvature, eV/angstrom^2"),
    "max_steps": count(500, "a whole number of relaxation steps"),
    "checkpoint": Option("", (str,), "the path of a file of weights"),
    "device": Option("cpu", (str,), "cpu or cuda", choices=("cpu", "cuda")),
    "convention": Option(
        "", (str,), "pbe, mp2020 or unknown", choices=("", "pbe", "mp2020", "unknown")
    ),
}
# name: package, energy convention
SHIPPED: dict[str, tuple[str, EnergyConvention]] = {
    "chgnet": ("chgnet", "mp2020"),
    "7net-0": ("sevenn", "pbe"),
    "7net-l3i5": ("sevenn", "pbe"),
}
BY_CHECKPOINT = {"sevenn": "sevenn", "mace": "mace-torch", "chgnet": "chgnet"}
"""Architectures that load a user's file, and their packages."""


class MlipEngine:
    """A machine-learned potential; see ``PeriodicEngine`` for the methods.

    Raises
    ------
    InputError
        If the potential or a setting is unknown, or the checkpoint does not exist.
    """

    code = "mlip"

    def __init__(self, level: Level) -> None:
        self.level = level
        self._settings = fill("mlip", OPTIONS, level.settings)
        convention: EnergyConvention = "unknown"
        checkpoint = self._settings["checkpoint"]
        if checkpoint:
            if level.method not in BY_CHECKPOINT:
                known = ", ".join(BY_CHECKPOINT)
                raise InputError(f"'{level}': no loader for a checkpoint of this kind ({known})")
            if not Path(checkpoint).is_file():
                raise InputError(f"'{level}': there is no checkpoint {checkpoint}")
            self.package = BY_CHECKPOINT[level.method]
        elif level.method in SHIPPED:
            self.package, convention = SHIPPED[level.method]
        else:
            known = ", ".join(SHIPPED)
            raise InputError(
                f"'{level}': no potential '{level.method}' ships its weights (known: {known}; "
                "others with the setting 'checkpoint')"
            )
        if engine_version(self.package) == "missing":
            raise MissingEngineError(self.package, "mlip")
        self.energy_convention: EnergyConvention = self._settings["convention"] or convention
        self.code = self.package

    @property
    def code_version(self) -> str:
        """Version of the package that holds the potential."""
        return engine_version(self.package)

    def settings(self) -> dict[str, Any]:
        """Return every setting that can change a value; a checkpoint by the hash of its content."""
        settings = {k: v for k, v in self._settings.items() if k != "checkpoint"}
        if not needs_gpu(settings):
            del settings["device"]
        settings["convention"] = self.energy_convention
        if self._settings["checkpoint"]:
            settings["checkpoint_sha256"] = _hash(self._settings["checkpoint"])
        return settings

    def calculator(
        self,
        structure: AtomicStructure,
        workdir: Path,  # noqa: ARG002 - nothing is written
    ) -> Any:
        """Return an ASE calculator that shares the loaded weights with the others of this process.

        Raises
        ------
        ScientificFailureError
            For a charged structure: no potential here knows what a charge is.
        InfrastructureError
            If the level names a CUDA device and torch has none.
        """
        if structure.charge != 0:
            raise ScientificFailureError(
                f"{self.level} knows no charge ({structure.charge:+d} asked): use gpaw:pbe"
            )
        torch.set_num_threads(runtime().threads)
        settings = self._settings
        if needs_gpu(settings):
            require_torch_device()
        inner = _load(self.level.method, settings["checkpoint"], settings["device"])
        if not self.level.dispersion:
            return inner
        return with_d3(inner)

    def single_point(self, structure: AtomicStructure, workdir: Path) -> PeriodicResult:
        """Energy, forces and stress."""
        atoms: Any = structure.to_ase()
        check_distances(atoms)
        atoms.calc = self.calculator(structure, workdir)
        energy = float(atoms.get_potential_energy())
        periodic = all(structure.pbc)
        return PeriodicResult(
            energy_ev=energy,
            forces=np.asarray(atoms.get_forces(), dtype=np.float64),
            stress=np.asarray(atoms.get_stress(voigt=False), dtype=np.float64)
            if periodic
            else None,
            energy_convention=self.energy_convention,
        )

    def relax(
        self,
        structure: AtomicStructure,
        workdir: Path,
        *,
        fixed: Sequence[int] = (),
        cell: CellPolicy = "fixed",
    ) -> PeriodicRelaxation:
        """Relax atoms and, as ``cell`` allows, the cell; every step is saved in ``workdir``."""
        return relax_periodic(
            self,
            structure,
            workdir,
            fixed=fixed,
            cell=cell,
            convention=self.energy_convention,
            fmax=float(self._settings["fmax"]),
            max_steps=int(self._settings["max_steps"]),
            curvature=float(self._settings["curvature"]),
        )


def _hash(path: str) -> str:
    import hashlib

    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4)
def _load(method: str, checkpoint: str, device: str) -> Any:
    """Return the ASE calculator of a potential; loading takes seconds, so once per process."""
    # the packages greet on stdout, which belongs to the command that runs
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _calculator(method, checkpoint, device)


def _calculator(method: str, checkpoint: str, device: str) -> Any:
    if method == "chgnet":
        from chgnet.model.dynamics import CHGNetCalculator
        from chgnet.model.model import CHGNet

        # A user's file is opened by torch with its own check of what it may contain.
        model = CHGNet.from_file(checkpoint) if checkpoint else CHGNet.load(verbose=False)
        return CHGNetCalculator(model=model, use_device=device, on_isolated_atoms="warn")
    if method in {"7net-0", "7net-l3i5", "sevenn"}:
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator(model=checkpoint or method, device=device)
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=checkpoint, device=device, default_dtype="float64")


def mp2020_correction(structure: AtomicStructure) -> float:
    """Return the MP2020 correction of a cell, eV, as the Materials Project adds it to PBE energies.

    Subtracted from an ``mp2020`` energy (CHGNet's) it gives one as PBE has it, as far as the
    potential has learned the corrections. Only for compounds that the Project computes without a
    Hubbard U; the oxidation states are guessed from the composition, as the Project does.

    A. Wang et al., Sci. Rep. 11, 15496 (2021), doi:10.1038/s41598-021-94550-5.
    """
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedStructureEntry
    from pymatgen.io.ase import AseAtomsAdaptor

    crystal = AseAtomsAdaptor.get_structure(structure.to_ase())
    entry = ComputedStructureEntry(
        crystal, 0.0, parameters={"run_type": "GGA", "hubbards": {}, "potcar_symbols": []}
    )
    corrected = MaterialsProject2020Compatibility(check_potcar=False).process_entry(entry)
    return float(corrected.correction) if corrected is not None else 0.0
