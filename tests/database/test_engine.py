"""Opening: what is a database, what is none, and what a reader may do."""

import os
import shutil
import sqlite3
import subprocess

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mgscreen.core.errors import InputError
from mgscreen.database import open_database
from mgscreen.database.database import Database
from mgscreen.database.engine import parse_address, plain_text, to_json
from mgscreen.database.schema import SCHEMA_VERSION


def test_a_new_database_has_the_tables_and_opens_again(database_address):
    with Database(database_address) as first:
        assert first.count("jobs") == 0
    with Database(database_address) as again, open_database(database_address) as reader:
        assert again.count("meta") == reader.count("meta") == 1


def test_a_newer_schema_is_refused_in_one_sentence(database_address):
    with Database(database_address) as database, database.writing() as connection:
        newer = str(SCHEMA_VERSION + 1)
        connection.execute(text("UPDATE meta SET value = :newer"), {"newer": newer})
    for read_only in (True, False):
        with pytest.raises(InputError, match="install a newer mgscreen"):
            Database(database_address, read_only=read_only)


def test_sqlite_settings(tmp_path):
    with Database(tmp_path / "a.db") as database, database.reading() as connection:

        def pragma(name):
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 1
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 30_000


def test_what_is_no_database(tmp_path):
    notes = tmp_path / "notes.db"
    notes.write_text("these are notes, no database at all, and long enough to have a header")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("CREATE TABLE meta (a)")
    before = other.read_bytes(), notes.read_bytes()
    empty = tmp_path / "empty.db"
    empty.touch()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    for path in (notes, other, broken, tmp_path):
        for read_only in (True, False):
            with pytest.raises(InputError) as caught:
                Database(path, read_only=read_only)
            assert "\n" not in str(caught.value)
    assert (other.read_bytes(), notes.read_bytes()) == before
    for path in (empty, tmp_path / "missing.db"):
        with pytest.raises(InputError, match="no database"):
            open_database(path)
    assert not (tmp_path / "missing.db").exists()
    with Database(empty) as made:
        assert made.count("meta") == 1


@pytest.mark.parametrize(
    "address",
    [
        "mysql://user:secret@host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+nothing://",
        "postgresql://user:secret@127.0.0.1:1/name",
        "postgresql://user:secret@host:port/name",
        "http://x",
        "/dev/null/x/y.db",
        "/proc/nope/y.db",
    ],
)
def test_bad_addresses_say_so_without_a_password(address):
    with pytest.raises(InputError) as caught:
        Database(address)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_with_odd_characters_opens_for_reading(tmp_path):
    path = tmp_path / "what? #1 100% [Mg] ä.db"
    Database(path).close()
    assert open_database(path).count("meta") == 1
    assert open_database(f"sqlite:///{tmp_path}/plain.db", read_only=False).count("meta") == 1
    assert (tmp_path / "plain.db").exists()


def test_a_reader_is_refused_every_write(database_address):
    Database(database_address).close()
    reader = open_database(database_address)
    with pytest.raises(InputError, match="reading only"), reader.writing():
        pass
    with reader.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql("DELETE FROM meta")
    assert reader.count("meta") == 1


@pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare to make a read-only medium")
def test_a_database_on_a_read_only_medium_can_be_read(tmp_path):
    folder = tmp_path / "medium"
    Database(folder / "a.db").close()
    code = (
        f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && "
        f'exec "$0" -c "from mgscreen.database import open_database as o; '
        f"print(o('{folder}/a.db').count('meta'))\""
    )
    import sys

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", code, sys.executable],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if "not permitted" in done.stderr and "mount" in done.stderr + "unshare":
        pytest.skip("this user may not mount")
    assert done.stdout == "1\n", done.stderr


def test_a_reader_sees_one_state_and_never_waits_for_a_writer(database_address):
    with Database(database_address) as writer, open_database(database_address) as reader:
        with writer.writing() as connection:
            connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('a', 'b')")
            # the write is still open
            assert reader.count("meta") == 1
        with reader.reading() as before:
            query = "SELECT count(*) FROM meta"
            assert before.exec_driver_sql(query).scalar() == 2
            # an open read does not block the writer
            with writer.writing() as connection:
                connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('c', 'd')")
        assert reader.count("meta") == 3


def test_json_and_text_that_databases_lack():
    assert to_json({"a": float("inf"), "b": [float("nan"), 1.5]}) == '{"a": null, "b": [null, 1.5]}'
    assert plain_text("a\x00b\udce9ä😀") == "a\ufffdb\ufffdä😀"
    assert parse_address("~/x.db").database == os.path.expanduser("~/x.db")  # noqa: PTH111
