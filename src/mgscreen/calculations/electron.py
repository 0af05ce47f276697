"""One electron taken or given: the state to compute, its geometry, its potential, its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.fragmentation import Fragmentation, stretched
from mgscreen.calculations.steps import ElectronicState, RelaxedState, by_role, relax
from mgscreen.core.documents import State
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.scales import scales_for

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.engines.base import MolecularEngine

Direction = Literal["reduction", "oxidation"]
DIRECTIONS: tuple[Direction, ...] = ("reduction", "oxidation")

FLAT_EV_PER_A = 0.1
"""Pieces that drift apart never meet an optimiser's criteria; below this force their energy no
longer changes on the scale of a potential."""
SYMMETRY_BREAKING_A = 0.02
"""Standard deviation of the fixed random displacement from which a charged state is relaxed: from a
symmetric geometry, an optimiser would stay on the ridge between equivalent broken bonds."""


class RedoxStep(BaseModel):
    """One electron taken or given."""

    model_config = ConfigDict(extra="forbid")

    state: State = "completed"
    reason: str = ""
    charge: int = Field(description="of the reduced or oxidised species, e")
    multiplicity: int = Field(description="of it: the lowest that its electrons allow")
    energy_ev: float | None = None
    absolute_v: float | None = Field(default=None, description="absolute potential")
    vs_metal_v: dict[str, float] = Field(
        default_factory=dict, description="the same against the metal, under each SHE value"
    )
    located_on: dict[str, float] = Field(
        default_factory=dict,
        description="fraction of the added electron or of the hole on metal, anion, solvent",
    )
    located_by: str = Field(default="", description="spin density, or difference of charges")
    s_squared: float | None = None
    geometry: AtomicStructure | None = Field(default=None, description="relaxed; adiabatic only")
    geometry_converged: bool | None = None
    max_force_ev_per_a: float | None = None
    bonds: Fragmentation | None = Field(default=None, description="adiabatic only")
    warnings: list[str] = Field(default_factory=list)
    recovery: list[str] = Field(default_factory=list)


def first_step(structure: AtomicStructure, direction: Direction) -> RedoxStep:
    """Return the state to compute, or the reason why there is none."""
    charge = structure.charge + (-1 if direction == "reduction" else 1)
    step = RedoxStep(charge=charge, multiplicity=structure.lowest_multiplicity(charge))
    if len(structure.symbols) == 1:
        symbol = structure.symbols[0]
        if direction == "reduction" and structure.charge < 0:
            step.state = "failed"
            step.reason = f"{symbol}- alone has no bound state for another electron"
        if direction == "oxidation" and structure.charge > 0:
            step.state = "failed"
            step.reason = f"a bare {symbol} ion has only core electrons left to give"
    return step


def fill(
    step: RedoxStep,
    direction: Direction,
    structure: AtomicStructure,
    states: tuple[ElectronicState, ElectronicState],
    metal: str,
) -> None:
    """Enter the potential and the place of the electron; ``states`` are the species and its ion."""
    parent, ion = states
    step.energy_ev = ion.energy_ev
    step.s_squared = ion.s_squared
    step.recovery = list(ion.recovery)
    step.warnings += ion.warnings
    sign = 1.0 if direction == "reduction" else -1.0
    absolute = sign * (parent.energy_ev - ion.energy_ev)
    step.absolute_v = absolute
    scales = scales_for(metal).of("potential")
    step.vs_metal_v = {scale.name: scale.potential(absolute) for scale in scales}
    if direction == "reduction" and absolute < 0:
        step.warnings.append(
            f"the added electron is not bound (it would gain {-absolute:.2f} eV by leaving for "
            "vacuum): this reduction potential depends on the basis set"
        )
    if parent.spin_populations is None and ion.spin_populations is not None:
        step.located_by = "spin density"
        step.located_on = by_role(structure, ion.spin_populations)
    else:
        # between two open shells, or from a radical to a closed one, only charges tell
        change = [sign * (a - b) for a, b in zip(parent.charges, ion.charges, strict=True)]
        step.located_by = "difference of charges"
        step.located_on = by_role(structure, change)


def relaxed_ends(
    engine: MolecularEngine, start: AtomicStructure, step: RedoxStep, folder: Path, *, probe: bool
) -> dict[str, RelaxedState]:
    """Relax a charged state: downhill, and from pulled bonds, of which the lowest is returned.

    Raises
    ------
    ScientificFailureError
        If the relaxation from the geometry of the species itself fails.
    """
    first = _displaced(start, step)
    ends = {"relaxed": _usable(relax(engine, first, folder / "geometry"), start, step.charge)}
    broken: list[RelaxedState] = []
    for label, pulled in stretched(first) if probe else []:
        try:
            end = _usable(relax(engine, pulled, folder / f"pulled-{label}"), start, step.charge)
        except ScientificFailureError as error:
            step.warnings.append(f"pulling {label} apart: {error}")
            continue
        if _changes(start, end) != _changes(start, ends["relaxed"]):
            broken.append(end)
    if broken:
        ends["pulled"] = min(broken, key=lambda end: end.energy_ev)
    return ends


def _changes(start: AtomicStructure, end: RelaxedState) -> tuple[Any, Any]:
    from mgscreen.structures.bonds import compare_bonds

    change = compare_bonds(start, end.structure)
    return sorted(change.broken), sorted(change.formed)


def _usable(end: RelaxedState, start: AtomicStructure, charge: int) -> RelaxedState:
    """Return a relaxation that converged, or whose pieces merely drift apart on a flat surface."""
    flat = end.max_force_ev_per_a <= FLAT_EV_PER_A and _changes(start, end)[0]
    if end.converged or flat:
        return end
    raise ScientificFailureError(
        f"relaxation of the charge {charge:+d} state: not converged in {end.steps} steps, largest "
        f"force {end.max_force_ev_per_a:.3f} eV/A"
    )


def take_geometry(step: RedoxStep, end: RelaxedState, *, probed: bool) -> None:
    """Enter the relaxed geometry, whether it converged, and whether a pulled bond led to it."""
    step.geometry = end.structure
    step.geometry_converged = end.converged
    step.max_force_ev_per_a = end.max_force_ev_per_a
    step.warnings += end.warnings
    if not end.converged:
        step.warnings.append(
            "the pieces still drift apart on a flat surface: not converged in "
            f"{end.steps} steps, largest force {end.max_force_ev_per_a:.3f} eV/A"
        )
    if probed:
        step.warnings.append("reached from a pulled bond: a barrier may lie before this state")


def parent_geometry(
    engine: MolecularEngine, structure: AtomicStructure, folder: Path
) -> tuple[AtomicStructure, list[str]]:
    """Relax the species at the level of its ions; keep the given geometry where that changes it."""
    from mgscreen.structures.bonds import compare_bonds

    end = relax(engine, structure, folder / "parent-geometry")
    if not end.converged:
        raise ScientificFailureError(
            f"relaxation of the species itself: not converged in {end.steps} steps, largest force "
            f"{end.max_force_ev_per_a:.3f} eV/A"
        )
    change = compare_bonds(structure, end.structure)
    if change.broken or change.formed:
        level = engine.level
        return structure, [f"{level} changes the bonds of the species: the given geometry was kept"]
    return end.structure, list(end.warnings)


def _displaced(structure: AtomicStructure, step: RedoxStep) -> AtomicStructure:
    import numpy as np

    positions = np.asarray(structure.positions)
    if len(positions) > 1:
        noise = np.random.default_rng(0).normal(scale=SYMMETRY_BREAKING_A, size=positions.shape)
        positions = np.round(positions + noise, 6)
    return structure.with_positions(positions).with_state(step.charge, step.multiplicity)
