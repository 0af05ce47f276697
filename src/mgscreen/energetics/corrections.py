"""Corrections that make energies of compounds, elements and gases comparable.

PBE misses part of the energy of an anion: compounds come out too weakly bound against O2, F2, N2,
H2, the halogens and sulphur. The scheme of the Materials Project (``mp2020``; A. Wang et al., Sci.
Rep. 11, 15496 (2021), doi:10.1038/s41598-021-94550-5) adds a constant per anion, fitted to measured
enthalpies of formation at 298 K; elements are not corrected. A potential that learned corrected
energies (CHGNet) has it already; to others it is added.

The scheme before it (``MaterialsProjectCompatibility`` in pymatgen) corrected no bromide and no
iodide, and formation energies published before 2021, such as those of the matbench sets, follow it:
MgBr2 and MgI2 compare with them without the correction only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from mgscreen.core.structure import AtomicStructure

JOULE_PER_MOL_TO_EV = 1.0 / 96485.33212
GAS_ENTROPY = {
    "H2": 130.7,
    "N2": 191.6,
    "O2": 205.2,
    "F2": 202.8,
    "Cl2": 223.1,
    "CO2": 213.8,
}
"""Standard molar entropies at 298.15 K and 1 bar, J/(mol K): CRC Handbook of Chemistry and Physics,
standard thermodynamic properties of chemical substances."""
TEMPERATURE_K = 298.15
LEGACY_UNCORRECTED = ("Br", "I")
"""Anions that the scheme before 2021 left alone."""


def gas_entropy_term(formula: str, temperature_k: float = TEMPERATURE_K) -> float:
    """Return -TS of a gas, eV per molecule; the entropy is that of 298.15 K.

    Entropies of solids are left out: in a reaction of solids with one gas they nearly cancel (MgO
    from Mg and O2: 0.009 V of 2.95 V).

    Raises
    ------
    InputError
        If there is no entropy of this gas here.
    """
    if formula not in GAS_ENTROPY:
        known = ", ".join(GAS_ENTROPY)
        raise InputError(f"there is no entropy of {formula} as a gas (known: {known})")
    return -temperature_k * GAS_ENTROPY[formula] * JOULE_PER_MOL_TO_EV


def mp2020_correction(structure: AtomicStructure, *, without: tuple[str, ...] = ()) -> float:
    """Return the MP2020 correction of a cell, eV, as it is added to a PBE energy.

    Only for compounds that the Materials Project computes without a Hubbard U. The oxidation
    states are guessed from the composition, as the Project does; an element gets none.

    Parameters
    ----------
    structure
        A crystal.
    without
        Anions whose correction is left out.
    """
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedStructureEntry
    from pymatgen.io.ase import AseAtomsAdaptor

    if len(set(structure.symbols)) == 1:
        return 0.0
    crystal = AseAtomsAdaptor.get_structure(structure.to_ase())
    entry = ComputedStructureEntry(
        crystal, 0.0, parameters={"run_type": "GGA", "hubbards": {}, "potcar_symbols": []}
    )
    corrected = MaterialsProject2020Compatibility(check_potcar=False).process_entry(entry)
    if corrected is None:
        return 0.0
    total = 0.0
    for adjustment in corrected.energy_adjustments:
        # named like this: MP2020 anion correction (Br)
        anion = adjustment.name.rpartition("(")[2].rstrip(")")
        if anion not in without:
            total += float(adjustment.value)
    return total
