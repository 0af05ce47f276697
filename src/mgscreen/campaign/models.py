"""The declarative input: what to screen, at which levels, against which electrodes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from mgscreen.campaign.base import (
    FieldError,
    LevelName,
    Metal,
    Name,
    NameList,
    PeriodicLevelName,
    Potential,
    Table,
    Text,
    unique,
)
from mgscreen.campaign.criteria import ALLOYS, COATINGS, FILM, PAIRS, CriterionList
from mgscreen.campaign.migration import Migration
from mgscreen.campaign.stability import Stability
from mgscreen.campaign.surfaces import Surfaces
from mgscreen.core.species import Form
from mgscreen.engines.level import ENGINES

MoleculeProperty = Literal[
    "orbitals", "esp", "binding", "redox-vertical", "redox-adiabatic", "frequencies"
]
FormList = Annotated[tuple[Form, ...], Field(min_length=1), AfterValidator(unique)]


class Anode(Table):
    """The negative electrode."""

    metal: Metal = "Mg"


class Cathode(Table):
    """The positive electrode and the potentials that it visits."""

    name: Text = "Mo6S8"
    window: tuple[Potential, Potential] = Field(
        default=(0.9, 2.5), description="lowest discharge and highest charge potential, V vs metal"
    )
    leakage: Annotated[tuple[Potential, ...], AfterValidator(unique)] = Field(
        default=(), description="potentials of leakage holds, V vs metal"
    )

    @field_validator("window")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            msg = f"expected [low, high] in V with low below high, got {list(value)}"
            raise ValueError(msg)
        return value


class Host(Table):
    """The electrolyte that the additives are put into: roles are relative to it."""

    solvent: Name = "DME"
    salts: NameList = ("ALCL4",)
    complexes: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
        default=(), description="clusters by formula: 'Mg(DME)3', 'Mg2Cl2(DME)4'"
    )
    dielectric: float = Field(
        default=7.2, gt=1.0, le=1000.0, description="dielectric constant of the solvent"
    )


class InlineCandidate(Table):
    """A molecule or ion given in the campaign itself."""

    name: Name
    smiles: str = Field(min_length=1, max_length=2000, description="the molecule as SMILES")
    charge: int = Field(default=0, ge=-20, le=20, description="e")
    multiplicity: int = Field(default=1, ge=1, le=20, description="2S+1")
    description: str = ""
    forms: FormList | None = None


class Candidates(Table):
    """Who is screened."""

    library: NameList | Literal["all"] = Field(
        default=(), description="names of the built-in library, or 'all'"
    )
    files: Annotated[tuple[Text, ...], AfterValidator(unique)] = Field(
        default=(), description="CSV or TOML files of the user"
    )
    inline: tuple[InlineCandidate, ...] = ()
    forms: dict[Literal["anion", "cation", "neutral"], FormList] = Field(
        default={
            "anion": ("ion", "contact-ion-pair"),
            "cation": ("ion",),
            "neutral": ("molecule",),
        },
        description="species forms by charge",
    )
    forms_of: dict[Name, FormList] = Field(
        default_factory=dict, description="species forms of one candidate, by name"
    )

    @model_validator(mode="after")
    def _no_candidate_twice(self) -> Candidates:
        # names become folder names, and some file systems do not tell cases apart
        listed = () if self.library == "all" else self.library
        given: list[tuple[tuple[str | int, ...], str]]
        given = [(("library", n), name) for n, name in enumerate(listed)]
        given += [(("inline", n, "name"), c.name) for n, c in enumerate(self.inline)]
        seen: dict[str, str] = {}
        for path, name in given:
            other = seen.get(name.casefold())
            if other == name:
                raise FieldError(f"{name!r} is given twice", *path)
            if other is not None:
                raise FieldError(f"{name!r} and {other!r} differ only in case", *path)
            seen[name.casefold()] = name
        return self


class Molecules(Table):
    """What is computed for each species."""

    properties: Annotated[
        tuple[MoleculeProperty, ...], Field(min_length=1), AfterValidator(unique)
    ] = (
        "orbitals",
        "esp",
        "binding",
        "redox-vertical",
        "redox-adiabatic",
    )
    redox_of: NameList | Literal["all"] = Field(
        default="all", description="candidates whose potentials are computed (the costly part)"
    )
    redox_directions: Literal["relevant", "both"] = Field(
        default="relevant",
        description="relevant: an anion is oxidised as the free ion and reduced as an ion pair; "
        "both: every species both ways",
    )
    cubes: bool = Field(
        default=False, description="write the electron density of each species as a cube file"
    )
    probe_bonds: bool = Field(
        default=False,
        description="for adiabatic potentials, also look for broken bonds behind a barrier",
    )
    esp_of: NameList | Literal["all"] = Field(
        default="all", description="candidates whose electrostatic potential is computed"
    )
    conformers: int = Field(default=6, ge=1, le=500, description="geometries tried per species")


def _check_setting(value: Any, *path: str | int) -> None:
    """Refuse what cannot be part of a calculation's identity: dates, nan, infinity."""
    if isinstance(value, list | tuple):
        for n, element in enumerate(value):
            _check_setting(element, *path, n)
    elif isinstance(value, dict):
        for key, element in value.items():
            _check_setting(element, *path, key)
    elif not isinstance(value, str | int | float | bool):
        raise FieldError(f"expected text, a number, true or false, got {value}", *path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise FieldError(f"expected a finite number, got {value}", *path)


class Levels(Table):
    """Levels of theory by step; what is not given comes from the preset."""

    preset: Literal["quick", "dual-additive-molecule", "production"] = "quick"
    conformers: LevelName | None = Field(default=None, description="ranks conformers")
    geometry: LevelName | None = Field(default=None, description="final optimisation")
    electronic: LevelName | None = Field(
        default=None, description="orbitals, ESP, binding: gas phase"
    )
    redox: LevelName | None = Field(
        default=None, description="redox potentials, in the host's solvent"
    )
    potentials: Annotated[
        tuple[PeriodicLevelName, ...], Field(min_length=1), AfterValidator(unique)
    ] = Field(
        default=("mlip:chgnet", "mlip:7net-0"),
        description="potentials for crystals and slabs; their spread is an uncertainty",
    )
    dft: PeriodicLevelName = Field(default="gpaw:pbe", description="DFT of crystals and slabs")
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="engine settings, by engine: [levels.settings.pyscf]"
    )

    @field_validator("settings")
    @classmethod
    def _plain_settings(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for engine, settings in value.items():
            if engine not in ENGINES:
                known = ", ".join(ENGINES)
                raise FieldError(f"there is no engine '{engine}' (known: {known})", engine)
            _check_setting(settings, engine)
        return value


class Scales(Table):
    """Energy references under which verdicts are given."""

    she: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=10.0)], ...],
        Field(min_length=1),
        AfterValidator(unique),
    ] = Field(default=(4.44, 4.28), description="absolute SHE potentials, V")
    work_function: float | None = Field(
        default=None, gt=0, lt=20.0, description="of the anode metal, eV; None: the tabulated value"
    )


