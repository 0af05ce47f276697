"""Read-only SQL: what a user types can read everything and change nothing."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from mgscreen.core.errors import InputError
from mgscreen.database.engine import open_engine, parse_address

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import URL

MAX_ROWS = 1_000_000
"""More rows than this are refused rather than taken into memory."""
MAX_VALUE_BYTES = 200_000_000
_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_ALLOWED_PRAGMAS = {
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "foreign_key_list",
}
_CHECK_EVERY = 20_000  # instructions of SQLite's virtual machine


def run_sql(address: str, sql: str, *, timeout_s: float = 60.0) -> pd.DataFrame:
    """Run one SQL statement that reads, and return its rows.

    Three walls stand one behind the other. The database is opened read-only; on SQLite every
    action of the statement is asked for and refused unless it is a read (no ATTACH, no PRAGMA
    but those that describe tables), on PostgreSQL it has to be the query of a cursor, in a
    prepared statement, of which there can be only one, in a read-only transaction that is rolled
    back; and it ends after ``timeout_s``.

    Parameters
    ----------
    address
        Path of a SQLite file, or a URL of PostgreSQL.
    sql
        One statement.
    timeout_s
        Seconds that it may take.

    Raises
    ------
    InputError
        If the statement is refused, wrong, too slow, or gives more than a million rows.
    """
    url = parse_address(address)
    if not sql.strip():
        raise InputError("the SQL statement is empty")
    # checks that it is a database of mgscreen
    engine = open_engine(url, read_only=True)
    try:
        if url.drivername == "sqlite":
            names, rows = _run_sqlite(engine, sql, timeout_s)
        else:
            names, rows = _run_postgres(url, sql, timeout_s)
    finally:
        engine.dispose()
    return _frame(names, rows)


def _frame(names: list[str], rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    if len(rows) > MAX_ROWS:
        raise InputError(f"the query gives more than {MAX_ROWS:,} rows: add a LIMIT")
    return pd.DataFrame.from_records(rows, columns=names)


def _authorise(action: int, first: str | None, _second: str | None, *_: object) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _ALLOWED_PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _run_sqlite(engine: Any, sql: str, timeout_s: float) -> tuple[list[str], list[Any]]:
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        end = time.monotonic() + timeout_s
        raw.set_progress_handler(lambda: time.monotonic() > end, _CHECK_EVERY)
        raw.set_authorizer(_authorise)
        cursor = raw.cursor()
        try:
            cursor.execute(sql)
            if cursor.description is None:
                raise _refused("there is no statement that reads", timeout_s)
            rows = cursor.fetchmany(MAX_ROWS + 1)
            names = [d[0] for d in cursor.description or ()]
        except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError, ValueError) as error:
            raise _refused(str(error), timeout_s) from error
        except MemoryError as error:
            raise InputError("the query needs more memory than there is") from error
        finally:
            cursor.close()
            raw.set_authorizer(None)
            raw.set_progress_handler(None, 0)
            connection.invalidate()
        return names, rows


def _refused(reason: str, timeout_s: float) -> InputError:
    reason = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
    if reason == "interrupted":
        reason = f"it took longer than {timeout_s:g} s"
    elif "not authorized" in reason or "prohibited" in reason:
        reason = f"only one statement that reads is allowed ({reason})"
    return InputError(f"the SQL statement was refused: {reason}")


def _run_postgres(url: URL, sql: str, timeout_s: float) -> tuple[list[str], list[Any]]:
    import psycopg

    target = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(target, autocommit=False)
    try:
        connection.read_only = True
        cursor = connection.cursor()
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)",
            (str(max(1, int(timeout_s * 1000))),),
        )
        # PostgreSQL's own grammar allows only a query here (no COPY TO PROGRAM, no DO, nothing
        # that modifies), and a prepared statement is one statement
        cursor.execute(b"DECLARE q NO SCROLL CURSOR FOR " + sql.encode(), prepare=True)
        cursor.execute(f"FETCH FORWARD {MAX_ROWS + 1} FROM q".encode())
        rows = cursor.fetchall()
        names = [d.name for d in cursor.description or ()]
    except (psycopg.Error, UnicodeEncodeError) as error:
        raise _refused(str(error), timeout_s) from error
    finally:
        # whatever the transaction did, the server rolls it back
        connection.close()
    return names, rows
