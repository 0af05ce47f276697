"""Schema steps, copies and backups, on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from mgscreen.core.errors import InputError
from mgscreen.database.database import Database
from mgscreen.database.engine import open_engine, parse_address
from mgscreen.database.jobs import JobRef
from mgscreen.database.schema import SCHEMA_VERSION, Base
from mgscreen.database.tables import META
from mgscreen.database.upgrade import backup, copy, revision_of, upgrade, upgrade_connection


def versions_of(address):
    engine = open_engine(parse_address(address), read_only=True)
    with engine.connect() as c:
        ours = c.execute(text("SELECT value FROM meta WHERE key='schema_version'")).scalar_one()
        theirs = (
            c.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            if inspect(c).has_table("alembic_version")
            else None
        )
    engine.dispose()
    return int(ours), theirs


def make_old(address):
    """Make a database as the first release did, with a result in it."""
    from alembic import command
    from alembic.config import Config

    import mgscreen.database

    engine = open_engine(parse_address(address))
    with engine.execution_options(mgscreen_write=True).begin() as connection:
        Base.metadata.drop_all(connection)
        config = Config()
        folder = Path(mgscreen.database.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision_of(1))
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(META.insert(), {"key": "schema_version", "value": "1"})
        connection.execute(
            text("INSERT INTO structures VALUES ('s1', 'water', 'H2O', 0, 1, 3, '{}')")
        )
    engine.dispose()


def shape(connection):
    """Return everything that a schema is made of, as the database itself says it."""
    found = {}
    about = inspect(connection)
    for table in sorted(Base.metadata.tables):
        found[table] = {
            "columns": sorted(
                (c["name"], str(c["type"]).replace("DOUBLE", "FLOAT"), c["nullable"])
                for c in about.get_columns(table)
            ),
            "key": about.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (f["constrained_columns"], f["referred_table"], f["options"].get("ondelete"))
                for f in about.get_foreign_keys(table)
            ),
            "unique": sorted(u["column_names"] for u in about.get_unique_constraints(table)),
            "indexes": sorted(
                (i["name"], i["column_names"], bool(i["unique"])) for i in about.get_indexes(table)
            ),
        }
    return found


def test_the_steps_lead_to_the_schema_of_the_code(database_address):
    """Made by the steps or at once: the same tables, columns, keys and indexes."""
    make_old(database_address)
    assert upgrade(database_address) == (1, SCHEMA_VERSION)
    assert versions_of(database_address) == (SCHEMA_VERSION, revision_of(SCHEMA_VERSION))
    with Database(database_address, read_only=True) as db:
        assert db.count("structures") == 1
    assert upgrade(database_address) == (SCHEMA_VERSION, SCHEMA_VERSION)
    engine = open_engine(parse_address(database_address))
    with engine.execution_options(mgscreen_write=True).begin() as connection:
        by_steps = shape(connection)
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
        assert by_steps == shape(connection)
    engine.dispose()


def test_an_old_file_is_read_as_it_is_and_upgraded_when_written(tmp_path):
    path = tmp_path / "old.db"
    make_old(path)
    with Database(path, read_only=True) as db:
        assert db.count("structures") == 1
    assert versions_of(path) == (1, None)
    with Database(path) as db:
        assert db.count("structures") == 1
    assert versions_of(path)[0] == SCHEMA_VERSION


def test_a_shared_database_waits_for_the_command(postgres_address):
    make_old(postgres_address)
    with Database(postgres_address, read_only=True) as db:
        assert db.count("structures") == 1
    with pytest.raises(InputError, match="mgscreen db upgrade"):
        Database(postgres_address)
    done = subprocess.run(
        [sys.executable, "-m", "mgscreen.cli.main", "db", "upgrade", "--db", postgres_address],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"schema 1 -> {SCHEMA_VERSION}\n"
    with Database(postgres_address) as db:
        assert db.count("structures") == 1


def test_a_failed_step_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "old.db"
    make_old(path)
    with sqlite3.connect(path) as connection:
        # the index that the step makes is there already
        connection.execute("CREATE INDEX ix_jobs_campaign_id_position ON jobs (position)")
    with pytest.raises(Exception, match="already exists"):
        upgrade(path)
    assert versions_of(path) == (1, None)


def test_upgrade_refuses_what_is_none(tmp_path):
    with pytest.raises(InputError, match="there is no database"):
        upgrade(tmp_path / "none.db")
    engine = open_engine(parse_address(tmp_path / "new.db"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM meta"))
        with pytest.raises(InputError, match="no database of mgscreen"):
            upgrade_connection(connection)
    engine.dispose()


@pytest.fixture
def filled(tmp_path, levels):
    """A SQLite database with a campaign, a job, a calculation, values and an output."""
    from mgscreen.campaign.models import Campaign

    path = tmp_path / "filled.db"
    campaign = Campaign.model_validate({"name": "one", "candidates": {"library": ["TFSI"]}})
    with Database(path) as db:
        campaign_id = db.register_campaign(campaign, "text", "one.toml", [])
        db.add_jobs(campaign_id, [{"uuid": "u1", "name": "orbitals", "kind": "orbitals"}])
        job = JobRef("u1", name="orbitals", kind="orbitals", candidate="TFSI", form="ion")
        db.record(job, levels("h1"), {"output": {"x": 1.5, "t": "é\ufffd"}}, "COMPLETED")
    return path


def everything(address):
    with Database(address, read_only=True) as db:
        return {
            "jobs": db.frame_jobs()
            .drop(columns=["finished_at"], errors="ignore")
            .to_json(date_format="iso"),
            "values": db.frame_properties()
            .drop(columns=["id"], errors="ignore")
            .to_json(date_format="iso"),
            "outputs": db.outputs_of(["u1"]),
            "document": db.find_calculation("h1")["document"],
            "campaigns": [(c["name"], c["created_at"]) for c in db.campaigns()],
        }


def test_copy_to_postgresql_and_back_changes_nothing(filled, postgres_address, tmp_path, levels):
    counts = copy(filled, postgres_address)
    assert (counts["calculations"], counts["properties"], counts["jobs"]) == (1, 2, 1)
    assert everything(postgres_address) == everything(filled)
    back = tmp_path / "back.db"
    copy(postgres_address, back)
    assert everything(back) == everything(filled)
    # the ids count on: another campaign and its values find room
    from mgscreen.campaign.models import Campaign

    other = Campaign.model_validate({"name": "two", "candidates": {"library": ["TFSI"]}})
    with Database(postgres_address) as db:
        campaign_id = db.register_campaign(other, "", "", [])
        db.add_jobs(campaign_id, [{"uuid": "u2", "name": "orbitals", "kind": "orbitals"}])
        job = JobRef("u2", name="orbitals", kind="orbitals", candidate="DME", form="molecule")
        db.record(job, levels("h2"), None, "COMPLETED")
        assert db.count("properties") == 4


def test_copy_of_an_old_database_is_a_new_one(tmp_path):
    make_old(tmp_path / "old.db")
    copy(tmp_path / "old.db", tmp_path / "new.db")
    assert versions_of(tmp_path / "new.db")[0] == SCHEMA_VERSION
    with Database(tmp_path / "new.db", read_only=True) as db:
        assert db.count("structures") == 1


def test_copy_never_overwrites(filled, postgres_address, tmp_path):
    copy(filled, postgres_address)
    with pytest.raises(InputError, match="holds data already"):
        copy(filled, postgres_address)
    with pytest.raises(InputError, match="exists"):
        copy(filled, filled)
    with pytest.raises(InputError, match="there is no database"):
        copy(tmp_path / "none.db", tmp_path / "target.db")


def test_backup_of_sqlite_while_it_is_written(filled, tmp_path, levels):
    with Database(filled) as db:
        # what is not yet folded into the file is in the backup too
        db.record(JobRef("u1", candidate="x", form="ion"), levels("h9"), None, "COMPLETED")
        backup(filled, tmp_path / "copy.db")
    with Database(tmp_path / "copy.db", read_only=True) as db:
        assert db.find_calculation("h9") is not None
    with pytest.raises(InputError, match="exists"):
        backup(filled, tmp_path / "copy.db")


def test_backup_of_postgresql_is_read_back(filled, postgres_address, postgres_server, tmp_path):
    import psycopg

    copy(filled, postgres_address)
    path = backup(postgres_address, tmp_path / "copy.dump")
    with psycopg.connect(f"postgresql:///postgres{postgres_server}", autocommit=True) as c:
        c.execute("CREATE DATABASE restored")
    program = max(Path("/usr/lib/postgresql").glob("*/bin/pg_restore"))
    target = f"postgresql:///restored{postgres_server}"
    subprocess.run(
        [str(program), "--no-owner", f"--dbname={target}", str(path)],
        check=True,
        capture_output=True,
    )
    assert everything(target) == everything(filled)
