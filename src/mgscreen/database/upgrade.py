"""Bring a database to the newest schema, copy it, back it up."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, inspect, select, text, update

from mgscreen.core.errors import InputError, MgscreenError
from mgscreen.database.engine import LOCK_KEY, describe, open_engine, parse_address, schema_version
from mgscreen.database.schema import SCHEMA_VERSION, Base
from mgscreen.database.tables import META

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

_BATCH = 500
_VERSIONS = "alembic_version"


def revision_of(version: int) -> str:
    """Return Alembic's name of a schema version."""
    return f"v{version:04d}"


def upgrade(address: str | os.PathLike[str]) -> tuple[int, int]:
    """Bring a database to the newest schema; return the version before and after.

    One transaction: all steps, or none. Two that try at once wait for each other.

    Raises
    ------
    InputError
        If it is no database of mgscreen, or one of a newer mgscreen.
    """
    url = parse_address(address)
    if url.drivername == "sqlite" and not Path(url.database or "").exists():
        raise InputError(f"there is no database '{describe(url)}'")
    engine = open_engine(url, upgrading=True)
    try:
        with engine.execution_options(mgscreen_write=True).begin() as connection:
            return upgrade_connection(connection)
    finally:
        engine.dispose()


def upgrade_connection(connection: Connection) -> tuple[int, int]:
    """Run the missing steps inside a transaction; see ``upgrade``."""
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    before = schema_version(connection)
    if before is None:
        raise InputError("this is no database of mgscreen")
    if before >= SCHEMA_VERSION:
        return before, before
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not inspect(connection).has_table(_VERSIONS):
        # a database says its own version; Alembic's mark follows it
        command.stamp(config, revision_of(before))
    command.upgrade(config, revision_of(SCHEMA_VERSION))
    connection.execute(
        update(META).where(META.c.key == "schema_version").values(value=str(SCHEMA_VERSION))
    )
    return before, SCHEMA_VERSION


def copy(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    tell: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Copy everything into an empty database of either kind; return the rows of each table.

    The source is read in one transaction and the target written in one: a copy is a state that
    the source had, whole or not at all.

    Parameters
    ----------
    source
        Path or URL; it is upgraded by the copy, not in place.
    target
        Path or URL of a database that does not exist or holds nothing.
    tell
        Called with each table and its rows.

    Raises
    ------
    InputError
        If there is no source, or the target holds something.
    """
    _refuse_file(target)
    reader = open_engine(parse_address(source), read_only=True)
    writer = open_engine(parse_address(target))
    counts: dict[str, int] = {}
    # SQLite reads one state anyway
    options = {} if reader.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    try:
        with (
            reader.connect().execution_options(**options) as old,
            writer.execution_options(mgscreen_write=True).begin() as new,
        ):
            _refuse_full(new, describe(parse_address(target)))
            there = set(inspect(old).get_table_names())
            for table in Base.metadata.sorted_tables:
                if table.name in there:
                    counts[table.name] = _copy_table(old, new, table)
                    if tell is not None:
                        tell(table.name, counts[table.name])
            new.execute(
                update(META).where(META.c.key == "schema_version").values(value=str(SCHEMA_VERSION))
            )
    finally:
        reader.dispose()
        writer.dispose()
    return counts


def _refuse_file(target: str | os.PathLike[str]) -> None:
    url = parse_address(target)
    if url.drivername == "sqlite":
        path = Path(url.database or "")
        if path.exists() and path.stat().st_size > 0:
            raise InputError(f"'{path}' exists: name a file that does not")


def _refuse_full(connection: Connection, name: str) -> None:
    for table in Base.metadata.sorted_tables:
        if table.name == "meta":
            continue
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise InputError(f"'{name}' holds data already ({table.name}): name an empty database")


def _copy_table(old: Connection, new: Connection, table: Table) -> int:
    there = {c["name"] for c in inspect(old).get_columns(table.name)}
    columns = [c for c in table.columns if c.name in there]
    if table.name == "meta":
        new.execute(table.delete())
    rows: list[dict[str, Any]] = []
    n = 0
    result = old.execution_options(yield_per=_BATCH).execute(select(*columns))
    for row in result.mappings():
        rows.append(dict(row))
        if len(rows) == _BATCH:
            n += _flush(new, table, rows)
    n += _flush(new, table, rows)
    _advance(new, table)
    return n


def _flush(new: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    new.execute(insert(table), rows)
    n = len(rows)
    rows.clear()
    return n


def _advance(new: Connection, table: Table) -> None:
    """Let PostgreSQL count its ids on from the copied ones."""
    if new.dialect.name == "postgresql" and "id" in table.columns:
        new.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "  # noqa: S608 - our own table
                f"COALESCE((SELECT MAX(id) FROM {table.name}), 0) + 1, false)"
            )
        )


def backup(address: str | os.PathLike[str], target: Path) -> Path:
    """Write a consistent copy of a database to a file, while others may write to it.

    SQLite: its own online backup. PostgreSQL: ``pg_dump`` in its custom format, to be read back by
    ``pg_restore``.

    Raises
    ------
    InputError
        If there is no such database, or the file exists.
    MgscreenError
        If ``pg_dump`` is missing or fails.
    """
    url = parse_address(address)
    if target.exists():
        raise InputError(f"'{target}' exists: name a file that does not")
    # says what is wrong with the address
    open_engine(url, read_only=True).dispose()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    if url.drivername == "sqlite":
        source = sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)
        try:
            found = sqlite3.connect(part)
            with found:
                source.backup(found)
            found.close()
        finally:
            source.close()
    else:
        _dump(url.set(drivername="postgresql").render_as_string(hide_password=False), part)
    part.replace(target)
    return target


def _dump(address: str, target: Path) -> None:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    program = shutil.which("pg_dump") or (str(programs[-1]) if programs else None)
    if program is None:
        raise MgscreenError("pg_dump is not installed (Debian: apt-get install postgresql-client)")
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [program, "--format=custom", "--no-owner", f"--file={target}", f"--dbname={address}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        target.unlink(missing_ok=True)
        words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MgscreenError(f"pg_dump failed: {words}")
