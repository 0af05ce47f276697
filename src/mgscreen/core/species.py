"""What is computed: a candidate in one of its forms (free ion, contact ion pair, salt, ...)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.structure import Role

Form = Literal[
    "ion",  # X-, or a cation, alone
    "molecule",  # a neutral molecule
    "metal-ion",  # the bare cation of the anode metal, the reference of a binding energy
    "contact-ion-pair",  # [MX](n-1)+
    "salt",  # MXn, neutral
    "solvated-contact-ion-pair",  # [MX(solvent)k](n-1)+, the shell of M filled
    "complex",  # any other cluster: [Mg(DME)3]2+, [Mg2Cl2(DME)4]2+, [Mg3Cl4(DME)5]2+
]


class Component(BaseModel):
    """One kind of ion or molecule in a species."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    smiles: str
    charge: int
    multiplicity: int = 1
    count: int = Field(default=1, ge=1)
    role: Role


class Species(BaseModel):
    """A candidate in one form, with everything that is needed to build its atoms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    form: Form
    label: str = Field(description="for people: [MgTFSI]+")
    components: tuple[Component, ...]
    charge: int
    multiplicity: int = 1

    @property
    def metal(self) -> Component | None:
        """The metal ion, if the species has one."""
        return next((c for c in self.components if c.role == "metal"), None)
