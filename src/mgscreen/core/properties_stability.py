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
        "reaction_with_product",
        "eV/atom",
        "stability",
        "the same with a product of the electrolyte, which `reference` names",
    ),
    PropertyInfo(
        "band_gap",
        "eV",
        "crystal_electronic",
        "Kohn-Sham gap on the k-mesh; 0: a metal; too small with PBE",
    ),
    PropertyInfo("conductor", "", "crystal_electronic", "metallic, or not"),
    PropertyInfo(
        "vbm_vs_vacuum", "eV", "band_edges", "top of the valence band of PBE, vacuum at 0"
    ),
    PropertyInfo(
        "cbm_vs_vacuum", "eV", "band_edges", "bottom of the conduction band of PBE, vacuum at 0"
    ),
    PropertyInfo(
        "vbm_vs_anode_fermi",
        "eV",
        "band_edges",
        "the same against the Fermi level of the anode metal (minus its work function)",
    ),
    PropertyInfo(
        "cbm_vs_anode_fermi",
        "eV",
        "band_edges",
        "the same for the conduction band: positive, electrons of the metal cannot enter",
    ),
    *properties_reactions.ROWS,
    PropertyInfo(
        "alloy_formation_energy", "eV/atom", "alloy", "from the elements at 0 K, no correction"
    ),
    PropertyInfo(
        "alloy_voltage",
        "V",
        "alloy",
        "vs the anode metal, mean over the reaction of the other elements to the alloy",
    ),
    PropertyInfo("alloy_toxicity", "", "alloy", "what its elements are classified as, if anything"),
    PropertyInfo("alloy_melting", "", "alloy", "elements that are liquid near room temperature"),
    PropertyInfo(
        "insertion_energy_total",
        "eV",
        "insertion",
        "energy of a host with ions in the lowest of all placements tried",
    ),
    PropertyInfo(
        "insertion_voltage",
        "V",
        "insertion_voltage",
        "vs the metal that goes in, mean from the empty to the fullest host",
    ),
    PropertyInfo(
        "insertion_voltage_step",
        "",
        "insertion_voltage",
        "the same from each composition to the next, V",
    ),
    PropertyInfo(
        "insertion_volume_change", "%", "insertion_voltage", "of the fullest against the empty host"
    ),
)
