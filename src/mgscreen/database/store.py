"""A maggma store on SQL, behind jobflow's ``JobStore``."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any

from bson import json_util
from maggma.core.store import Sort, Store, StoreError
from pydash import get, has, set_
from sqlalchemy import String, cast, delete, func, select

from mgscreen.database.engine import open_engine, parse_address, to_json
from mgscreen.database.tables import OUTPUTS, chunks, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection, Engine

_COLUMNS = ("uuid", "index", "name")
_COMPARISONS: dict[str, Any] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_LISTS = ("$in", "$nin")
_MOST_PARAMETERS = 30_000
"""A longer list is looked through in Python: SQLite takes 32,766 parameters."""
Order = dict[str, Sort | int]


class SqlStore(Store):
    """The ``outputs`` table as a maggma store.

    What jobflow asks (by uuid, lists of uuids, index, name, and their order) is answered in SQL.
    Any other criterion of MongoDB is narrowed down in SQL as far as possible, and the rest is
    answered by mongomock, which comes with maggma.

    Parameters
    ----------
    address
        Path of a SQLite file, or a URL ``postgresql://user@host/name``; created if it is empty.
    key
        Field that identifies a document where ``update`` names none.
    last_updated_field, last_updated_type, validator
        As in every maggma store; jobflow's documents carry their time in ``completed_at``.

    Examples
    --------
    >>> from jobflow import JobStore, run_locally
    >>> store = JobStore(SqlStore("mgscreen.db"))  # doctest: +SKIP
    >>> run_locally(flow, store=store)  # doctest: +SKIP
    """

    def __init__(
        self,
        address: str,
        key: str = "uuid",
        last_updated_field: str = "completed_at",
        last_updated_type: Any = "isoformat",
        validator: Any = None,
    ) -> None:
        self.address = str(address)
        self._engine: Engine | None = None
        super().__init__(key, last_updated_field, last_updated_type, validator)

    @property
    def name(self) -> str:
        """Address, without a password."""
        return f"sql://{parse_address(self.address).render_as_string()}"

    @property
    def engine(self) -> Engine:
        """The connected engine.

        Raises
        ------
        StoreError
            If ``connect`` was not called.
        """
        if self._engine is None:
            raise _error("the store is not connected: call connect() first")
        return self._engine

    @property
    def _collection(self) -> Any:
        """There is no collection of MongoDB behind it."""
        raise NotImplementedError("a SQL store has no collection of MongoDB")

    def connect(self, force_reset: bool = False) -> None:
        """Open the database; its tables are created if it is empty."""
        if self._engine is not None and not force_reset:
            return
        self.close()
        self._engine = open_engine(parse_address(self.address))

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def count(self, criteria: Mapping[str, Any] | None = None) -> int:
        """Return how many documents match."""
        where, rest = _translate(criteria)
        if rest:
            return sum(1 for _ in self.query(dict(criteria or {}), properties=["uuid", "index"]))
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(OUTPUTS).where(*where)
            return int(connection.execute(query).scalar_one())

    def query(
        self,
        criteria: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | list[str] | None = None,
        sort: Order | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Yield the documents that match.

        Parameters
        ----------
        criteria
            Filter in MongoDB's language.
        properties
            Fields to return, dotted paths included; None for all.
        sort
            Field to 1 (ascending) or -1 (descending), first field first.
        skip, limit
            Documents to leave out at the start; most to return (0: all).
        """
        with self.engine.connect() as connection:
            documents = self._find(connection, criteria, sort, skip, limit)
        for document in documents:
            yield _project(document, properties)

    def _find(
        self,
        connection: Connection,
        criteria: Mapping[str, Any] | None,
        sort: Order | None,
        skip: int,
        limit: int,
    ) -> list[dict[str, Any]]:
        where, rest = _translate(criteria)
        query = select(cast(OUTPUTS.c.document, String)).where(*where)
        in_sql = not rest and all(field in _COLUMNS for field in sort or {})
        if in_sql:
            order = [
                OUTPUTS.c[field].desc() if _descending(way) else OUTPUTS.c[field].asc()
                for field, way in (sort or {}).items()
            ]
            query = query.order_by(*order, OUTPUTS.c.uuid, OUTPUTS.c.index)
            if skip:
                query = query.offset(skip)
            if limit or skip:
                query = query.limit(
                    limit or -1 if connection.dialect.name == "sqlite" else limit or None
                )
        else:
            query = query.order_by(OUTPUTS.c.uuid, OUTPUTS.c.index)
        documents = [_decode(text) for (text,) in connection.execute(query)]
        if in_sql:
            return documents
        if rest:
            documents = [d for d in documents if _matches(d, criteria)]
        for field, way in reversed(list((sort or {}).items())):
            keys = {id(d): _sort_key(get(d, field)) for d in documents}
            documents.sort(key=lambda d: keys[id(d)], reverse=_descending(way))
        return documents[skip : skip + limit if limit else None]

    def update(self, docs: list[dict[str, Any]] | dict[str, Any], key: Any = None) -> None:
        """Insert documents, each replacing those with the same key, in one transaction.

        Raises
        ------
        StoreError
            If a document has no ``uuid``, or no field of the key.
        """
        documents = [docs] if isinstance(docs, dict) else list(docs)
        fields = [key] if isinstance(key, str) else list(key or [self.key])
        rows = []
        for document in documents:
            if self.validator is not None and not self.validator.is_valid(document):
                raise _error(f"invalid document: {self.validator.validation_errors(document)}")
            if "uuid" not in document or not all(has(document, field) for field in fields):
                raise _error(f"a document needs 'uuid' and its key ({', '.join(fields)})")
            row = {k: v for k, v in document.items() if k != "_id"}
            rows.append(
                {
                    "uuid": str(row["uuid"]),
                    "index": int(row.get("index", 1)),
                    "name": str(row.get("name") or ""),
                    "document": row,
                }
            )
        if not rows:
            return
        with self.engine.execution_options(mgscreen_write=True).begin() as connection:
            if set(fields) != {"uuid", "index"}:
                for row in rows:
                    same = {field: get(row["document"], field) for field in fields}
                    self._remove(connection, same)
            connection.execute(upsert(connection.dialect.name, OUTPUTS, ("uuid", "index")), rows)

    def remove_docs(self, criteria: Mapping[str, Any]) -> None:
        """Remove the documents that match."""
        with self.engine.execution_options(mgscreen_write=True).begin() as connection:
            self._remove(connection, criteria)

    def _remove(self, connection: Connection, criteria: Mapping[str, Any]) -> None:
        where, rest = _translate(criteria)
        if not rest:
            connection.execute(delete(OUTPUTS).where(*where))
            return
        for document in self._find(connection, criteria, None, 0, 0):
            connection.execute(
                delete(OUTPUTS).where(
                    OUTPUTS.c.uuid == document["uuid"],
                    OUTPUTS.c.index == document.get("index", 1),
                )
            )

    def ensure_index(self, key: str, unique: bool = False) -> bool:
        """Tell whether a field has an index; the tables come with theirs."""
        return key in _COLUMNS and not (unique and key != "uuid")

    def groupby(
        self,
        keys: list[str] | str,
        criteria: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | list[str] | None = None,
        sort: Order | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Yield (values of the keys, documents that have them); skip and limit count documents."""
        fields = [keys] if isinstance(keys, str) else list(keys)
        groups: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
        for document in self.query(criteria, None, sort, skip, limit):
            if not all(has(document, field) for field in fields):
                continue
            label: dict[str, Any] = {}
            for field in fields:
                set_(label, field, get(document, field))
            _, members = groups.setdefault(to_json(label), (label, []))
            members.append(_project(document, properties, *fields))
        yield from groups.values()

    def outputs_of(self, uuids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the newest output document of each job, in one query per 500 uuids."""
        found: dict[str, dict[str, Any]] = {}
        with self.engine.connect() as connection:
            for part in chunks(set(uuids)):
                query = (
                    select(OUTPUTS.c.uuid, cast(OUTPUTS.c.document, String))
                    .where(OUTPUTS.c.uuid.in_(part))
                    .order_by(OUTPUTS.c.index)
                )
                found.update({uuid: _decode(text) for uuid, text in connection.execute(query)})
        return found

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SqlStore)
            and parse_address(self.address) == parse_address(other.address)
            and self.key == other.key
        )

    def __hash__(self) -> int:
        return hash((str(parse_address(self.address)), self.key))