class Ranking(Table):
    """How candidates are ranked."""

    potential: Literal["vertical", "adiabatic"] = Field(
        default="adiabatic", description="which potential decides; the other is the fallback"
    )
    uncertainty: float = Field(
        default=0.25,
        gt=0,
        le=10.0,
        description="V, standard deviation of a computed potential against experiment",
    )
    pairs: CriterionList = Field(
        default=PAIRS, description="criteria of single additives and pairs: [[ranking.pairs]]"
    )
    coatings: CriterionList = Field(
        default=COATINGS, description="criteria of insulating coatings: [[ranking.coatings]]"
    )
    alloys: CriterionList = Field(
        default=ALLOYS, description="criteria of alloy interphases: [[ranking.alloys]]"
    )
    film: CriterionList = Field(
        default=FILM, description="what the film of an SEI former has to be: [[ranking.film]]"
    )
    samples: int = Field(default=2000, ge=100, le=100_000, description="for rank intervals")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the random numbers")


class Execution(Table):
    """Resources; none of them changes a value."""

    workers: int | None = Field(
        default=None, ge=1, le=10_000, description="processes; None: CPU cores"
    )
    threads: int = Field(default=1, ge=1, le=1024, description="threads of one job")
    memory_gb: float = Field(default=4.0, gt=0.2, le=1e5, description="limit of one job, GB")
    walltime_h: float | None = Field(
        default=None, gt=0, le=1e5, description="limit of one job, hours"
    )
    retries: int = Field(default=1, ge=0, le=10, description="after a lost worker")


class Campaign(Table):
    """A whole campaign file."""

    name: Name
    description: str = ""
    anode: Anode = Anode()
    cathode: Cathode = Cathode()
    host: Host = Host()
    candidates: Candidates = Candidates()
    molecules: Molecules = Molecules()
    levels: Levels = Levels()
    surfaces: Surfaces | None = None
    migration: Migration | None = None
    stability: Stability | None = None
    scales: Scales = Scales()
    ranking: Ranking = Ranking()
    execution: Execution = Execution()

    @property
    def has_molecules(self) -> bool:
        """Whether any candidate is given; a campaign of solids alone has none."""
        given = self.candidates
        return bool(given.library or given.files or given.inline)

    @model_validator(mode="after")
    def _not_empty(self) -> Campaign:
        solids = (self.surfaces, self.migration, self.stability)
        if not self.has_molecules and all(section is None for section in solids):
            raise FieldError(
                "nothing to compute is given: expected names in library, or files, or inline "
                "candidates, or a section surfaces, migration or stability",
                "candidates",
            )
        return self
