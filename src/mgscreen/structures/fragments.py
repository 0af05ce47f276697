"""Fragments that salts, solvents and coating precursors leave, and fragments of users.

A fragment is neutral: an adsorption energy on a metal has the electron in the whole. Each one has
its spin; atoms that form a molecule X2 (or, for a metal, a crystal) have that as a second
reference, and those with a simple ion its standard potential as a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgscreen.core.errors import InputError, ScientificFailureError
from mgscreen.core.structure import AtomicStructure

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class IonCouple:
    """The half reaction that ties an element to its ion in solution.

    Attributes
    ----------
    ion
        ``F-``.
    charge
        Of the ion, e.
    potential_vs_she
        Standard potential of element/ion in water, V.
    source
        Where it is from.
    """

    ion: str
    charge: int
    potential_vs_she: float
    source: str


@dataclass(frozen=True)
class FragmentSource:
    """A fragment of the library.

    Attributes
    ----------
    smiles
        With radical electrons written out.
    multiplicity
        2S+1 of the fragment alone, neutral.
    title
        As chemists write it.
    parents
        What it comes from.
    molecule
        SMILES and multiplicity of X2, for atoms that have one.
    metal
        Crystal of the library that is its element, for metals.
    """

    name: str
    smiles: str
    multiplicity: int
    title: str
    parents: tuple[str, ...]
    molecule: tuple[str, int] | None = None
    metal: str = ""
    ion: IonCouple | None = None


_CRC = "CRC Handbook of Chemistry and Physics, electrochemical series; in water, 25 C"
_ROWS = (
    FragmentSource(
        "F", "[F]", 2, "F", ("TFSI", "PFTB"), ("FF", 1), ion=IonCouple("F-", -1, 2.866, _CRC)
    ),
    FragmentSource("O", "[O]", 3, "O", ("TFSI", "PFTB", "DME"), ("O=O", 3)),
    FragmentSource(
        "Cl", "[Cl]", 2, "Cl", ("MACC",), ("ClCl", 1), ion=IonCouple("Cl-", -1, 1.35827, _CRC)
    ),
    FragmentSource(
        "Br", "[Br]", 2, "Br", ("1-bromopropane",), ("BrBr", 1),
        ion=IonCouple("Br-", -1, 1.0873, f"{_CRC}, for dissolved Br2"),
    ),
    FragmentSource(
        "I", "[I]", 2, "I", ("1-iodopropane",), ("II", 1), ion=IonCouple("I-", -1, 0.5355, _CRC)
    ),
    FragmentSource("S", "[S]", 3, "S", ("TFSI",), ("S=S", 3)),
    FragmentSource("N", "[N]", 4, "N", ("TFSI",), ("N#N", 1)),
    FragmentSource("H", "[H]", 2, "H", ("water", "DME"), ("[H][H]", 1)),
    FragmentSource("CF3", "F[C](F)F", 2, "CF3", ("TFSI", "PFTB")),
    FragmentSource("SO2", "O=S=O", 1, "SO2", ("TFSI",)),
    FragmentSource("SO2CF3", "O=[S](=O)C(F)(F)F", 2, "SO2CF3", ("TFSI",)),
    FragmentSource("NSO2CF3", "[N]S(=O)(=O)C(F)(F)F", 3, "NSO2CF3", ("TFSI",)),
    FragmentSource(
        "C4F9O", "[O]C(C(F)(F)F)(C(F)(F)F)C(F)(F)F", 2, "(CF3)3CO", ("PFTB",)
    ),
    FragmentSource("CH3O", "C[O]", 2, "CH3O", ("DME",)),
    FragmentSource("OC2H4O", "[O]CC[O]", 3, "OC2H4O", ("DME",)),
    FragmentSource("C2H4", "C=C", 1, "C2H4", ("DME",)),
    FragmentSource("C3H7", "[CH2]CC", 2, "C3H7", ("1-bromopropane",)),
    FragmentSource("OH", "[OH]", 2, "OH", ("water",)),
    FragmentSource("H2O", "O", 1, "H2O", ("water",)),
    FragmentSource("CO", "[C-]#[O+]", 1, "CO", ("solvents",)),
    FragmentSource("DME", "COCCOC", 1, "DME", ("host",)),
    FragmentSource(
        "TFSI", "O=S(=O)([N]S(=O)(=O)C(F)(F)F)C(F)(F)F", 2, "TFSI", ("Mg(TFSI)2",)
    ),
    FragmentSource("Mg", "[Mg]", 1, "Mg", ("plating",), metal="Mg"),
    FragmentSource("Li", "[Li]", 2, "Li", ("plating",), metal="Li"),
    FragmentSource("Na", "[Na]", 2, "Na", ("plating",), metal="Na"),
    FragmentSource("Zn", "[Zn]", 1, "Zn", ("plating",), metal="Zn"),
    FragmentSource("Al", "[Al]", 2, "Al", ("plating",), metal="Al"),
)  # fmt: skip
FRAGMENTS: dict[str, FragmentSource] = {row.name: row for row in _ROWS}
ALIASES = {"(CF3)3CO": "C4F9O"}
SALTS = {"TFSI": "Mg(TFSI)2", "PFTB": "Mg(PFTB)2", "MACC": "MACC"}


def fragment_source(name: str) -> FragmentSource:
    """Return a fragment of the library.

    Raises
    ------
    InputError
        If there is none of this name; the nearest name is suggested.
    """
    known = FRAGMENTS.get(ALIASES.get(name, name))
    if known is None:
        from rapidfuzz import fuzz, process

        near = process.extractOne(name, list(FRAGMENTS), scorer=fuzz.ratio, score_cutoff=40)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise InputError(f"there is no fragment '{name}' in the library{hint}")
    return known


def fragment(name: str) -> AtomicStructure:
    """Return a fragment of the library, with its spin.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    row = fragment_source(name)
    return from_smiles(row.name, row.smiles, row.multiplicity)


