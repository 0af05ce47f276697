"""The table of a campaign for reactions at the interphase: halides, and displacement by the anode.

It is the field ``reactions`` of the section ``[stability]``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from mgscreen.campaign.base import LevelName, Name, Table, Text, unique
from mgscreen.engines.level import PERIODIC, Level

MOST_SOLVENT = 4
"""Molecules at one Mg beside two other ligands fill its shell of six."""


def _molecular(value: str) -> str:
    if Level.parse(value).engine in PERIODIC:
        msg = f"'{value}' is for crystals: expected a level for molecules (pyscf, xtb)"
        raise ValueError(msg)
    return value


class Reactions(Table):
    """Which precursors react with the anode, and at which level."""

    rx: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
        default=("CCCCl", "PRBR", "CCCI"),
        description="organic halides RX (X = Cl, Br, I): names of the library or of inline "
        "candidates, or SMILES",
    )
    level: Annotated[LevelName, AfterValidator(_molecular)] | None = Field(
        default=None,
        description="energies of molecules; put into the host's solvent where it names none; "
        "None: the redox level",
    )
    solvent: Text | None = Field(
        default=None,
        description="solvent whose molecules bind to Mg: name of the library, or SMILES ('COC' is "
        "a cheap model of an ether); None: the host's",
    )
    solvent_molecules: int = Field(
        default=0,
        ge=0,
        le=MOST_SOLVENT,
        description="of it at each Mg, 2 of 'COC' fill a shell of four; 0: the continuum alone, "
        "which misses more than 1 eV of the energy of RX + Mg -> RMgX",
    )
    conformers: int = Field(
        default=6, ge=1, le=500, description="geometries tried of each molecule"
    )
    displacement: Annotated[tuple[Name, ...], AfterValidator(unique)] = Field(
        default=("BiCl3", "SbCl3", "GaCl3", "SnCl2", "ZnCl2", "AlCl3"),
        description="chlorides whose metal the anode metal displaces, by formula",
    )
    in_solution: bool = Field(
        default=True,
        description="displacement of molecules in the continuum too, at the level of the molecules",
    )
