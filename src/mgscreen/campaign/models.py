"""The declarative input: what to screen, at which levels, against which electrodes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from mgscreen.core.errors import InputError
from mgscreen.core.species import Form
from mgscreen.engines.level import Level

Metal = Literal["Mg", "Li", "Na", "K", "Ca", "Zn", "Al"]
MoleculeProperty = Literal[
    "orbitals", "esp", "binding", "redox-vertical", "redox-adiabatic", "frequencies"
]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
"""Names become folder names: letters, digits, and _ . + - inside."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Anode(_Table):
    """The negative electrode."""

    metal: Metal = "Mg"


class Cathode(_Table):
    """The positive electrode and the potentials that it visits."""

    name: str = "Mo6S8"
    window: tuple[float, float] = Field(
        default=(0.9, 2.5), description="lowest discharge and highest charge potential, V vs metal"
    )
    leakage: tuple[float, ...] = Field(
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
    salts: tuple[Name, ...] = ("ALCL4",)
    complexes: tuple[str, ...] = Field(
        default=(), description="clusters by formula: 'Mg(DME)3', 'Mg2Cl2(DME)4'"
    )
    dielectric: float = Field(default=7.2, gt=1.0, description="dielectric constant of the solvent")


class InlineCandidate(_Table):
    """A molecule or ion given in the campaign itself."""

    name: Name
    smiles: str = Field(min_length=1)
    charge: int = 0
    multiplicity: int = Field(default=1, ge=1)
    description: str = ""
    forms: tuple[Form, ...] | None = None


class Candidates(_Table):
    """Who is screened."""

    library: tuple[str, ...] | Literal["all"] = Field(
        default=(), description="names of the built-in library, or 'all'"
    )
    files: tuple[str, ...] = Field(default=(), description="CSV or TOML files of the user")
    inline: tuple[InlineCandidate, ...] = ()
    forms: dict[Literal["anion", "cation", "neutral"], tuple[Form, ...]] = Field(
        default={
            "anion": ("ion", "contact-ion-pair"),
            "cation": ("ion",),
            "neutral": ("molecule",),
        },
        description="species forms by charge",
    )
    forms_of: dict[str, tuple[Form, ...]] = Field(
        default_factory=dict, description="species forms of one candidate, by name"
    )


class Molecules(_Table):
    """What is computed for each species."""

    properties: tuple[MoleculeProperty, ...] = (
        "orbitals",
        "esp",
        "binding",
        "redox-vertical",
        "redox-adiabatic",
    )
    redox_of: tuple[str, ...] | Literal["all"] = Field(
        default="all", description="candidates whose potentials are computed (the costly part)"
    )
    esp_of: tuple[str, ...] | Literal["all"] = "all"
    conformers: int = Field(default=6, ge=1, le=500, description="geometries tried per species")


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

    she: tuple[float, ...] = Field(
        default=(4.44, 4.28), min_length=1, description="absolute SHE potentials, V"
    )
    work_function: float | None = Field(
        default=None, gt=0, description="of the anode metal, eV; None: the tabulated value"
    )


class Ranking(_Table):
    """How candidates are ranked."""

    potential: Literal["vertical", "adiabatic"] = Field(
        default="adiabatic", description="which potential decides; the other is the fallback"
    )
    uncertainty: float = Field(
        default=0.25,
        gt=0,
        description="V, standard deviation of a computed potential against experiment",
    )
    samples: int = Field(default=2000, ge=100, le=100_000, description="for rank intervals")
    seed: int = 0


class Execution(_Table):
    """Resources; none of them changes a value."""

    workers: int | None = Field(default=None, ge=1, description="processes; None: CPU cores")
    threads: int = Field(default=1, ge=1, description="threads of one job")
    memory_gb: float = Field(default=4.0, gt=0.2, description="limit of one job, GB")
    walltime_h: float | None = Field(default=None, gt=0, description="limit of one job, hours")
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
            msg = "no candidate: give candidates.library, candidates.files or candidates.inline"
            raise ValueError(msg)
        return self