def _error(message: str) -> Exception:
    error: Exception = StoreError(message)  # type: ignore[no-untyped-call]
    return error


def _matches(document: dict[str, Any], criteria: Mapping[str, Any] | None) -> bool:
    from mongomock_ng.filtering import filter_applies

    return bool(filter_applies(dict(criteria or {}), document))  # type: ignore[no-untyped-call]


def _translate(
    criteria: Mapping[str, Any] | None,
) -> tuple[list[ColumnElement[bool]], bool]:
    """Return conditions in SQL, and whether a part of the criteria remains."""
    where: list[ColumnElement[bool]] = []
    rest = False
    for field, wanted in (criteria or {}).items():
        condition = _condition(field, wanted)
        if condition is None:
            rest = True
        else:
            where.append(condition)
    return where, rest


def _condition(field: str, wanted: Any) -> ColumnElement[bool] | None:
    if field not in _COLUMNS:
        return None
    column, kind = OUTPUTS.c[field], int if field == "index" else str
    name, value = "$eq", wanted
    if isinstance(wanted, dict) and len(wanted) == 1:
        ((name, value),) = wanted.items()
    condition: ColumnElement[bool] | None = None
    if name in _LISTS:
        usable = isinstance(value, list | tuple | set) and len(value) <= _MOST_PARAMETERS
        if usable and all(_plain(v, kind) for v in value):
            condition = column.in_(value) if name == "$in" else column.not_in(value)
    elif name in _COMPARISONS and _plain(value, kind):
        condition = _COMPARISONS[name](column, value)
    return condition


def _plain(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _descending(way: Sort | int) -> bool:
    return way in {Sort.Descending, -1}


def _sort_key(value: Any) -> tuple[int, Any]:
    """Order as MongoDB does: nothing, numbers, texts, everything else by its JSON."""
    if value is None:
        return (0, 0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    return (3, json.dumps(value, sort_keys=True, default=str))


def _decode(text: str) -> dict[str, Any]:
    # bson's reader is slow, and only dates and the like need it
    found: dict[str, Any] = json_util.loads(text) if '"$' in text else json.loads(text)
    return found


def _project(
    document: dict[str, Any], properties: Mapping[str, Any] | list[str] | None, *more: str
) -> dict[str, Any]:
    if properties is None or not properties:
        return document
    if isinstance(properties, dict) and not all(properties.values()):
        hidden = {field for field, shown in properties.items() if not shown}
        return {k: v for k, v in document.items() if k not in hidden}
    found: dict[str, Any] = {}
    for field in [*properties, *more]:
        if has(document, field):
            set_(found, field, get(document, field))
    return found
