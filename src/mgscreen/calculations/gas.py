"""Energy of an atom, radical or molecule alone in a box: the reference of adsorption and reactions.

The box is open in all directions for DFT and has three different edges, so that no symmetry of the
box keeps an open shell spherical. DFT is spin-polarised as the multiplicity says. A potential knows
no spin: what it gives for an isolated atom or radical lies outside what it was trained on, and the
document says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.periodic import EnergyConvention, get_periodic_engine

if TYPE_CHECKING:
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import PeriodicEngine

EDGES = (0.0, 0.5, 1.0)
"""Added to the edges of the box so that they differ, angstrom."""
MARGIN_A = 8.0
"""Least empty space around a molecule, angstrom."""


class GasDocument(Document):
    """An atom, radical or molecule alone; ``structure`` is the relaxed one in its box."""

    energy_ev: float | None = Field(default=None, description="total, eV")
    energy_convention: EnergyConvention = "unknown"
    box_a: tuple[float, float, float] | None = Field(default=None, description="edges, angstrom")
    magnetic_moment: float | None = Field(default=None, description="Bohr magnetons; DFT only")
    max_force_ev_per_a: float | None = None
    steps: int = Field(default=0, description="force calls")
    broken_bonds: list[str] = Field(
        default_factory=list, description="bonds of the start that the relaxation broke"
    )

    def properties(self) -> list[PropertyValue]:
        """Return the energy; its zero is that of the level."""
        if self.state == "failed" or self.energy_ev is None:
            return []
        return [
            PropertyValue(
                property="gas_energy",
                value=self.energy_ev,
                unit="eV",
                environment="gas",
                reference="zero of the level",
            )
        ]


@calculation("gas", GasDocument)
def gas_energy(
    structure: AtomicStructure, level: Level, box_a: float = 12.0, *, identity: str = ""
) -> GasDocument:
    """Relax an atom, radical or molecule alone in a box.

    Parameters
    ----------
    structure
        Atoms with charge and multiplicity; a cell that they bring is ignored.
    level
        A level for crystals and slabs: ``gpaw:pbe``, ``mlip:7net-0``.
    box_a
        Shortest edge of the box, angstrom; it grows where the molecule needs it.
    identity
        Set by the calculation's frame.

    Returns
    -------
    GasDocument
        Failed where the relaxation does not converge, or a bond breaks in it: then this is not the
        molecule that was asked for.

    Raises
    ------
    ScientificFailureError
        Inside the frame: for a charge, which has no defined energy in a box of finite size.
    """
    if structure.charge:
        raise ScientificFailureError(
            f"{structure.label or structure.formula} has a charge of {structure.charge:+d}: the "
            "energy of an ion in a finite box is not defined"
        )
    engine = get_periodic_engine(level)
    start = boxed(structure, box_a, periodic=level.engine == "mlip")
    folder = runtime().workdir(identity)
    warnings = _about(start, level)
    moment = None
    if len(start.symbols) == 1:
        point = engine.single_point(start, folder)
        end, energy, largest, steps = start, point.energy_ev, 0.0, 1
        moment, converged = point.magnetic_moment, True
        warnings += point.warnings
    else:
        relaxed = engine.relax(start, folder)
        end, energy = relaxed.structure, relaxed.energy_ev
        largest, steps = relaxed.max_force_ev_per_a, relaxed.steps
        converged = relaxed.converged
        warnings += relaxed.warnings
        if level.engine == "gpaw":
            moment = float(start.multiplicity - 1)
    document = GasDocument(
        **_provenance(engine),
        structure=end,
        energy_ev=float(energy),
        energy_convention=engine.energy_convention,
        box_a=_edges(end),
        magnetic_moment=moment,
        max_force_ev_per_a=float(largest),
        steps=steps,
        converged={"relaxation": converged},
        warnings=warnings,
        broken_bonds=_broken(start, end),
    )
    if not converged:
        document.state = "failed"
        document.reason = (
            f"{start.formula} did not relax in {steps} steps; the largest force is "
            f"{largest:.3f} eV/angstrom"
        )
    elif document.broken_bonds:
        document.state = "failed"
        document.reason = (
            f"{start.formula} falls apart alone in the box ({', '.join(document.broken_bonds)} "
            "broken)"
        )
    return document


def boxed(structure: AtomicStructure, box_a: float, *, periodic: bool) -> AtomicStructure:
    """Return the atoms in the middle of a box with three different edges.

    Parameters
    ----------
    structure
        The atoms.
    box_a
        Shortest edge, angstrom; grows to the molecule's extent and ``MARGIN_A``.
    periodic
        Potentials that build a crystal graph want a periodic box; DFT an open one.
    """
    import numpy as np

    xyz = np.asarray(structure.positions, dtype=float)
    extent = np.ptp(xyz, axis=0)
    edges = np.maximum(box_a, extent + MARGIN_A) + np.array(EDGES)
    middle = (xyz.max(axis=0) + xyz.min(axis=0)) / 2
    return AtomicStructure(
        symbols=structure.symbols,
        positions=tuple(tuple(float(x) for x in row) for row in xyz - middle + edges / 2),
        charge=structure.charge,
        multiplicity=structure.multiplicity,
        fragments=structure.fragments,
        cell=tuple(tuple(float(x) for x in row) for row in np.diag(edges)),
        pbc=(periodic, periodic, periodic),
        label=structure.label or structure.formula,
    )


def _about(structure: AtomicStructure, level: Level) -> list[str]:
    if level.engine != "mlip":
        return []
    if len(structure.symbols) == 1:
        return [f"{level}: an isolated atom lies outside what the potential was trained on"]
    if structure.multiplicity > 1:
        return [f"{level} knows no spin: multiplicity {structure.multiplicity} is not used"]
    return []


def _broken(start: AtomicStructure, end: AtomicStructure) -> list[str]:
    from mgscreen.structures.bonds import compare_bonds

    return compare_bonds(start, end).broken_labels


def _edges(structure: AtomicStructure) -> tuple[float, float, float] | None:
    if structure.cell is None:
        return None
    a, b, c = (structure.cell[i][i] for i in range(3))
    return a, b, c


def _provenance(engine: PeriodicEngine) -> dict[str, object]:
    return {
        "level": str(engine.level),
        "code": engine.code,
        "code_version": engine.code_version,
        "settings": engine.settings(),
    }
