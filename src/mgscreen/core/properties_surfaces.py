"""Properties that the surfaces workflow stores."""

from __future__ import annotations

from mgscreen.core.property_info import PropertyInfo

ROWS: tuple[PropertyInfo, ...] = (
    PropertyInfo(
        "gas_energy", "eV", "gas", "total energy of an atom or molecule alone; zero of the level"
    ),
    PropertyInfo(
        "slab_energy", "eV", "slab", "total energy of the clean relaxed slab; zero of the level"
    ),
    PropertyInfo("work_function", "eV", "slab", "of the upper side of the clean slab; DFT only"),
    PropertyInfo("fermi_level", "eV", "slab", "of the clean slab vs vacuum; minus work_function"),
    PropertyInfo(
        "interlayer_relaxation",
        "%",
        "slab",
        "change of the distance of the two uppermost layers against the crystal",
    ),
    PropertyInfo(
        "adsorption_energy_radical",
        "eV",
        "adsorption",
        "E(slab + fragment) - E(slab) - E(fragment alone, spin-polarised); negative when bound",
    ),
    PropertyInfo(
        "adsorption_energy_half_x2",
        "eV",
        "adsorption",
        "the same against half of X2, for atoms that have one",
    ),
    PropertyInfo(
        "adsorption_energy_bulk",
        "eV",
        "adsorption",
        "the same against the bulk metal, for metal adatoms",
    ),
    PropertyInfo(
        "adsorption_energy_ion",
        "eV",
        "adsorption",
        "the same against the solvated ion and electrons at a potential, both stated",
    ),
    PropertyInfo(
        "dissociation_energy",
        "eV",
        "adsorption",
        "the same as adsorption_energy_radical for the lowest end in which the fragment has fallen "
        "apart; its text names the products",
    ),
    PropertyInfo(
        "adsorption_dispersion", "eV", "adsorption", "D3(BJ) part of adsorption_energy_radical"
    ),
    PropertyInfo(
        "adsorption_correction",
        "eV",
        "adsorption",
        "MP2020 correction that the potential has learned for the bound atom and that its "
        "adsorption energies contain; subtract it for plain PBE",
    ),
    PropertyInfo("adsorption_site", "", "adsorption", "where the fragment ends up"),
    PropertyInfo(
        "adsorption_height",
        "A",
        "adsorption",
        "of the lowest atom of the fragment above the uppermost layer; negative below it",
    ),
    PropertyInfo(
        "adsorption_event",
        "",
        "adsorption",
        "intact, dissociated, desorbed, physisorbed, subsurface or reconstructed",
    ),
    PropertyInfo("adsorption_products", "", "adsorption", "formulas of what lies on the surface"),
    PropertyInfo(
        "adsorption_force_calls", "1", "adsorption", "energies and forces that the search needed"
    ),
    PropertyInfo(
        "ion_potential",
        "V",
        "ion",
        "potential at which the solvated ion becomes the radical alone, absolute",
    ),
)
