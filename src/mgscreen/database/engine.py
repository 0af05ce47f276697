"""Open a database: SQLite by path, PostgreSQL by URL; for writing or for reading only."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mgscreen.core.errors import InputError, MgscreenError, MissingEngineError
from mgscreen.database.schema import SCHEMA_VERSION, Base, MetaRow

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BUSY_TIMEOUT_S = 30
"""How long a connection waits for another writer."""
SQLITE_HEADER = b"SQLite format 3\x00"
LOCK_KEY = 0x6D67_7363  # "mgsc": serialises the creation of the tables on PostgreSQL


class JsonText(str):
    """What is JSON already and goes into a JSON column as it is."""

    __slots__ = ()


def to_json(value: Any) -> str:
    """Write JSON that SQLite and PostgreSQL both accept.

    A number that is not finite becomes null, and characters that PostgreSQL cannot store (NUL,
    lone surrogates) become U+FFFD; dates become MongoDB's extended JSON, as jobflow expects them.
    """
    if isinstance(value, JsonText):
        return str(value)
    try:
        text_ = _ENCODER.encode(value)
    except ValueError:
        return json.dumps(_storable(value), allow_nan=False, default=_default)
    if "\\u0000" in text_ or "\\ud" in text_:
        return json.dumps(_storable(value), allow_nan=False, default=_default)
    return text_


def _default(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return _storable(value.tolist())
    from bson import json_util

    return json_util.default(value, json_options=json_util.RELAXED_JSON_OPTIONS)


_ENCODER = json.JSONEncoder(allow_nan=False, default=_default)


def _storable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {plain_text(str(k)): _storable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(v) for v in value]
    return value


def plain_text(value: str) -> str:
    """Return the text with what a database cannot store (NUL, lone surrogates) as U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def describe(url: URL) -> str:
    """Return the address for a message, without its password."""
    return url.database or "" if url.drivername == "sqlite" else url.render_as_string()


