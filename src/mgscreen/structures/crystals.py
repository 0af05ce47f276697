"""Crystals of the library and of users, read and checked."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mgscreen.core.errors import InputError
from mgscreen.core.resources import data_path
from mgscreen.core.structure import AtomicStructure

if TYPE_CHECKING:
    from mgscreen.engines.level import Level
    from mgscreen.engines.periodic import CellPolicy

SYMPREC = 0.01
"""Tolerance of the space group, angstrom."""
ALIASES = {"Ga5Mg2": "Mg2Ga5", "MgO2H2": "Mg(OH)2", "Mg(HO)2": "Mg(OH)2"}


@dataclass(frozen=True)
class CrystalSource:
    """Where a crystal of the library comes from.

    Attributes
    ----------
    status
        ``verified`` against a published page, or ``unverified``: commonly quoted, or computed.
    """

    name: str
    file: str
    space_group: str
    status: Literal["verified", "unverified"]
    source: str
    note: str


@dataclass(frozen=True)
class CrystalCheck:
    """What a crystal is, for a person to compare with what it should be."""

    formula: str
    space_group: str
    number: int
    density_g_cm3: float
    shortest_a: float
    shortest_pair: tuple[str, str]


@cache
def crystal_library() -> dict[str, CrystalSource]:
    """Return the crystals that ship, by name."""
    with data_path("structures", "crystals", "sources.csv").open(newline="") as file:
        return {row["name"]: CrystalSource(**row) for row in csv.DictReader(file)}  # type: ignore[arg-type]


def load_crystal(
    name_or_path: str | Path, *, primitive: bool = False, base: Path | None = None
) -> AtomicStructure:
    """Return a crystal of the library by its name, or a user's CIF or POSCAR by its path.

    Parameters
    ----------
    name_or_path
        Name in the library (``MgBr2``, ``Ga5Mg2``), or a path.
    primitive
        Return the standard primitive cell instead of the cell of the file.
    base
        Folder that a relative path starts from; None: the working directory.

    Returns
    -------
    AtomicStructure
        Periodic in three directions, neutral.

    Raises
    ------
    InputError
        If there is no such crystal or file, the file cannot be read, a site is only partly
        occupied, or atoms lie in each other.
    """
    text = str(name_or_path)
    known = crystal_library()
    name = ALIASES.get(text, text)
    if name in known:
        path, label = data_path("structures", "crystals", known[name].file), name
    else:
        path, label = (base or Path()) / name_or_path, Path(name_or_path).stem
        if not path.is_file():
            from rapidfuzz import process

            near = process.extractOne(text, [*known, *ALIASES], score_cutoff=50)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise InputError(f"'{text}' is neither a file nor a crystal of the library{hint}")
    return _read(path, label, primitive=primitive)


def _read(path: Path, label: str, *, primitive: bool) -> AtomicStructure:
    import warnings

    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifParser
    from pymatgen.io.vasp.inputs import Poscar

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a rounded 0.3333 and the like
            if path.suffix.lower() == ".cif":
                crystal = CifParser(path, site_tolerance=1e-3).parse_structures(primitive=False)[0]
            else:
                crystal = Poscar.from_str(path.read_text()).structure
    except (ValueError, IndexError, KeyError, AssertionError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is not a CIF or POSCAR that can be read: {reason}") from None
    if not crystal.is_ordered:
        raise InputError(f"{path}: some sites are partly occupied; give an ordered structure")
    crystal.remove_oxidation_states()
    if primitive:
        from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

        crystal = SpacegroupAnalyzer(crystal, symprec=SYMPREC).get_primitive_standard_structure()
    atoms = AseAtomsAdaptor.get_atoms(crystal, msonable=False)
    atoms.pbc = True
    structure = AtomicStructure.from_ase(atoms, label=label)
    check = check_crystal(structure)
    from ase.data import atomic_numbers, covalent_radii

    limit = 0.6 * sum(covalent_radii[atomic_numbers[s]] for s in check.shortest_pair)
    if check.shortest_a < limit:
        first, second = check.shortest_pair
        raise InputError(f"{path}: {first} and {second} are {check.shortest_a:.2f} angstrom apart")
    return structure


def cell_policy(crystal: AtomicStructure, level: Level) -> CellPolicy:
    """Return what a relaxation at ``level`` should do to the cell of a crystal.

    Layers and molecules that only dispersion holds together (MgCl2, MgBr2, Mg(OH)2; I2, Br2, S8)
    drift apart at a level without it, by 14 to 20 % of c in the halides: such a crystal keeps its
    cell there, and is relaxed in full with D3. Everything else is relaxed in full.
    """
    if level.dispersion or not (is_layered(crystal) or is_molecular(crystal)):
        return "full"
    return "fixed"


def is_layered(crystal: AtomicStructure) -> bool:
    """Tell whether a crystal is made of layers that no covalent radius bridges.

    P. M. Larsen et al., Phys. Rev. Materials 3, 034003 (2019), as ASE implements it.
    """
    return _dimensionality(crystal) == "2D"


def is_molecular(crystal: AtomicStructure) -> bool:
    """Tell whether a crystal is made of molecules of non-metals.

    Metals are left out: their atoms are further apart than covalent radii reach (Li, Al, In).
    """
    from pymatgen.core import Element

    if any(Element(symbol).is_metal for symbol in set(crystal.symbols)):
        return False
    return _dimensionality(crystal) == "0D"


def _dimensionality(crystal: AtomicStructure) -> str:
    from ase.geometry.dimensionality import analyze_dimensionality

    return str(analyze_dimensionality(crystal.to_ase(), method="RDA")[0].dimtype)


def check_crystal(structure: AtomicStructure) -> CrystalCheck:
    """Return space group (spglib), density and shortest distance of a crystal.

    Raises
    ------
    InputError
        If the structure is not periodic in three directions, or has no space group.
    """
    import numpy as np
    from ase.neighborlist import neighbor_list
    from pymatgen.io.ase import AseAtomsAdaptor

    if not all(structure.pbc):
        raise InputError(
            f"{structure.label or structure.formula} is not a three-dimensional crystal"
        )
    atoms = structure.to_ase()
    crystal = AseAtomsAdaptor.get_structure(atoms)
    symbol, number = crystal.get_space_group_info(symprec=SYMPREC)
    reach = 2.0
    while True:
        first, second, distance = neighbor_list("ijd", atoms, reach)
        if len(distance):
            break
        reach *= 1.5
    at = int(np.argmin(distance))
    return CrystalCheck(
        formula=crystal.composition.reduced_formula,
        space_group=str(symbol),
        number=int(number),
        density_g_cm3=float(crystal.density),
        shortest_a=float(distance[at]),
        shortest_pair=(structure.symbols[first[at]], structure.symbols[second[at]]),
    )
