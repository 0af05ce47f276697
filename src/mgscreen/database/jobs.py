"""The jobs of a campaign: who they are, where they stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, delete, func, select, update

from mgscreen.core.memory import no_collection
from mgscreen.database.engine import JsonText, plain_text, to_json
from mgscreen.database.tables import JOBS, OUTPUTS, PROPERTIES, batched, chunks, insert_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Update

STATES = ("WAITING", "READY", "SUBMITTED", "RUNNING", "COMPLETED", "FAILED", "LOST")
_CHANGEABLE = {
    "state",
    "reason",
    "calculation",
    "cached",
    "attempts",
    "submitted_at",
    "started_at",
    "finished_at",
    "wall_s",
    "peak_memory_mb",
}


@dataclass(slots=True)  # not frozen: that would be half of the time to read a large campaign
class JobRef:
    """Which job a result belongs to, and what its property rows are labelled with."""

    uuid: str
    index: int = 1
    name: str = ""
    kind: str = ""
    candidate: str = ""
    form: str = ""
    species: str = ""
    level: str = ""
    geometry_level: str = ""

    @classmethod
    def of(cls, uuid: str, index: int, name: str, metadata: Mapping[str, Any]) -> JobRef:
        """Build it from a jobflow job's uuid, index, name and metadata."""
        keys = ("kind", "candidate", "form", "species", "level", "geometry_level")
        labels = {key: str(metadata.get(key) or "") for key in keys}
        return cls(uuid=uuid, index=index, name=name, **labels)

    @property
    def method(self) -> str:
        """Level of theory, with ``//`` and the level of the geometry where another job made it."""
        return f"{self.level}//{self.geometry_level}" if self.geometry_level else self.level

    @property
    def stand_in(self) -> str:
        """What stands in ``properties.calculation`` where no calculation could run."""
        return f"job:{self.uuid}"


@dataclass(slots=True)
class Job(JobRef):
    """A job and where it stands; everything but its payload."""

    campaign_id: int = 0
    position: int = 0
    state: str = "WAITING"
    reason: str = ""
    calculation: str | None = None
    cached: bool = False
    attempts: int = 0
    cost_s: float = 0.0
    parents: list[str] = field(default_factory=list)
    generated_by: str = ""
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    wall_s: float | None = None
    peak_memory_mb: float | None = None


_LIGHT = [JOBS.c[f.name] for f in fields(Job)]
"""Columns in the order of the fields: a row becomes a job without a look at names."""
_NAMES = [c.name for c in _LIGHT]
_TIMES = slice(_NAMES.index("submitted_at"), _NAMES.index("finished_at") + 1)


def aware(moment: Any) -> Any:
    """Return a time with its zone: SQLite drops that it is UTC."""
    if isinstance(moment, datetime) and moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment


def add_jobs(connection: Connection, campaign_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert jobs; one that is there already keeps its state.

    A ``payload`` that is a text is JSON already.
    """
    statement = insert_missing(connection.dialect.name, JOBS, ("uuid", "index"))
    with no_collection():
        for part in batched(enumerate(rows), _BATCH):
            table = [_with_defaults(row, position, campaign_id) for position, row in part]
            if connection.dialect.name == "sqlite" and table[0].keys() <= _PLAIN:
                _add_plain(connection, statement, table)
            else:
                connection.execute(statement, table)


def _add_plain(connection: Connection, statement: Any, table: list[dict[str, Any]]) -> None:
    """Insert rows of texts and numbers as they are: SQLAlchemy's processing costs as much again."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(table[0]))
    rows = [tuple(row[name] for name in compiled.positiontup) for row in table]
    connection.exec_driver_sql(str(compiled), rows)


_BATCH = 5_000
"""Rows of one statement: more cost memory and bring no speed."""


def _with_defaults(row: Mapping[str, Any], position: int, campaign_id: int) -> dict[str, Any]:
    found = {**_DEFAULTS, "position": position, **row, "campaign_id": campaign_id}
    for name in ("parents", "payload"):
        value = found[name]
        found[name] = JsonText(value if isinstance(value, str) else to_json(value))
    return found


_TEXTS = {
    "name",
    "kind",
    "candidate",
    "form",
    "species",
    "level",
    "geometry_level",
    "reason",
    "generated_by",
}
_DEFAULTS: dict[str, Any] = {
    "index": 1,
    "state": "WAITING",
    "cached": False,
    "attempts": 0,
    "cost_s": 0.0,
    "parents": JsonText("[]"),
    "payload": JsonText("{}"),
    **{c.name: "" for c in JOBS.columns if c.name in _TEXTS},
}
_PLAIN = _DEFAULTS.keys() | {"uuid", "position", "campaign_id"}
"""Columns whose values any database takes as they are, once JSON is text."""


def set_states(connection: Connection, changes: Iterable[Mapping[str, Any]]) -> None:
    """Change the state (and times, reason, ...) of many jobs; each names its uuid and index."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for change in changes:
        values = {k: v for k, v in change.items() if k not in {"uuid", "index"}}
        unknown = set(values) - _CHANGEABLE
        if unknown or values.get("state", "WAITING") not in STATES:
            msg = f"a job has no {sorted(unknown) or values['state']!r} to set"
            raise ValueError(msg)
        if "reason" in values:
            values["reason"] = plain_text(values["reason"] or "")
        row = {f"new_{k}": v for k, v in values.items()}
        row.update(key_uuid=change["uuid"], key_index=change.get("index", 1))
        groups[tuple(sorted(values))].append(row)
    for names, rows in groups.items():
        if not names:
            continue
        statement = _update(names)
        connection.execute(statement, rows)


@cache
def _update(names: tuple[str, ...]) -> Update:
    """Return the statement once: building it costs more than running it."""
    return (
        update(JOBS)
        .where(JOBS.c.uuid == bindparam("key_uuid"), JOBS.c.index == bindparam("key_index"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )


def light_jobs(
    connection: Connection, campaign_id: int, states: Sequence[str] | None = None
) -> list[Job]:
    """Return the jobs of a campaign in the order of its DAG, without their payloads."""
    query = select(*_LIGHT).where(JOBS.c.campaign_id == campaign_id)
    if states is not None:
        query = query.where(JOBS.c.state.in_(states))
    query = query.order_by(JOBS.c.position, JOBS.c.uuid, JOBS.c.index)
    found = []
    with no_collection():
        for part in connection.execute(query).partitions(_BATCH):
            for row in part:
                values = list(row)
                values[_TIMES] = map(aware, values[_TIMES])
                found.append(Job(*values))
    return found


def payloads(connection: Connection, uuids: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the jobflow jobs as JSON, by uuid and index."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for part in chunks(set(uuids)):
        query = select(JOBS.c.uuid, JOBS.c.index, JOBS.c.payload).where(JOBS.c.uuid.in_(part))
        found.update({(u, i): p for u, i, p in connection.execute(query)})
    return found


def count_states(connection: Connection, campaign_id: int) -> dict[str, int]:
    """Return how many jobs are in each state; states without a job are left out."""
    query = (
        select(JOBS.c.state, func.count())
        .where(JOBS.c.campaign_id == campaign_id)
        .group_by(JOBS.c.state)
    )
    return dict(connection.execute(query).all())


@dataclass(frozen=True, slots=True)
class Tally:
    """Jobs of one kind, level and state: how many, taken over, and what they are estimated at."""

    kind: str
    level: str
    state: str
    number: int
    cached: int
    cost_s: float


def tallies(connection: Connection, campaign_id: int) -> list[Tally]:
    """Count jobs by kind, level and state, in the order of the DAG."""
    groups = (JOBS.c.kind, JOBS.c.level, JOBS.c.state)
    taken = func.sum(case((JOBS.c.cached, 1), else_=0))
    query = (
        select(*groups, func.count(), taken, func.sum(JOBS.c.cost_s))
        .where(JOBS.c.campaign_id == campaign_id)
        .group_by(*groups)
        .order_by(func.min(JOBS.c.position))
    )
    return [Tally(*row) for row in connection.execute(query)]


def remove_jobs(connection: Connection, campaign_id: int) -> int:
    """Remove the jobs of a campaign with their outputs; calculations and values stay."""
    mine = select(JOBS.c.uuid).where(JOBS.c.campaign_id == campaign_id)
    connection.execute(delete(OUTPUTS).where(OUTPUTS.c.uuid.in_(mine)))
    stand_ins = select("job:" + JOBS.c.uuid).where(JOBS.c.campaign_id == campaign_id)
    connection.execute(delete(PROPERTIES).where(PROPERTIES.c.calculation.in_(stand_ins)))
    return connection.execute(delete(JOBS).where(JOBS.c.campaign_id == campaign_id)).rowcount


def reset_jobs(connection: Connection, campaign_id: int, states: Sequence[str]) -> int:
    """Set the jobs in these states back to WAITING; their outputs and stand-in rows go."""
    chosen = and_(JOBS.c.campaign_id == campaign_id, JOBS.c.state.in_(states))
    keys = connection.execute(select(JOBS.c.uuid, JOBS.c.index).where(chosen)).all()
    for part in chunks([f"job:{uuid}" for uuid, _ in keys]):
        connection.execute(delete(PROPERTIES).where(PROPERTIES.c.calculation.in_(part)))
    if keys:
        connection.execute(
            delete(OUTPUTS).where(
                OUTPUTS.c.uuid == bindparam("u"), OUTPUTS.c.index == bindparam("i")
            ),
            [{"u": uuid, "i": index} for uuid, index in keys],
        )
    connection.execute(
        update(JOBS)
        .where(chosen)
        .values(
            state="WAITING",
            reason="",
            calculation=None,
            cached=False,
            submitted_at=None,
            started_at=None,
            finished_at=None,
            wall_s=None,
            peak_memory_mb=None,
        )
    )
    return len(keys)
