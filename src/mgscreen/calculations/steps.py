"""Steps of a calculation: each is saved when it ends, so that a killed job computes nothing twice.

An engine's own checkpoints live in a subfolder per step; its small result lies beside them as JSON,
written under another name and renamed, so that a kill leaves the whole file or none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mgscreen.core.documents import PropertyValue
from mgscreen.core.properties import PROPERTIES
from mgscreen.core.structure import AtomicStructure, Role
from mgscreen.engines.level import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mgscreen.engines.base import FrontierOrbitals, MolecularEngine

M = TypeVar("M", bound=BaseModel)

REPORTED_ROLES: dict[str, tuple[Role, ...]] = {
    "metal": ("metal",),
    "anion": ("anion",),
    "solvent": ("solvent",),
}
"""What orbitals and spins are summed over; a neutral candidate alone has none of these."""


class Frontier(BaseModel):
    """Frontier levels of one spin, eV vs vacuum, and their weights on atoms (sum 1)."""

    model_config = ConfigDict(extra="forbid")

    homo_ev: float | None = None
    lumo_ev: float | None = None
    homo_weights: list[float] | None = None
    lumo_weights: list[float] | None = None

    @classmethod
    def of(cls, orbitals: FrontierOrbitals) -> Frontier:
        """Take over what an engine returned."""
        return cls(
            homo_ev=orbitals.homo_ev,
            lumo_ev=orbitals.lumo_ev,
            homo_weights=_floats(orbitals.homo_weights),
            lumo_weights=_floats(orbitals.lumo_weights),
        )


class ElectronicState(BaseModel):
    """A converged single point, as it is kept on disk and inside documents."""

    model_config = ConfigDict(extra="forbid")

    charge: int = Field(description="e")
    multiplicity: int = Field(description="2S+1")
    energy_ev: float
    alpha: Frontier
    beta: Frontier | None = None
    charges: list[float] = Field(description="Loewdin charge of each atom, e (xtb: Mulliken)")
    spin_populations: list[float] | None = Field(
        default=None, description="Loewdin spin population of each atom; None: closed shell"
    )
    s_squared: float = 0.0
    recovery: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    checkpoint: str | None = Field(
        default=None, description="wavefunction file on this machine; never in a document"
    )

    @property
    def wavefunction(self) -> Path | None:
        """The wavefunction on disk, where it is still there."""
        path = None if self.checkpoint is None else Path(self.checkpoint)
        return path if path is not None and path.exists() else None

    def for_document(self) -> ElectronicState:
        """Return this state without the paths of the machine that computed it."""
        return self.model_copy(update={"checkpoint": None})

    @property
    def frontier_ev(self) -> tuple[float | None, float | None]:
        """Highest occupied and lowest empty level over both spins, eV."""
        spins = [s for s in (self.alpha, self.beta) if s is not None]
        occupied = [s.homo_ev for s in spins if s.homo_ev is not None]
        empty = [s.lumo_ev for s in spins if s.lumo_ev is not None]
        return max(occupied, default=None), min(empty, default=None)


class RelaxedState(BaseModel):
    """The end of a geometry optimisation, as it is kept on disk."""

    model_config = ConfigDict(extra="forbid")

    structure: AtomicStructure
    energy_ev: float
    max_force_ev_per_a: float
    steps: int
    converged: bool
    recovery: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


def once(path: Path, model: type[M], compute: Callable[[], M]) -> M:
    """Return what ``path`` holds, or compute it and save it there.

    Parameters
    ----------
    path
        JSON file of this step.
    model
        What it holds.
    compute
        Called where the file is missing or unreadable; a failure is not saved.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        pass
    result = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, result.model_dump_json())
    return result


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is either whole or not there."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def single_point(
    engine: MolecularEngine,
    structure: AtomicStructure,
    folder: Path,
    guess: ElectronicState | None = None,
) -> ElectronicState:
    """Converge one electronic state, or take it from ``folder``.

    Raises
    ------
    ScientificFailureError
        If it does not converge.
    """

    def compute() -> ElectronicState:
        start = None if guess is None else guess.wavefunction
        folder.mkdir(parents=True, exist_ok=True)
        result = engine.single_point(structure, folder, guess=start)
        return ElectronicState(
            charge=structure.charge,
            multiplicity=structure.multiplicity,
            energy_ev=float(result.energy_ev),
            alpha=Frontier.of(result.alpha),
            beta=None if result.beta is None else Frontier.of(result.beta),
            charges=_floats(result.charges) or [],
            spin_populations=_floats(result.spin_populations),
            s_squared=float(result.s_squared),
            recovery=list(result.recovery),
            warnings=list(result.warnings),
            checkpoint=None if result.checkpoint is None else str(result.checkpoint),
        )

    return once(folder / "state.json", ElectronicState, compute)


def relax(engine: MolecularEngine, structure: AtomicStructure, folder: Path) -> RelaxedState:
    """Optimise a geometry, or take the end from ``folder``; a single atom has nothing to optimise.

    Raises
    ------
    ScientificFailureError
        If the engine cannot go on.
    """

    def compute() -> RelaxedState:
        folder.mkdir(parents=True, exist_ok=True)
        if len(structure.symbols) == 1:
            energy = engine.single_point(structure, folder).energy_ev
            return RelaxedState(
                structure=structure,
                energy_ev=float(energy),
                max_force_ev_per_a=0.0,
                steps=0,
                converged=True,
            )
        result = engine.relax(structure, folder)
        return RelaxedState(
            structure=result.structure,
            energy_ev=float(result.energy_ev),
            max_force_ev_per_a=float(result.max_force_ev_per_a),
            steps=int(result.steps),
            converged=bool(result.converged),
            recovery=list(result.recovery),
            warnings=list(result.warnings),
        )

    return once(folder / "relaxed.json", RelaxedState, compute)


def provenance(engine: MolecularEngine) -> dict[str, Any]:
    """Return the fields of a document that say what computed it."""
    return {
        "level": str(engine.level),
        "code": engine.code,
        "code_version": engine.code_version,
        "settings": engine.settings(),
    }


def by_role(structure: AtomicStructure, values: Sequence[float] | None) -> dict[str, float]:
    """Sum values on atoms, shape (n_atoms,), over the metal, the anion(s) and the solvent.

    A role that the structure does not have is left out.
    """
    if values is None:
        return {}
    sums = {}
    for name, roles in REPORTED_ROLES.items():
        atoms = structure.atoms_of(*roles)
        if atoms:
            sums[name] = float(sum(values[i] for i in atoms))
    return sums


def environment_of(level: str) -> str:
    """Return the surroundings that a level's name states, empty where there is no level."""
    return Level.parse(level).environment if level else ""


def value(name: str, number: float | None, level: str, **more: Any) -> PropertyValue:
    """Return one property row with its declared unit and the environment of its level."""
    return PropertyValue(
        property=name,
        value=number,
        unit=PROPERTIES[name].unit,
        environment=environment_of(level),
        **more,
    )


def absent(
    names: Iterable[str], reason: str, level: str, reference: str = ""
) -> list[PropertyValue]:
    """Return rows that state why there is no value."""
    return [
        value(name, None, level, state="failed", reason=reason, reference=reference)
        for name in names
    ]


def _floats(values: Any) -> list[float] | None:
    return None if values is None else [float(x) for x in values]
