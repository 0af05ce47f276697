"""The section of a campaign that is about phases: stability, windows, alloys, cathodes, gaps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mgscreen.campaign.base import Metal, PeriodicLevelName, Table, Text, unique
from mgscreen.campaign.reactions import Reactions

PhaseList = Annotated[tuple[Text, ...], AfterValidator(unique)]

PHASES = (
    "MgO", "MgF2", "MgCl2", "MgBr2", "MgI2", "MgS", "MgH2", "Mg3N2", "Mg(OH)2", "MgCO3",
    "Mg2Ga5",
)  # fmt: skip
ALLOYS = (
    "Mg2Ga5", "MgGa2", "MgGa", "Mg2Ga", "Mg5Ga2", "MgZn2", "Mg2Zn11", "LiGa", "LiZn", "LiMg",
    "MgHg", "LiHg", "LiHg3", "Li3Hg", "NaHg2",
)  # fmt: skip


def _unless_false(value: Any) -> Any:
    """Let a file say that there is none: TOML has no null."""
    return None if value is False else value


class CathodeHost(Table):
    """A cathode that is computed: the empty host, and what goes in."""

    crystal: Text = Field(default="Mo6S8", description="crystal of the library, or path of a CIF")
    species: Metal = "Mg"
    numbers: Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(unique)] = Field(
        default=(1, 2), description="ions inserted per cell, ascending"
    )


class BandEdge(Table):
    """An insulator whose bands are placed against the Fermi level of the anode metal."""

    phase: Text = Field(description="crystal of the library, or path of a CIF")
    plane: tuple[int, int, int] | None = Field(
        default=None,
        description="Miller indices of its surface; none: (0 0 1) of layers and of rock salt, "
        "(1 1 0) of rutile; other types need one",
    )
    layers: int = Field(default=5, ge=3, le=30, description="of the slab, at least")


class Stability(Table):
    """Which phases, alloys and cathodes are placed, and at which levels."""

    phases: PhaseList = Field(
        default=PHASES, description="crystals of the library, or paths of CIF or POSCAR files"
    )
    competing: Literal["library"] | PhaseList = Field(
        default="library",
        description="what may form instead: every crystal of the library in the same chemical "
        "system, or these",
    )
    entries: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
        default=(),
        description="files of your own energies of the level `entries_level`: JSON lists of "
        "pymatgen ComputedEntry, or folders with a vasprun.xml",
    )
    entries_level: Text | None = Field(
        default=None, description="level that the entries belong to; needed where entries are given"
    )
    cathode: Annotated[Text | None, BeforeValidator(_unless_false)] = Field(
        default="Mo6S8",
        description="formula of the cathode material that phases may react with; none: false",
    )
    products: PhaseList = Field(
        default=(),
        description="what the electrolyte leaves on the electrodes, by formula ('MgO', 'CO2'): "
        "phases may react with each",
    )
    alloys: PhaseList = Field(
        default=ALLOYS,
        description="alloys whose voltage is given: against the anode metal, or, without it in "
        "them, against each anode metal that they contain",
    )
    cathodes: tuple[CathodeHost, ...] = Field(
        default=(), description="cathodes whose insertion voltage is computed"
    )
    reactions: Reactions | None = Field(
        default=None, description="precursors and chlorides on the metal: [stability.reactions]"
    )
    potentials: tuple[PeriodicLevelName, ...] | None = Field(
        default=None, description="in place of those of [levels]"
    )
    dft: Literal["none", "gaps", "energies"] = Field(
        default="none",
        description="what the DFT level of [levels] computes: nothing, the gap of each phase at "
        "the first potential's geometry, or gaps and energies of the phases and competitors too",
    )
    gaps_of: PhaseList = Field(
        default=(), description="phases whose gap is computed; none given: all of them"
    )
    edges: tuple[BandEdge, ...] = Field(
        default=(),
        description="phases whose band edges are placed against the anode metal by the DFT level, "
        "through vacuum: [[stability.edges]]",
    )
    temperature_k: float = Field(
        default=298.15, gt=0, le=2000, description="for the entropy of gases, K"
    )
