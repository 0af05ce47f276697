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

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.electron import (
    DIRECTIONS,
    Direction,
    RedoxStep,
    fill,
    first_step,
    parent_geometry,
    relaxed_ends,
    take_geometry,
)
from mgscreen.calculations.fragmentation import fragmentation
from mgscreen.calculations.steps import (
    absent,
    provenance,
    single_point,
    value,
)
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.energetics.scales import she_scale
from mgscreen.engines.base import get_engine

if TYPE_CHECKING:
    from mgscreen.engines.level import Level


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
    structure: AtomicStructure,
    level: Level,
    metal: str = "Mg",
    directions: tuple[Direction, ...] = DIRECTIONS,
    identity: str = "",
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
    directions
        Which of ``reduction`` and ``oxidation`` to compute.
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
    for direction in directions:
        step = first_step(structure, direction)
        if step.state == "completed":
            try:
                changed = structure.with_state(step.charge, step.multiplicity)
                ion = single_point(engine, changed, folder / direction, guess=parent)
                fill(step, direction, structure, (parent, ion), metal)
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
    directions: tuple[Direction, ...] = DIRECTIONS,
    probe_bonds: bool = False,
    identity: str = "",
) -> AdiabaticRedoxDocument:
    """Compute adiabatic potentials and which bonds break.

    The species and both of its ions are relaxed at ``geometry_level``, so that all three geometries
    are of one kind; energies are single points at ``level``. A bond breaks where relaxation breaks
    it, downhill; with ``probe_bonds`` also where that takes a barrier but ends lower.

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
    directions
        Which of ``reduction`` and ``oxidation`` to compute.
    probe_bonds
        Also relax each ion from starts with one bond pulled apart; the lowest that stays broken
        gets a single point of its own, and the lower energy at ``level`` counts. About as many
        relaxations more as there are distinct bonds.
    identity
        Set by the calculation's frame.

    Raises
    ------
    ScientificFailureError
        Inside the frame, if the species itself or both of its ions fail.
    """
    engine, geometry_engine = get_engine(level), get_engine(geometry_level)
    folder = runtime().workdir(identity)
    start, remarks = parent_geometry(geometry_engine, structure, folder)
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
    for direction in directions:
        step = first_step(structure, direction)
        if step.state == "completed":
            try:
                ends = relaxed_ends(
                    geometry_engine, start, step, folder / direction, probe=probe_bonds
                )
                states = [
                    single_point(engine, end.structure, folder / direction / name, guess=parent)
                    for name, end in ends.items()
                ]
                lower = min(range(len(states)), key=lambda k: states[k].energy_ev)
                end, ion = list(ends.values())[lower], states[lower]
                take_geometry(step, end, probed=lower > 0)
                fill(step, direction, start, (parent, ion), metal)
                step.bonds = fragmentation(start, end.structure, ion)
            except ScientificFailureError as error:
                step.state, step.reason = "failed", str(error)
        _attach(document, direction, step)
    return _finish(document)


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
    both = {"reduction": document.reduction, "oxidation": document.oxidation}
    steps = {name: step for name, step in both.items() if step is not None}
    if all(step.state == "failed" for step in steps.values()):
        document.state = "failed"
        document.reason = "; ".join(f"{name}: {step.reason}" for name, step in steps.items())
    return document


def _rows(
    document: VerticalRedoxDocument | AdiabaticRedoxDocument, kind: Literal["vertical", "adiabatic"]
) -> list[PropertyValue]:
    rows = []
    for direction in DIRECTIONS:
        name = f"{direction}_potential_{kind}"
        step = document.reduction if direction == "reduction" else document.oxidation
        if step is None:
            if document.reduction is None and document.oxidation is None:
                rows += absent([name], document.reason, document.level, document.reference)
            continue  # not asked for
        if step.state == "failed":
            rows += absent([name], step.reason, document.level, document.reference)
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
