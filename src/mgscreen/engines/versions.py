"""Version of the program behind each engine, without importing it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = {"xtb": "tblite", "pyscf": "pyscf", "gpaw": "gpaw"}


@cache
def engine_version(engine: str) -> str:
    """Return the installed version of the package behind an engine, or ``missing``."""
    try:
        return version(PACKAGES.get(engine, engine))
    except PackageNotFoundError:
        return "missing"
