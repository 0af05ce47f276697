"""Literature values: read from the CSV tables, checked, and put into the database."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from sqlalchemy import delete, insert, select

from mgscreen.core.errors import InputError, Location
from mgscreen.core.identity import digest
from mgscreen.core.properties import PROPERTIES
from mgscreen.core.resources import data_path
from mgscreen.core.species import Form
from mgscreen.database.tables import META, REFERENCES, upsert

if TYPE_CHECKING:
    from pathlib import Path

    from mgscreen.database.database import Database

UNITS = frozenset(
    {"", "%", "1", "A", "GPa", "Ha", "J/m^2", "V", "cm-1", "degree", "e", "eV", "eV/atom", "h"}
    | {"kJ/mol", "kcal/mol", "mA/g", "mAh/g", "mV", "meV/A^2", "mmol", "mol/L", "ohm", "uA/cm2"}
    | {"um"}
)
_FACTORS = {
    # kcal/mol per elementary charge is a potential
    ("kcal/mol", "V"): "kcal",
    ("kcal/mol", "eV"): "kcal",
    ("kJ/mol", "eV"): "kJ",
    ("Ha", "eV"): "Ha",
}
_SOURCES = "sources.csv"
_META_KEY = "references"


class Reference(BaseModel):
    """One record: a value or a statement of a source, with its place and conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    place: str = ""
    system: str
    candidate: str = ""
    form: str = ""
    property: str
    value: float | None = None
    text: str | None = None
    unit: str = ""
    uncertainty: float | None = None
    conditions: str = ""
    conflict: str = ""
    note: str = ""
    url: str = ""

    @field_validator("value", "text", "uncertainty", mode="before")
    @classmethod
    def _empty(cls, given: object) -> object:
        return None if given == "" else given

    @model_validator(mode="after")
    def _consistent(self) -> Reference:
        problem = self._problem()
        if problem:
            raise ValueError(problem)
        return self

    def _problem(self) -> str:
        info = PROPERTIES.get(self.property)
        number = self.value is not None
        unconvertible = info is not None and number and _factor(self.unit, info.unit) is None
        checks = {
            "source, system and property must be given": not (
                self.source and self.system and self.property
            ),
            "expected either a value or a text": number == (self.text is not None),
            f"the unit '{self.unit}' is not known": self.unit not in UNITS,
            "a value needs a unit ('1' for a pure number)": number and not self.unit,
            f"there is no form '{self.form}'": self.form not in {"", *get_args(Form)},
            f"'{self.unit}' cannot be converted to the unit of {self.property}": unconvertible,
        }
        return next((problem for problem, wrong in checks.items() if wrong), "")

    def in_unit_of_property(self) -> tuple[float | None, float | None, str]:
        """Return value, uncertainty and unit, converted to the unit of a computed property."""
        info = PROPERTIES.get(self.property)
        if info is None or self.value is None:
            return self.value, self.uncertainty, self.unit
        factor = _factor(self.unit, info.unit)
        if factor is None or factor == 1:
            return self.value, self.uncertainty, info.unit
        uncertainty = None if self.uncertainty is None else self.uncertainty * factor
        return self.value * factor, uncertainty, info.unit


def _factor(unit: str, wanted: str) -> float | None:
    if unit == wanted:
        return 1.0
    name = _FACTORS.get((unit, wanted))
    if name is None:
        return None
    from ase import units

    return float(getattr(units, name)) / (1.0 if name == "Ha" else float(units.mol))


def reference_folder() -> Path:
    """Return the folder of the tables, in a checkout or in the installed package."""
    return data_path("results", "reference")


def read_sources(folder: Path | None = None) -> dict[str, tuple[str, str]]:
    """Return citation and URL of each source, by its short name."""
    path = (folder or reference_folder()) / _SOURCES
    with path.open(encoding="utf-8", newline="") as file:
        return {row["source"]: (row["citation"], row["url"]) for row in csv.DictReader(file)}


def read_references(folder: Path | None = None) -> list[Reference]:
    """Read and check all tables, in the order of their names.

    Raises
    ------
    InputError
        With file and line, if a record is malformed, doubled, or of an unknown source.
    """
    folder = folder or reference_folder()
    sources = read_sources(folder)
    found: list[Reference] = []
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.name == _SOURCES:
            continue
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                place = Location(path.name, line)
                try:
                    record = Reference.model_validate(row)
                except ValidationError as error:
                    raise InputError(error.errors()[0]["msg"], place) from None
                if record.source not in sources:
                    raise InputError(f"'{record.source}' is not in {_SOURCES}", place)
                same = digest(record.model_dump(exclude={"note", "url", "uncertainty"}))
                if same in seen:
                    raise InputError(f"the same record stands in {seen[same]}", place)
                seen[same] = str(place)
                found.append(record)
    return found


def load_references(database: Database, folder: Path | None = None) -> int:
    """Bring the literature values of a database up to date; return how many there are.

    Where the tables are as they were the last time, nothing is written.
    """
    records = read_references(folder)
    version = digest([record.model_dump() for record in records])
    with database.reading() as connection:
        query = select(META.c.value).where(META.c.key == _META_KEY)
        if connection.execute(query).scalar_one_or_none() == version:
            return len(records)
    with database.writing() as connection:
        connection.execute(delete(REFERENCES))
        if records:
            connection.execute(insert(REFERENCES), [r.model_dump() for r in records])
        statement = upsert(connection.dialect.name, META, ("key",))
        connection.execute(statement, {"key": _META_KEY, "value": version})
    return len(records)
