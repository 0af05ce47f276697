"""The section of a campaign that is about adsorption: slabs, fragments, levels, references."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from mgscreen.campaign.base import (
    FieldError,
    LevelName,
    Name,
    NameList,
    PeriodicLevelName,
    Potential,
    Table,
    Text,
    unique,
)

Miller = Annotated[int, Field(ge=-9, le=9)]
SiteKind = Literal["top", "bridge", "hcp", "fcc", "hollow", "subsurface"]
ReferenceName = Literal["radical", "half-x2", "ion"]

PRESET_FRAGMENTS = (
    "F", "O", "Cl", "Br", "S", "CF3", "SO2", "SO2CF3", "NSO2CF3", "C4F9O",
    "CH3O", "OC2H4O", "C2H4", "C3H7",
)  # fmt: skip
"""What the salts, the solvent and the coating precursor of the dual-additive electrolyte leave."""


class SlabSpec(Table):
    """One surface. The defaults are those of the preset `dual-additive-slab`."""

    crystal: Text = Field(default="Mg", description="crystal of the library, or path of a CIF")
    miller: tuple[Miller, Miller, Miller] = Field(
        default=(0, 0, 1),
        description="indices of the conventional cell; four of a hexagonal one are taken too",
    )
    layers: int = Field(default=4, ge=1, le=40, description="layers of atoms")
    fixed: int = Field(default=2, ge=0, le=39, description="layers that are held")
    hold: Literal["bottom", "middle"] = Field(
        default="bottom",
        description="which layers are held: the lowest, or the middle ones of a symmetric slab",
    )
    supercell: tuple[Annotated[int, Field(ge=1, le=12)], Annotated[int, Field(ge=1, le=12)]] = (
        Field(default=(3, 3), description="repeats of the surface cell")
    )
    vacuum: float = Field(default=15.0, ge=8.0, le=60.0, description="angstrom")
    termination: int = Field(default=0, ge=0, le=99, description="which one, counted from 0")
    kpts: tuple[int, int, int] | None = Field(
        default=None,
        description="k-mesh of DFT; None: as dense as 3x3x1 on Mg(0001) p(3x3)",
    )

    @field_validator("miller", mode="before")
    @classmethod
    def _hexagonal(cls, value: object) -> object:
        """Take (h k i l) with i = -(h + k) as (h k l)."""
        if isinstance(value, list | tuple) and len(value) == 4:  # noqa: PLR2004 - Miller-Bravais
            h, k, i, last = value
            if all(isinstance(n, int) for n in value) and i == -(h + k):
                return (h, k, last)
            msg = f"of four hexagonal indices the third is minus the sum of the first two: {value}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _sensible(self) -> SlabSpec:
        if not any(self.miller):
            raise FieldError("the Miller indices of a surface are not all zero", "miller")
        if self.fixed >= self.layers:
            raise FieldError(
                f"{self.fixed} of {self.layers} layers are held: at least one has to be free",
                "fixed",
            )
        if self.kpts is not None and (min(self.kpts) < 1 or self.kpts[2] != 1):
            raise FieldError("expected [n, m, 1] of whole numbers from 1", "kpts")
        return self

    @property
    def label(self) -> str:
        """Unique name within a campaign: ``Mg(001)-4L-3x3``."""
        crystal = self.crystal.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
        indices = "".join(str(n) for n in self.miller)
        text = f"{crystal}({indices})-{self.layers}L-{self.supercell[0]}x{self.supercell[1]}"
        if self.termination:
            text += f"-t{self.termination}"
        if self.hold == "middle":
            text += "-sym"
        if self.vacuum != 15.0:  # noqa: PLR2004 - the preset's
            text += f"-v{self.vacuum:g}"
        if self.fixed != 2:  # noqa: PLR2004 - the preset's
            text += f"-f{self.fixed}"
        if self.kpts is not None:
            text += f"-k{self.kpts[0]}x{self.kpts[1]}"
        return text


class InlineFragment(Table):
    """A fragment given in the campaign itself, by SMILES or by the path of an xyz file."""

    name: Name
    smiles: str = Field(default="", max_length=2000, description="radicals as '[F]', 'F[C](F)F'")
    xyz: str = Field(default="", max_length=4000, description="path of an xyz file")
    multiplicity: int | None = Field(
        default=None, ge=1, le=20, description="2S+1; None: from the radical electrons of SMILES"
    )
    description: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> InlineFragment:
        if bool(self.smiles) == bool(self.xyz):
            raise FieldError("expected either smiles or xyz", "smiles")
        if self.xyz and self.multiplicity is None:
            raise FieldError("an xyz file does not say the multiplicity: give it", "multiplicity")
        return self


class Surfaces(Table):
    """Adsorption of fragments on surfaces."""

    preset: Literal["dual-additive-slab"] = Field(
        default="dual-additive-slab",
        description="where the defaults come from: PBE, PAW, 450 eV, D3(BJ), Mg(0001), four "
        "layers, two fixed, p(3x3), 3x3x1",
    )
    slabs: Annotated[tuple[SlabSpec, ...], Field(min_length=1)] = (SlabSpec(),)
    fragments: NameList = Field(
        default=PRESET_FRAGMENTS, description="names of the fragment library"
    )
    inline: tuple[InlineFragment, ...] = Field(default=(), description="fragments of your own")
    from_molecules: bool = Field(
        default=False,
        description="also the pieces that the molecules of this campaign break into",
    )
    sites: Annotated[tuple[SiteKind, ...], Field(min_length=1), AfterValidator(unique)] = Field(
        default=("top", "bridge", "hcp", "fcc", "hollow", "subsurface"),
        description="kinds of sites; below the surface only single atoms are tried",
    )
    orientations: int = Field(
        default=3, ge=1, le=24, description="of a molecular fragment on each site"
    )
    potentials: (
        Annotated[tuple[PeriodicLevelName, ...], Field(min_length=1), AfterValidator(unique)] | None
    ) = Field(default=None, description="None: those of [levels]")
    dft: Literal["none", "single-point", "relax"] = Field(
        default="none", description="what the DFT level does with the best sites"
    )
    dft_level: PeriodicLevelName | None = Field(default=None, description="None: that of [levels]")
    top: int = Field(default=1, ge=1, le=20, description="how many sites go on to DFT")
    dispersion: bool = Field(
        default=True,
        description="add D3(BJ) on the relaxed geometries where the level has none itself",
    )
    reference: ReferenceName = Field(
        default="radical", description="which reference ranks the fragments"
    )
    potential: Potential = Field(
        default=0.0, description="of the electrode, V vs metal, for the ion reference"
    )
    ion_level: LevelName | None = Field(
        default=None,
        description="level in a solvent that computes ions without a tabulated potential, for "
        "instance 'pyscf:b3lyp/6-31+g(d)/cpcm(7.2)'; None: those stay blank",
    )
    fmax: float = Field(
        default=0.02, ge=0.001, le=0.2, description="force at which a slab is relaxed, eV/angstrom"
    )

    @field_validator("ion_level")
    @classmethod
    def _in_solvent(cls, value: str | None) -> str | None:
        from mgscreen.engines.level import Level

        if value is not None and (
            not Level.parse(value).solvent or Level.parse(value).engine != "pyscf"
        ):
            msg = f"'{value}': expected a PySCF level in a solvent, with /cpcm(eps)"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _no_name_twice(self) -> Surfaces:
        seen = {name.casefold() for name in self.fragments}
        for n, one in enumerate(self.inline):
            if one.name.casefold() in seen:
                raise FieldError(f"{one.name!r} is given twice", "inline", n, "name")
            seen.add(one.name.casefold())
        labels: set[str] = set()
        for n, slab in enumerate(self.slabs):
            if slab.label in labels:
                raise FieldError(f"{slab.label} is given twice", "slabs", n)
            labels.add(slab.label)
        if not (seen or self.from_molecules):
            raise FieldError("no fragment is given", "fragments")
        return self
