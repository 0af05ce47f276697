"""The section of a campaign that is about migration barriers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mgscreen.campaign.base import PeriodicLevelName, Table, Text, unique

Mechanism = Literal["vacancy", "interstitial", "surface"]
ChargeState = Literal["neutral", "charged"]
MILLER = r"^(\d{3}|-?\d+ -?\d+ -?\d+)$"
FACES = {
    "MgO": "100",
    "MgS": "100",
    "MgF2": "110",
    "MgH2": "110",
    "MgCl2": "001",
    "MgBr2": "001",
    "MgI2": "001",
    "Mg(OH)2": "001",
    "Mg2Ga5": "001",
    "Mg": "001",
}
"""The face of lowest energy of rock salt and rutile, the basal plane of layered phases and hcp, and
the plane of Mg2Ga5 whose cut leaves both sides alike."""

KPoints = Annotated[int, Field(ge=1, le=12)]


class Migration(Table):
    """Which phases an ion has to cross, by which hops, at which levels."""

    phases: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(unique)] = Field(
        default=("MgO", "MgF2", "MgBr2", "Mg2Ga5"),
        description="crystals of the library, or paths of CIF or POSCAR files",
    )
    species: str = Field(
        default="Mg", pattern=r"^[A-Z][a-z]?$", description="element that migrates"
    )
    mechanisms: Annotated[tuple[Mechanism, ...], Field(min_length=1), AfterValidator(unique)] = (
        Field(default=("vacancy",), description="kinds of defects that hop")
    )
    surfaces: dict[str, Annotated[str, Field(pattern=MILLER)]] = Field(
        default_factory=lambda: dict(FACES),
        description="face of each phase for the surface mechanism, Miller indices of the "
        "conventional cell, such as 110 or '1 -1 0'",
    )
    max_distance: float | None = Field(
        default=None,
        gt=1.0,
        le=10.0,
        description="longest hop, angstrom; none: as far as it takes to percolate in three "
        "dimensions, 7.5 at most",
    )
    min_supercell: float = Field(
        default=10.0, ge=6.0, le=40.0, description="least distance of a defect's images, angstrom"
    )
    max_hops: int = Field(
        default=6, ge=1, le=100, description="hops of each mechanism, the shortest first"
    )
    until: Literal["percolating", "all"] = Field(
        default="all",
        description="percolating: of each mechanism, no longer hop is searched once shorter ones "
        "lead through the crystal; then the lowest path may be missed",
    )
    potentials: tuple[PeriodicLevelName, ...] | None = Field(
        default=None, description="in place of those of [levels]"
    )
    dft: Literal["none", "escalate", "all"] = Field(
        default="none",
        description="single points of the DFT level of [levels] at the endpoints and the saddle of "
        "the lowest percolating path: never, where potentials disagree by more than "
        "max_uncertainty, or always",
    )
    dft_of: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
        default=(), description="phases that go to the DFT level in any case"
    )
    dft_geometry: Literal["first", "last", "all"] = Field(
        default="last",
        description="whose geometry DFT takes: of the first potential, the last, all",
    )
    dft_mechanisms: Literal["lowest", "each", "hops"] = Field(
        default="lowest",
        description="DFT for the lowest path alone, for the lowest path of each mechanism, or for "
        "every hop that has a saddle",
    )
    dft_saddle: Literal["single-point", "relax"] = Field(
        default="single-point",
        description="energies at the potential's geometries, or endpoints and saddle relaxed at "
        "the DFT level",
    )
    dft_kpts: dict[str, tuple[KPoints, KPoints, KPoints]] = Field(
        default_factory=dict,
        description="k-mesh of the supercell by phase; none: Gamma, and 2x2x2 where all "
        "elements are metals",
    )
    charge_states: Annotated[
        tuple[ChargeState, ...], Field(min_length=1), AfterValidator(unique)
    ] = Field(
        default=("neutral",),
        description="of the defect at the DFT level; charged: Mg2+ leaves its electrons to a "
        "homogeneous background",
    )
    max_uncertainty: float = Field(
        default=0.1, gt=0, le=5.0, description="spread of a barrier that is accepted, eV"
    )
    temperature_k: float = Field(default=298.15, gt=0, le=3000, description="for rates, K")
