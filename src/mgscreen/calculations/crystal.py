"""Relaxation of a crystal: the lattice that slabs, barriers and phase energies start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.engines.periodic import CellPolicy, EnergyConvention, get_periodic_engine

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.engines.level import Level

SYMPREC = 0.05
"""Tolerance of the space group after a relaxation, angstrom."""


class CrystalDocument(Document):
    """A relaxed crystal; the cell in ``structure`` is the one that was given, deformed."""

    energy_ev: float | None = Field(default=None, description="of the whole cell, eV")
    energy_per_atom_ev: float | None = None
    energy_convention: EnergyConvention = Field(
        default="unknown", description="energies of different conventions are never subtracted"
    )
    cell_policy: CellPolicy = "full"
    volume_per_atom_a3: float | None = None
    lattice_a: tuple[float, float, float] | None = Field(
        default=None, description="a, b, c of the conventional cell, angstrom"
    )
    space_group: str = ""
    space_group_before: str = ""
    max_force_ev_per_a: float | None = None
    max_stress_ev_per_a3: float | None = None
    steps: int = 0

    def properties(self) -> list[PropertyValue]:
        """Energy, volume, lattice and space group."""
        if self.state == "failed" or self.lattice_a is None:
            return []
        numbers = {
            "energy_per_atom": (self.energy_per_atom_ev, "eV/atom"),
            "volume_per_atom": (self.volume_per_atom_a3, "A3/atom"),
            "lattice_a": (self.lattice_a[0], "A"),
            "lattice_b": (self.lattice_a[1], "A"),
            "lattice_c": (self.lattice_a[2], "A"),
        }
        where = {"environment": "crystal", "reference": f"cell {self.cell_policy}"}
        rows = [
            PropertyValue(property=name, value=value, unit=unit, **where)
            for name, (value, unit) in numbers.items()
        ]
        rows.append(PropertyValue(property="space_group", text=self.space_group, **where))
        return rows


@calculation("crystal", CrystalDocument)
def relax_crystal(
    structure: AtomicStructure, level: Level, cell: CellPolicy = "full", *, identity: str = ""
) -> CrystalDocument:
    """Relax atoms and cell of a crystal.

    Parameters
    ----------
    structure
        Periodic in three directions.
    level
        A level for crystals: ``mlip:7net-0``, ``gpaw:pbe``.
    cell
        What may happen to the cell. Layered halides are held together by dispersion: without it
        their cell is best kept as measured (``fixed``).

    Returns
    -------
    CrystalDocument
        Failed where the relaxation did not converge: half-relaxed energies mislead.
    """
    if not all(structure.pbc):
        raise ScientificFailureError(f"{structure.label or structure.formula} is no crystal")
    engine = get_periodic_engine(level)
    end = engine.relax(structure, runtime().workdir(identity), cell=cell)
    atoms = end.structure.to_ase()
    symbol, lattice = _describe(end.structure)
    before, _ = _describe(structure)
    warnings = list(end.warnings)
    if symbol != before:
        warnings.append(f"the space group changed from {before} to {symbol}")
    document = CrystalDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=end.structure,
        converged={"relaxation": end.converged},
        warnings=warnings,
        energy_ev=end.energy_ev,
        energy_per_atom_ev=end.energy_ev / len(atoms),
        energy_convention=end.energy_convention,
        cell_policy=cell,
        volume_per_atom_a3=float(atoms.get_volume()) / len(atoms),
        lattice_a=lattice,
        space_group=symbol,
        space_group_before=before,
        max_force_ev_per_a=end.max_force_ev_per_a,
        max_stress_ev_per_a3=end.max_stress_ev_per_a3,
        steps=end.steps,
    )
    if not end.converged:
        document.state = "failed"
        document.reason = (
            f"the crystal did not relax in {end.steps} steps; "
            f"the largest force is {end.max_force_ev_per_a:.3f} eV/angstrom"
        )
    return document


def _describe(structure: AtomicStructure) -> tuple[str, tuple[float, float, float]]:
    """Return the space group and a, b, c of the conventional cell."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    crystal = AseAtomsAdaptor.get_structure(structure.to_ase())
    analyzer = SpacegroupAnalyzer(crystal, symprec=SYMPREC)
    a, b, c = analyzer.get_conventional_standard_structure().lattice.abc
    return str(analyzer.get_space_group_symbol()), (float(a), float(b), float(c))