def molecule_x2(name: str) -> AtomicStructure | None:
    """Return X2 of an atom of the library, or None where it has none."""
    row = FRAGMENTS.get(name)
    if row is None or row.molecule is None:
        return None
    smiles, multiplicity = row.molecule
    return from_smiles(f"{name}2", smiles, multiplicity)


def from_smiles(name: str, smiles: str, multiplicity: int | None = None) -> AtomicStructure:
    """Return a neutral fragment from SMILES.

    Parameters
    ----------
    name
        Label.
    smiles
        Radical electrons written out: ``F[C](F)F``.
    multiplicity
        None: one more than the radical electrons.

    Raises
    ------
    InputError
        If it is no SMILES, has a charge, or cannot have this multiplicity.
    """
    from mgscreen.candidates.model import ChemistryError, read_smiles
    from mgscreen.structures.conformers import conformers

    try:
        mol = read_smiles(smiles)
        first = conformers(smiles, 1)[0]
    except ChemistryError as error:
        raise InputError(f"fragment '{name}': {error}") from None
    except ScientificFailureError as error:
        raise InputError(f"fragment '{name}': {error}") from None
    if sum(a.GetFormalCharge() for a in mol.GetAtoms()):
        raise InputError(f"fragment '{name}' has a charge: give it neutral, as the radical")
    radicals = sum(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
    return _checked(
        name,
        first.symbols,
        [tuple(float(x) for x in row) for row in first.positions],
        radicals + 1 if multiplicity is None else multiplicity,
    )


def from_xyz(name: str, path: Path, multiplicity: int) -> AtomicStructure:
    """Return a neutral fragment from an xyz file.

    Raises
    ------
    InputError
        If the file cannot be read or the multiplicity is impossible.
    """
    from ase.io import read

    try:
        atoms = read(path, index=0, format="xyz")
    except (OSError, ValueError, IndexError, KeyError, StopIteration) as error:
        reason = " ".join(str(error).split())[:200] or "it holds no structure"
        raise InputError(f"{path} is no xyz file that can be read: {reason}") from None
    rows = [tuple(float(x) for x in row) for row in atoms.positions]  # type: ignore[union-attr]
    symbols = tuple(str(s) for s in atoms.symbols)  # type: ignore[union-attr]
    return _checked(name, symbols, rows, multiplicity)


def _checked(
    name: str, symbols: tuple[str, ...], rows: list[tuple[float, ...]], multiplicity: int
) -> AtomicStructure:
    from pydantic import ValidationError

    try:
        return AtomicStructure.model_validate(
            {
                "symbols": symbols,
                "positions": tuple(rows),
                "multiplicity": multiplicity,
                "label": name,
            }
        )
    except ValidationError:
        raise InputError(
            f"fragment '{name}': multiplicity {multiplicity} is impossible for "
            f"{''.join(symbols)} without a charge"
        ) from None
