"""One open database: its address, and transactions on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError

from mgscreen.core.errors import InputError, MgscreenError
from mgscreen.database.engine import describe, open_engine, parse_address

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from sqlalchemy import Connection


class Connected:
    """An engine of SQLAlchemy for a path or URL; see ``mgscreen.database.database.Database``."""

    def __init__(self, address: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self._url = parse_address(address)
        self.read_only = read_only
        self.engine = open_engine(self._url, read_only=read_only)

    def __repr__(self) -> str:
        return f"Database('{describe(self._url)}', read_only={self.read_only})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Path or URL (with the password, for another process of the same user)."""
        if self._url.drivername == "sqlite":
            return str(self._url.database)
        return self._url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close all connections; the last one of SQLite folds the log into the file."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a block as one write transaction: all of it, or nothing."""
        if self.read_only:
            raise InputError(f"the database '{describe(self._url)}' is open for reading only")
        with self._explained(), self.engine.execution_options(mgscreen_write=True).begin() as c:
            yield c

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a block on one consistent state of the database."""
        with self._explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise MgscreenError(f"the database '{describe(self._url)}' failed: {reason}") from error
