"""Real databases: SQLite files, and a private PostgreSQL cluster where its programs exist."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from mgscreen.core.documents import Document, PropertyValue
from mgscreen.core.structure import AtomicStructure


def _programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb") or (str(found[-1]) if found else None)
    return Path(path).parent if path else None


@pytest.fixture(scope="session")
def postgres_server():
    """URL prefix of a private PostgreSQL server on a socket in a folder of its own."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    prefix = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL cannot run as root and there is no user 'postgres'")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def call(program, *arguments):
        done = subprocess.run(
            [*prefix, str(programs / program), "-D", str(data), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
    call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"?host={folder}&user=postgres"
    call("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_address(postgres_server):
    """URL of a new, empty PostgreSQL database."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql:///postgres{postgres_server}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql:///{name}{postgres_server}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request, tmp_path):
    """Path or URL of a new, empty database of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "results" / "mgscreen.db")
    return request.getfixturevalue("postgres_address")


class Levels(Document):
    """A small document of a real kind."""

    kind: str = "orbitals"
    homo_ev: float = -3.56
    lumo_ev: float = 4.84
    only: tuple[str, ...] = ()
    rows: tuple[PropertyValue, ...] = ()

    def properties(self):
        if self.rows:
            return list(self.rows)
        return [
            PropertyValue(property="homo", value=self.homo_ev, unit="eV"),
            PropertyValue(property="lumo", value=self.lumo_ev, unit="eV", text="unbound"),
        ]


@pytest.fixture
def water():
    return AtomicStructure(
        symbols=("O", "H", "H"),
        positions=((0.0, 0.0, 0.0), (0.0, 0.0, 0.96), (0.0, 0.93, -0.24)),
        label="water",
    )


@pytest.fixture
def levels(water):
    """Build a document with an identity of its own."""

    def build(identity="h1", **values):
        return Levels(
            input_hash=identity,
            level="pyscf:b3lyp/6-31g(d)",
            code="PySCF",
            code_version="2.14.0",
            structure=water,
            wall_s=1.0,
            **values,
        )

    return build