def parse_address(address: str | os.PathLike[str]) -> URL:
    """Read a path of a SQLite file or a database URL.

    Raises
    ------
    InputError
        If it is neither, or names a database that is not supported.
    """
    given = os.fspath(address)
    if "://" not in given:
        path = Path(given).expanduser()
        return URL.create("sqlite", database=str(path.absolute()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise InputError(
            "the database URL cannot be read: expected a path of a SQLite file or "
            "postgresql://user@host/name"
        ) from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        if not url.database or url.database == ":memory:" or url.query:
            raise InputError(f"'{given}': expected sqlite:///PATH, a file")
        return URL.create("sqlite", database=str(Path(url.database).absolute()))
    if kind in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    raise InputError(
        f"there is no support for '{kind}' databases: give a path of a SQLite file or "
        "postgresql://user@host/name"
    )


def open_engine(url: URL, *, read_only: bool = False, upgrading: bool = False) -> Engine:
    """Return an engine for an address of ``parse_address``, its schema created and checked.

    A database of an older schema can be read as it is. Opened for writing, a SQLite file is
    brought up to date; a shared PostgreSQL database is not changed behind its users' backs, and
    whoever opens it is told the command. ``upgrading`` leaves both as they are.

    Writing connections of SQLite use the write-ahead log, ``synchronous=NORMAL`` and wait up to
    30 s for another writer; every write transaction takes its lock at its start (``BEGIN
    IMMEDIATE``), since a lock that is upgraded half-way cannot wait. Reading-only ones are
    refused every write by the database itself.

    Raises
    ------
    InputError
        If there is no database, if it is something else, or if a newer mgscreen wrote it.
    MissingEngineError
        If the driver of PostgreSQL is not installed.
    """
    try:
        engine = (
            _sqlite(url, read_only) if url.drivername == "sqlite" else _postgres(url, read_only)
        )
        _check(engine, url, create=not read_only, upgrading=upgrading)
        if url.drivername == "sqlite" and not read_only:
            _use_log(engine)
    except DBAPIError as error:
        raise _explain(error, url) from error
    return engine


def _explain(error: SQLAlchemyError, url: URL) -> MgscreenError:
    reason = str(getattr(error, "orig", error) or error).strip().splitlines()[0]
    if "not a database" in reason:
        return InputError(f"'{describe(url)}' is no database of mgscreen")
    return InputError(f"cannot open the database '{describe(url)}': {reason}")


def _sqlite(url: URL, read_only: bool) -> Engine:
    path = Path(url.database or "")
    if path.is_dir():
        raise InputError(f"'{path}' is a folder: expected a database file")
    if not path.exists():
        if read_only:
            raise InputError(f"there is no database '{path}'")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot create the folder of '{path}': {error.strerror}") from error
    else:
        _check_header(path, read_only)
    target = url
    if read_only:
        target = URL.create(
            "sqlite",
            database=f"file:{quote(str(path))}",
            query={"mode": "ro", "uri": "true", **_immutable(path)},
        )
    engine = create_engine(
        target,
        json_serializer=to_json,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # BEGIN is sent below, not by the driver
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("mgscreen_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _use_log(engine: Engine) -> None:
    """Switch to the write-ahead log, which the file remembers; only once it is known as ours."""
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            raw.execute("PRAGMA journal_mode=WAL")


def _check_header(path: Path, read_only: bool) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror}") from error
    if (start or read_only) and start != SQLITE_HEADER:
        raise InputError(f"'{path}' is no database of mgscreen")


def _immutable(path: Path) -> dict[str, str]:
    """Tell SQLite that a file cannot change, where it could not make the log's index beside it.

    A database in write-ahead mode needs a shared-memory file even to be read. In a folder that
    cannot be written (a read-only medium) that fails, unless the file is declared immutable;
    right only as long as no log waits beside it.
    """
    log = path.with_name(path.name + "-wal")
    waiting = log.exists() and log.stat().st_size > 0
    writable = os.access(path.parent, os.W_OK) and not _read_only_mount(path.parent)
    return {} if waiting or writable else {"immutable": "1"}


def _read_only_mount(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _postgres(url: URL, read_only: bool) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingEngineError("psycopg", "postgres") from error
    arguments: dict[str, Any] = {"connect_timeout": BUSY_TIMEOUT_S}
    if read_only:
        arguments["options"] = "-c default_transaction_read_only=on"
    return create_engine(
        url,
        json_serializer=to_json,
        connect_args=arguments,
        poolclass=NullPool if read_only else None,
        pool_pre_ping=not read_only,
    )


def _check(engine: Engine, url: URL, *, create: bool, upgrading: bool = False) -> None:
    """Create the tables in an empty database and compare the version of the schema."""
    with engine.execution_options(mgscreen_write=create).begin() as connection:
        if create and connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        tables = set(inspect(connection).get_table_names())
        ours = MetaRow.__tablename__ in tables
        version = schema_version(connection) if ours else None
        if version is None:
            foreign = tables if engine.dialect.name == "sqlite" else ours
            if foreign or not create:
                raise InputError(f"'{describe(url)}' is no database of mgscreen")
            Base.metadata.create_all(connection)
            connection.execute(
                MetaRow.__table__.insert(),  # type: ignore[attr-defined]
                {"key": "schema_version", "value": str(SCHEMA_VERSION)},
            )
            return
        if create and not upgrading and version < SCHEMA_VERSION:
            _bring_up(connection, url, version)
    if version > SCHEMA_VERSION:
        raise InputError(
            f"'{describe(url)}' has schema version {version} and this mgscreen knows up to "
            f"{SCHEMA_VERSION}: install a newer mgscreen"
        )


def _bring_up(connection: Connection, url: URL, version: int) -> None:
    if connection.dialect.name == "sqlite":
        from mgscreen.database.upgrade import upgrade_connection

        upgrade_connection(connection)
        return
    raise InputError(
        f"'{describe(url)}' has schema version {version} and this mgscreen writes "
        f"{SCHEMA_VERSION}: run `mgscreen db upgrade --db {describe(url)}` once (back it up before)"
    )


def schema_version(connection: Connection) -> int | None:
    """Return the version that a database says it has; None if it is none of mgscreen."""
    columns = {c["name"] for c in inspect(connection).get_columns(MetaRow.__tablename__)}
    if not {"key", "value"} <= columns:
        return None
    found = connection.execute(
        text("SELECT value FROM meta WHERE key = 'schema_version'")
    ).scalar_one_or_none()
    return int(found) if found is not None and str(found).isdigit() else None
