"""Electronic structure of a crystal at one geometry: gap, Fermi level, energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mgscreen.calculations.base import calculation
from mgscreen.calculations.crystal import CrystalDocument
from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.errors import ScientificFailureError
from mgscreen.core.runtime import runtime
from mgscreen.core.structure import AtomicStructure
from mgscreen.engines.periodic import EnergyConvention, get_periodic_engine

if TYPE_CHECKING:
    from mgscreen.engines.level import Level

SYMPREC = 0.01
"""Tolerance of the symmetry, angstrom."""
METALLIC = 0.05
"""A gap below this on the k-mesh counts as none, eV: it is below the smearing."""
PBE_GAP_ERROR = (
    "PBE gaps are too small: MgF2 6.8 against 11.1 eV measured, MgO 4.5 against 7.8 eV; a "
    "Kohn-Sham gap is no prediction of the measured one"
)


class CrystalElectronicDocument(Document):
    """Single point of DFT at a given geometry."""

    energy_ev: float | None = Field(default=None, description="of the cell, eV")
    energy_per_atom_ev: float | None = None
    energy_convention: EnergyConvention = "unknown"
    gap_ev: float | None = Field(default=None, description="Kohn-Sham, on the k-mesh; 0: a metal")
    fermi_ev: float | None = None
    metallic: bool | None = None
    geometry_level: str = ""
    max_force_ev_per_a: float | None = Field(
        default=None, description="what the geometry's own level left: not relaxed here"
    )

    def properties(self) -> list[PropertyValue]:
        """Gap and class; the gap with the direction of its known error."""
        if self.state == "failed" or self.gap_ev is None:
            return []
        where = {"environment": "crystal"}
        return [
            PropertyValue(
                property="band_gap",
                value=self.gap_ev,
                unit="eV",
                reference="Kohn-Sham, k-mesh",
                reason="" if self.metallic else PBE_GAP_ERROR,
                **where,
            ),
            PropertyValue(
                property="conductor",
                text="metallic" if self.metallic else "insulating or semiconducting",
                **where,
            ),
        ]


@calculation("crystal_electronic", CrystalElectronicDocument)
def crystal_electronic(
    crystal: CrystalDocument | dict[str, Any], level: Level, *, identity: str = ""
) -> CrystalElectronicDocument:
    """Compute gap and energy of a relaxed crystal at another level, without relaxing it again.

    Parameters
    ----------
    crystal
        The relaxed crystal.
    level
        A DFT level for crystals.
    identity
        Set by the calculation's frame.

    Returns
    -------
    CrystalElectronicDocument
        Failed where the crystal failed, or the SCF does not converge.
    """
    relaxed = CrystalDocument.model_validate(crystal)
    if relaxed.state == "failed" or relaxed.structure is None:
        raise ScientificFailureError(f"the crystal failed: {relaxed.reason or 'no structure'}")
    engine = get_periodic_engine(level)
    # what is left of a relaxation breaks symmetries by a little, which costs k-points
    structure = symmetrised(relaxed.structure)
    found = engine.single_point(structure, runtime().workdir(identity))
    n = len(structure.symbols)
    largest = float((found.forces**2).sum(axis=1).max() ** 0.5)
    return CrystalElectronicDocument(
        level=str(level),
        code=engine.code,
        code_version=engine.code_version,
        settings=engine.settings(),
        structure=structure,
        converged={"scf": True},
        warnings=list(found.warnings),
        energy_ev=found.energy_ev,
        energy_per_atom_ev=found.energy_ev / n,
        energy_convention=found.energy_convention,
        gap_ev=found.gap_ev,
        fermi_ev=found.fermi_ev,
        metallic=None if found.gap_ev is None else found.gap_ev < METALLIC,
        geometry_level=relaxed.level,
        max_force_ev_per_a=largest,
    )


def symmetrised(structure: AtomicStructure) -> AtomicStructure:
    """Return the standard primitive cell of a crystal with its symmetry made exact (spglib).

    Atoms move by less than ``SYMPREC``.
    """
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    crystal = AseAtomsAdaptor.get_structure(structure.to_ase())
    exact = SpacegroupAnalyzer(crystal, symprec=SYMPREC).get_primitive_standard_structure()
    atoms = AseAtomsAdaptor.get_atoms(exact, msonable=False)
    atoms.pbc = True
    return AtomicStructure.from_ase(atoms, label=structure.label)
