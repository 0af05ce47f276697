"""Properties that the migration workflow stores."""

from __future__ import annotations

from mgscreen.core.property_info import PropertyInfo

ROWS: tuple[PropertyInfo, ...] = (
    PropertyInfo(
        "percolating_barrier",
        "eV",
        "phase_migration",
        "highest barrier of the lowest path that goes through the crystal; its hops, mechanism and "
        "charge state in the reference",
    ),
    PropertyInfo(
        "percolation_dimension", "1", "phase_migration", "in how many dimensions that path goes on"
    ),
    PropertyInfo(
        "percolating_barrier_3d",
        "eV",
        "phase_migration",
        "the same for a path that leads on in all three dimensions, across the layers of a layered "
        "crystal too; its hops in the reference",
    ),
    PropertyInfo("migration_mechanism", "", "phase_migration", "mechanism, charge state and hops"),
    PropertyInfo(
        "defect_formation_energy",
        "eV",
        "phase_migration",
        "of the defect that hops, neutral, against the bulk metal: a barrier alone gives no "
        "conductivity",
    ),
    PropertyInfo(
        "hopping_rate",
        "1/s",
        "phase_migration",
        "of one defect, transition state theory with an assumed attempt frequency",
    ),
    PropertyInfo("defect_diffusivity", "cm2/s", "phase_migration", "of one defect: an estimate"),
    PropertyInfo(
        "surface_barrier",
        "eV",
        "phase_migration",
        "highest barrier of the lowest path along a face of the crystal; the face in the reference",
    ),
    PropertyInfo(
        "charged_barrier",
        "eV",
        "phase_migration_dft",
        "percolating_barrier with the defect charged and a homogeneous background",
    ),
)
