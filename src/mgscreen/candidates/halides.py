"""Organic halides RX, which react with a metal to an organometallic RMX and coat it with MX2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgscreen.candidates.model import ChemistryError, check_chemistry

if TYPE_CHECKING:
    from rdkit.Chem import Atom

    from mgscreen.candidates.model import Candidate

HALOGENS = ("Cl", "Br", "I")
"""Fluorides do not make Grignard reagents under usual conditions."""


@dataclass(frozen=True)
class Halide:
    """A halide and its carbanion.

    Attributes
    ----------
    name
        Name in the library, or one made from the SMILES; fit for a file name.
    smiles
        Of RX.
    carbanion
        SMILES of R-: RX without its halogen.
    halogen
        X.
    group
        Hill formula of R.
    """

    name: str
    smiles: str
    carbanion: str
    halogen: str
    group: str


def read_halide(text: str, known: dict[str, Candidate]) -> Halide:
    """Return a halide by its name among ``known``, or by its SMILES.

    Raises
    ------
    ChemistryError
        If it is neither, or no neutral molecule with exactly one Cl, Br or I, on carbon.
    """
    from rdkit import Chem

    named = known.get(text)
    smiles = text if named is None else named.smiles
    _, charge, _ = check_chemistry(smiles)
    mol = Chem.MolFromSmiles(smiles)
    halogens = [a for a in mol.GetAtoms() if a.GetSymbol() in HALOGENS]
    if charge or len(halogens) != 1 or not _on_carbon(halogens[0]):
        raise ChemistryError(
            "smiles",
            f"'{text[:60]}' is no halide RX: expected a neutral molecule with exactly one Cl, Br "
            "or I, bound to carbon",
        )
    leaving = halogens[0]
    halogen = leaving.GetSymbol()
    rest = Chem.RWMol(mol)
    carbon = rest.GetAtomWithIdx(leaving.GetNeighbors()[0].GetIdx())
    carbon.SetFormalCharge(-1)
    carbon.SetNumExplicitHs(carbon.GetTotalNumHs())
    carbon.SetNoImplicit(True)  # noqa: FBT003 - RDKit takes no name here
    rest.RemoveAtom(leaving.GetIdx())
    Chem.SanitizeMol(rest)
    carbanion = Chem.MolToSmiles(rest)
    group, _, _ = check_chemistry(carbanion, -1)
    name = text if named is not None else _name(Chem.MolToSmiles(mol))
    return Halide(name, smiles, carbanion, halogen, group)


def _on_carbon(halogen: Atom) -> bool:
    neighbours = [n.GetSymbol() for n in halogen.GetNeighbors()]
    return neighbours == ["C"]


def _name(smiles: str) -> str:
    """Return the SMILES where it can be part of a file name, else with the other signs left out.

    Brackets and bonds are told apart by a short digest, so that isomers keep different names.
    """
    if re.fullmatch(r"[A-Za-z0-9]{1,40}", smiles):
        return smiles
    from mgscreen.core.identity import digest

    plain = re.sub(r"[^A-Za-z0-9]", "", smiles)[:40]
    return f"{plain}-{digest({'smiles': smiles})[:6]}"
