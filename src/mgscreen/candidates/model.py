"""What a candidate is, and the check that its SMILES, charge and multiplicity agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rdkit.Chem import Mol

MAX_ATOMS = 300
"""Larger molecules are beyond every level of theory here; it also bounds what a file can cost."""
HEAVIEST = 86
"""GFN2-xTB has parameters up to radon."""

_ORGANIC = frozenset({"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"})
"""Elements whose unpaired electrons in a SMILES mostly mean a forgotten hydrogen."""


class ChemistryError(ValueError):
    """A molecule that cannot be: ``field`` says which of its fields is to blame."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class Candidate(BaseModel):
    """A molecule or ion that is screened, or a member of the host electrolyte."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    smiles: str
    charge: int = Field(default=0, description="e")
    multiplicity: int = Field(default=1, ge=1, description="2S+1")
    formula: str = Field(default="", description="Hill formula, without the charge")
    kind: str = Field(default="", description="anion, cation, solvent, additive, ...")
    role_hypothesis: str = Field(default="", description="what it is listed for; not a result")
    why: str = ""
    source: str = ""
    is_host: bool = False


def read_smiles(smiles: str) -> Mol:
    """Return the molecule of a SMILES with explicit hydrogens.

    Raises
    ------
    ChemistryError
        If it is broken, empty, too large, or no single molecule of known elements.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        bare = Chem.MolFromSmiles(smiles)
    if bare is None:
        raise ChemistryError("smiles", f"{_short(smiles)} is no valid SMILES")
    if bare.GetNumAtoms() == 0:
        raise ChemistryError("smiles", "the SMILES is empty")
    mol = Chem.AddHs(bare)
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise ChemistryError(
            "smiles", f"the molecule has {mol.GetNumAtoms()} atoms: expected at most {MAX_ATOMS}"
        )
    numbers = {a.GetAtomicNum() for a in mol.GetAtoms()}
    if 0 in numbers:
        raise ChemistryError("smiles", "the SMILES has a wildcard atom: expected a real molecule")
    if max(numbers) > HEAVIEST:
        raise ChemistryError("smiles", "the SMILES has an element heavier than radon")
    pieces = len(Chem.GetMolFrags(mol))
    if pieces > 1:
        raise ChemistryError(
            "smiles", f"the SMILES has {pieces} separate pieces: expected one molecule or ion"
        )
    return mol


def formula_of(mol: Mol) -> str:
    """Return the Hill formula of a molecule with explicit hydrogens, without the charge."""
    return hill(Counter(a.GetSymbol() for a in mol.GetAtoms()))


def hill(count: Mapping[str, int]) -> str:
    """Return the Hill formula of numbers of atoms by element."""
    order = [s for s in ("C", "H") if s in count] if "C" in count else []
    order += sorted(set(count) - set(order))
    return "".join(s + (str(count[s]) if count[s] > 1 else "") for s in order)


def check_chemistry(
    smiles: str, charge: int | None = None, multiplicity: int | None = None
) -> tuple[str, int, int]:
    """Check that SMILES, charge and multiplicity can belong together.

    Parameters
    ----------
    smiles
        The molecule or ion.
    charge
        Total charge, e; None: that of the SMILES.
    multiplicity
        2S+1; None: a singlet, which a radical has to contradict explicitly.

    Returns
    -------
    tuple
        Hill formula, charge, multiplicity.

    Raises
    ------
    ChemistryError
        If they contradict each other.
    """
    mol = read_smiles(smiles)
    formal = sum(a.GetFormalCharge() for a in mol.GetAtoms())
    if charge is not None and charge != formal:
        raise ChemistryError(
            "charge", f"the SMILES has the charge {formal:+d}, but {charge:+d} is given"
        )
    electrons = sum(a.GetAtomicNum() for a in mol.GetAtoms()) - formal
    if electrons < 0:
        raise ChemistryError("smiles", f"the charge {formal:+d} is more than all electrons")
    unpaired = {a.GetSymbol(): a.GetNumRadicalElectrons() for a in mol.GetAtoms()}
    hidden = sorted(s for s, n in unpaired.items() if n and s in _ORGANIC)
    radicals = sum(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
    spin = 1 if multiplicity is None else multiplicity
    if (electrons + spin - 1) % 2 or spin - 1 > electrons:
        kind = "even" if electrons % 2 == 0 else "odd"
        hint = (
            f" (the SMILES leaves an unpaired electron on {', '.join(hidden)}: is a hydrogen "
            "missing in its brackets?)"
            if hidden
            else ""
        )
        raise ChemistryError(
            "multiplicity",
            f"multiplicity {spin} is impossible with an {kind} number of electrons "
            f"({electrons}){hint}",
        )
    if hidden and multiplicity is None:
        raise ChemistryError(
            "smiles",
            f"the SMILES leaves {radicals} unpaired electrons on {', '.join(hidden)}: write the "
            "missing hydrogens in the brackets, or give the multiplicity",
        )
    return formula_of(mol), formal, spin


def _short(text: str) -> str:
    limit = 60
    return ascii(text if len(text) <= limit else text[: limit - 3] + "...")
