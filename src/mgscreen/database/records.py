"""Write what a finished job leaves: calculation, structure, values, output, state."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from mgscreen.core.documents import PropertyValue
from mgscreen.core.errors import InputError
from mgscreen.core.identity import digest
from mgscreen.core.properties import PROPERTIES as KNOWN
from mgscreen.core.properties import properties_of
from mgscreen.database.engine import plain_text
from mgscreen.database.schema import now
from mgscreen.database.tables import (
    CALCULATIONS,
    OUTPUTS,
    PROPERTIES,
    STRUCTURES,
    chunks,
    insert_missing,
    upsert,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from mgscreen.core.documents import Document
    from mgscreen.core.structure import AtomicStructure
    from mgscreen.database.jobs import JobRef


_MINE = ("calculation", "candidate", "form")
# built once: that costs more than running them
_DELETE_MINE = delete(PROPERTIES).where(*(PROPERTIES.c[k] == bindparam(k) for k in _MINE))
_DELETE_OF = delete(PROPERTIES).where(PROPERTIES.c.calculation == bindparam("of"))
_INSERT_PROPERTIES = insert(PROPERTIES)


def structure_hash(structure: AtomicStructure) -> str:
    """Return the identity of a structure; its label does not enter."""
    return digest(structure)


def write_calculation(connection: Connection, job: JobRef, document: Document) -> None:
    """Insert or update a calculation and the structure that its values belong to."""
    name = None
    atoms = document.structure
    if atoms is not None:
        name = structure_hash(atoms)
        statement = insert_missing(connection.dialect.name, STRUCTURES, ("hash",))
        connection.execute(
            statement,
            {
                "hash": name,
                "label": plain_text(atoms.label),
                "formula": atoms.formula,
                "charge": atoms.charge,
                "multiplicity": atoms.multiplicity,
                "n_atoms": len(atoms.symbols),
                "data": atoms.model_dump(mode="json"),
            },
        )
    statement = upsert(connection.dialect.name, CALCULATIONS, ("hash",), keep_completed=True)
    connection.execute(
        statement,
        {
            "hash": document.input_hash,
            "kind": document.kind or job.kind,
            "level": document.level or job.level,
            "code": document.code,
            "code_version": document.code_version,
            "state": document.state,
            "reason": plain_text(document.reason),
            "structure": name,
            "document": document.model_dump(mode="json"),
            "wall_s": document.wall_s,
            "cpu_s": document.cpu_s,
            "peak_memory_mb": document.peak_memory_mb,
            "host": document.host,
            "created_at": now(),
        },
    )


def property_values(job: JobRef, document: Document | None, reason: str) -> list[PropertyValue]:
    """Return what a job says about each property of its kind.

    A document that failed, or none at all, says of each property that it failed, and why. A
    value that is not finite is no value.
    """
    if document is not None and document.state == "completed":
        return _distinct([_finite(value) for value in document.properties()])
    kind = (document.kind if document is not None else "") or job.kind
    why = (document.reason if document is not None else "") or reason or "no result"
    environment = _environment(job.level or (document.level if document is not None else ""))
    return [
        PropertyValue(
            property=name,
            unit=KNOWN[name].unit,
            environment=environment,
            state="failed",
            reason=why,
        )
        for name in properties_of(kind)
    ]


def _distinct(values: list[PropertyValue]) -> list[PropertyValue]:
    """Keep the first value of each property: one row has room for one, the document has all."""
    kept: dict[str, PropertyValue] = {}
    for value in values:
        first = kept.setdefault(value.property, value)
        if first is not value:
            note = "the document has further values of this property"
            kept[value.property] = first.model_copy(update={"reason": first.reason or note})
    return list(kept.values())


def _environment(level: str) -> str:
    from mgscreen.engines.level import Level

    try:
        return Level.parse(level).environment
    except InputError:
        return ""


def _finite(value: PropertyValue) -> PropertyValue:
    if value.value is None or math.isfinite(value.value):
        return value
    return value.model_copy(
        update={"value": None, "state": "failed", "reason": "the result is no finite number"}
    )


def write_properties(
    connection: Connection, job: JobRef, calculation: str, values: Iterable[PropertyValue]
) -> None:
    """Replace the rows of one calculation for this job's candidate and form.

    Rows that hold a value are not replaced by rows that all failed: a lost race takes nothing
    away.
    """
    rows = [
        {
            "calculation": calculation,
            "candidate": job.candidate,
            "form": job.form,
            "species": job.species,
            "property": v.property,
            "value": v.value,
            "text": None if v.text is None else plain_text(v.text),
            "unit": v.unit,
            "uncertainty": v.uncertainty,
            "environment": v.environment,
            "reference": v.reference,
            "method": job.method,
            "state": v.state,
            "reason": plain_text(v.reason),
        }
        for v in values
    ]
    labels = (calculation, job.candidate, job.form)
    if all(row["state"] != "completed" for row in rows):
        mine = [PROPERTIES.c[k] == v for k, v in zip(_MINE, labels, strict=True)]
        kept = select(PROPERTIES.c.id).where(*mine, PROPERTIES.c.state == "completed").limit(1)
        if connection.execute(kept).one_or_none() is not None:
            return
    connection.execute(_DELETE_MINE, dict(zip(_MINE, labels, strict=True)))
    if rows:
        connection.execute(_INSERT_PROPERTIES, rows)


def remove_stand_ins(connection: Connection, job: JobRef) -> None:
    """Remove what an earlier attempt said while there was no calculation."""
    connection.execute(_DELETE_OF, {"of": job.stand_in})


def copy_properties(connection: Connection, job: JobRef, calculation: str) -> int:
    """Give this job's candidate and form the values of a calculation that exists already.

    Returns the number of rows that were added; rows of an earlier failure are replaced.
    """
    query = select(PROPERTIES).where(PROPERTIES.c.calculation == calculation)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(query.order_by(PROPERTIES.c.id)).mappings():
        groups[row["candidate"], row["form"]].append({k: row[k] for k in row if k != "id"})
    if not groups:
        return 0

    def completed(who: tuple[str, str]) -> int:
        return sum(row["state"] == "completed" for row in groups.get(who, ()))

    mine = (job.candidate, job.form)
    best = max(groups, key=completed)
    if mine in groups and completed(mine) >= completed(best):
        return 0
    connection.execute(
        delete(PROPERTIES).where(
            PROPERTIES.c.calculation == calculation,
            PROPERTIES.c.candidate == job.candidate,
            PROPERTIES.c.form == job.form,
        )
    )
    labels = {
        "candidate": job.candidate,
        "form": job.form,
        "species": job.species,
        "method": job.method,
    }
    rows = [{**row, **labels} for row in groups[best]]
    connection.execute(_INSERT_PROPERTIES, rows)
    return len(rows)


def write_output(connection: Connection, job: JobRef, output: Mapping[str, Any]) -> None:
    """Insert or update the output that other jobs refer to."""
    document = {**output, "uuid": job.uuid, "index": job.index}
    document.setdefault("name", job.name)
    connection.execute(
        upsert(connection.dialect.name, OUTPUTS, ("uuid", "index")),
        {"uuid": job.uuid, "index": job.index, "name": document["name"], "document": document},
    )


def find_calculations(connection: Connection, hashes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return finished calculations by their identity, documents included."""
    found: dict[str, dict[str, Any]] = {}
    for part in chunks(set(hashes)):
        query = select(CALCULATIONS).where(CALCULATIONS.c.hash.in_(part))
        for row in connection.execute(query).mappings():
            found[row["hash"]] = dict(row)
    return found


def known_calculations(connection: Connection, hashes: Iterable[str]) -> dict[str, str]:
    """Return the state of those of the calculations that are finished, without documents."""
    found: dict[str, str] = {}
    for part in chunks(set(hashes)):
        query = select(CALCULATIONS.c.hash, CALCULATIONS.c.state).where(
            CALCULATIONS.c.hash.in_(part)
        )
        found.update(dict(connection.execute(query).all()))
    return found
