"""Properties of reactions at the interphase."""

from __future__ import annotations

from mgscreen.core.property_info import PropertyInfo

ROWS: tuple[PropertyInfo, ...] = (
    PropertyInfo(
        "reaction_energy",
        "eV",
        "reaction",
        "products minus reactants, per formula of reaction as written; negative: it runs",
    ),
    PropertyInfo("grignard_energy", "eV", "reaction", "RX + Mg(s) -> RMgX in solution, per RX"),
    PropertyInfo("schlenk_energy", "eV", "reaction", "2 RMgX -> R2Mg + MgX2 in solution, per MgX2"),
    PropertyInfo(
        "displacement_energy",
        "eV",
        "reaction",
        "of a metal chloride by the anode metal, per atom of the anode metal: crystals at the "
        "level of a potential, molecules in solution at one for molecules",
    ),
    PropertyInfo(
        "product_phase", "", "reaction", "crystals that form; names of the migration workflow"
    ),
)
