"""Users' own candidates from a CSV or TOML file; whatever is wrong ends in one sentence."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mgscreen.campaign.base import Name
from mgscreen.campaign.faults import did_you_mean, input_error, shown
from mgscreen.campaign.loader import read_text
from mgscreen.campaign.sourcemap import SourceMap
from mgscreen.candidates.model import Candidate, ChemistryError, check_chemistry
from mgscreen.core.errors import InputError, Location

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

EXPECTED = "candidates in CSV or TOML"
MAX_CANDIDATES = 20_000
_REQUIRED = ("name", "smiles")


class Entry(BaseModel):
    """One candidate as a user writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    smiles: Annotated[str, Field(min_length=1, max_length=2000, description="as SMILES")]
    charge: Annotated[int, Field(ge=-20, le=20)] | None = None
    multiplicity: Annotated[int, Field(ge=1, le=20)] | None = None
    description: Annotated[str, Field(max_length=4000)] = ""
    kind: Annotated[str, Field(max_length=64)] = ""
    role_hypothesis: Annotated[str, Field(max_length=4000)] = ""
    why: Annotated[str, Field(max_length=4000)] = ""
    source: Annotated[str, Field(max_length=4000)] = ""
    formula: Annotated[str, Field(max_length=200)] = ""
    n_atoms: Annotated[int, Field(ge=1)] | None = None


class EntryFile(BaseModel):
    """A TOML file of candidates: an array of tables ``[[candidates]]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: tuple[Entry, ...] = Field(min_length=1, max_length=MAX_CANDIDATES)


def load_candidates(path: str | os.PathLike[str]) -> list[Candidate]:
    """Read a user's candidates.

    Parameters
    ----------
    path
        A file ending in ``.csv`` (columns name, smiles and, if wanted, charge, multiplicity,
        description, kind, role_hypothesis, why, source) or ``.toml`` (the same keys in
        ``[[candidates]]`` tables).

    Raises
    ------
    InputError
        One sentence with file, line and field.
    """
    return [one for one, _ in load_placed(path)]


def load_placed(path: str | os.PathLike[str]) -> list[tuple[Candidate, Location]]:
    """Read a user's candidates, each with the place of its name.

    Raises
    ------
    InputError
        One sentence with file, line and field.
    """
    file = Path(path)
    text = read_text(file, EXPECTED)
    place = Location(str(file))
    if not text.strip():
        raise InputError(f"the file is empty: expected {EXPECTED}", place)
    suffix = file.suffix.lower()
    if suffix == ".csv":
        return _checked(_from_csv(text, str(file)))
    if suffix == ".toml":
        return _checked(_from_toml(text, str(file)))
    raise InputError(f"expected a file ending in .csv or .toml with {EXPECTED}", place)


def _from_toml(text: str, file: str) -> list[tuple[Entry, Callable[[str | None], Location]]]:
    source = SourceMap.parse(text, file)
    data = {k: tuple(v) if isinstance(v, list) else v for k, v in source.data.items()}
    try:
        found = EntryFile.model_validate(data, strict=True)
    except ValidationError as error:
        raise input_error(error, source, EntryFile) from None

    def place(n: int) -> Callable[[str | None], Location]:
        return lambda field: source.locate("candidates", n, *([field] if field else []))

    return [(entry, place(n)) for n, entry in enumerate(found.candidates)]


def _from_csv(text: str, file: str) -> list[tuple[Entry, Callable[[str | None], Location]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[Entry, Callable[[str | None], Location]]] = []
    header: list[str] | None = None
    start = 1
    try:
        for row in reader:
            # a quoted cell may hold line ends: a row begins where the one before it ended
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _header(row, Location(file, line))
                continue
            if len(found) >= MAX_CANDIDATES:
                raise InputError(f"expected at most {MAX_CANDIDATES} rows", Location(file, line))
            found.append((_row(header, row, file, line), _at(file, line)))
    except csv.Error as error:
        raise InputError(f"this is not valid CSV: {error}", Location(file, start)) from None
    if not found:
        raise InputError("the file has no row below its header", Location(file, 1))
    return found


def _at(file: str, line: int) -> Callable[[str | None], Location]:
    return lambda field: Location(file, line, field)


def _header(row: list[str], place: Location) -> list[str]:
    names = [cell.strip() for cell in row]
    while names and not names[-1]:
        names.pop()
    known = list(Entry.model_fields)
    for name in names:
        if name not in known:
            raise InputError(f"unknown column {shown(name)} ({did_you_mean(name, known)})", place)
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise InputError(f"the column '{twice}' is given twice", place)
    for name in _REQUIRED:
        if name not in names:
            raise InputError(f"the column '{name}' is missing in the header", place)
    return names


def _row(header: list[str], row: list[str], file: str, line: int) -> Entry:
    cells = [cell.strip() for cell in row]
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) > len(header):
        raise InputError(
            f"the row has {len(cells)} cells, the header {len(header)} (quote text with commas)",
            Location(file, line),
        )
    values: dict[str, Any] = {k: v for k, v in zip(header, cells, strict=False) if v}
    for field in ("charge", "multiplicity", "n_atoms"):
        if field in values:
            values[field] = _whole(values[field], Location(file, line, field))
    for field in _REQUIRED:
        if field not in values:
            raise InputError(f"the {field} is empty", Location(file, line, field))
    try:
        return Entry.model_validate(values, strict=True)
    except ValidationError as error:
        # the row as a table of one line: the same sentences as for TOML
        lines: dict[tuple[str | int, ...], int] = {(k,): line for k in values}
        raise input_error(error, SourceMap(file, values, lines), Entry) from None


def _whole(text: str, place: Location) -> int:
    # the sign of charges is often pasted as U+2212
    plain = text.replace("\u2212", "-")
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", plain, re.ASCII):
        raise InputError(f"expected a whole number, got {shown(text)}", place)
    return int(plain)


def _checked(
    entries: list[tuple[Entry, Callable[[str | None], Location]]],
) -> list[tuple[Candidate, Location]]:
    seen: dict[str, tuple[str, Location]] = {}
    found = []
    for entry, at in entries:
        place = at("name")
        before = seen.get(entry.name.casefold())
        if before is not None:
            other, there = before
            fault = (
                "is given twice" if other == entry.name else f"and '{other}' differ only in case"
            )
            raise InputError(f"'{entry.name}' {fault} (first in line {there.line})", place)
        seen[entry.name.casefold()] = (entry.name, place)
        try:
            formula, charge, multiplicity = check_chemistry(
                entry.smiles, entry.charge, entry.multiplicity
            )
        except ChemistryError as error:
            raise InputError(str(error), at(error.field)) from None
        if entry.formula and entry.formula != formula:
            raise InputError(
                f"the SMILES has the formula {formula}, but {shown(entry.formula)} is given "
                "(Hill order, without the charge)",
                at("formula"),
            )
        given = entry.model_dump(exclude={"charge", "multiplicity", "formula", "n_atoms", "kind"})
        given["kind"] = entry.kind or _kind(charge)
        one = Candidate(**given, charge=charge, multiplicity=multiplicity, formula=formula)
        found.append((one, place))
    return found


def _kind(charge: int) -> str:
    return "anion" if charge < 0 else "cation" if charge > 0 else "additive"
