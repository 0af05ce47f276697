"""The document that every calculation returns, and the property values that a row is made of."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from mgscreen.core.structure import AtomicStructure

State = Literal["completed", "failed"]


class PropertyValue(BaseModel):
    """One value (or one stated absence of a value) with everything that it depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: str = Field(description="a name of mgscreen.core.properties.PROPERTIES")
    value: float | None = Field(default=None, description="None where text is set or state failed")
    text: str | None = Field(default=None, description="a value that is no number (broken bonds)")
    unit: str = ""
    uncertainty: float | None = Field(default=None, description="one standard deviation, in unit")
    environment: str = Field(default="gas", description='"gas" or "C-PCM eps=7.2"')
    reference: str = Field(default="", description='energy reference, "Mg2+/Mg (SHE 4.44 V)"')
    state: State = "completed"
    reason: str = ""


class Document(BaseModel):
    """Result of one calculation. Subclasses add the values, with the unit in the field name.

    What did not converge is a document with ``state="failed"`` and a reason, never an exception
    that loses the rest and never a number: a failed document has no properties with a value.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default="", description="name of the calculation")
    state: State = "completed"
    reason: str = Field(default="", description="why it failed; empty when completed")
    level: str = Field(default="", description="level of theory, as mgscreen.engines writes it")
    code: str = Field(default="", description="program that computed it")
    code_version: str = ""
    settings: dict[str, Any] = Field(default_factory=dict, description="every engine setting")
    structure: AtomicStructure | None = Field(
        default=None, description="the structure that the values belong to; charge and spin in it"
    )
    converged: dict[str, bool] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    recovery: list[str] = Field(
        default_factory=list, description="handlers that were needed, in the order applied"
    )
    files: dict[str, str] = Field(
        default_factory=dict,
        description="role to path of an artefact, relative to the campaign's folder `files`",
    )
    input_hash: str = Field(default="", description="identity, see mgscreen.core.identity")
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_mb: float = 0.0
    host: str = ""

    @classmethod
    def of(cls, value: Self | dict[str, Any]) -> Self:
        """Return a document that a job gets from another one, which may be its plain JSON.

        Parameters
        ----------
        value
            The document, or a dictionary with the marks of jobflow (keys that begin with ``@``).
        """
        if not isinstance(value, dict):
            return value
        return cls.model_validate({k: v for k, v in value.items() if not k.startswith("@")})

    def properties(self) -> list[PropertyValue]:
        """Return the values as rows for the database; a subclass overrides it."""
        return []
