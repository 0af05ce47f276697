"""What every section of a campaign file is built from."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from mgscreen.core.errors import InputError
from mgscreen.engines.level import PERIODIC, Level

T = TypeVar("T")

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
"""Names become folder names: letters, digits, and _ . + - inside."""


class FieldError(ValueError):
    """A fault in a part of the validated value: the path leads there."""

    def __init__(self, message: str, *path: str | int) -> None:
        self.path = path
        super().__init__(message)


def unique(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a value that is given twice."""
    for n, value in enumerate(values):
        if value in values[:n]:
            raise FieldError(f"{value!r} is given twice", n)
    return values


def _level(value: str) -> str:
    try:
        Level.parse(value)
    except InputError as error:
        raise ValueError(error.message) from None
    return value


def _periodic_level(value: str) -> str:
    if Level.parse(value).engine not in PERIODIC:
        known = ", ".join(PERIODIC)
        msg = f"'{value}' is not a level for crystals and slabs ({known})"
        raise ValueError(msg)
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
NameList = Annotated[tuple[Name, ...], AfterValidator(unique)]
Potential = Annotated[float, Field(ge=-10.0, le=10.0)]
LevelName = Annotated[str, AfterValidator(_level)]
"""A level of theory by its name."""
PeriodicLevelName = Annotated[LevelName, AfterValidator(_periodic_level)]
"""A level of theory for crystals and slabs."""
Metal = Literal["Mg", "Li", "Na", "K", "Ca", "Zn", "Al"]
"""Anode metals."""


class Table(BaseModel):
    """A table of a campaign file: unknown keys are refused, nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
