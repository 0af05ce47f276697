"""The declarative input: what to screen, at which levels, against which electrodes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from mgscreen.core.errors import InputError
from mgscreen.core.species import Form
from mgscreen.engines.level import ENGINES, Level

T = TypeVar("T")

Metal = Literal["Mg", "Li", "Na", "K", "Ca", "Zn", "Al"]
MoleculeProperty = Literal[
    "orbitals", "esp", "binding", "redox-vertical", "redox-adiabatic", "frequencies"
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
"""Names become folder names: letters, digits, and _ . + - inside."""


class FieldError(ValueError):
    """A fault in a part of the validated value: the path leads there."""

    def __init__(self, message: str, *path: str | int) -> None:
        self.path = path
        super().__init__(message)


def _unique(values: tuple[T, ...]) -> tuple[T, ...]:
    for n, value in enumerate(values):
        if value in values[:n]:
            raise FieldError(f"{value!r} is given twice", n)
    return values


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
NameList = Annotated[tuple[Name, ...], AfterValidator(_unique)]
Potential = Annotated[float, Field(ge=-10.0, le=10.0)]
FormList = Annotated[tuple[Form, ...], Field(min_length=1), AfterValidator(_unique)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Anode(_Table):
    """The negative electrode."""

    metal: Metal = "Mg"


class Cathode(_Table):
    """The positive electrode and the potentials that it visits."""

    name: Text = "Mo6S8"
    window: tuple[Potential, Potential] = Field(
        default=(0.9, 2.5), description="lowest discharge and highest charge potential, V vs metal"
    )
    leakage: Annotated[tuple[Potential, ...], AfterValidator(_unique)] = Field(
        default=(), description="potentials of leakage holds, V vs metal"
    )

    @field_validator("window")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] >= value[1]:
            msg = f"expected [low, high] in V with low below high, got {list(value)}"
            raise ValueError(msg)
        return value


class Host(_Table):
    """The electrolyte that the additives are put into: roles are relative to it."""

    solvent: Name = "DME"
    salts: NameList = ("ALCL4",)
    complexes: Annotated[tuple[Text, ...], AfterValidator(_unique)] = Field(
        default=(), description="clusters by formula: 'Mg(DME)3', 'Mg2Cl2(DME)4'"
    )
    dielectric: float = Field(
        default=7.2, gt=1.0, le=1000.0, description="dielectric constant of the solvent"
    )


class InlineCandidate(_Table):
    """A molecule or ion given in the campaign itself."""

    name: Name
    smiles: str = Field(min_length=1, max_length=2000, description="the molecule as SMILES")
    charge: int = Field(default=0, ge=-20, le=20, description="e")
    multiplicity: int = Field(default=1, ge=1, le=20, description="2S+1")
    description: str = ""
    forms: FormList | None = None


class Candidates(_Table):
    """Who is screened."""

    library: NameList | Literal["all"] = Field(
        default=(), description="names of the built-in library, or 'all'"
    )
    files: Annotated[tuple[Text, ...], AfterValidator(_unique)] = Field(
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


class Molecules(_Table):
    """What is computed for each species."""

    properties: Annotated[
        tuple[MoleculeProperty, ...], Field(min_length=1), AfterValidator(_unique)
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


class Levels(_Table):
    """Levels of theory by step; what is not given comes from the preset."""

    preset: Literal["quick", "dual-additive-molecule", "production"] = "quick"
    conformers: str | None = Field(default=None, description="ranks conformers")
    geometry: str | None = Field(default=None, description="final optimisation")
    electronic: str | None = Field(default=None, description="orbitals, ESP, binding: gas phase")
    redox: str | None = Field(default=None, description="redox potentials, in the host's solvent")
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

    @field_validator("conformers", "geometry", "electronic", "redox")
    @classmethod
    def _parses(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                Level.parse(value)
            except InputError as error:
                raise ValueError(error.message) from None
        return value


class Scales(_Table):
    """Energy references under which verdicts are given."""

    she: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=10.0)], ...],
        Field(min_length=1),
        AfterValidator(_unique),
    ] = Field(default=(4.44, 4.28), description="absolute SHE potentials, V")
    work_function: float | None = Field(
        default=None, gt=0, lt=20.0, description="of the anode metal, eV; None: the tabulated value"
    )


class Ranking(_Table):
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
    samples: int = Field(default=2000, ge=100, le=100_000, description="for rank intervals")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the random numbers")


class Execution(_Table):
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


class Campaign(_Table):
    """A whole campaign file."""

    name: Name
    description: str = ""
    anode: Anode = Anode()
    cathode: Cathode = Cathode()
    host: Host = Host()
    candidates: Candidates
    molecules: Molecules = Molecules()
    levels: Levels = Levels()
    scales: Scales = Scales()
    ranking: Ranking = Ranking()
    execution: Execution = Execution()

    @model_validator(mode="after")
    def _not_empty(self) -> Campaign:
        given = self.candidates
        if not (given.library or given.files or given.inline):
            raise FieldError(
                "no candidate is given: expected names in library, or files, or inline candidates",
                "candidates",
            )
        return self
