"""Which atoms of a molecule or ion bind a metal cation, and how many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Mol

STRONG, MEDIUM, WEAK, LAST = range(4)

COORDINATION = {"Li": 4, "Na": 6, "K": 6, "Mg": 6, "Ca": 6, "Zn": 6, "Al": 6}
"""Donor atoms around a cation in ether solution: four for lithium, about six for the others."""

_HALOGENS = frozenset({"F", "Cl", "Br", "I"})
_SMALLEST_CHELATE = 3
"""Bonds between two donors that bind the same metal: three make a five-membered ring."""


@dataclass(frozen=True)
class Donor:
    """An atom that can bind a metal; ``rank`` is STRONG (0) to LAST (3)."""

    atom: int
    rank: int


def donors(mol: Mol) -> list[Donor]:
    """Return the donor atoms of a molecule with explicit hydrogens, best first.

    Strong are charged atoms, terminal oxygen, ethers, alcohols, amines, nitriles and imines;
    medium the ether oxygen of esters, silyl ethers and borates of neutral molecules, halogens on
    B, Al, Si, P and metals, hydridic hydrogen, divalent sulfur, trivalent phosphorus and anilines;
    weak are halogens on carbon; carbon comes last.
    """
    anion = sum(a.GetFormalCharge() for a in mol.GetAtoms()) < 0
    found = []
    for atom in mol.GetAtoms():
        rank = _rank(atom, anion=anion)
        if rank is not None:
            found.append(Donor(atom.GetIdx(), rank))
    if not any(d.rank < LAST for d in found):
        found += [Donor(a.GetIdx(), LAST) for a in mol.GetAtoms() if _carbon_donor(a)]
    return sorted(found, key=lambda d: (d.rank, d.atom))


def denticity(mol: Mol) -> int:
    """Return how many of the best donors can bind one metal ion at once, at least one.

    Donors less than three bonds apart (the oxygens of one sulfonyl group, the two of
    1,3-dioxolane) count once, since their chelate ring would be strained.
    """
    from rdkit.Chem import GetDistanceMatrix

    found = donors(mol)
    best = [d.atom for d in found if d.rank == found[0].rank] if found else []
    bonds = GetDistanceMatrix(mol)
    taken: list[int] = []
    for atom in best:
        if all(bonds[atom, other] >= _SMALLEST_CHELATE for other in taken):
            taken.append(atom)
    return max(1, len(taken))


def solvent_count(metal: str, anion: Mol, solvent: Mol) -> int:
    """Return how many solvent molecules fill the shell of ``metal`` beside one anion.

    The anion takes one or two places, each solvent molecule as many as it has donors; as many
    molecules are added as fit into ``COORDINATION`` places, at least one: two
    1,2-dimethoxyethane beside TFSI- on Mg2+.
    """
    free = COORDINATION[metal] - min(2, denticity(anion))
    return max(1, free // denticity(solvent))


def _rank(atom: Atom, *, anion: bool) -> int | None:  # noqa: PLR0911 - one line per class of atom
    symbol, charge = atom.GetSymbol(), atom.GetFormalCharge()
    neighbours = {n.GetSymbol() for n in atom.GetNeighbors()}
    if symbol in _HALOGENS:
        if not neighbours:
            return STRONG
        return WEAK if neighbours <= {"C", *_HALOGENS} else MEDIUM
    if charge > 0:
        return None
    if symbol == "O":
        return _oxygen(atom, neighbours, anion=anion)
    if symbol == "N":
        return _nitrogen(atom, neighbours)
    if symbol == "S" and atom.GetDegree() <= 2 and "O" not in neighbours:  # noqa: PLR2004 - lone pairs
        return STRONG if charge < 0 else MEDIUM
    if symbol == "P" and atom.GetDegree() <= 3:  # noqa: PLR2004 - lone pair
        return STRONG if charge < 0 else MEDIUM
    if symbol == "H" and neighbours & {"B", "Al"}:
        return MEDIUM
    if symbol == "C" and charge < 0:
        return STRONG
    return None


def _oxygen(atom: Atom, neighbours: set[str], *, anion: bool) -> int:
    if atom.GetFormalCharge() < 0 or atom.GetDegree() == 1:
        return STRONG
    if neighbours & {"B", "Al", "P", "S", "Si"}:
        # nothing better is left in a tetraalkoxyborate
        return STRONG if anion and neighbours & {"B", "Al"} else MEDIUM
    acyl = any(
        n.GetSymbol() == "C" and any(b.GetBondTypeAsDouble() > 1 for b in n.GetBonds())
        for n in atom.GetNeighbors()
    )
    return MEDIUM if acyl or atom.GetIsAromatic() else STRONG


def _nitrogen(atom: Atom, neighbours: set[str]) -> int | None:
    if atom.GetFormalCharge() < 0:
        # the nitrogen of an imide shares its charge with the oxygens, which bind instead
        return MEDIUM if "S" in neighbours else STRONG
    if atom.GetIsAromatic():
        return STRONG if atom.GetDegree() == 2 else None  # noqa: PLR2004 - pyridine-like
    if any(n.GetIsAromatic() for n in atom.GetNeighbors()) or neighbours & {"Si", "S", "P"}:
        return MEDIUM
    return STRONG


def _carbon_donor(atom: Atom) -> bool:
    """Carbon of a pi system, or any carbon that bears hydrogen, in a molecule with nothing else."""
    if atom.GetSymbol() != "C":
        return False
    return atom.GetIsAromatic() or any(b.GetBondTypeAsDouble() > 1 for b in atom.GetBonds())
