"""Read-only SQL: reads work, everything else is refused and changes nothing."""

import sqlite3
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgscreen.core.errors import InputError
from mgscreen.database.database import Database
from mgscreen.database.query import run_sql


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("query") / "a.db"
    with Database(path) as database, database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('k', 'v')")
    return str(path)


@pytest.fixture
def any_filled(database_address):
    with Database(database_address) as database, database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('k', 'v')")
    return database_address


READS = [
    "SELECT key, value FROM meta ORDER BY key",
    "select * from meta order by key;",
    "-- a comment\nSELECT key, value FROM meta /* another */ ORDER BY 1",
    "WITH m AS (SELECT * FROM meta) SELECT * FROM m ORDER BY 1",
]


@pytest.mark.parametrize("sql", READS)
def test_reads(any_filled, sql):
    frame = run_sql(any_filled, sql)
    assert frame.columns.tolist() == ["key", "value"]
    assert frame["key"].tolist() == ["k", "schema_version"]


def test_what_the_statement_may_contain(filled):
    assert run_sql(filled, "SELECT ';' AS a, 'DELETE' AS b").iloc[0].tolist() == [";", "DELETE"]
    assert run_sql(filled, "PRAGMA table_info(meta)")["name"].tolist() == ["key", "value"]
    assert run_sql(filled, "SELECT '100%' AS p WHERE '%s' LIKE '%'")["p"].tolist() == ["100%"]
    empty = run_sql(filled, "SELECT key FROM meta WHERE 1 = 0")
    assert (empty.columns.tolist(), len(empty)) == (["key"], 0)


BOTH = [
    "INSERT INTO meta VALUES ('x', 'y')",
    "UPDATE meta SET value = 'x'",
    "DELETE FROM meta",
    "DELETE FROM meta RETURNING *",
    "DROP TABLE jobs",
    "CREATE TABLE t (a INTEGER)",
    "CREATE TEMP TABLE t (a INTEGER)",
    "ALTER TABLE meta ADD COLUMN a INTEGER",
    "SELECT 1; DELETE FROM meta",
    "SELECT 1; SELECT 2",
    "DELETE FROM meta; SELECT 1",
    "/* SELECT */ DELETE FROM meta",
    "-- SELECT\nDELETE FROM meta",
    "WITH d AS (SELECT key FROM meta) DELETE FROM meta WHERE key IN (SELECT key FROM d)",
    "BEGIN",
    "COMMIT",
    "SELECT nonsense FROM nowhere",
    "",
    "  \n",
    ";",
    "-- nothing",
]
SQLITE = [
    "ATTACH DATABASE '{other}' AS o",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO '{other}'",
    "PRAGMA query_only=OFF",
    "PRAGMA writable_schema=ON",
    "PRAGMA user_version=7",
    "PRAGMA journal_mode=DELETE",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA database_list",
    "REINDEX",
    "ANALYZE",
    "SAVEPOINT a",
    "SELECT load_extension('{other}')",
    "REPLACE INTO meta VALUES ('k', 'x')",
    "CREATE VIRTUAL TABLE v USING fts5(a)",
    "EXPLAIN DELETE FROM meta",
]
POSTGRES = [
    "WITH d AS (DELETE FROM meta RETURNING *) SELECT * FROM d",
    "COMMIT; DELETE FROM meta",
    "ROLLBACK; BEGIN READ WRITE; DELETE FROM meta; COMMIT",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "COPY meta TO '{other}'",
    "COPY meta TO PROGRAM 'cat > {other}'",
    "COPY meta TO STDOUT",
    "COPY meta FROM STDIN",
    "TRUNCATE meta",
    "SELECT nextval('campaigns_id_seq')",
    "DO $$ BEGIN DELETE FROM meta; END $$",
    "EXPLAIN ANALYZE DELETE FROM meta",
    "SELECT * FROM meta FOR UPDATE",
]


def contents(address):
    with Database(address) as database, database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT key, value FROM meta ORDER BY key").all()
    return [tuple(row) for row in rows], database.count("jobs")


def attempt(address, sql):
    try:
        return run_sql(address, sql)
    except InputError as error:
        return error


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_everything_else_is_refused_and_changes_nothing(kind, tmp_path, request):
    address = str(tmp_path / "a.db")
    if kind == "postgresql":
        address = request.getfixturevalue("postgres_address")
    with Database(address) as database, database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('k', 'v')")
    before = contents(address)
    other = tmp_path / "other"
    for sql in [*BOTH, *(SQLITE if kind == "sqlite" else POSTGRES)]:
        outcome = attempt(address, sql.format(other=other))
        assert isinstance(outcome, InputError), sql
        assert "\n" not in str(outcome), sql
        assert contents(address) == before, sql
    assert not other.exists()


def test_a_setting_of_one_statement_does_not_reach_the_next(postgres_address):
    Database(postgres_address).close()
    run_sql(postgres_address, "SELECT set_config('default_transaction_read_only', 'off', false)")
    with pytest.raises(InputError):
        run_sql(postgres_address, "DELETE FROM meta")


def test_what_a_function_did_is_rolled_back(postgres_address):
    Database(postgres_address).close()
    # PostgreSQL 15 lets this one through its read-only transactions
    attempt(postgres_address, "SELECT lo_create(0)")
    count = "SELECT count(*) AS n FROM pg_largeobject_metadata"
    assert run_sql(postgres_address, count)["n"].tolist() == [0]


def test_an_endless_statement_ends(any_filled):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    start = time.monotonic()
    with pytest.raises(InputError, match=r"longer than 0\.3 s|timeout"):
        run_sql(any_filled, endless, timeout_s=0.3)
    assert time.monotonic() - start < 20


def test_too_many_rows_are_refused(any_filled):
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000001) "
        "SELECT i FROM n"
    )
    with pytest.raises(InputError, match="LIMIT"):
        run_sql(any_filled, rows)


WORDS = [
    *("SELECT", "DELETE", "FROM", "meta", "key", "*", ";", "--", "/*", "*/", "'", '"', "(", ")"),
    *("WITH", "AS", "UPDATE", "SET", "=", "1", "VALUES", "INSERT", "INTO", "PRAGMA", "ATTACH"),
    *("DROP", "TABLE", "RETURNING", "WHERE", "REPLACE", ",", "\n", "\x00", "ä", "\udc80"),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_no_text_changes_the_database(filled, sql):
    try:
        run_sql(filled, sql)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    with sqlite3.connect(filled) as connection:
        assert connection.execute("SELECT count(*), max(value) FROM meta").fetchone() == (2, "v")
    connection.close()
