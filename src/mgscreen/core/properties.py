"""Every property that mgscreen stores: its unit, its sign convention and what it means.

The names are what `mgscreen query --property` takes, and they are stable.
"""

from __future__ import annotations

from mgscreen.core import properties_migration, properties_stability, properties_surfaces
from mgscreen.core.property_info import PropertyInfo

_ALL: tuple[PropertyInfo, ...] = (
    PropertyInfo("total_energy", "eV", "orbitals", "total energy of the final SCF"),
    PropertyInfo("homo", "eV", "orbitals", "highest occupied Kohn-Sham level, vs vacuum"),
    PropertyInfo(
        "lumo",
        "eV",
        "orbitals",
        "lowest unoccupied Kohn-Sham level, vs vacuum; 'unbound' where an anion's is positive",
    ),
    PropertyInfo("gap", "eV", "orbitals", "lumo - homo"),
    PropertyInfo("homo_beta", "eV", "orbitals", "as homo, beta spin of an open shell"),
    PropertyInfo("lumo_beta", "eV", "orbitals", "as lumo, beta spin of an open shell"),
    PropertyInfo("homo_on_metal", "1", "orbitals", "fraction of the HOMO on the metal ion"),
    PropertyInfo("homo_on_anion", "1", "orbitals", "fraction of the HOMO on the anion(s)"),
    PropertyInfo("homo_on_solvent", "1", "orbitals", "fraction of the HOMO on the solvent"),
    PropertyInfo("lumo_on_metal", "1", "orbitals", "fraction of the LUMO on the metal ion"),
    PropertyInfo("lumo_on_anion", "1", "orbitals", "fraction of the LUMO on the anion(s)"),
    PropertyInfo("lumo_on_solvent", "1", "orbitals", "fraction of the LUMO on the solvent"),
    PropertyInfo("esp_min", "V", "esp", "lowest electrostatic potential on the 0.001 a.u. surface"),
    PropertyInfo("esp_max", "V", "esp", "highest one"),
    PropertyInfo("esp_min_atom", "", "esp", "atom nearest to the lowest potential"),
    PropertyInfo("esp_max_atom", "", "esp", "atom nearest to the highest potential"),
    PropertyInfo(
        "binding_energy",
        "eV",
        "binding",
        "E(complex) - sum of E(its ions and molecules); negative when bound",
    ),
    PropertyInfo(
        "reduction_potential_vertical",
        "V",
        "redox_vertical",
        "reduction potential at the frozen geometry; reference stated",
    ),
    PropertyInfo("oxidation_potential_vertical", "V", "redox_vertical", "the same for oxidation"),
    PropertyInfo(
        "reduction_potential_adiabatic",
        "V",
        "redox_adiabatic",
        "reduction potential with both states relaxed, bond breaking included",
    ),
    PropertyInfo("oxidation_potential_adiabatic", "V", "redox_adiabatic", "for oxidation"),
    PropertyInfo(
        "reduction_on_anion",
        "1",
        "redox_vertical",
        "fraction of the added electron (spin density) on the anion(s)",
    ),
    PropertyInfo("reduction_on_metal", "1", "redox_vertical", "on the metal ion"),
    PropertyInfo("reduction_on_solvent", "1", "redox_vertical", "on the solvent"),
    PropertyInfo(
        "oxidation_on_anion", "1", "redox_vertical", "fraction of the hole on the anion(s)"
    ),
    PropertyInfo("oxidation_on_metal", "1", "redox_vertical", "on the metal ion"),
    PropertyInfo("oxidation_on_solvent", "1", "redox_vertical", "on the solvent"),
    PropertyInfo(
        "reduction_broken_bonds", "", "redox_adiabatic", "bonds that break, 'C-S'; or none"
    ),
    PropertyInfo("reduction_fragments", "", "redox_adiabatic", "formulas of what it leaves"),
    PropertyInfo("oxidation_broken_bonds", "", "redox_adiabatic", "bonds that break; or none"),
    PropertyInfo("oxidation_fragments", "", "redox_adiabatic", "formulas of what it leaves"),
    PropertyInfo("lowest_frequency", "cm-1", "frequencies", "negative: imaginary"),
    PropertyInfo("n_imaginary", "1", "frequencies", "number of imaginary modes"),
    PropertyInfo("zero_point_energy", "eV", "frequencies", "harmonic"),
    PropertyInfo("gibbs_correction", "eV", "frequencies", "harmonic, 298.15 K, 1 bar"),
    PropertyInfo("n_conformers", "1", "geometry", "distinct conformers that were ranked"),
    PropertyInfo("coordination_number", "1", "geometry", "donor atoms around the metal ion"),
)

_ALL += (
    PropertyInfo(
        "energy_per_atom",
        "eV/atom",
        "crystal",
        "total energy of the relaxed crystal by atoms; its zero is that of the level",
    ),
    PropertyInfo("volume_per_atom", "A3/atom", "crystal", "of the relaxed crystal"),
    PropertyInfo("lattice_a", "A", "crystal", "conventional cell of the relaxed crystal"),
    PropertyInfo("lattice_b", "A", "crystal", "the same"),
    PropertyInfo("lattice_c", "A", "crystal", "the same"),
    PropertyInfo("space_group", "", "crystal", "symbol after the relaxation"),
    *properties_surfaces.ROWS,
    *properties_migration.ROWS,
    *properties_stability.ROWS,
)

PROPERTIES: dict[str, PropertyInfo] = {p.name: p for p in _ALL}


def properties_of(kind: str) -> tuple[str, ...]:
    """Return the names of the properties that a calculation of this kind gives."""
    return tuple(p.name for p in _ALL if p.kind == kind)
