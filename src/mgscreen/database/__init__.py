"""Schema, the jobflow store on SQL, queries, export, reference values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from mgscreen.database.database import Database


def open_database(address: str | os.PathLike[str], *, read_only: bool = True) -> Database:
    """Open a results database, for reading unless told otherwise.

    Parameters
    ----------
    address
        Path of a SQLite file, or a URL ``postgresql://user@host/name``.
    read_only
        Whether the database itself refuses every write.

    Examples
    --------
    >>> from mgscreen.database import open_database
    >>> db = open_database("results/laptop/mgscreen.db")  # doctest: +SKIP
    >>> db.frame_properties(property="homo")  # doctest: +SKIP
    """
    from mgscreen.database.database import Database

    return Database(address, read_only=read_only)
