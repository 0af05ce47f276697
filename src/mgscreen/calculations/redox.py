"""Reduction and oxidation potentials of species in solution, vertical and adiabatic.

A potential here is a *reduction* potential of a couple, from total energies in a continuum solvent
at 0 K, without zero-point, thermal or entropic terms:

    reduction of the species:   E_abs = [E(q) - E(q-1)] / e
    oxidation of the species:   E_abs = [E(q+1) - E(q)] / e

Absolute (electron at rest in vacuum); against the anode metal it is
E_abs - (absolute SHE potential) - E(M(n+)/M vs SHE), see `mgscreen.energetics.scales`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.fragmentation import Fragmentation, fragmentation
from mgscreen.calculations.steps import (
    ElectronicState,
    RelaxedState,
    absent,
    by_role,
    provenance,
    relax,
    single_point,
    value,
)
from mgscreen.core.documents import Document, PropertyValue, State
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.scales import scales_for, she_scale
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.engines.base import MolecularEngine
    from mgscreen.engines.level import Level

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


class VerticalRedoxDocument(Document):
    """Potentials at the frozen geometry, and who takes or gives the electron."""

    metal: str = "Mg"
    reference: str = Field(default="", description="reference of the *_potential_v fields")
    reduction_potential_v: float | None = None
    oxidation_potential_v: float | None = None
    energy_ev: float | None = Field(default=None, description="of the species itself")
    reduction: RedoxStep | None = None
    oxidation: RedoxStep | None = None

    def properties(self) -> list[PropertyValue]:
        """Return both potentials and the fractions; a direction that failed states its reason."""
        return _rows(self, "vertical")


class AdiabaticRedoxDocument(Document):
    """Potentials with every state at its own geometry, and the bonds that break.

    Differences of electronic energies: no zero-point, thermal or entropic term is included, which
    favours a dissociated state too little.
    """

    metal: str = "Mg"
    reference: str = Field(default="", description="reference of the *_potential_v fields")
    geometry_level: str = Field(default="", description="level of all relaxed geometries")
    reduction_potential_v: float | None = None
    oxidation_potential_v: float | None = None
    energy_ev: float | None = Field(default=None, description="of the species itself")
    parent_geometry: AtomicStructure | None = Field(
        default=None, description="the species at geometry_level"
    )
    reduction: RedoxStep | None = None
    oxidation: RedoxStep | None = None

    def properties(self) -> list[PropertyValue]:
        """Return both potentials, broken bonds and pieces; a failed direction states its reason."""
        return _rows(self, "adiabatic")


D = TypeVar("D", VerticalRedoxDocument, AdiabaticRedoxDocument)


@calculation("redox_vertical", VerticalRedoxDocument)
def vertical_potentials(
    structure: AtomicStructure, level: Level, metal: str = "Mg", identity: str = ""
) -> VerticalRedoxDocument:
    """Compute vertical reduction and oxidation potentials.

    Parameters
    ----------
    structure
        Geometry, charge, multiplicity and fragments of the species.
    level
        Level of theory, in the solvent of the electrolyte.
    metal
        The anode metal that potentials are given against.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame, if the species itself or both of its ions do not converge.
    """
    engine = get_engine(level)
    folder = runtime().workdir(identity)
    parent = single_point(engine, structure, folder / "parent")
    document = VerticalRedoxDocument(
        **provenance(engine),
        structure=structure,
        metal=metal,
        reference=she_scale(metal).reference,
        energy_ev=parent.energy_ev,
        converged={"parent": True},
        warnings=[*_about(structure, level), *parent.warnings],
        recovery=list(parent.recovery),
    )
    for direction in DIRECTIONS:
        step = _step(structure, direction)
        if step.state == "completed":
            try:
                changed = structure.with_state(step.charge, step.multiplicity)
                ion = single_point(engine, changed, folder / direction, guess=parent)
                _fill(step, direction, structure, (parent, ion), metal)
            except ScientificFailureError as error:
                step.state, step.reason = "failed", str(error)
        _attach(document, direction, step)
    return _finish(document)


@calculation("redox_adiabatic", AdiabaticRedoxDocument)
def adiabatic_potentials(
    structure: AtomicStructure,
    level: Level,
    geometry_level: Level,
    metal: str = "Mg",
    identity: str = "",
) -> AdiabaticRedoxDocument:
    """Compute adiabatic potentials and which bonds break.

    The species and both of its ions are relaxed at ``geometry_level``, so that all three geometries
    are of one kind; energies are single points at ``level``.

    Parameters
    ----------
    structure
        Geometry, charge, multiplicity and fragments of the species.
    level
        Level of the energies, in the solvent of the electrolyte.
    geometry_level
        Level of the geometries.
    metal
        The anode metal that potentials are given against.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame, if the species itself or both of its ions fail.
    """
    engine, geometry_engine = get_engine(level), get_engine(geometry_level)
    folder = runtime().workdir(identity)
    start, remarks = _parent_geometry(geometry_engine, structure, folder)
    parent = single_point(engine, start, folder / "parent")
    document = AdiabaticRedoxDocument(
        **provenance(engine),
        structure=structure,
        metal=metal,
        reference=she_scale(metal).reference,
        geometry_level=str(geometry_level),
        energy_ev=parent.energy_ev,
        parent_geometry=start,
        converged={"parent": True},
        warnings=[*_about(structure, level), *remarks, *parent.warnings],
        recovery=list(parent.recovery),
    )
    for direction in DIRECTIONS:
        step = _step(structure, direction)
        if step.state == "completed":
            try:
                end = relax(
                    geometry_engine, _displaced(start, step), folder / f"{direction}-geometry"
                )
                _take_geometry(step, start, end)
                ion = single_point(engine, end.structure, folder / direction)
                _fill(step, direction, start, (parent, ion), metal)
                step.bonds = fragmentation(start, end.structure, ion)
            except ScientificFailureError as error:
                step.state, step.reason = "failed", str(error)
        _attach(document, direction, step)
    return _finish(document)


def _step(structure: AtomicStructure, direction: Direction) -> RedoxStep:
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


def _fill(
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


def _take_geometry(step: RedoxStep, start: AtomicStructure, end: RelaxedState) -> None:
    from mgscreen.structures.bonds import compare_bonds

    step.geometry = end.structure
    step.geometry_converged = end.converged
    step.max_force_ev_per_a = end.max_force_ev_per_a
    step.warnings += end.warnings
    if end.converged:
        return
    remark = f"not converged in {end.steps} steps, largest force {end.max_force_ev_per_a:.3f} eV/A"
    if end.max_force_ev_per_a > FLAT_EV_PER_A or not compare_bonds(start, end.structure).broken:
        raise ScientificFailureError(f"relaxation of the charge {step.charge:+d} state: {remark}")
    step.warnings.append(f"the pieces still drift apart on a flat surface: {remark}")


def _parent_geometry(
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


def _about(structure: AtomicStructure, level: Level) -> list[str]:
    """Return what a reader of the numbers must know about the level."""
    remarks = []
    if not level.solvent:
        remarks.append("gas phase: these potentials lack the solvation of the ions")
    diffuse = (
        "+" in level.basis or level.basis.startswith(("aug", "ma-")) or level.basis[-1:] == "d"
    )
    if level.basis and not diffuse and structure.charge <= 0:
        remarks.append(
            f"{level.basis} has no diffuse functions: reduction of a neutral or negative species "
            "comes out too negative"
        )
    return remarks


def _attach(
    document: VerticalRedoxDocument | AdiabaticRedoxDocument, direction: Direction, step: RedoxStep
) -> None:
    number = None
    if step.absolute_v is not None and step.state == "completed":
        number = she_scale(document.metal).potential(step.absolute_v)
    if direction == "reduction":
        document.reduction, document.reduction_potential_v = step, number
    else:
        document.oxidation, document.oxidation_potential_v = step, number
    document.converged[direction] = step.state == "completed"
    if step.geometry_converged is not None:
        document.converged[f"{direction}_geometry"] = step.geometry_converged
    document.warnings += [f"{direction}: {text}" for text in step.warnings]
    document.recovery += [f"{direction}: {text}" for text in step.recovery]


def _finish(document: D) -> D:
    steps = {"reduction": document.reduction, "oxidation": document.oxidation}
    if all(step is not None and step.state == "failed" for step in steps.values()):
        document.state = "failed"
        document.reason = "; ".join(f"{n}: {s.reason}" for n, s in steps.items() if s is not None)
    return document


def _rows(
    document: VerticalRedoxDocument | AdiabaticRedoxDocument, kind: Literal["vertical", "adiabatic"]
) -> list[PropertyValue]:
    rows = []
    for direction in DIRECTIONS:
        name = f"{direction}_potential_{kind}"
        step = document.reduction if direction == "reduction" else document.oxidation
        if step is None or step.state == "failed":
            reason = document.reason if step is None else step.reason
            rows += absent([name], reason, document.level, document.reference)
            continue
        number = document.reduction_potential_v
        if direction == "oxidation":
            number = document.oxidation_potential_v
        rows.append(value(name, number, document.level, reference=document.reference))
        if kind == "vertical":
            rows += [
                value(f"{direction}_on_{role}", fraction, document.level)
                for role, fraction in step.located_on.items()
            ]
        elif step.bonds is not None:
            for what, text in (
                ("broken_bonds", step.bonds.broken_text),
                ("fragments", step.bonds.pieces_text),
            ):
                rows.append(value(f"{direction}_{what}", None, document.level, text=text))
    return rows
