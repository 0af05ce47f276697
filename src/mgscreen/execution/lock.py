"""One driver per campaign: a lock that the operating system or the server drops with its holder."""

from __future__ import annotations

import fcntl
import os
import platform
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mgscreen.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mgscreen.database.database import Database

_KEY = 0x6D67_7363  # "mgsc"


@contextmanager
def campaign_lock(database: Database, campaign_id: int) -> Iterator[None]:
    """Hold the right to drive a campaign.

    SQLite: a lock on a file beside the database; PostgreSQL: an advisory lock of the session.
    Either ends with the process that holds it, however that ends.

    Raises
    ------
    InputError
        If another process drives this campaign.
    """
    if database.engine.dialect.name == "sqlite":
        with _file_lock(Path(database.address), campaign_id):
            yield
    else:
        with _server_lock(database, campaign_id):
            yield


@contextmanager
def _file_lock(address: Path, campaign_id: int) -> Iterator[None]:
    path = address.with_name(f".{address.name}.{campaign_id}.lock")
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            os.close(handle)
            raise InputError(
                f"this campaign is being run by {holder} on '{address}': wait for it or stop it"
            ) from None
        # the last holder may have removed the file between opening and locking it
        if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
            break
        os.close(handle)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {platform.node()}".encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def _server_lock(database: Database, campaign_id: int) -> Iterator[None]:
    from sqlalchemy import text

    keys = {"key": _KEY, "campaign": campaign_id}
    with database.engine.connect() as connection:
        # outside of a transaction: a session that idles in one would hold back the server
        held = connection.execution_options(isolation_level="AUTOCOMMIT")
        query = text("SELECT pg_try_advisory_lock(:key, :campaign)")
        if not held.execute(query, keys).scalar_one():
            raise InputError(
                "this campaign is being run by another process on this database: "
                "wait for it or stop it"
            )
        try:
            yield
        finally:
            held.execute(text("SELECT pg_advisory_unlock(:key, :campaign)"), keys)
