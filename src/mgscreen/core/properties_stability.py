"""Properties that the stability workflow stores."""

from __future__ import annotations

from mgscreen.core import properties_reactions
from mgscreen.core.property_info import PropertyInfo

ROWS: tuple[PropertyInfo, ...] = (
    PropertyInfo(
        "formation_energy",
        "eV/atom",
        "stability",
        "from the elements, with the anion corrections of MP2020 (fitted to enthalpies at 298 K)",
    ),
    PropertyInfo(
        "formation_energy_legacy",
        "eV/atom",
        "stability",
        "the same without the correction of bromide and iodide, as published before 2021",
    ),
    PropertyInfo(
        "formation_energy_pbe", "eV/atom", "stability", "the same without any anion correction"
    ),
    PropertyInfo(
        "energy_above_hull",
        "eV/atom",
        "stability",
        "0: nothing that was considered is more stable; an upper bound of stability",
    ),
    PropertyInfo(
        "reduction_limit",
        "V",
        "stability",
        "vs the anode metal: below it the phase reacts with the metal; 0: stable against it",
    ),
    PropertyInfo(
        "oxidation_limit", "V", "stability", "vs the anode metal: above it the phase decays"
    ),
    PropertyInfo("reduction_products", "", "stability", "what forms below the reduction limit"),
    PropertyInfo("oxidation_products", "", "stability", "what forms above the oxidation limit"),
    PropertyInfo(
        "reaction_with_anode",
        "eV/atom",
        "stability",
        "most exothermic reaction with the anode metal, per atom of the mixture; 0: none",
    ),
    PropertyInfo(
        "reaction_with_cathode",
        "eV/atom",
        "stability",
        "the same with the cathode material",
    ),
    PropertyInfo(
        "band_gap",
        "eV",
        "crystal_electronic",
        "Kohn-Sham gap on the k-mesh; 0: a metal; too small with PBE",
    ),
    PropertyInfo("conductor", "", "crystal_electronic", "metallic, or not"),
    *properties_reactions.ROWS,
)
